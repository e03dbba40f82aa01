"""Sampling minibatches of anchors and proposals: by hand, as a property, and nothing to draw from."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.tf


def sampler(fraction: float, order=None):
    from teachbox.detector.samplers import BalancedSampler

    made = BalancedSampler(fraction)
    if order is not None:
        made.order = order
    return made


def bools(text: str) -> np.ndarray:
    """One row for each word: `x` is true."""
    return np.array([[letter == "x" for letter in word] for word in text.split()])


def as_they_come(candidates):
    return np.broadcast_to(np.arange(candidates.shape[1], dtype=np.float32), candidates.shape)


def test_positives_up_to_their_share_then_negatives():
    candidates = bools("xxxxxxxx xxx..xxx")
    positive = bools("x.x.x.x. .....x..")
    drawn = sampler(0.5, as_they_come)(candidates, positive, size=4)
    # Of four positives two; of one positive that one and three negatives, which leave out what is no candidate.
    np.testing.assert_array_equal(drawn, bools("xxxx.... xxx..x.."))


def test_a_smaller_minibatch_where_there_are_not_enough():
    candidates = bools("x..x ....")
    drawn = sampler(0.25, as_they_come)(candidates, bools("x... x..."), size=8)
    np.testing.assert_array_equal(drawn, candidates)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 12), st.sampled_from([0.0, 0.25, 0.5, 1.0]))
def test_any_draw_is_balanced_and_as_large_as_can_be(seed: int, size: int, fraction: float):
    rng = np.random.default_rng(seed)
    candidates, positive = (rng.random((3, 16)) < rng.random() for _ in range(2))
    drawn = np.asarray(sampler(fraction)(candidates, positive, size=size))
    assert not (drawn & ~candidates).any()
    positives, negatives = (candidates & positive).sum(1), (candidates & ~positive).sum(1)
    share = np.minimum(positives, int(size * fraction))
    np.testing.assert_array_equal((drawn & positive).sum(1), share)
    np.testing.assert_array_equal(drawn.sum(1), share + np.minimum(size - share, negatives))


def test_beside_all_positives_by_hand():
    candidates = bools("xxxxxxxx .xxxxxxx xxxxxxxx")
    positive = bools("x....... x....x.x ........")
    drawn = sampler(0.25, as_they_come).beside_all_positives(candidates, positive)
    # Three negatives for each positive; of two positives all five; none where there is no positive.
    np.testing.assert_array_equal(drawn, bools("xxxx.... .xxxxxxx ........"))
    assert not np.asarray(sampler(1.0).beside_all_positives(candidates, bools("........ " * 3))).any()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.01, 0.25, 0.5, 1.0]))
def test_all_positives_count_and_their_share_of_negatives(seed: int, fraction: float):
    rng = np.random.default_rng(seed)
    candidates, positive = (rng.random((3, 16)) < rng.random() for _ in range(2))
    drawn = np.asarray(sampler(fraction).beside_all_positives(candidates, positive))
    assert not (drawn & ~candidates).any()
    np.testing.assert_array_equal(drawn & positive, candidates & positive)
    allowed = ((candidates & positive).sum(1) * (1 - fraction) / fraction + 1e-6).astype(int)
    np.testing.assert_array_equal((drawn & ~positive).sum(1), np.minimum(allowed, (candidates & ~positive).sum(1)))


def test_draws_differ_and_all_are_likely():
    everyone, nobody = np.ones((1, 32), bool), np.zeros((1, 32), bool)
    made = sampler(0.5)
    draws = np.stack([np.asarray(made(everyone, nobody, size=8))[0] for _ in range(64)])
    assert len({draw.tobytes() for draw in draws}) > 60
    # Each is drawn 16 times on average, with a standard deviation of 3.5.
    assert draws.sum(0).min() > 2
    assert draws.sum(0).max() < 30


def test_compacted_by_hand():
    from teachbox.detector.samplers import compacted

    places, count = compacted(bools("..xx.x ......"), 4)
    np.testing.assert_array_equal(np.asarray(places)[0, :3], [2, 3, 5])
    np.testing.assert_array_equal(count, [3, 0])
