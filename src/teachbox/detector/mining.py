"""Hard example mining: of the anchors of each image only the ones with the largest loss count (arXiv 1604.03540)."""

from __future__ import annotations

from typing import Any, Literal

from keras import ops

from teachbox.detector.matching import UNMATCHED
from teachbox.detector.native import NEVER, non_max_suppression
from teachbox.detector.similarity import iou

_HARDEST = 512
_POSITIVES = 64


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
        # One loss alone puts the anchors in the order that it has, whatever it weighs.
        losses = location_loss if self.loss_type == "localization" else class_loss
        if self.loss_type == "both":
            losses = class_loss * self.classification_weight + location_loss * self.localization_weight
        anchors = losses.shape[1]
        if anchors is None:  # known when TensorFlow runs
            return self._pick(losses, boxes, match, self.num_hard_examples or ops.shape(losses)[1])[0]
        most = min(self.num_hard_examples or int(anchors), int(anchors))
        unbounded = self.max_negatives_per_positive is None
        if match is None or unbounded or most < anchors or anchors <= 2 * _HARDEST:
            return self._pick(losses, boxes, match, most)[0]
        # The same, sooner: once there are more negatives than may count among the hardest anchors, only positives are
        # looked for under them. That holds unless one of these overlaps an anchor that was not looked at.
        high = ops.logical_or(losses >= ops.top_k(losses, _HARDEST)[0][:, -1:], match >= 0)
        picked, surplus = self._pick(ops.where(high, losses, NEVER), boxes, match, most)
        sound = ops.logical_and(ops.all(surplus > 0), self._alone(losses, boxes, high, match))
        return ops.cond(sound, lambda: picked, lambda: self._pick(losses, boxes, match, most)[0])

    def _pick(self, losses: Any, boxes: Any, match: Any | None, most: Any) -> tuple[Any, Any]:
        """float32 [B, A]: 1 for an anchor that counts; and by how many negatives each image has more than may count."""
        selected, count = non_max_suppression(boxes, losses, most=most, iou_threshold=self.iou_threshold)
        counted = ops.arange(most) < ops.expand_dims(count, -1)
        surplus = ops.zeros_like(count)
        if match is not None and self.max_negatives_per_positive is not None:
            chosen = ops.take_along_axis(match, selected, axis=1)
            positive = ops.logical_and(chosen >= 0, counted)
            negatives = ops.cumsum(ops.cast(ops.logical_and(chosen == UNMATCHED, counted), "int32"), axis=1)
            positives = ops.sum(ops.cast(positive, "float32"), axis=1, keepdims=True)
            allowed = ops.cast(self.max_negatives_per_positive * positives, "int32")
            allowed = ops.maximum(allowed, self.min_negatives_per_image)
            # As in the original, ignored anchors count while negatives are still taken.
            counted = ops.logical_and(counted, ops.logical_or(positive, negatives <= allowed))
            surplus = negatives[:, -1] - allowed[:, 0]
        images, anchors = ops.shape(losses)[0], ops.shape(losses)[1]
        places = ops.expand_dims(ops.arange(images) * anchors, -1) + selected
        flags = ops.reshape(ops.cast(counted, "float32"), (-1,))
        kept = ops.scatter(ops.reshape(places, (-1, 1)), flags, (images * anchors,))
        return ops.reshape(kept, (images, anchors)), surplus

    def _alone(self, losses: Any, boxes: Any, high: Any, match: Any) -> Any:
        """Whether no positive could be suppressed by an anchor that is not `high` (bool [B, A])."""
        rest = ops.where(high, NEVER, losses)
        hardest_left = ops.max(rest, axis=1, keepdims=True)
        # Only these positives could be: those with less loss than an anchor that was not looked at.
        under = ops.cast(ops.logical_and(match >= 0, losses <= hardest_left), "int32")
        flags, places = ops.top_k(under, _POSITIVES)
        few = ops.all(ops.sum(under, axis=1) <= _POSITIVES)
        own_boxes = ops.take_along_axis(boxes, ops.expand_dims(places, -1), axis=1)
        own_losses = ops.take_along_axis(losses, places, axis=1)
        # The kernel's arithmetic may round otherwise.
        close = iou(own_boxes, boxes) > self.iou_threshold - 1e-4
        harder = ops.expand_dims(rest, 1) >= ops.expand_dims(own_losses, -1)
        suppressed = ops.logical_and(ops.logical_and(close, harder), ops.expand_dims(flags, -1) > 0)
        return ops.logical_and(few, ops.logical_not(ops.any(suppressed)))
