"""COCO metrics: a case by hand, and the empty cases. The original's numbers are in test_metrics_sets."""

from __future__ import annotations

import numpy as np
import pytest
from drawn_images import BOX, LABELS, result
from hypothesis import given
from hypothesis import strategies as st

from teachbox.evaluation.coco import COCO_KEYS, UNDEFINED, coco_metrics
from teachbox.evaluation.results import ImageResult

NO_BOXES = np.zeros((0, 4), np.float32)
NONE = np.zeros(0, np.int64)


def test_by_hand() -> None:
    found = coco_metrics(
        [
            result([[0, 0, 100, 100]], [[0, 0, 100, 100]], scores=[0.9]),  # found, exactly
            result([[0, 0, 100, 100]], [[50, 50, 150, 150]], scores=[0.8]),  # missed: IoU 1/7
        ],
        {1: "cat"},
    )
    # Recall reaches one half at precision 1, so 51 of the 101 recall points count.
    assert found["DetectionBoxes_Precision/mAP@.50IOU"] == pytest.approx(51 / 101)
    assert found["DetectionBoxes_Precision/mAP"] == pytest.approx(51 / 101)
    assert found["DetectionBoxes_Recall/AR@100"] == pytest.approx(0.5)


def test_crowd_boxes_need_not_be_found() -> None:
    image = ImageResult(
        np.array([[0, 0, 100, 100], [0, 200, 100, 300]], np.float32),
        np.array([1, 1]),
        np.array([[0, 0, 100, 100]], np.float32),
        np.array([0.9], np.float32),
        np.array([1]),
        np.array([False, True]),
    )
    assert coco_metrics([image], LABELS)["DetectionBoxes_Precision/mAP"] == pytest.approx(1.0)


def test_empty_cases(capfd: pytest.CaptureFixture[str]) -> None:
    undefined = dict.fromkeys(COCO_KEYS, UNDEFINED)
    assert coco_metrics([], LABELS) == undefined
    assert coco_metrics([result([], [])], LABELS) == undefined
    assert coco_metrics([result([], [[0, 0, 10, 10]])], LABELS) == undefined
    missed = coco_metrics([result([[0, 0, 100, 100]], [])], LABELS)
    assert missed["DetectionBoxes_Precision/mAP"] == 0
    assert capfd.readouterr().out == ""


@given(boxes=st.lists(st.tuples(BOX, st.sampled_from([1, 2])), min_size=1, max_size=6, unique_by=str))
def test_the_truth_as_detections_is_perfect(boxes) -> None:
    rows = [box for box, _ in boxes]
    classes = [category for _, category in boxes]
    found = coco_metrics([result(rows, rows, classes=classes, true_classes=classes)], LABELS)
    assert found["DetectionBoxes_Precision/mAP"] == pytest.approx(1.0)
    assert found["DetectionBoxes_Recall/AR@100"] == pytest.approx(1.0)
