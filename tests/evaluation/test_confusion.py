"""Matching at a threshold, the confusion matrix and the error score: by hand, what always holds, the empty cases."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from drawn_images import HERE, LABELS, NEAR, THERE, result, some_images
from hypothesis import given
from hypothesis import strategies as st

from teachbox.evaluation.confusion import confusion_matrix
from teachbox.evaluation.matching import Matched, Pair, Thresholds, asked_for, error_score, match
from teachbox.evaluation.pascal import count
from teachbox.evaluation.results import ImageResult

HALF = Thresholds(score=0.5, iou=0.5)
FAR = [400, 400, 450, 450]


def matrix(*images: ImageResult, thresholds: Thresholds = HALF) -> list[list[int]]:
    return confusion_matrix([(image, match(image, thresholds)) for image in images], list(LABELS)).tolist()


def test_by_hand() -> None:
    # Two cats and a dog; one cat is found twice, the other is called a dog, the dog is missed, and one thing is not
    # there. What scores 0.4 does not count.
    image = result(
        [HERE, THERE, FAR],
        [NEAR, HERE, THERE, [500, 500, 520, 520], FAR],
        true_classes=[1, 1, 2],
        classes=[1, 1, 2, 2, 2],
        scores=[0.9, 0.8, 0.7, 0.6, 0.4],
    )
    matched = match(image, HALF)
    assert matched == Matched(right=[Pair(0, 0)], confused=[Pair(1, 2)], missed=[2], false=[1, 3], set_aside=[])
    assert error_score(matched, image.scores) == pytest.approx(1 + 1 + 0.8 + 0.6)
    assert matrix(image) == [
        [1, 1, 0],  # cats: found, as dog, missed
        [0, 0, 1],  # dogs
        [1, 1, 0],  # nothing there
    ]
    # At 0.4 the dog is found, and nothing is in its place.
    assert matrix(image, thresholds=Thresholds(0.4, 0.5))[1] == [0, 1, 0]
    # Where a box must be met exactly, the second cat on the first box is the one that is right.
    exact = match(image, Thresholds(0.5, 1.0))
    assert exact.right == [Pair(0, 1)]
    assert exact.false == [0, 3]


def test_the_right_class_comes_before_the_better_overlap() -> None:
    image = result([HERE, NEAR], [HERE, NEAR], true_classes=[1, 2], classes=[2, 1], scores=[0.9, 0.8])
    assert matrix(image) == [[1, 0, 0], [0, 1, 0], [0, 0, 0]]


def test_difficult_boxes_groups_and_crowds_count_neither_way() -> None:
    inside = [20, 20, 60, 60]
    for flags in ({"group_of": [True]}, {"crowd": [True]}):
        image = result([HERE], [inside, inside], scores=[0.9, 0.8], **flags)
        assert match(image, HALF) == Matched(set_aside=[0, 1])
        assert matrix(image) == [[0, 0, 0]] * 3
        # A dog inside a group of cats is a mistake.
        assert match(replace(image, classes=np.array([1, 2])), HALF) == Matched(set_aside=[0], false=[1])
    difficult = result([HERE], [NEAR, inside], scores=[0.9, 0.8], difficult=[True])
    assert match(difficult, HALF) == Matched(set_aside=[0], false=[1])


def test_ids_need_not_be_consecutive() -> None:
    image = result([HERE], [HERE], true_classes=[7], classes=[3])
    assert confusion_matrix([(image, match(image, HALF))], [3, 7]).tolist() == [[0, 0, 0], [1, 0, 0], [0, 0, 0]]


def test_empty_cases() -> None:
    assert matrix() == matrix(result([], [])) == [[0, 0, 0]] * 3
    assert matrix(result([HERE], [])) == [[0, 0, 1], [0, 0, 0], [0, 0, 0]]
    assert matrix(result([], [HERE])) == [[0, 0, 0], [0, 0, 0], [1, 0, 0]]
    assert matrix(result([HERE], [[0, 0, 0, 100]])) == [[0, 0, 1], [0, 0, 0], [0, 0, 0]]
    assert confusion_matrix([], []).tolist() == [[0]]


THRESHOLDS = st.builds(Thresholds, st.floats(0, 1, width=32), st.sampled_from([0.1, 0.5, 0.75, 1.0]))


@given(images=st.lists(some_images(), max_size=4), thresholds=THRESHOLDS)
def test_every_box_is_counted_once(images: list[ImageResult], thresholds: Thresholds) -> None:
    counts = np.array(matrix(*images, thresholds=thresholds))
    matched = [match(image, thresholds) for image in images]
    for row, id in enumerate(LABELS):
        asked = sum(int(np.sum(asked_for(image)[0] & (image.true_classes == id))) for image in images)
        assert counts[row].sum() == asked
        counting = sum(
            int(np.sum((image.classes == id) & (image.scores >= thresholds.score)))
            - sum(image.classes[detection] == id for detection in one.set_aside)
            for image, one in zip(images, matched, strict=True)
        )
        assert counts[:, row].sum() == counting
    assert counts[-1, -1] == 0
    for image, one in zip(images, matched, strict=True):
        rows = [*(pair.detection for pair in [*one.right, *one.confused]), *one.false, *one.set_aside]
        assert len(rows) == len(set(rows))
        assert all(image.true_classes[pair.truth] == image.classes[pair.detection] for pair in one.right)
        assert all(image.true_classes[pair.truth] != image.classes[pair.detection] for pair in one.confused)
        assert error_score(one, image.scores) >= 0


@given(images=st.lists(some_images(), max_size=4))
def test_the_diagonal_is_what_pascal_voc_calls_right(images: list[ImageResult]) -> None:
    counts = matrix(*images, thresholds=Thresholds(0.0, 0.5))
    for id, counted in enumerate(count(images, len(LABELS)), 1):
        assert counts[id - 1][id - 1] == counted.judged.right.sum()
        assert sum(row[id - 1] for row in counts) == len(counted.judged.right)
        assert sum(counts[id - 1]) == counted.truths


@given(boxes=st.lists(st.sampled_from([HERE, THERE, FAR]), unique_by=str, max_size=3), id=st.sampled_from([1, 2]))
def test_the_truth_as_detections_has_no_error(boxes: list[list[int]], id: int) -> None:
    image = result(boxes, boxes, classes=[id] * len(boxes), true_classes=[id] * len(boxes))
    matched = match(image, HALF)
    assert len(matched.right) == len(boxes)
    assert error_score(matched, image.scores) == 0
