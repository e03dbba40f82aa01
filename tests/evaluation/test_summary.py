"""What is told about an evaluation: counts and curves by hand, the worst images, and the empty cases."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import pytest
from drawn_images import HERE, LABELS, NEAR, THERE, result, some_images
from hypothesis import given
from hypothesis import strategies as st

from teachbox.config.protos.eval_pb2 import EvalConfig
from teachbox.evaluation.classes import best_operating
from teachbox.evaluation.coco import coco_metrics
from teachbox.evaluation.matching import Thresholds
from teachbox.evaluation.pascal import Curve, pascal_voc_metrics
from teachbox.evaluation.results import ImageResult
from teachbox.evaluation.summary import Evaluated, Summary, summarize

HALF = Thresholds(score=0.5, iou=0.5)
THREE = {**LABELS, 3: "bird"}


def summary(images: Iterable[ImageResult], labels=LABELS, worst: int = 12, thresholds: Thresholds = HALF) -> Summary:
    named = (Evaluated(f"{place}.png", f"bytes {place}".encode(), image) for place, image in enumerate(images))
    return summarize(named, labels, EvalConfig(), thresholds, worst)


def test_counts_and_curve_by_hand() -> None:
    found = summary(
        [
            # Right, there already, right but below the threshold.
            result([HERE, THERE], [HERE, NEAR, THERE], scores=[0.9, 0.8, 0.4]),
            # A dog that is called a cat.
            result([HERE], [HERE], true_classes=[2], scores=[0.6]),
        ],
        THREE,
    )
    cat, dog, bird = found.classes
    assert (cat.name, cat.images, cat.true_boxes, cat.detections) == ("cat", 1, 2, 3)
    assert (cat.right, cat.confused, cat.missed, cat.false) == (1, 0, 1, 1)
    assert (cat.precision, cat.recall) == (1 / 3, 1 / 2)
    assert cat.curve is not None
    assert cat.curve.scores.tolist() == pytest.approx([0.9, 0.8, 0.6, 0.4])
    assert cat.curve.precision.tolist() == [1, 1 / 2, 1 / 3, 1 / 2]
    assert cat.curve.recall.tolist() == [1 / 2, 1 / 2, 1 / 2, 1]
    assert cat.average_precision == (1 + 1 / 2) / 2
    # 2 · ½ · 1 / 1½ at both ends: the higher score.
    best = cat.best()
    assert best is not None
    assert (best.score, best.precision, best.recall, best.f1) == pytest.approx((0.9, 1, 1 / 2, 2 / 3))

    assert (dog.images, dog.true_boxes, dog.detections, dog.confused, dog.missed) == (1, 1, 0, 1, 0)
    assert math.isnan(dog.precision)
    assert (dog.recall, dog.average_precision, dog.best()) == (0, 0, None)

    assert (bird.images, bird.true_boxes, bird.detections, bird.curve, bird.best()) == (0, 0, 0, None, None)
    assert math.isnan(bird.recall)
    assert math.isnan(bird.average_precision)

    assert (found.together.images, found.together.true_boxes, found.together.detections) == (2, 3, 3)
    assert (found.together.right, found.together.confused, found.together.missed) == (1, 1, 1)
    # The bird does not count.
    assert found.together.average_precision == (cat.average_precision + 0) / 2
    assert found.matrix.tolist() == [[1, 0, 0, 1], [1, 0, 0, 0], [0, 0, 0, 0], [1, 0, 0, 0]]
    assert found.metrics.keys() == coco_metrics([], THREE).keys()


def test_a_threshold_lets_in_all_of_one_score() -> None:
    tied = Curve(np.array([1.0, 0.5, 2 / 3]), np.array([0.5, 0.5, 1.0]), np.array([0.7, 0.7, 0.3]))
    best = best_operating(tied)
    assert best is not None
    assert (best.score, best.precision) == (0.3, 2 / 3)
    without_last = Curve(tied.precision[:2], tied.recall[:2], tied.scores[:2])
    best = best_operating(without_last)
    assert best is not None
    assert (best.score, best.precision, best.recall) == (0.7, 0.5, 0.5)
    nothing = np.zeros(0)
    assert best_operating(Curve(nothing, nothing, nothing)) is None
    assert best_operating(Curve(np.zeros(1), np.zeros(1), np.ones(1))) is None


def test_the_worst_images_come_first_and_good_ones_not_at_all() -> None:
    good, missed, two, false = (
        result([HERE], [HERE]),
        result([HERE], []),
        result([HERE, THERE], []),
        result([], [HERE], scores=[0.7]),
    )
    images = [good, missed, false, two, missed]
    found = summary(images, worst=3)
    assert [(one.image.name, one.error) for one in found.worst] == [("3.png", 2), ("1.png", 1), ("4.png", 1)]
    assert found.worst[0].image.encoded == b"bytes 3"
    assert found.worst[0].matched.missed == [0, 1]
    assert summary(images, worst=0).worst == []
    assert summary(images).worst[-1].error == pytest.approx(0.7)
    assert len(summary(images).worst) == 4


def test_classes_that_the_labels_lack_are_counted_and_left_out() -> None:
    image = result([HERE], [HERE, HERE, NEAR, THERE], classes=[1, 9, 9, 4])
    found = summary([image])
    assert found.unknown == {4: 1, 9: 2}
    assert (found.together.detections, found.together.right) == (1, 1)
    assert found.worst == []


def test_empty_cases() -> None:
    for images in ([], [result([], [])]):
        found = summary(images)
        assert found.images == len(images)
        assert found.together.true_boxes == found.together.detections == 0
        assert math.isnan(found.together.average_precision)
        assert found.together.curve is None
        assert (found.worst, found.unknown) == ([], {})
    found = summary([result([], [HERE])])
    assert found.together.curve is None
    assert (found.together.precision, found.together.false) == (0, 1)
    assert math.isnan(found.together.recall)
    assert summary([result([HERE], [])]).together.average_precision == 0


@given(images=st.lists(some_images(), max_size=4), score=st.floats(0, 1, width=32))
def test_counts_curves_and_metrics_agree(images: list[ImageResult], score: float) -> None:
    found = summary(images, thresholds=Thresholds(score, 0.5))
    alone = [ImageResult(one.true_boxes, one.true_classes, one.boxes, one.scores, one.classes) for one in images]
    pascal = pascal_voc_metrics(alone, LABELS)
    for one, plain in zip(found.classes, summary(alone).classes, strict=True):
        name = f"PascalBoxes_PerformanceByCategory/AP@0.5IOU/{one.name}"
        assert plain.average_precision == pytest.approx(pascal[name], nan_ok=True, abs=1e-12)
    for one in [*found.classes, found.together]:
        assert one.true_boxes == one.right + one.confused + one.missed
        if one.curve is None:
            continue
        # The curve, cut off at the threshold, ends with the numbers of the table.
        counting = int(np.sum(one.curve.scores >= score))
        assert counting == one.detections
        if counting:
            assert one.curve.precision[counting - 1] == pytest.approx(one.precision)
            assert one.curve.recall[counting - 1] == pytest.approx(one.recall)
    for number in ("true_boxes", "detections", "right", "false"):
        assert getattr(found.together, number) == sum(getattr(one, number) for one in found.classes)
    errors = [one.error for one in found.worst]
    assert errors == sorted(errors, reverse=True)
