"""Replay: evenness by hand and as a property, the newest more often, and answers that come and go."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teachbox.training.replay import Replay, pass_steps


def replay(keys, newest=(), seed=1, newest_weight=2.0) -> Replay[int]:
    made: Replay[int] = Replay(seed=seed, newest_weight=newest_weight)
    made.update(keys, newest)
    return made


def test_equal_weights_are_a_new_shuffle_each_pass() -> None:
    made = replay(range(20))
    passes = [made.draw(20) for _ in range(3)]
    assert all(sorted(one) == list(range(20)) for one in passes)
    assert len({tuple(one) for one in passes}) == 3
    assert passes[0] != sorted(passes[0])


def test_same_seed_same_draws() -> None:
    assert replay(range(9), [8], seed=5).draw(50) == replay(range(9), [8], seed=5).draw(50)
    assert replay(range(9), [8], seed=5).draw(50) != replay(range(9), [8], seed=6).draw(50)


def test_the_newest_are_drawn_twice_as_often() -> None:
    drawn = Counter(replay(range(10), [8, 9]).draw(12 * 5))  # 8 · 1 + 2 · 2 = 12 a pass
    assert drawn[8] == drawn[9] == 10
    assert all(drawn[key] == 5 for key in range(8))


def test_an_undone_answer_is_drawn_no_more_and_a_new_one_at_once() -> None:
    made = replay(range(4))
    made.draw(6)
    made.update([0, 1, 3, 9], newest=[9])
    drawn = made.draw(5)
    assert 2 not in drawn
    assert 9 in drawn


def test_nothing_to_draw() -> None:
    empty = replay([])
    assert empty.draw(0) == []
    with pytest.raises(ValueError, match="no example"):
        empty.draw(1)


@given(
    old=st.integers(1, 30),
    new=st.integers(0, 10),
    weight=st.floats(1, 4),
    before=st.integers(0, 50),
    seed=st.integers(0, 99),
)
def test_every_answer_is_seen_in_each_pass_whatever_went_before(
    old: int, new: int, weight: float, before: int, seed: int
) -> None:
    made = replay(range(old), seed=seed, newest_weight=weight)
    made.draw(before)
    newest = range(old, old + new)
    made.update(range(old + new), newest)
    # An old key may have just been drawn: its next turn comes within two of its windows.
    draws = 2 * round(old + new * weight) + 2 * (old + new)
    assert set(made.draw(draws)) == set(range(old + new))


@given(old=st.integers(0, 30), new=st.integers(1, 10), seed=st.integers(0, 99))
def test_one_pass_holds_all_new_answers(old: int, new: int, seed: int) -> None:
    made = replay(range(old), seed=seed)
    made.draw(old)
    newest = set(range(old, old + new))
    made.update(range(old + new), newest)
    assert newest <= set(made.draw(old + new + 1))


def test_steps_of_a_pass() -> None:
    assert [pass_steps(n, 8) for n in (0, 1, 8, 9, 16)] == [0, 1, 1, 2, 2]
