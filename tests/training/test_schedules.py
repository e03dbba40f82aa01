"""Learning rates: the original's at all 50 steps of every case, and what must hold for any schedule."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from google.protobuf import text_format
from hypothesis import given
from hypothesis import strategies as st

from teachbox.config.protos import optimizer_pb2
from teachbox.errors import ConfigError
from teachbox.training.schedules import build_schedule


def schedule(text: str):
    return build_schedule(text_format.Parse(text, optimizer_pb2.LearningRate()))


def test_agrees_with_the_original_at_every_step(oracles: Path) -> None:
    cases = json.loads((oracles / "functions" / "learning_rates.json").read_text())["cases"]
    assert len(cases) == 13
    for case in cases:
        rate = schedule(case["config"])
        found = [rate(step) for step in case["steps"]]
        # The original computes in float32, where 1 + cos near its end is a multiple of 6e-8, times half the base.
        assert found == pytest.approx(case["learning_rate"], rel=2e-6, abs=5e-9), case["config"]


def test_by_hand() -> None:
    rate = schedule("manual_step_learning_rate { initial_learning_rate: 1 schedule { step: 10 learning_rate: 0.5 } }")
    assert [rate(9), rate(10), rate(1000)] == [1.0, 0.5, 0.5]
    burnt = schedule(
        "exponential_decay_learning_rate { initial_learning_rate: 8 decay_steps: 2 decay_factor: 0.5"
        " burnin_learning_rate: 1 burnin_steps: 4 min_learning_rate: 3 }"
    )
    assert [burnt(step) for step in (0, 3, 4, 5, 6, 8, 100)] == [3, 3, 8, 8, 4, 3, 3]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no learning rate"),
        ("exponential_decay_learning_rate { decay_steps: 0 }", "decay_steps"),
        ("manual_step_learning_rate { schedule { step: 9 } schedule { step: 3 } }", "rise"),
        ("cosine_decay_learning_rate { total_steps: 10 warmup_steps: 20 }", "total_steps 10"),
        ("cosine_decay_learning_rate { learning_rate_base: 0.1 warmup_learning_rate: 0.2 }", "climbs"),
    ],
)
def test_a_schedule_that_contradicts_itself_is_refused(text: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        schedule(text)


@given(
    base=st.floats(1e-4, 1.0),
    warmup=st.integers(0, 50),
    hold=st.integers(0, 50),
    decay=st.integers(1, 200),
    step=st.integers(0, 400),
)
def test_cosine_stays_between_zero_and_the_base(base: float, warmup: int, hold: int, decay: int, step: int) -> None:
    config = optimizer_pb2.LearningRate()
    config.cosine_decay_learning_rate.learning_rate_base = base
    config.cosine_decay_learning_rate.warmup_learning_rate = base / 10
    config.cosine_decay_learning_rate.warmup_steps = warmup
    config.cosine_decay_learning_rate.hold_base_rate_steps = hold
    config.cosine_decay_learning_rate.total_steps = warmup + hold + decay
    rate = build_schedule(config)
    highest = config.cosine_decay_learning_rate.learning_rate_base
    assert -1e-12 <= rate(step) <= highest * (1 + 1e-6)
    if step > warmup + hold + decay:
        assert rate(step) == 0
