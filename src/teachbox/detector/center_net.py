"""CenterNet: features, heads, targets, losses and peaks, handed to a whole."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import keras
from keras import ops

from teachbox.detector.center_heads import CenterHead
from teachbox.detector.center_peaks import at_cells, boxes_at, highest_peaks
from teachbox.detector.center_targets import CenterTargetAssigner
from teachbox.detector.detector import GroundTruth
from teachbox.detector.features.center_features import STRIDE
from teachbox.detector.layers import Shape
from teachbox.detector.losses import l1
from teachbox.detector.names import NamedVariables

CENTER, SIZE, OFFSET = "object_center", "box/scale", "box/offset"
"""The heads, by their public names."""


@dataclass(frozen=True)
class CenterNetLosses:
    """The loss of heat maps, a function of (logits, target, weights), and what each loss is multiplied by."""

    center: Callable[[Any, Any, Any], Any]
    center_weight: float = 1.0
    size_weight: float = 0.1
    offset_weight: float = 1.0


class CenterNet(keras.layers.Layer):
    """A detector of boxes by their centres (arXiv 1904.07850).

    `call` takes normalised images [B, H, W, 3], both sides multiples of the feature extractor's `size_multiple`, and
    returns lists, each with a map [B, H / 4, W / 4, …] for each of the feature extractor's: `object_center` (logits of
    K classes), `box/scale` (height and width) and `box/offset` (of the centre from its cell), in cells.
    """

    def __init__(
        self,
        *,
        num_classes: int,
        feature_extractor: Any,
        heads: Mapping[str, CenterHead],
        target_assigner: CenterTargetAssigner,
        losses: CenterNetLosses,
        max_detections: int,
        **kwargs: Any,
    ) -> None:
        """`heads` by name: `CENTER`, `SIZE` and `OFFSET`."""
        super().__init__(**kwargs)
        self.num_classes = num_classes
        self.feature_extractor = feature_extractor
        self.heads = dict(heads)
        self.target_assigner = target_assigner
        self.loss_parts = losses
        self.max_detections = max_detections

    def build(self, input_shape: Shape) -> None:
        self.feature_extractor.build(input_shape)
        shapes = self.feature_extractor.compute_output_shape(input_shape)
        for head in self.heads.values():
            head.build(shapes)

    def preprocess(self, images: Any) -> Any:
        """Normalise resized images: float32 [B, H, W, 3], 0…255."""
        return self.feature_extractor.preprocess(images)

    def call(
        self, images: Any, true_shape: Any, groundtruth: GroundTruth | None = None, training: bool = False
    ) -> dict[str, Any]:
        feature_maps = self.feature_extractor(images, training=training)
        return {name: head(feature_maps) for name, head in self.heads.items()} | {"true_shape": true_shape}

    def loss(self, predictions: Mapping[str, Any], groundtruth: GroundTruth) -> dict[str, Any]:
        """Scalar `Loss/object_center`, `Loss/box/scale` and `Loss/box/offset`: of each object, and the mean of the
        feature maps."""
        parts = self.loss_parts
        _, height, width, _ = predictions[CENTER][0].shape
        targets = self.target_assigner((height, width), **groundtruth)
        objects = ops.maximum(ops.sum(ops.cast(targets.weights > 0, "float32")), 1.0)
        inside = _inside(predictions["true_shape"], height, width)
        wanted = ops.reshape(targets.heatmap, (-1, height * width, self.num_classes))
        weights = ops.expand_dims(targets.weights, -1)

        def center(logits: Any) -> Any:
            return parts.center(ops.reshape(logits, (-1, height * width, self.num_classes)), wanted, inside)

        def mean(losses: list[Any]) -> Any:
            return sum(ops.sum(loss) for loss in losses) / (len(losses) * objects)

        sizes = [l1(at_cells(found, targets.cells), targets.sizes, weights) for found in predictions[SIZE]]
        offsets = [l1(at_cells(found, targets.cells), targets.offsets, weights) for found in predictions[OFFSET]]
        return {
            f"Loss/{CENTER}": parts.center_weight * mean([center(logits) for logits in predictions[CENTER]]),
            f"Loss/{SIZE}": parts.size_weight * mean(sizes),
            f"Loss/{OFFSET}": parts.offset_weight * mean(offsets),
        }

    def postprocess(self, predictions: Mapping[str, Any], true_shape: Any) -> dict[str, Any]:
        """Detections of a batch, from the last of the feature maps; `detection_multiclass_scores` [B, M, K] are those
        of all classes at a detection's centre."""
        heatmap = ops.sigmoid(predictions[CENTER][-1])
        peaks = highest_peaks(heatmap, self.max_detections)
        boxes = boxes_at(peaks, predictions[SIZE][-1], predictions[OFFSET][-1])
        true = ops.cast(true_shape[:, None, :2], "float32")
        normalized = boxes * STRIDE / ops.concatenate([true, true], axis=-1)
        cells = peaks.rows * int(heatmap.shape[2]) + peaks.columns
        return {
            "detection_boxes": ops.clip(normalized, 0.0, 1.0),
            "detection_scores": peaks.scores,
            "detection_classes": ops.cast(peaks.classes, "float32"),
            "num_detections": ops.sum(ops.cast(peaks.scores > 0, "float32"), axis=-1),
            "detection_multiclass_scores": at_cells(heatmap, cells),
            "detection_boxes_strided": boxes,
        }

    def checkpoint_variables(self) -> NamedVariables:
        """The detector's variables by the names that public checkpoints give them."""
        names = self.feature_extractor.object_variables("model/_feature_extractor")
        for name, head in self.heads.items():
            # A checkpoint writes a slash inside a name as `.S`.
            names |= head.object_variables(f"model/_prediction_head_dict/{name.replace('/', '.S')}")
        return names


def _inside(true_shape: Any, height: int, width: int) -> Any:
    """float32 [B, h · w, 1]: which cells of a feature map show something of the picture, not of the padding alone."""
    true = ops.ceil(ops.cast(true_shape, "float32") / STRIDE)
    rows = ops.arange(height, dtype="float32") < true[:, :1]
    columns = ops.arange(width, dtype="float32") < true[:, 1:2]
    both = ops.logical_and(ops.expand_dims(rows, -1), ops.expand_dims(columns, 1))
    return ops.reshape(ops.cast(both, "float32"), (-1, height * width, 1))
