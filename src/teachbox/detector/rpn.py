"""The first stage of Faster R-CNN: where anything at all might be (arXiv 1506.01497, section 3.1).

Boxes are in pixels of the padded image.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import keras
from keras import ops

from teachbox.detector.anchors import AnchorGenerator
from teachbox.detector.detector import GroundTruth
from teachbox.detector.heads import ConvolutionalBoxPredictor
from teachbox.detector.layers import ConvBlock
from teachbox.detector.losses import smooth_l1, weighted_softmax
from teachbox.detector.names import NamedVariables, numbered
from teachbox.detector.nms import BatchNonMaxSuppression
from teachbox.detector.samplers import BalancedSampler
from teachbox.detector.targets import TargetAssigner


class Proposals(NamedTuple):
    """Boxes that might hold something, best first; rows past `count` are zero."""

    boxes: Any
    """float32 [B, M, 4]."""
    scores: Any
    """float32 [B, M]."""
    count: Any
    """int32 [B]."""


def sides(image_shape: tuple[Any, Any]) -> Any:
    """float32 [4]: what normalized boxes are multiplied by to be in pixels of an image of (height, width)."""
    return ops.cast(ops.stack([*image_shape, *image_shape]), "float32")


@dataclass(frozen=True)
class RPNLosses:
    """How many anchors of an image are sampled for the losses, and how these are weighed."""

    minibatch_size: int
    localization_weight: float
    objectness_weight: float


class RegionProposalNetwork(keras.layers.Layer):
    """A convolution, box codes and objectness of every anchor, and of these the best boxes that overlap little."""

    def __init__(
        self,
        *,
        conv: ConvBlock,
        box_predictor: ConvolutionalBoxPredictor,
        anchor_generator: AnchorGenerator,
        target_assigner: TargetAssigner,
        sampler: BalancedSampler,
        losses: RPNLosses,
        suppress: BatchNonMaxSuppression,
        clip_anchors_in_training: bool = False,
        **kwargs: Any,
    ) -> None:
        """Anchors are cut to the image. In training, those that leave it are not used at all, unless
        `clip_anchors_in_training`."""
        super().__init__(**kwargs)
        self.conv = conv
        self.box_predictor = box_predictor
        self.anchor_generator = anchor_generator
        self.target_assigner = target_assigner
        self.sampler = sampler
        self.loss_parts = losses
        self.suppress = suppress
        self.clip_anchors_in_training = clip_anchors_in_training

    def build(self, input_shape: Sequence[tuple[int | None, ...]]) -> None:
        self.conv.build(input_shape[0])
        self.box_predictor.build([self.conv.compute_output_shape(shape) for shape in input_shape])

    def call(self, feature_maps: Sequence[Any], image_shape: tuple[Any, Any], training: bool = False) -> dict[str, Any]:
        """`rpn_box_encodings` [B, A, 4], `rpn_objectness_predictions_with_background` [B, A, 2], `anchors` [A, 4] and
        `usable_anchors`, bool [A], for an image of (height, width)."""
        features = [self.conv(feature_map, training=training) for feature_map in feature_maps]
        codes, objectness = self.box_predictor(features, training=training)
        shapes = [(ops.shape(feature_map)[1], ops.shape(feature_map)[2]) for feature_map in feature_maps]
        anchors = ops.convert_to_tensor(self.anchor_generator(shapes, image_shape))
        clipped = ops.minimum(ops.maximum(anchors, 0.0), sides(image_shape))
        usable = ops.ones_like(anchors[:, 0], dtype="bool")
        if training and not self.clip_anchors_in_training:
            usable = ops.all(clipped == anchors, axis=-1)
        return {
            "rpn_box_encodings": codes,
            "rpn_objectness_predictions_with_background": objectness,
            "rpn_box_predictor_features": features,
            "anchors": clipped,
            "usable_anchors": usable,
        }

    def propose(self, predictions: Mapping[str, Any], true_shape: Any) -> Proposals:
        """The best boxes of each picture, cut to it; `true_shape` int32 [B, 3] is its part of the image."""
        boxes = self.target_assigner.box_coder.decode(predictions["rpn_box_encodings"], predictions["anchors"])
        objectness = ops.softmax(predictions["rpn_objectness_predictions_with_background"], axis=-1)[..., 1]
        scores = ops.where(predictions["usable_anchors"], objectness, self.suppress.score_threshold)
        true = ops.cast(true_shape[:, :2], "float32")
        window = ops.concatenate([ops.zeros_like(true), true], axis=-1)
        kept = self.suppress(ops.expand_dims(boxes, 2), ops.expand_dims(scores, -1), window)
        return Proposals(kept.boxes, kept.scores, kept.count)

    def loss(self, predictions: Mapping[str, Any], groundtruth: GroundTruth) -> dict[str, Any]:
        """Scalar losses for ground truth in pixels: of each image the mean over sampled anchors, then over images."""
        targets = self.target_assigner(
            predictions["anchors"],
            groundtruth["boxes"],
            ops.zeros_like(groundtruth["classes"]),
            groundtruth["weights"],
            groundtruth["num_boxes"],
            predictions["usable_anchors"],
        )
        objects = targets.classes[..., 0]
        parts = self.loss_parts
        drawn = self.sampler(targets.class_weights[..., 0] > 0, objects > 0, size=parts.minibatch_size)
        sampled = ops.cast(drawn, "float32")
        share = sampled / ops.maximum(ops.sum(sampled, axis=1, keepdims=True), 1.0)
        localization = smooth_l1(predictions["rpn_box_encodings"], targets.codes, share * targets.code_weights)
        objectness = weighted_softmax(
            predictions["rpn_objectness_predictions_with_background"],
            ops.stack([1.0 - objects, objects], axis=-1),
            ops.expand_dims(share, -1),
        )
        images = ops.cast(ops.shape(sampled)[0], "float32")
        return {
            "Loss/RPNLoss/localization_loss": parts.localization_weight * ops.sum(localization) / images,
            "Loss/RPNLoss/objectness_loss": parts.objectness_weight * ops.sum(objectness) / images,
        }

    def named_variables(self) -> NamedVariables:
        return self.conv.named_variables() | self.box_predictor.named_variables()

    def object_variables(self, path: str) -> NamedVariables:
        """The variables that an object-based checkpoint keeps under `path`."""
        names = numbered(f"{path}/_first_stage_box_predictor_first_conv", self.conv.weighted_layers)
        return names | self.box_predictor.object_variables(f"{path}/_first_stage_box_predictor")
