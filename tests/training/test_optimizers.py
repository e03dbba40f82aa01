"""Optimizers against the arithmetic of the original, written out in numpy, with a rate that changes by the step."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from google.protobuf import text_format
from hypothesis import given, settings
from hypothesis import strategies as st

from teachbox.config.protos import optimizer_pb2
from teachbox.errors import ConfigError
from teachbox.training.optimizers import MovingAverages, build_optimizer, slot_variables

pytestmark = pytest.mark.tf

RATE = "learning_rate { constant_learning_rate { learning_rate: 0.1 } }"
GRADIENTS = [
    np.array([1.0, -2.0, 0.0], np.float32),
    np.array([0.5, 0.5, 3.0], np.float32),
    np.array([0, 1, -1], np.float32),
]
RATES = [0.1, 0.02, 0.3]


def optimizer_for(text: str):
    return build_optimizer(text_format.Parse(text, optimizer_pb2.Optimizer()))


def run(text: str) -> np.ndarray:
    optimizer, _ = optimizer_for(text)
    variable = keras.Variable(np.array([1.0, 2.0, 3.0], np.float32))
    optimizer.build([variable])
    for rate, gradient in zip(RATES, GRADIENTS, strict=True):
        optimizer.learning_rate = rate
        optimizer.apply([keras.ops.convert_to_tensor(gradient)])
    return keras.ops.convert_to_numpy(variable.value)


def test_rms_prop_starts_its_mean_square_at_one_and_roots_epsilon_with_it() -> None:
    value, square, momentum = np.array([1.0, 2.0, 3.0]), np.ones(3), np.zeros(3)
    for rate, gradient in zip(RATES, GRADIENTS, strict=True):
        square = 0.8 * square + 0.2 * gradient**2
        momentum = 0.7 * momentum + rate * gradient / np.sqrt(square + 0.5)
        value = value - momentum
    found = run(f"rms_prop_optimizer {{ {RATE} momentum_optimizer_value: 0.7 decay: 0.8 epsilon: 0.5 }}")
    np.testing.assert_allclose(found, value, rtol=1e-5)


def test_momentum_multiplies_the_rate_in_last() -> None:
    value, momentum = np.array([1.0, 2.0, 3.0]), np.zeros(3)
    for rate, gradient in zip(RATES, GRADIENTS, strict=True):
        momentum = 0.6 * momentum + gradient
        value = value - rate * momentum
    np.testing.assert_allclose(run(f"momentum_optimizer {{ {RATE} momentum_optimizer_value: 0.6 }}"), value, rtol=1e-5)


def test_no_momentum_is_plain_descent() -> None:
    value = np.array([1.0, 2.0, 3.0]) - sum(rate * g for rate, g in zip(RATES, GRADIENTS, strict=True))
    np.testing.assert_allclose(run(f"momentum_optimizer {{ {RATE} momentum_optimizer_value: 0 }}"), value, rtol=1e-5)


def test_adam() -> None:
    value, first, second = np.array([1.0, 2.0, 3.0]), np.zeros(3), np.zeros(3)
    for step, (rate, gradient) in enumerate(zip(RATES, GRADIENTS, strict=True), 1):
        first = 0.9 * first + 0.1 * gradient
        second = 0.999 * second + 0.001 * gradient**2
        value = value - rate * np.sqrt(1 - 0.999**step) / (1 - 0.9**step) * first / (np.sqrt(second) + 1e-8)
    np.testing.assert_allclose(run(f"adam_optimizer {{ {RATE} }}"), value, rtol=1e-5)


def test_the_schedule_comes_with_the_optimizer() -> None:
    optimizer, schedule = optimizer_for(
        "adam_optimizer { learning_rate { manual_step_learning_rate { initial_learning_rate: 0.5"
        " schedule { step: 3 learning_rate: 0.25 } } } }"
    )
    assert float(optimizer.learning_rate.value) == 0.5
    assert [schedule(step) for step in (2, 3)] == [0.5, 0.25]


def test_no_optimizer_is_refused() -> None:
    with pytest.raises(ConfigError, match="rms_prop_optimizer"):
        optimizer_for("")


def test_slots_are_called_as_in_checkpoints_of_the_original() -> None:
    variable = keras.Variable(np.zeros(2, np.float32))
    expected = {
        f"rms_prop_optimizer {{ {RATE} }}": {"a/weights/RMSProp": 1.0, "a/weights/RMSProp_1": 0.0},
        f"momentum_optimizer {{ {RATE} }}": {"a/weights/Momentum": 0.0},
        f"adam_optimizer {{ {RATE} }}": {"a/weights/Adam": 0.0, "a/weights/Adam_1": 0.0},
    }
    for text, slots in expected.items():
        optimizer, _ = optimizer_for(text)
        optimizer.build([variable])
        found = slot_variables(optimizer, ["a/weights"], [variable])
        assert found.pop("global_step") is optimizer.iterations
        assert {name: float(slot.numpy()[0]) for name, slot in found.items()} == slots


def test_moving_averages_ramp_up_by_hand() -> None:
    variable = keras.Variable(np.array([0.0], np.float32))
    averages = MovingAverages([variable], decay=0.25)
    variable.assign([11.0])
    averages.update()  # decay (1 + 1) / (10 + 1)
    assert averages.averages[0].numpy() == pytest.approx([9.0])
    averages.update()  # decay (1 + 2) / (10 + 2) = 0.25
    assert averages.averages[0].numpy() == pytest.approx([10.5])
    averages.update()  # decay 0.25 from here on
    assert averages.averages[0].numpy() == pytest.approx([10.875])
    averages.restart()
    assert averages.averages[0].numpy() == pytest.approx([11.0])
    assert float(averages.updates.value) == 0


@settings(max_examples=20, deadline=None)
@given(values=st.lists(st.floats(-100, 100, width=32), min_size=1, max_size=8), decay=st.floats(0, 1))
def test_an_average_stays_between_what_it_has_seen(values: list[float], decay: float) -> None:
    variable = keras.Variable(np.array([values[0]], np.float32))
    averages = MovingAverages([variable], decay=decay)
    for value in values:
        variable.assign([value])
        averages.update()
    found = averages.averages[0].numpy()[0]
    assert min(values) - 1e-3 <= found <= max(values) + 1e-3
