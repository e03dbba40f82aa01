"""Box arithmetic, by hand and by its laws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from teachbox import boxes

NONE = np.zeros((0, 4))


def rows(low: float = -2.0, high: float = 2.0) -> st.SearchStrategy[np.ndarray]:
    """Any number of proper boxes: corners in order."""
    floats = st.floats(low, high, width=32)
    corners = arrays.arrays(np.float64, st.tuples(st.integers(0, 6), st.just(4)), elements=floats)
    return corners.map(
        lambda c: np.concatenate([np.minimum(c[:, :2], c[:, 2:]), np.maximum(c[:, :2], c[:, 2:])], axis=1)
    )


def test_by_hand() -> None:
    a = np.array([[0.0, 0.0, 2.0, 4.0], [1.0, 1.0, 1.0, 5.0]])
    b = np.array([[1.0, 2.0, 3.0, 6.0]])
    assert boxes.area(a).tolist() == [8.0, 0.0]
    assert boxes.intersection(a, b).tolist() == [[2.0], [0.0]]
    assert boxes.iou(a, b).ravel() == pytest.approx([2 / 14, 0])
    assert boxes.clip(b, 2.5, 4).tolist() == [[1.0, 2.0, 2.5, 4.0]]
    assert boxes.not_degenerate(a).tolist() == [True, False]
    assert boxes.to_xywh(b).tolist() == [[2.0, 1.0, 4.0, 2.0]]
    assert boxes.normalize(b, 4, 8).tolist() == [[0.25, 0.25, 0.75, 0.75]]


def test_a_box_inside_out_has_no_area_and_is_degenerate() -> None:
    inside_out = np.array([[2.0, 2.0, 1.0, 1.0]])
    assert boxes.area(inside_out).tolist() == [0.0]
    assert boxes.not_degenerate(inside_out).tolist() == [False]


def test_not_a_number_is_degenerate() -> None:
    assert boxes.not_degenerate(np.array([[0.0, 0.0, np.nan, 1.0]])).tolist() == [False]


def test_no_boxes() -> None:
    assert boxes.area(NONE).shape == (0,)
    assert boxes.iou(NONE, NONE).shape == (0, 0)
    assert boxes.iou(np.ones((3, 4)), NONE).shape == (3, 0)
    for change in (boxes.to_xywh, boxes.from_xywh):
        assert change(NONE).shape == (0, 4)
    assert boxes.normalize(NONE, 10, 10).dtype == np.float32


@given(rows(), rows())
def test_iou_is_symmetric_and_within_bounds(a: np.ndarray, b: np.ndarray) -> None:
    found = boxes.iou(a, b)
    assert np.all((found >= 0) & (found <= 1 + 1e-12))
    np.testing.assert_array_equal(found, boxes.iou(b, a).T)


@given(rows())
def test_a_box_with_area_is_its_own_match(a: np.ndarray) -> None:
    a = a[boxes.area(a) > 0]
    np.testing.assert_allclose(np.diag(boxes.iou(a, a)), 1)


@given(rows())
def test_clipped_boxes_are_inside_and_clipping_again_changes_nothing(a: np.ndarray) -> None:
    once = boxes.clip(a, 1, 1.5)
    assert np.all(once >= 0)
    assert np.all(once <= [1, 1.5, 1, 1.5])
    np.testing.assert_array_equal(boxes.clip(once, 1, 1.5), once)


@given(rows(0, 1), st.integers(1, 5000), st.integers(1, 5000))
def test_there_and_back(a: np.ndarray, height: int, width: int) -> None:
    # Corner + size loses the last bits of float64; normalized rows are float32: 24 bits.
    np.testing.assert_allclose(boxes.from_xywh(boxes.to_xywh(a)), a, atol=1e-15)
    pixels = boxes.to_pixels(a, height, width)
    np.testing.assert_allclose(boxes.normalize(pixels, height, width), a, atol=6e-8)
