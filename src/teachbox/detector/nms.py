"""Batch multiclass non-max suppression: within each class, then the best of all classes; or of all classes at once.

Boxes are `[ymin, xmin, ymax, xmax]`, normalized 0–1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from keras import ops

from teachbox.detector.native import (
    NEVER,
    Suppressed,
    multiclass_non_max_suppression,
    non_max_suppression,
    soft_multiclass_non_max_suppression,
)

_SMALL = 8192
"""Up to so many scores an image, suppression costs less than choosing what to suppress."""
_ANCHORS_PER_DETECTION = 6
_NONE = -1.0
"""Score of a row that holds no detection; no detection has one as low."""


class Kept(NamedTuple):
    """What is left, best first; rows past `count` are zero."""

    boxes: Any
    """float32 [B, M, 4]."""
    scores: Any
    """float32 [B, M]."""
    classes: Any
    """float32 [B, M], from 0."""
    anchors: Any
    """int32 [B, M]: which of the candidates it was."""
    count: Any
    """int32 [B]."""


class _Best(NamedTuple):
    """The best M, cut to the window; their boxes before that; and how many there were to choose from."""

    cut: Suppressed
    """[B, M]; rows without a detection have the score `_NONE`."""
    boxes: Any
    """float32 [B, M, 4]."""
    left: Any
    """int32 [B]."""


@dataclass(frozen=True)
class BatchNonMaxSuppression:
    """Thresholds and sizes of `post_processing.batch_non_max_suppression`."""

    score_threshold: float
    iou_threshold: float
    max_detections_per_class: int
    max_total_detections: int
    soft_sigma: float = 0.0
    """Above 0, a box lowers the scores of those it overlaps instead of taking them away (arXiv 1704.04503)."""
    class_agnostic: bool = False
    """Boxes suppress each other whatever their classes, and each has only its best class."""
    combined: bool = False
    """Boxes are cut to 0–1 whatever the window, as by TensorFlow's `combined_non_max_suppression`; none is dropped."""

    def __call__(self, boxes: Any, scores: Any, clip_window: Any | None, change_coordinate_frame: bool = False) -> Kept:
        """Suppress `boxes` [B, A, q, 4] (q: 1 or K) by `scores` [B, A, K].

        With a `clip_window` [B, 4] boxes are cut to it after suppression and those outside dropped;
        `change_coordinate_frame` then gives them in 0–1 of the window.
        """
        if self.combined:
            kept = replace(self, combined=False)(boxes, scores, None)
            return kept._replace(boxes=ops.clip(kept.boxes, 0.0, 1.0))
        if self.class_agnostic or self.soft_sigma:
            suppressed, which = (
                self._class_agnostic(boxes, scores)
                if self.class_agnostic
                else self._soft(boxes, scores, self._per_class(scores))
            )
            found, rows = self._cut(suppressed, clip_window, change_coordinate_frame)
            return _kept(found.cut, rows(which))
        anchors, classes = scores.shape[1], int(scores.shape[2])
        everything = self._per_class(scores) * classes

        def best(scores: Any, most: int) -> _Best:
            return self._best(boxes, scores, most, clip_window, change_coordinate_frame)

        if anchors is not None and int(anchors) * classes <= _SMALL:
            cut, original, _ = best(scores, everything)
        else:
            # The same, sooner: scores under a bound do not matter once enough boxes above it are left.
            high = self._high(scores)
            quick = best(high, min(2 * self.max_total_detections, everything))
            enough = ops.all(quick.left >= self.max_total_detections)
            cut, original, _ = ops.cond(enough, lambda: quick, lambda: best(scores, everything))
        return _kept(cut, _find(original, cut, boxes, scores))

    def _per_class(self, scores: Any) -> int:
        """Of how many boxes a class may have; how many anchors there are may be known only later."""
        most = self.max_detections_per_class
        return most if scores.shape[1] is None else min(most, int(scores.shape[1]))

    def _soft(self, boxes: Any, scores: Any, per_class: int) -> tuple[Suppressed, Any]:
        return soft_multiclass_non_max_suppression(
            boxes,
            scores,
            per_class=per_class,
            total=per_class * int(scores.shape[2]),
            sigma=self.soft_sigma,
            score_threshold=self.score_threshold,
        )

    def _class_agnostic(self, boxes: Any, scores: Any) -> tuple[Suppressed, Any]:
        most = self.max_total_detections
        if scores.shape[1] is not None:  # unknown where images are of many sizes
            most = min(most, int(scores.shape[1]))
        best = ops.max(scores, axis=-1)
        column = ops.cast(ops.argmax(scores, axis=-1), "int32")
        own = boxes[:, :, 0]
        if int(boxes.shape[2]) > 1:
            own = ops.take_along_axis(boxes, ops.expand_dims(ops.expand_dims(column, -1), -1), axis=2)[:, :, 0]
        if self.soft_sigma:
            found, which = self._soft(ops.expand_dims(own, 2), ops.expand_dims(best, -1), most)
            mask = ops.cast(ops.arange(most) < ops.expand_dims(found.count, -1), "float32")
            classes = ops.cast(ops.take_along_axis(column, which, axis=1), "float32") * mask
            return found._replace(classes=classes), which
        left = ops.where(best > self.score_threshold, best, NEVER)
        which, count = non_max_suppression(own, left, most=most, iou_threshold=self.iou_threshold)
        mask = ops.cast(ops.arange(most) < ops.expand_dims(count, -1), "float32")
        found = Suppressed(
            ops.take_along_axis(own, ops.expand_dims(which, -1), axis=1) * ops.expand_dims(mask, -1),
            ops.take_along_axis(best, which, axis=1) * mask,
            ops.cast(ops.take_along_axis(column, which, axis=1), "float32") * mask,
            count,
        )
        return found, which

    def _high(self, scores: Any) -> Any:
        """`scores` without those that no anchor of the best few reaches."""
        few = _ANCHORS_PER_DETECTION * self.max_total_detections
        few = ops.minimum(few, ops.shape(scores)[1]) if scores.shape[1] is None else min(few, int(scores.shape[1]))
        bound = ops.top_k(ops.max(scores, axis=-1), few)[0][:, -1]
        return ops.where(scores > bound[:, None, None], scores, self.score_threshold)

    def _best(self, boxes: Any, scores: Any, most: int, window: Any | None, change_frame: bool) -> _Best:
        """The best of at most `most` boxes an image that suppression leaves."""
        found = multiclass_non_max_suppression(
            boxes,
            scores,
            per_class=self._per_class(scores),
            total=most,
            iou_threshold=self.iou_threshold,
            score_threshold=self.score_threshold,
        )
        return self._cut(found, window, change_frame)[0]

    def _cut(self, found: Suppressed, window: Any | None, change_frame: bool) -> tuple[_Best, Callable[[Any], Any]]:
        """The best of what suppression `found`, cut to the window; and what picks their rows of [B, N, ...]."""
        most = int(found.scores.shape[1])
        valid = ops.arange(most) < ops.expand_dims(found.count, -1)
        cut_boxes = found.boxes
        if window is not None:
            cut_boxes, inside = _clip(found.boxes, window, change_frame)
            valid = ops.logical_and(valid, inside)
        left = ops.where(valid, found.scores, _NONE)
        total = min(self.max_total_detections, most)
        top_scores, order = ops.top_k(left, total)
        missing = self.max_total_detections - total

        def rows(values: Any) -> Any:
            index = order if len(values.shape) == 2 else ops.expand_dims(order, -1)
            taken = ops.take_along_axis(values, index, axis=1)
            return ops.pad(taken, [(0, 0), (0, missing)] + [(0, 0)] * (len(values.shape) - 2))

        padded_scores = ops.pad(top_scores, [(0, 0), (0, missing)], constant_values=_NONE)
        count = ops.sum(ops.cast(valid, "int32"), axis=-1)
        cut = Suppressed(rows(cut_boxes), padded_scores, rows(found.classes), count)
        return _Best(cut, rows(found.boxes), count), rows


def _kept(cut: Suppressed, anchors: Any) -> Kept:
    """The rows that hold a detection, and which of the `anchors` [B, M] they were."""
    valid = cut.scores > _NONE
    mask = ops.cast(valid, "float32")
    return Kept(
        cut.boxes * ops.expand_dims(mask, -1),
        cut.scores * mask,
        cut.classes * mask,
        ops.where(valid, anchors, 0),
        ops.sum(ops.cast(valid, "int32"), axis=-1),
    )


def _clip(boxes: Any, window: Any, change_frame: bool) -> tuple[Any, Any]:
    """`boxes` [B, N, 4] cut to `window` [B, 4], and which of them have an area left."""
    ymin, xmin, ymax, xmax = ops.unstack(ops.expand_dims(window, 1), 4, axis=-1)
    low, high = ops.stack([ymin, xmin, ymin, xmin], axis=-1), ops.stack([ymax, xmax, ymax, xmax], axis=-1)
    boxes = ops.minimum(ops.maximum(boxes, low), high)
    inside = (boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1]) > 0
    if change_frame:
        height, width = ymax - ymin, xmax - xmin
        boxes = (boxes - low) / ops.stack([height, width, height, width], axis=-1)
    return boxes, inside


def _find(kept: Any, found: Suppressed, boxes: Any, scores: Any) -> Any:
    """int32 [B, M]: the candidate that each kept row [B, M, 4] was, known by its box and score."""
    column = ops.cast(found.classes, "int32")
    class_scores = ops.take_along_axis(ops.transpose(scores, (0, 2, 1)), ops.expand_dims(column, -1), axis=1)
    same = class_scores == ops.expand_dims(found.scores, -1)
    for coordinate in range(4):
        candidates = ops.transpose(boxes[..., coordinate], (0, 2, 1))
        if candidates.shape[1] > 1:
            candidates = ops.take_along_axis(candidates, ops.expand_dims(column, -1), axis=1)
        same = ops.logical_and(same, candidates == kept[..., coordinate : coordinate + 1])
    return ops.cast(ops.argmax(ops.cast(same, "uint8"), axis=-1), "int32")
