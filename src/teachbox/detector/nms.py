"""Batch multiclass non-max suppression: within each class, then the best of all classes.

Boxes are `[ymin, xmin, ymax, xmax]`, normalized 0–1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from keras import ops

from teachbox.detector.native import map_over, non_max_suppression


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


@dataclass(frozen=True)
class BatchNonMaxSuppression:
    """Thresholds and sizes of `post_processing.batch_non_max_suppression`."""

    score_threshold: float
    iou_threshold: float
    max_detections_per_class: int
    max_total_detections: int

    def __call__(self, boxes: Any, scores: Any, clip_window: Any | None, change_coordinate_frame: bool = False) -> Kept:
        """Suppress `boxes` [B, A, q, 4] (q: 1 or K) by `scores` [B, A, K].

        With a `clip_window` [B, 4] boxes are cut to it after suppression and those outside dropped;
        `change_coordinate_frame` gives them in 0–1 of the window.
        """
        if clip_window is None:
            return Kept(*map_over(lambda image: self._one(image[0], image[1], None, False), (boxes, scores)))
        return Kept(
            *map_over(
                lambda image: self._one(image[0], image[1], image[2], change_coordinate_frame),
                (boxes, scores, clip_window),
            )
        )

    def _one(self, boxes: Any, scores: Any, window: Any | None, change_frame: bool) -> tuple[Any, ...]:
        anchors, classes = int(boxes.shape[0]), int(scores.shape[-1])
        size = min(self.max_detections_per_class, anchors)
        found_boxes, found_scores, found_classes, found_anchors = [], [], [], []
        for index in range(classes):
            class_boxes = boxes[:, index if boxes.shape[1] > 1 else 0]
            class_scores = scores[:, index]
            selected, count = non_max_suppression(
                class_boxes, class_scores, size, self.iou_threshold, self.score_threshold
            )
            found = ops.arange(size) < count
            found_boxes.append(ops.take(class_boxes, selected, axis=0))
            found_scores.append(ops.where(found, ops.take(class_scores, selected), -1.0))
            found_classes.append(ops.full((size,), float(index), dtype="float32"))
            found_anchors.append(ops.cast(selected, "int32"))
        kept_boxes, kept_scores = ops.concatenate(found_boxes), ops.concatenate(found_scores)
        if window is not None:
            kept_boxes, inside = _clip(kept_boxes, window, change_frame)
            kept_scores = ops.where(inside, kept_scores, -1.0)
        total = min(self.max_total_detections, size * classes)
        top_scores, order = ops.top_k(kept_scores, total)
        valid = top_scores > -1.0
        mask = ops.cast(valid, "float32")
        rows = (
            ops.take(kept_boxes, order, axis=0) * mask[:, None],
            top_scores * mask,
            ops.take(ops.concatenate(found_classes), order) * mask,
            ops.take(ops.concatenate(found_anchors), order) * ops.cast(valid, "int32"),
        )
        missing = self.max_total_detections - total
        padded = (ops.pad(row, [(0, missing)] + [(0, 0)] * (len(row.shape) - 1)) for row in rows)
        return (*padded, ops.sum(ops.cast(valid, "int32")))


def _clip(boxes: Any, window: Any, change_frame: bool) -> tuple[Any, Any]:
    ymin, xmin, ymax, xmax = ops.unstack(window, 4)
    low, high = ops.stack([ymin, xmin, ymin, xmin]), ops.stack([ymax, xmax, ymax, xmax])
    boxes = ops.minimum(ops.maximum(boxes, low), high)
    inside = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]) > 0
    if change_frame:
        size = ops.stack([ymax - ymin, xmax - xmin, ymax - ymin, xmax - xmin])
        boxes = (boxes - low) / size
    return boxes, inside
