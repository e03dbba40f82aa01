"""From raw predictions to detections: decode, convert scores, suppress."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from keras import ops

from teachbox.detector.nms import BatchNonMaxSuppression

SCORE_CONVERTERS: dict[str, Callable[[Any], Any]] = {
    "IDENTITY": lambda logits: logits,
    "SIGMOID": ops.sigmoid,
    "SOFTMAX": lambda logits: ops.softmax(logits, axis=-1),
}


class PostProcessor:
    """Decoded boxes and logits → detections of at most `max_total_detections` an image."""

    def __init__(
        self,
        suppress: BatchNonMaxSuppression,
        convert_scores: Callable[[Any], Any],
        *,
        has_background: bool,
        change_coordinate_frame: bool = True,
    ) -> None:
        self.suppress = suppress
        self.convert_scores = convert_scores
        self.has_background = has_background
        self.change_coordinate_frame = change_coordinate_frame

    def __call__(
        self,
        boxes: Any,
        logits: Any,
        true_shape: Any,
        image_shape: tuple[Any, Any],
        count: Any | None = None,
    ) -> dict[str, Any]:
        """Detections of `boxes` [B, A, 4], or [B, A, q, 4] (q: 1 or K), and `logits` [B, A, columns].

        `true_shape` int32 [B, 3] is the part of the padded image that holds the picture, and `image_shape` that image's
        height and width, or (1.0, 1.0) if boxes are in pixels. Detections are normalized 0–1 of the picture, or stay
        as they are without `change_coordinate_frame`. Classes are float32 from 0. Of each image only the first `count`
        (int32 [B]) boxes are there, where that is given.
        """
        scores = self.convert_scores(logits)
        class_scores = scores[..., 1:] if self.has_background else scores
        if count is not None:
            there = ops.arange(ops.shape(logits)[1]) < ops.expand_dims(count, -1)
            class_scores = ops.where(ops.expand_dims(there, -1), class_scores, self.suppress.score_threshold)
        height, width = ops.cast(image_shape[0], "float32"), ops.cast(image_shape[1], "float32")
        true = ops.cast(true_shape, "float32")
        zeros = ops.zeros_like(true[:, 0])
        window = ops.stack([zeros, zeros, true[:, 0] / height, true[:, 1] / width], axis=-1)
        candidates = ops.expand_dims(boxes, 2) if len(boxes.shape) == 3 else boxes
        kept = self.suppress(candidates, class_scores, window, self.change_coordinate_frame)
        return {
            "detection_boxes": kept.boxes,
            "detection_scores": kept.scores,
            "detection_classes": kept.classes,
            "num_detections": ops.cast(kept.count, "float32"),
            "detection_anchor_indices": kept.anchors,
            "detection_multiclass_scores": ops.take_along_axis(scores, ops.expand_dims(kept.anchors, -1), axis=1),
            "raw_detection_boxes": boxes,
            "raw_detection_scores": scores,
        }
