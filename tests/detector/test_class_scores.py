"""Targets made of scores of all classes, on any backend: by hand, and as classes make them where each box has one."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from teachbox.detector.box_coding import FasterRCNNBoxCoder
from teachbox.detector.center_targets import CenterTargetAssigner
from teachbox.detector.matching import ArgMaxMatcher
from teachbox.detector.similarity import iou
from teachbox.detector.targets import TargetAssigner

pytestmark = pytest.mark.tf

BOXES = np.array([[[0, 0, 0.5, 0.5], [0.5, 0.5, 1, 1]]], np.float32)
ANCHORS = np.array([[0, 0, 0.5, 0.5], [0.5, 0.5, 1, 1], [0.4, 0.6, 0.5, 0.7]], np.float32)
SCORES = np.array([[[0.75, 0.5], [0.0, -2.0]]], np.float32)
CENTERS = CenterTargetAssigner(num_classes=2, min_overlap=0.7)


def values(tensor: Any) -> np.ndarray:
    return np.asarray(keras.ops.convert_to_numpy(tensor))


def truth(classes: list[int], weights: tuple[float, float] = (1, 1), count: int = 2) -> tuple[Any, ...]:
    rows = (BOXES, np.array([classes], np.int32), np.array([weights], np.float32), np.array([count], np.int32))
    return tuple(map(keras.ops.convert_to_tensor, rows))


def assigner(unmatched: tuple[float, ...]) -> TargetAssigner:
    return TargetAssigner(iou, ArgMaxMatcher(0.5, 0.5), FasterRCNNBoxCoder(), num_classes=2, unmatched_class=unmatched)


def test_targets_of_anchors_by_hand() -> None:
    anchors, scores = map(keras.ops.convert_to_tensor, (ANCHORS, SCORES))
    with_background = assigner((1.0, 0.0, 0.0))(anchors, *truth([0, 1]), class_scores=scores)
    assert values(with_background.classes).tolist() == [[[0, 0.75, 0.5], [0, 0, -2], [1, 0, 0]]]
    without = assigner((0.0, 0.0))(anchors, *truth([0, 1], weights=(0.5, 1)), class_scores=scores)
    assert values(without.classes).tolist() == [[[0.75, 0.5], [0, -2], [0, 0]]]
    assert values(without.class_weights)[0, :, 0].tolist() == [0.5, 1, 1]


def test_a_heat_map_by_hand() -> None:
    found = values(CENTERS((16, 16), *truth([0, 0]), class_scores=SCORES).heatmap)
    alone = values(CENTERS((16, 16), *truth([0, 0], count=1)).heatmap)[0, :, :, 0]
    np.testing.assert_allclose(found[0, :, :, 0], 0.75 * alone, atol=1e-6)
    # The second object's score is below 0: it takes nothing away.
    np.testing.assert_allclose(found[0, :, :, 1], 0.5 * alone, atol=1e-6)
    np.testing.assert_allclose((found[0, 4, 4, 0], found[0, 12, 12].max()), (0.75, 0), atol=1e-6)


@settings(max_examples=10, deadline=None)
@given(
    st.tuples(st.integers(0, 1), st.integers(0, 1)),
    st.tuples(st.sampled_from([0.0, 0.5, 1.0]), st.sampled_from([0.0, 1.0])),
    st.integers(0, 2),
)
def test_scores_of_one_class_each_say_what_classes_say(
    classes: tuple[int, int], weights: tuple[float, float], count: int
) -> None:
    known = truth(list(classes), weights, count)
    anchors, scores = map(keras.ops.convert_to_tensor, (ANCHORS, np.eye(2, dtype=np.float32)[np.array([classes])]))
    for unmatched in ((1.0, 0.0, 0.0), (0.0, 0.0)):
        assign = assigner(unmatched)
        for one, other in zip(assign(anchors, *known), assign(anchors, *known, class_scores=scores), strict=True):
            np.testing.assert_array_equal(values(one), values(other))
    plain, scored = CENTERS((16, 16), *known), CENTERS((16, 16), *known, class_scores=scores)
    for one, other in zip(plain, scored, strict=True):
        np.testing.assert_allclose(values(one), values(other), atol=1e-6)
