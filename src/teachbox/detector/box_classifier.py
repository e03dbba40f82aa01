"""The second stage of Faster R-CNN: what the proposals hold (arXiv 1506.01497; 1504.08083, section 2.3).

Boxes are in pixels of the padded image where nothing else is said.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
from keras import ops

from teachbox.detector.detector import GroundTruth
from teachbox.detector.losses import smooth_l1
from teachbox.detector.mining import HardExampleMiner
from teachbox.detector.names import NamedVariables
from teachbox.detector.postprocess import PostProcessor
from teachbox.detector.rpn import Proposals, sides
from teachbox.detector.samplers import BalancedSampler, compacted
from teachbox.detector.targets import TargetAssigner, Targets


@dataclass(frozen=True)
class BoxClassifierLosses:
    """How many proposals of an image are sampled in training; the loss of (logits, target, weights) for classes; how
    losses are weighed; and a miner, which takes the sampler's place, or none."""

    batch_size: int
    classification: Callable[[Any, Any, Any], Any]
    localization_weight: float
    classification_weight: float
    miner: HardExampleMiner | None = None


class BoxClassifier(keras.layers.Layer):
    """Classes and refined boxes of proposals: predictions, their losses, and the detections that come of them."""

    def __init__(
        self,
        *,
        regions: Any,
        target_assigner: TargetAssigner,
        sampler: BalancedSampler,
        losses: BoxClassifierLosses,
        postprocessor: PostProcessor,
        **kwargs: Any,
    ) -> None:
        """`regions`: a layer that predicts for feature maps and normalized boxes, such as `CroppedRegions`."""
        super().__init__(**kwargs)
        self.regions = regions
        self.target_assigner = target_assigner
        self.sampler = sampler
        self.loss_parts = losses
        self.postprocessor = postprocessor

    def build(self, input_shape: Sequence[tuple[int | None, ...]]) -> None:
        self.regions.build(input_shape)

    def sample(self, proposals: Proposals, groundtruth: GroundTruth) -> Proposals:
        """A balanced minibatch of the `proposals`, in their order; all of them where a miner chooses later."""
        if self.loss_parts.miner is not None:
            return proposals
        targets = self._targets(proposals.boxes, groundtruth)
        there = _rows(proposals.count, int(proposals.boxes.shape[1]))
        candidates = ops.logical_and(there, ops.mean(targets.class_weights, axis=-1) > 0)
        positive = ops.argmax(targets.classes, axis=-1) > 0
        size = self.loss_parts.batch_size
        places, count = compacted(self.sampler(candidates, positive, size=size), size)
        mask = ops.cast(_rows(count, size), "float32")
        boxes = ops.take_along_axis(proposals.boxes, ops.expand_dims(places, -1), axis=1)
        scores = ops.take_along_axis(proposals.scores, places, axis=1)
        return Proposals(boxes * ops.expand_dims(mask, -1), scores * mask, count)

    def call(
        self, feature_maps: Sequence[Any], proposals: Proposals, image_shape: tuple[Any, Any], training: bool = False
    ) -> dict[str, Any]:
        """What is in `proposals`, whose boxes are normalized to 0–1 of the padded image, (height, width) in pixels.

        `refined_box_encodings` [B, M, q, 4] (q: 1 or K), `class_predictions_with_background` [B, M, K + 1], and the
        proposals that they are of: `proposal_boxes` [B, M, 4], `num_proposals` [B].
        """
        found = self.regions(feature_maps, proposals.boxes, image_shape=image_shape, training=training)
        return {
            "refined_box_encodings": found.codes,
            "class_predictions_with_background": found.logits,
            "box_classifier_features": found.features,
            "proposal_boxes": proposals.boxes * sides(image_shape),
            "proposal_boxes_normalized": proposals.boxes,
            "num_proposals": proposals.count,
        }

    def loss(self, predictions: Mapping[str, Any], groundtruth: GroundTruth) -> dict[str, Any]:
        """Scalar losses for ground truth in pixels: of each image the mean over its proposals, then over images."""
        parts = self.loss_parts
        proposals = predictions["proposal_boxes"]
        targets = self._targets(proposals, groundtruth)
        codes = _of_class(predictions["refined_box_encodings"], ops.argmax(targets.classes, axis=-1))
        localization = smooth_l1(codes, targets.codes, targets.code_weights)
        classification = parts.classification(
            predictions["class_predictions_with_background"], targets.classes, targets.class_weights
        )
        if len(classification.shape) == 3:
            classification = ops.sum(classification, axis=-1)
        count = predictions["num_proposals"]
        images = ops.cast(ops.shape(proposals)[0], "float32")
        share = ops.cast(_rows(count, int(proposals.shape[1])), "float32")
        share = share / (ops.expand_dims(ops.maximum(ops.cast(count, "float32"), 1.0), -1) * images)
        localization, classification = localization * share, classification * share
        if parts.miner is None:
            location_sum, class_sum = ops.sum(localization), ops.sum(classification)
        else:
            # Of every image; the original's loop over images ends after the first.
            location_sum, class_sum = parts.miner(localization, classification, proposals, None)
        return {
            "Loss/BoxClassifierLoss/localization_loss": parts.localization_weight * location_sum,
            "Loss/BoxClassifierLoss/classification_loss": parts.classification_weight * class_sum,
        }

    def detect(self, predictions: Mapping[str, Any], true_shape: Any) -> dict[str, Any]:
        """Detections in 0–1 of each picture; `true_shape` int32 [B, 3] is its part of the padded image."""
        logits = predictions["class_predictions_with_background"]
        anchors = ops.expand_dims(predictions["proposal_boxes"], 2)
        boxes = self.target_assigner.box_coder.decode(predictions["refined_box_encodings"], anchors)
        found = self.postprocessor(boxes, logits, true_shape, (1.0, 1.0), predictions["num_proposals"])
        true = ops.cast(true_shape[:, None, :2], "float32")
        likeliest = _of_class(boxes, 1 + ops.argmax(logits[..., 1:], axis=-1))
        found["raw_detection_boxes"] = ops.clip(likeliest / ops.concatenate([true, true], axis=-1), 0.0, 1.0)
        return found

    def _targets(self, proposals: Any, groundtruth: GroundTruth) -> Targets:
        return self.target_assigner(
            proposals,
            groundtruth["boxes"],
            groundtruth["classes"],
            groundtruth["weights"],
            groundtruth["num_boxes"],
            class_scores=groundtruth.get("class_scores"),
        )

    def named_variables(self) -> NamedVariables:
        return self.regions.named_variables()

    def object_variables(self, path: str) -> NamedVariables:
        """The variables that an object-based checkpoint keeps under `path`."""
        return self.regions.object_variables(path)


def _rows(count: Any, most: int) -> Any:
    """bool [B, most]: which rows there are, by `count` [B]."""
    return ops.arange(most) < ops.expand_dims(count, -1)


def _of_class(codes: Any, column: Any) -> Any:
    """Of `codes` [B, M, q, values] those of the class in `column` [B, M], 0 being the background: [B, M, values]."""
    if int(codes.shape[2]) == 1:
        return codes[:, :, 0]
    place = ops.maximum(ops.cast(column, "int32") - 1, 0)
    return ops.take_along_axis(codes, place[:, :, None, None], axis=2)[:, :, 0]
