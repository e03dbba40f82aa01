"""When a round starts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from teachbox.training.trigger import Trigger


def test_a_round_starts_with_enough_answers_or_after_a_pause() -> None:
    trigger = Trigger(batch_answers=10, idle_seconds=30)
    assert trigger.fires(new=10, newest=100, now=100)
    assert not trigger.fires(new=9, newest=100, now=129)
    assert trigger.fires(new=9, newest=100, now=130)
    assert trigger.fires(new=1, newest=100, now=1000)
    assert not trigger.fires(new=0, newest=100, now=1000)


@given(new=st.integers(1, 50), batch=st.integers(1, 50), idle=st.floats(0, 1e6))
def test_no_answer_waits_longer_than_the_pause(new: int, batch: int, idle: float) -> None:
    assert Trigger(batch, idle).fires(new, newest=0, now=idle)
