"""Faster R-CNN and R-FCN: features, region proposals, and a closer look at each proposal, handed to a whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
from keras import ops

from teachbox.detector.box_classifier import BoxClassifier
from teachbox.detector.detector import GroundTruth
from teachbox.detector.names import CheckpointKind, NamedVariables, names_of
from teachbox.detector.rpn import Proposals, RegionProposalNetwork, sides


class FasterRCNN(keras.layers.Layer):
    """A two-stage detector (arXiv 1506.01497), or its first stage alone.

    `call` takes normalised images [B, H, W, 3] of any size, and returns what the stages do (see their `call`). Of
    each image up to a fixed number of boxes is proposed; in training a sample of these goes on to the second stage,
    drawn by the ground truth.
    """

    def __init__(
        self,
        *,
        num_classes: int,
        feature_extractor: Any,
        rpn: RegionProposalNetwork,
        box_classifier: BoxClassifier | None,
        kind: CheckpointKind = "graph",
        **kwargs: Any,
    ) -> None:
        """Without a `box_classifier` there is only a first stage, and its proposals are the detections. `kind`: whose
        names its variables have."""
        super().__init__(**kwargs)
        self.num_classes = num_classes
        self.feature_extractor = feature_extractor
        self.rpn = rpn
        self.box_classifier = box_classifier
        self.kind = kind

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self.feature_extractor.build(input_shape)
        shapes = self.feature_extractor.compute_output_shape(input_shape)
        self.rpn.build(shapes)
        if self.box_classifier is not None:
            self.box_classifier.build(shapes)

    def preprocess(self, images: Any) -> Any:
        """Normalise resized images: float32 [B, H, W, 3], 0…255."""
        return self.feature_extractor.preprocess(images)

    def call(
        self, images: Any, true_shape: Any, groundtruth: GroundTruth | None = None, training: bool = False
    ) -> dict[str, Any]:
        image_shape = (ops.shape(images)[1], ops.shape(images)[2])
        feature_maps = self.feature_extractor(images, training=training)
        predictions = self.rpn(feature_maps, image_shape=image_shape, training=training)
        predictions |= {"feature_maps": feature_maps, "image_shape": image_shape}
        if self.box_classifier is None:
            return predictions
        proposals = self.rpn.propose(predictions, true_shape)
        if training:
            if groundtruth is None:
                raise ValueError("training needs the ground truth: the second stage's sample is drawn by it")
            proposals = self.box_classifier.sample(proposals, in_pixels(groundtruth, image_shape))
        boxes = ops.stop_gradient(proposals.boxes) / sides(image_shape)
        proposals = Proposals(boxes, proposals.scores, proposals.count)
        return predictions | self.box_classifier(
            feature_maps, proposals=proposals, image_shape=image_shape, training=training
        )

    def loss(self, predictions: Mapping[str, Any], groundtruth: GroundTruth) -> dict[str, Any]:
        """Scalar losses of a batch: `Loss/RPNLoss/…` and, of a second stage, `Loss/BoxClassifierLoss/…`."""
        groundtruth = in_pixels(groundtruth, predictions["image_shape"])
        losses = self.rpn.loss(predictions, groundtruth)
        return losses if self.box_classifier is None else losses | self.box_classifier.loss(predictions, groundtruth)

    def postprocess(self, predictions: Mapping[str, Any], true_shape: Any) -> dict[str, Any]:
        """Detections of a batch; of a first stage alone they are its proposals, all of class 0."""
        if self.box_classifier is not None:
            return self.box_classifier.detect(predictions, true_shape)
        proposals = self.rpn.propose(predictions, true_shape)
        true = ops.cast(true_shape[:, None, :2], "float32")
        return {
            "detection_boxes": proposals.boxes / ops.concatenate([true, true], axis=-1),
            "detection_scores": proposals.scores,
            "detection_classes": ops.zeros_like(proposals.scores),
            "num_detections": ops.cast(proposals.count, "float32"),
        }

    def checkpoint_variables(self) -> NamedVariables:
        """The detector's variables by the names that public checkpoints give them."""
        if self.kind == "graph":
            stages = [self.feature_extractor, self.rpn, self.box_classifier]
            return names_of(stage for stage in stages if stage is not None)
        names = self.feature_extractor.object_variables("model/_feature_extractor_for_proposal_features")
        names |= self.rpn.object_variables("model")
        return names if self.box_classifier is None else names | self.box_classifier.object_variables("model")


def in_pixels(groundtruth: GroundTruth, image_shape: tuple[Any, Any]) -> dict[str, Any]:
    """The ground truth with its boxes in pixels of the padded image."""
    return {**groundtruth, "boxes": groundtruth["boxes"] * sides(image_shape)}
