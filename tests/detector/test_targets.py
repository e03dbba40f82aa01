"""Similarity, matching and target assignment: by hand and by property."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from teachbox import boxes as plain

pytestmark = pytest.mark.tf


def some_boxes(random: np.random.Generator, count: int) -> np.ndarray:
    corner, size = random.uniform(0, 0.8, (count, 2)), random.uniform(0.05, 0.5, (count, 2))
    return np.concatenate([corner, corner + size], axis=-1).astype(np.float32)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**31), count=st.integers(0, 8))
def test_overlap_is_that_of_plain_boxes(seed, count):
    from teachbox.detector.similarity import ioa, iou, thresholded_iou

    random = np.random.default_rng(seed)
    a, b = some_boxes(random, count), some_boxes(random, 5)
    np.testing.assert_allclose(iou(a, b), plain.iou(a, b), atol=1e-5)
    np.testing.assert_allclose(ioa(a, b), plain.intersection(a, b) / plain.area(b), atol=1e-5)
    scores = random.uniform(0.1, 1, count).astype(np.float32)
    above = np.asarray(thresholded_iou(a, b, scores, iou_threshold=0.2))
    np.testing.assert_array_equal(above, np.where(np.asarray(iou(a, b)) > 0.2, scores[:, None], 0))


def test_no_overlap_of_a_box_without_area():
    from teachbox.detector.similarity import iou

    point, box = np.array([[0.5, 0.5, 0.5, 0.5]], np.float32), np.array([[0, 0, 1, 1]], np.float32)
    assert np.asarray(iou(point, box)).tolist() == [[0]]
    assert np.asarray(iou(point, point)).tolist() == [[0]]


def test_matches_by_hand():
    from teachbox.detector.matching import ArgMaxMatcher

    similarity = np.array([[[0.9, 0.4, 0.2, 0.1], [0.3, 0.6, 0.1, 0.3]]], np.float32)
    valid = np.array([[True, True]])
    assert np.asarray(ArgMaxMatcher(0.7, 0.25)(similarity, valid)).tolist() == [[0, -2, -1, -2]]
    forced = ArgMaxMatcher(0.7, 0.25, force_match_for_each_row=True)
    assert np.asarray(forced(similarity, valid)).tolist() == [[0, 1, -1, -2]]
    # A row that is not valid takes no column by force; it may still be matched.
    assert np.asarray(forced(similarity, np.array([[True, False]]))).tolist() == [[0, -2, -1, -2]]
    swapped = ArgMaxMatcher(0.7, 0.25, negatives_lower_than_unmatched=False)
    assert np.asarray(swapped(similarity, valid)).tolist() == [[0, -1, -2, -1]]


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**31), count=st.integers(0, 4), padding=st.integers(0, 3))
def test_padding_and_batching_change_nothing(seed, count, padding):
    """An image's targets are the same alone and beside another, whatever its padding rows say."""
    from teachbox.detector.box_coding import FasterRCNNBoxCoder
    from teachbox.detector.matching import ArgMaxMatcher
    from teachbox.detector.similarity import iou
    from teachbox.detector.targets import TargetAssigner

    random = np.random.default_rng(seed)
    anchors, boxes = some_boxes(random, 30), some_boxes(random, count)
    classes, weights = random.integers(0, 2, count), random.choice([0.5, 1.0], count).astype(np.float32)

    def padded(rows: int) -> tuple[np.ndarray, ...]:
        more = rows - count
        return (
            np.concatenate([boxes, some_boxes(random, more)])[None],
            np.concatenate([classes, np.ones(more, int)])[None],
            np.concatenate([weights, np.ones(more, np.float32)])[None],
        )

    assign = TargetAssigner(
        iou,
        ArgMaxMatcher(0.5, 0.5, force_match_for_each_row=True),
        FasterRCNNBoxCoder(),
        num_classes=2,
        unmatched_class=(1.0, 0.0, 0.0),
    )
    alone = assign(anchors, *padded(max(count, 1)), np.array([count]))
    rows = max(count, 1) + padding
    other = (some_boxes(random, rows)[None], np.zeros((1, rows), int), np.ones((1, rows), np.float32))
    both = [np.concatenate(pair) for pair in zip(padded(rows), other, strict=True)]
    beside = assign(anchors, *both, np.array([count, rows]))
    for one, two in zip(alone, beside, strict=True):
        np.testing.assert_allclose(np.asarray(one)[0], np.asarray(two)[0], rtol=1e-6)
