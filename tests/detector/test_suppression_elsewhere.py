"""Suppression in keras.ops, which JAX and PyTorch use, against TensorFlow's kernel."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.tf


def crowd(seed: int, count: int, side: float) -> tuple[np.ndarray, np.ndarray]:
    """Boxes [2, count, 4] that overlap the more, the larger `side`; scores [2, count], some of them equal or none."""
    from teachbox.detector.native import NEVER

    random = np.random.default_rng(seed)
    corners = random.uniform(0, 1, (2, count, 2))
    boxes = np.concatenate([corners, corners + random.uniform(0.5, 1, (2, count, 2)) * side], axis=-1)
    scores = random.integers(0, 12, (2, count)).astype(np.float32) / 12
    return boxes.astype(np.float32), np.where(random.uniform(size=scores.shape) < 0.1, NEVER, scores).astype(np.float32)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000), st.sampled_from([0.05, 0.3, 1.0]), st.sampled_from([0.0, 0.3, 0.7]))
def test_both_ways_find_what_the_kernel_finds(seed, side, threshold):
    from teachbox.detector.native import _greedy, _settle, non_max_suppression

    boxes, scores = crowd(seed, 40, side)
    expected, count = non_max_suppression(boxes, scores, most=15, iou_threshold=threshold)
    one_by_one, _, greedy_count = _greedy(boxes, scores, 15, threshold)
    at_once, settled_count = _settle(boxes, scores, 15, threshold)
    np.testing.assert_array_equal(greedy_count, count)
    np.testing.assert_array_equal(settled_count, count)
    np.testing.assert_array_equal(one_by_one, expected)
    np.testing.assert_array_equal(at_once, expected)


def test_a_chain_by_hand():
    """Each box overlaps the next by half: the first beats the second, which then cannot beat the third."""
    from teachbox.detector.native import _settle

    starts = np.arange(4) * 0.5
    boxes = np.stack([np.zeros(4), starts, np.ones(4), starts + 1.0], axis=-1)[None].astype(np.float32)
    indices, count = _settle(boxes, np.array([[0.9, 0.8, 0.7, 0.6]], np.float32), 4, 0.3)
    assert np.asarray(count).tolist() == [2]
    assert np.asarray(indices).tolist() == [[0, 2, 0, 0]]


def test_no_score_counts():
    from teachbox.detector.native import NEVER, _greedy, _settle

    boxes, scores = crowd(0, 5, 0.3)[0], np.full((2, 5), NEVER, np.float32)
    assert np.asarray(_settle(boxes, scores, 3, 0.5)[1]).tolist() == [0, 0]
    assert np.asarray(_greedy(boxes, scores, 3, 0.5)[2]).tolist() == [0, 0]
