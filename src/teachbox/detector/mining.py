"""Hard example mining: of the anchors of each image only the ones with the largest loss count (arXiv 1604.03540)."""

from __future__ import annotations

from typing import Any, Literal

from keras import ops

from teachbox.detector.matching import UNMATCHED
from teachbox.detector.native import non_max_suppression


class HardExampleMiner:
    """Picks up to `num_hard_examples` anchors by loss, apart by `iou_threshold`, negatives in a ratio to positives."""

    def __init__(
        self,
        *,
        num_hard_examples: int | None,
        iou_threshold: float,
        loss_type: Literal["both", "classification", "localization"],
        classification_weight: float = 1.0,
        localization_weight: float = 1.0,
        max_negatives_per_positive: float | None = None,
        min_negatives_per_image: int = 0,
    ) -> None:
        self.num_hard_examples = num_hard_examples
        self.iou_threshold = iou_threshold
        self.loss_type = loss_type
        self.classification_weight = classification_weight
        self.localization_weight = localization_weight
        self.max_negatives_per_positive = max_negatives_per_positive
        self.min_negatives_per_image = min_negatives_per_image

    def __call__(self, location_loss: Any, class_loss: Any, boxes: Any, match: Any | None) -> tuple[Any, Any]:
        """Sums of location and class loss over the anchors picked, over the whole batch.

        `location_loss`, `class_loss` are [B, A]; `boxes` [B, A, 4] are the decoded predictions; `match` int [B, A].
        """
        kept = self._kept(
            ops.stop_gradient(location_loss), ops.stop_gradient(class_loss), ops.stop_gradient(boxes), match
        )
        return ops.sum(location_loss * kept), ops.sum(class_loss * kept)

    def _kept(self, location_loss: Any, class_loss: Any, boxes: Any, match: Any | None) -> Any:
        """float32 [B, A]: 1 for an anchor that counts."""
        losses = ops.zeros_like(class_loss)
        if self.loss_type != "localization":
            losses = losses + class_loss * self.classification_weight
        if self.loss_type != "classification":
            losses = losses + location_loss * self.localization_weight
        anchors = int(losses.shape[1])
        most = min(self.num_hard_examples or anchors, anchors)
        selected, count = non_max_suppression(boxes, losses, most=most, iou_threshold=self.iou_threshold)
        counted = ops.arange(most) < ops.expand_dims(count, -1)
        if match is not None and self.max_negatives_per_positive is not None:
            chosen = ops.take_along_axis(match, selected, axis=1)
            positive = ops.logical_and(chosen >= 0, counted)
            negative = ops.logical_and(chosen == UNMATCHED, counted)
            positives = ops.sum(ops.cast(positive, "float32"), axis=1, keepdims=True)
            allowed = ops.cast(self.max_negatives_per_positive * positives, "int32")
            allowed = ops.maximum(allowed, self.min_negatives_per_image)
            within = ops.cumsum(ops.cast(negative, "int32"), axis=1) <= allowed
            # As in the original, ignored anchors count while negatives are still taken.
            counted = ops.logical_and(counted, ops.logical_or(positive, within))
        images = ops.shape(losses)[0]
        places = ops.expand_dims(ops.arange(images) * anchors, -1) + selected
        flags = ops.reshape(ops.cast(counted, "float32"), (-1,))
        kept = ops.scatter(ops.reshape(places, (-1, 1)), flags, (images * anchors,))
        return ops.reshape(kept, (images, anchors))
