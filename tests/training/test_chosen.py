"""Which variables are trained, and the gradients of biases: by value, on a detector whose steps are worked by hand."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_training_loop import SPEC, colours, learner
from tiny import TinyDetector

from teachbox.config.protos.train_pb2 import TrainConfig
from teachbox.errors import ConfigError
from teachbox.training import checkpoints
from teachbox.training.chosen import chosen_names, is_bias
from teachbox.training.learner import Learner
from teachbox.training.loop import train
from teachbox.training.optimizers import Momentum

pytestmark = pytest.mark.tf

TRAINABLE = ["norm/gamma", "norm/beta", "dense/weights", "dense/biases"]
SCOPES = ["norm", "gamma", "beta", "dense", "weights", "biases", "norm/(gamma|beta)", "^d", "s$", "."]


def chosen(**fields: list[str]) -> list[str]:
    return chosen_names(TINY, TrainConfig(**fields), lambda path: f"my.config at {path}")


TINY = TinyDetector()


def values(made: Learner) -> dict[str, np.ndarray]:
    return {name: variable.numpy() for name, variable in made.detector.checkpoint_variables().items()}


def stepped(**arguments) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """The variables before and after one step of plain gradient descent."""
    made = learner(**arguments)
    # Behind weights as small as its first ones, gamma and beta would hardly move.
    made.detector.dense.kernel.assign([[0.5], [-0.25], [1.0]])
    before = values(made)
    list(train(made, colours(), 1))
    return before, values(made)


def test_all_are_chosen_where_nothing_is_said() -> None:
    assert chosen() == TRAINABLE
    assert chosen(freeze_variables=[], update_trainable_variables=[]) == TRAINABLE


def test_patterns_are_found_anywhere_in_a_name() -> None:
    assert chosen(freeze_variables=["gamma"]) == ["norm/beta", "dense/weights", "dense/biases"]
    assert chosen(freeze_variables=["^norm/", "weights$"]) == ["dense/biases"]
    assert chosen(update_trainable_variables=["a$", "biases"]) == ["norm/gamma", "norm/beta", "dense/biases"]
    assert chosen(update_trainable_variables=["norm"], freeze_variables=[".*/beta"]) == ["norm/gamma"]
    # What no step changes anyway may be named, but is not trained for that.
    assert chosen(update_trainable_variables=["moving", "biases"]) == ["dense/biases"]


@given(st.lists(st.sampled_from(SCOPES), max_size=3), st.lists(st.sampled_from(SCOPES), max_size=3))
@settings(max_examples=60, deadline=None)
def test_frozen_ones_are_taken_from_updated_ones(update: list[str], freeze: list[str]) -> None:
    updated = {name for name in TRAINABLE if not update or re.search("|".join(f"(?:{part})" for part in update), name)}
    frozen = {name for name in TRAINABLE if freeze and re.search("|".join(f"(?:{part})" for part in freeze), name)}
    if updated - frozen:
        found = chosen(update_trainable_variables=update, freeze_variables=freeze)
        assert found == [name for name in TRAINABLE if name in updated - frozen]
    else:
        with pytest.raises(ConfigError, match="none of the 4 trainable variables"):
            chosen(update_trainable_variables=update, freeze_variables=freeze)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        (
            {"freeze_variables": ["norm", "dence/weights"]},
            'my.config at train_config.freeze_variables[1]: train_config.freeze_variables[1] "dence/weights" fits no '
            "variable; did you mean dense/weights",
        ),
        ({"update_trainable_variables": ["Dense"]}, '[0] "Dense" fits no variable; did you mean dense'),
        (
            {"freeze_variables": ["FeatureExtractor"]},
            '"FeatureExtractor" fits no variable; names look like norm/moving_variance, dense/weights, dense/biases',
        ),
        (
            {"freeze_variables": [".*"]},
            "my.config at train_config.freeze_variables[0]: train_config.freeze_variables leaves none of the 4 "
            "trainable variables to train, such as norm/beta, dense/weights, dense/biases; let some be trained",
        ),
        ({"update_trainable_variables": ["moving_mean"]}, "train_config.update_trainable_variables leaves none"),
    ],
)
def test_what_fits_nothing_or_everything_is_refused(fields: dict[str, list[str]], says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        chosen(**fields)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_frozen_variable_stays_and_others_move_as_without() -> None:
    before, free = stepped()
    _, frozen = stepped(trained=["norm/beta", "dense/biases"])
    for name in ("norm/gamma", "dense/weights"):
        np.testing.assert_array_equal(frozen[name], before[name])
        assert np.abs(free[name] - before[name]).max() > 1e-3
    # The averages of batch normalisation, a frozen layer's too, move.
    for name in ("norm/beta", "dense/biases", "norm/moving_mean", "norm/moving_variance"):
        np.testing.assert_allclose(frozen[name], free[name], rtol=1e-6, err_msg=name)
        assert np.abs(free[name] - before[name]).max() > 1e-3


def test_gradients_of_biases_are_multiplied() -> None:
    before, plain = stepped()
    _, more = stepped(bias_factor=3.0)
    moved = plain["dense/biases"] - before["dense/biases"]
    np.testing.assert_allclose(more["dense/biases"] - before["dense/biases"], 3 * moved, rtol=1e-5)
    for name in set(before) - {"dense/biases"}:
        np.testing.assert_allclose(more[name], plain[name], rtol=1e-6, err_msg=name)
    assert [is_bias(name) for name in ("a/biases", "a/bias", "norm/beta", "biases/Momentum", "unbias")] == [
        True,
        True,
        False,
        False,
        False,
    ]


def test_gradients_are_clipped_as_they_are_multiplied() -> None:
    """The length that is clipped is that of what is applied: the trained ones', the biases' multiplied."""
    before, free = stepped(trained=["dense/biases"])
    made = learner(trained=["dense/biases"], bias_factor=4.0, clip_norm=0.01)
    made.detector.dense.kernel.assign(before["dense/weights"])
    (step,) = train(made, colours(), 1)
    gradient = float((before["dense/biases"] - free["dense/biases"])[0]) / 0.5
    assert step.gradient_norm == pytest.approx(4 * abs(gradient), rel=1e-4)
    moved = float((values(made)["dense/biases"] - before["dense/biases"])[0])
    assert moved == pytest.approx(-0.5 * 0.01 * np.sign(gradient), rel=1e-4)


def test_slots_and_averages_are_those_of_the_trained(tmp_path: Path) -> None:
    made = learner(momentum=0.9, averages_decay=0.9, trained=["dense/weights"])
    list(train(made, colours(), 2))
    others = set(made.checkpoint_variables()) - set(made.detector.checkpoint_variables())
    assert others == {
        "dense/weights/Momentum",
        "dense/weights/ExponentialMovingAverage",
        "ExponentialMovingAverage/updates",
        "global_step",
    }
    np.testing.assert_array_equal(made.published()["dense/biases"], [0.0])
    # Its checkpoint is taken up by a trainer that trains more: what that needs beside begins afresh.
    own = made.detector.checkpoint_variables()
    prefix = checkpoints.save(tmp_path, made.checkpoint_variables(), own, made.step, checkpoints.State(), 1)
    detector = TinyDetector(seed=1)
    thawed = Learner(detector, Momentum(momentum=0.9), lambda step: 0.5, SPEC, averages_decay=0.9)
    checkpoints.restore(prefix, thawed.checkpoint_variables(), detector.checkpoint_variables())
    assert thawed.step == 2
    for name, value in values(made).items():
        np.testing.assert_array_equal(values(thawed)[name], value, err_msg=name)
    slots = thawed.checkpoint_variables()
    np.testing.assert_array_equal(
        slots["dense/weights/Momentum"].numpy(), made.checkpoint_variables()["dense/weights/Momentum"].numpy()
    )
    np.testing.assert_array_equal(slots["dense/biases/Momentum"].numpy(), [0.0])
    list(train(thawed, colours(), 1))
    assert float(detector.dense.bias.numpy()[0]) != 0
