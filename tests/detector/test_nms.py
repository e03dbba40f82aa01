"""Multiclass suppression: by hand, against plain loops, and the quick way against the thorough one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from teachbox.boxes import iou

pytestmark = pytest.mark.tf


def by_loops(boxes, scores, *, score_threshold, iou_threshold, per_class, total, window=None):
    """What suppression is, said as plainly as can be: rows (score, class, anchor), best first."""
    found = []
    for column in range(scores.shape[1]):
        own = boxes[:, column if boxes.shape[1] > 1 else 0]
        overlap, kept = iou(own, own), []
        for anchor in np.argsort(-scores[:, column], kind="stable"):
            if scores[anchor, column] <= score_threshold or len(kept) == per_class:
                break
            if all(overlap[anchor, other] <= iou_threshold for other in kept):
                kept.append(anchor)
        found += [(float(scores[anchor, column]), column, int(anchor)) for anchor in kept]
    if window is not None:
        ymin, xmin, ymax, xmax = window

        def outside(row: tuple[float, int, int]) -> bool:
            box = boxes[row[2], row[1] if boxes.shape[1] > 1 else 0]
            return box[2] <= ymin or box[0] >= ymax or box[3] <= xmin or box[1] >= xmax

        found = [row for row in found if not outside(row)]
    return sorted(found, key=lambda row: -row[0])[:total]


def suppression(
    per_class: int = 100, total: int = 100, score_threshold: float = 1e-8, iou_threshold: float = 0.6
) -> Any:
    from teachbox.detector.nms import BatchNonMaxSuppression

    return BatchNonMaxSuppression(score_threshold, iou_threshold, per_class, total)


def some_boxes(random: np.random.Generator, count: int, columns: int = 1) -> np.ndarray:
    corner, size = random.uniform(-0.2, 0.9, (count, columns, 2)), random.uniform(0.05, 0.5, (count, columns, 2))
    return np.concatenate([corner, corner + size], axis=-1).astype(np.float32)


def rows(kept: Any, image: int = 0) -> list[tuple[float, int, int]]:
    count = int(kept.count[image])
    parts = (np.asarray(part)[image, :count].tolist() for part in (kept.scores, kept.classes, kept.anchors))
    return [(score, int(column), anchor) for score, column, anchor in zip(*parts, strict=True)]


def test_by_hand():
    boxes = np.array([[0, 0, 1, 1], [0, 0, 1, 0.9], [0, 0, 0.4, 0.4], [2, 2, 3, 3]], np.float32)[None, :, None]
    scores = np.array([[0.9, 0.1], [0.8, 0.7], [0.5, 0.0], [0.6, 0.0]], np.float32)[None]
    kept = suppression(total=5)(boxes, scores, np.array([[0, 0, 0.5, 1]], np.float32), True)
    # Class 0: the second is under the first (0.9 shared), the fourth is outside the window. Class 1: the first is under
    # the second. A score of 0 never counts.
    assert rows(kept) == [(np.float32(0.9), 0, 0), (np.float32(0.7), 1, 1), (0.5, 0, 2)]
    np.testing.assert_allclose(kept.boxes[0, :3], [[0, 0, 1, 1], [0, 0, 1, 0.9], [0, 0, 0.8, 0.4]], rtol=1e-6)
    np.testing.assert_array_equal(kept.boxes[0, 3:], 0)
    np.testing.assert_array_equal(kept.scores[0, 3:], 0)


def test_nothing_above_the_threshold():
    boxes = some_boxes(np.random.default_rng(0), 7)[None]
    kept = suppression(score_threshold=0.5)(boxes, np.full((1, 7, 2), 0.5, np.float32), None)
    assert kept.count.numpy().tolist() == [0]
    assert kept.boxes.shape == (1, 100, 4)
    assert not np.asarray(kept.boxes).any()


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    anchors=st.integers(1, 40),
    classes=st.integers(1, 4),
    own_boxes=st.booleans(),
    per_class=st.integers(1, 12),
    total=st.integers(1, 30),
    iou_threshold=st.sampled_from([0.0, 0.3, 0.6, 1.0]),
)
def test_agrees_with_plain_loops(seed, anchors, classes, own_boxes, per_class, total, iou_threshold):
    random = np.random.default_rng(seed)
    boxes = some_boxes(random, anchors, classes if own_boxes else 1)
    scores = random.uniform(0, 1, (anchors, classes)).astype(np.float32)
    window = np.array([0, 0, 0.8, 0.7], np.float32)
    kept = suppression(per_class, total, 0.2, iou_threshold)(boxes[None], scores[None], window[None])
    options = {"score_threshold": 0.2, "iou_threshold": iou_threshold, "per_class": per_class, "total": total}
    assert rows(kept) == by_loops(boxes, scores, window=window, **options)


@pytest.mark.parametrize("crowded", [False, True])
def test_the_quick_way_changes_nothing(crowded):
    """Enough scores for the quick way; `crowded`: the best are so close together that too few of them are left."""
    random = np.random.default_rng(5)
    anchors, classes = 900, 30
    boxes = some_boxes(random, anchors)
    scores = random.uniform(0, 0.5, (anchors, classes)).astype(np.float32)
    if crowded:
        boxes[:700] = boxes[0] + random.uniform(0, 1e-3, (700, 1, 4)).astype(np.float32)
        scores[:700, :1] += 0.5
    window = np.array([0, 0, 1, 1], np.float32)
    kept = suppression(per_class=20, total=100)(
        np.stack([boxes] * 2)[:, :, :], np.stack([scores] * 2), window[None].repeat(2, 0)
    )
    options = {"score_threshold": 1e-8, "iou_threshold": 0.6, "per_class": 20, "total": 100}
    expected = by_loops(boxes, scores, window=window, **options)
    assert rows(kept, 0) == expected
    assert rows(kept, 1) == expected


def test_other_backends_arithmetic_is_the_kernels(monkeypatch):
    import keras

    from teachbox.detector import native

    random = np.random.default_rng(11)
    boxes, scores = some_boxes(random, 30)[None], random.uniform(0, 1, (1, 30, 3)).astype(np.float32)
    options = {"per_class": 6, "total": 12, "iou_threshold": 0.4, "score_threshold": 0.3}
    kernel = native.multiclass_non_max_suppression(boxes, scores, **options)
    single = native.non_max_suppression(boxes[:, :, 0], scores[:, :, 0], most=30, iou_threshold=0.4)
    monkeypatch.setattr(keras.backend, "backend", lambda: "another")
    for found, expected in zip(native.multiclass_non_max_suppression(boxes, scores, **options), kernel, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-6)
    plain = native.non_max_suppression(boxes[:, :, 0], scores[:, :, 0], most=30, iou_threshold=0.4)
    count = int(single[1][0])
    assert int(plain[1][0]) == count
    np.testing.assert_array_equal(plain[0][0, :count], single[0][0, :count])


def softly_by_loops(boxes, scores, *, score_threshold, sigma, per_class, total):
    """Soft suppression within each class: rows (score, class, anchor), best first."""
    found = []
    for column in range(scores.shape[1]):
        own, left = boxes[:, column if boxes.shape[1] > 1 else 0], scores[:, column].astype(float)
        overlap = iou(own, own)
        for _ in range(per_class):
            best = int(left.argmax())
            if left[best] <= score_threshold:
                break
            found.append((left[best], column, best))
            left *= np.exp(-(overlap[best] ** 2) / (2 * sigma))
            left[best] = -1
    return sorted(found, key=lambda row: -row[0])[:total]


@pytest.mark.parametrize("backend", ["tensorflow", "another"])
@settings(max_examples=20, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    anchors=st.integers(2, 25),
    classes=st.integers(1, 3),
    own_boxes=st.booleans(),
    per_class=st.integers(1, 6),
    sigma=st.sampled_from([0.1, 0.5, 2.0]),
)
def test_soft_suppression_agrees_with_plain_loops(backend, seed, anchors, classes, own_boxes, per_class, sigma):
    import keras

    from teachbox.detector.nms import BatchNonMaxSuppression

    random = np.random.default_rng(seed)
    boxes = some_boxes(random, anchors, classes if own_boxes else 1)
    scores = random.uniform(0, 1, (anchors, classes)).astype(np.float32)
    suppress = BatchNonMaxSuppression(0.2, 0.6, per_class, 10, soft_sigma=sigma)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keras.backend, "backend", lambda: backend)
        found = rows(suppress(boxes[None].repeat(2, 0), scores[None].repeat(2, 0), None), image=1)
    expected = softly_by_loops(boxes, scores, score_threshold=0.2, sigma=sigma, per_class=per_class, total=10)
    np.testing.assert_allclose([row[0] for row in found], [row[0] for row in expected], rtol=1e-4)
    assert [row[1:] for row in found] == [row[1:] for row in expected]


@pytest.mark.parametrize("sigma", [0.0, 0.5])
@settings(max_examples=20, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    anchors=st.integers(1, 25),
    classes=st.integers(1, 3),
    own_boxes=st.booleans(),
    total=st.integers(1, 30),
)
def test_suppression_of_all_classes_at_once(sigma, seed, anchors, classes, own_boxes, total):
    """As if there were one class, each box with the score (and the place) of its best one.

    Soft (`sigma` > 0), boxes lower the scores of those of other classes too.
    """
    from teachbox.detector.nms import BatchNonMaxSuppression

    random = np.random.default_rng(seed)
    boxes = some_boxes(random, anchors, classes if own_boxes else 1)
    scores = random.uniform(0, 1, (anchors, classes)).astype(np.float32)
    best, best_scores = scores.argmax(axis=1), scores.max(axis=1, keepdims=True)
    own = boxes[np.arange(anchors), best if own_boxes else 0][:, None]
    suppress = BatchNonMaxSuppression(0.2, 0.4, 1, total, soft_sigma=sigma, class_agnostic=True)
    kept = suppress(boxes[None], scores[None], None)
    options = {"score_threshold": 0.2, "per_class": total, "total": total}
    if sigma:
        single = softly_by_loops(own, best_scores, sigma=sigma, **options)
    else:
        single = by_loops(own, best_scores, iou_threshold=0.4, **options)
    # Hard suppression leaves the scores as they are; soft is computed in other steps than by the loops.
    np.testing.assert_allclose([row[0] for row in rows(kept)], [row[0] for row in single], rtol=1e-4 if sigma else 0)
    assert [row[1:] for row in rows(kept)] == [(int(best[anchor]), anchor) for _, _, anchor in single]
    assert kept.boxes.shape == (1, total, 4)
    np.testing.assert_array_equal(kept.boxes[0, : len(single)], own[[row[2] for row in single], 0].reshape(-1, 4))


def test_soft_suppression_lowers_another_class_by_hand():
    from teachbox.detector.nms import BatchNonMaxSuppression

    boxes = np.array([[[[0, 0, 1, 1]], [[0, 0, 1, 0.5]], [[0, 0, 0, 0]]]], np.float32)
    scores = np.array([[[0.9, 0.1], [0.2, 0.8], [0.1, 0.1]]], np.float32)
    kept = BatchNonMaxSuppression(0.3, 0.4, 1, 5, soft_sigma=0.5, class_agnostic=True)(boxes, scores, None)
    # They overlap by half: the second's score is lowered by exp(-0.5² / (2 · 0.5)); the third is under the threshold.
    assert int(kept.count[0]) == 2
    np.testing.assert_allclose(kept.scores[0], [0.9, 0.8 * np.exp(-0.25), 0, 0, 0], rtol=1e-5)
    np.testing.assert_array_equal(kept.classes[0], [0, 1, 0, 0, 0])
