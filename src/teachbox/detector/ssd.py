"""The single-shot detector: backbone, box predictor, anchors, targets, losses, post-processing, handed to a whole."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
from keras import ops

from teachbox.detector.anchors import AnchorGenerator
from teachbox.detector.detector import GroundTruth
from teachbox.detector.features.preprocessing import filled_outside
from teachbox.detector.heads import ConvolutionalBoxPredictor
from teachbox.detector.mining import HardExampleMiner
from teachbox.detector.names import CheckpointKind, NamedVariables, names_of
from teachbox.detector.postprocess import PostProcessor
from teachbox.detector.samplers import BalancedSampler
from teachbox.detector.shared_heads import WeightSharedConvolutionalBoxPredictor
from teachbox.detector.targets import TargetAssigner


@dataclass(frozen=True)
class SSDLosses:
    """The loss of an SSD: two functions of (prediction, target, weights), how they are weighed, and a miner or none."""

    localization: Callable[[Any, Any, Any], Any]
    classification: Callable[[Any, Any, Any], Any]
    localization_weight: float = 1.0
    classification_weight: float = 1.0
    normalize_by_num_matches: bool = True
    normalize_localization_by_code_size: bool = False
    miner: HardExampleMiner | None = None
    of_boxes: bool = False
    """Whether `localization` compares boxes in 0–1, and not their codes."""


class SSD(keras.layers.Layer):
    """A single-shot detector (arXiv 1512.02325).

    `call` takes normalised images [B, H, W, 3] and returns `box_encodings` [B, A, 4],
    `class_predictions_with_background` [B, A, K + 1], `feature_maps` and `anchors` [A, 4] (normalized 0–1).
    """

    def __init__(
        self,
        *,
        num_classes: int,
        feature_extractor: Any,
        box_predictor: ConvolutionalBoxPredictor | WeightSharedConvolutionalBoxPredictor,
        anchor_generator: AnchorGenerator,
        target_assigner: TargetAssigner,
        box_coder: Any,
        losses: SSDLosses,
        postprocessor: PostProcessor,
        sampler: BalancedSampler | None = None,
        kind: CheckpointKind = "graph",
        padding: Sequence[float] | None = None,
        **kwargs: Any,
    ) -> None:
        """`sampler`: draws the negatives that count in the losses; without one, all do. `padding`: for each channel,
        what stands in normalised images beyond the picture, where there is room."""
        super().__init__(**kwargs)
        self.num_classes = num_classes
        self.feature_extractor = feature_extractor
        self.box_predictor = box_predictor
        self.anchor_generator = anchor_generator
        self.target_assigner = target_assigner
        self.box_coder = box_coder
        self.loss_parts = losses
        self.sampler = sampler
        self.postprocessor = postprocessor
        self.kind = kind
        self.padding = padding

    def build_for(self, height: int, width: int, channels: int = 3) -> SSD:
        """Make all variables, for images of `height` × `width` pixels (any size may follow)."""
        if not self.built:
            shape = (1, height, width, channels)
            # JAX compiles each operation of each shape by itself: there the layers are only told of the shapes.
            self(keras.KerasTensor(shape) if keras.backend.backend() == "jax" else ops.zeros(shape))
        return self

    def preprocess(self, images: Any) -> Any:
        """Normalise resized images: float32 [B, H, W, 3], 0…255."""
        return self.feature_extractor.preprocess(images)

    def padded(self, images: Any, true_shape: Any = None) -> Any:
        """Normalised images with the padding that belongs there: the original normalises before it pads."""
        if self.padding is None or true_shape is None:
            return images
        return filled_outside(images, true_shape, self.padding)

    def call(
        self, images: Any, true_shape: Any = None, groundtruth: GroundTruth | None = None, training: bool = False
    ) -> dict[str, Any]:
        # Every anchor answers for itself, whatever is true.
        feature_maps = self.feature_extractor(self.padded(images, true_shape), training=training)
        codes, classes = self.box_predictor(feature_maps, training=training)
        # Numbers where sizes are known; where TensorFlow learns them only when it runs, tensors.
        shapes = [(ops.shape(feature_map)[1], ops.shape(feature_map)[2]) for feature_map in feature_maps]
        image_shape = (ops.shape(images)[1], ops.shape(images)[2])
        anchors = self.anchor_generator(shapes, image_shape)
        return {
            "box_encodings": codes,
            "class_predictions_with_background": classes,
            "feature_maps": feature_maps,
            "anchors": ops.convert_to_tensor(anchors),
            "image_shape": image_shape,
        }

    def loss(self, predictions: Mapping[str, Any], groundtruth: GroundTruth) -> dict[str, Any]:
        """Scalar `Loss/localization_loss` and `Loss/classification_loss` of a batch."""
        parts = self.loss_parts
        codes, logits = predictions["box_encodings"], predictions["class_predictions_with_background"]
        targets = self.target_assigner(
            predictions["anchors"],
            groundtruth["boxes"],
            groundtruth["classes"],
            groundtruth["weights"],
            groundtruth["num_boxes"],
            class_scores=groundtruth.get("class_scores"),
        )
        if self.sampler is not None:
            weighed = ops.any(targets.class_weights != 0, axis=-1)
            drawn = ops.cast(self.sampler.beside_all_positives(weighed, targets.match >= 0), "float32")
            targets = targets._replace(
                class_weights=targets.class_weights * ops.expand_dims(drawn, -1),
                code_weights=targets.code_weights * drawn,
            )
        found, wanted = codes, targets.codes
        if parts.of_boxes:
            found, wanted = (self.box_coder.decode(values, predictions["anchors"]) for values in (found, wanted))
        localization = parts.localization(found, wanted, targets.code_weights)
        classification = parts.classification(logits, targets.classes, targets.class_weights)
        if len(classification.shape) == 3:
            classification = ops.sum(classification, axis=-1)
        if parts.miner is not None:
            boxes = self.box_coder.decode(codes, predictions["anchors"])
            location_sum, class_sum = parts.miner(localization, classification, boxes, targets.match)
        else:
            location_sum, class_sum = ops.sum(localization), ops.sum(classification)
        matches = ops.maximum(ops.sum(targets.code_weights), 1.0) if parts.normalize_by_num_matches else 1.0
        code_size = self.box_coder.code_size if parts.normalize_localization_by_code_size else 1.0
        return {
            "Loss/localization_loss": parts.localization_weight * location_sum / (matches * code_size),
            "Loss/classification_loss": parts.classification_weight * class_sum / matches,
        }

    def postprocess(self, predictions: Mapping[str, Any], true_shape: Any) -> dict[str, Any]:
        """Detections of a batch; `true_shape` int32 [B, 3] is the part of each padded image that holds the picture."""
        boxes = self.box_coder.decode(predictions["box_encodings"], predictions["anchors"])
        return self.postprocessor(
            boxes, predictions["class_predictions_with_background"], true_shape, predictions["image_shape"]
        )

    def checkpoint_variables(self) -> NamedVariables:
        """The detector's variables by the names that public checkpoints give them."""
        if self.kind == "graph":
            return names_of([self.feature_extractor, self.box_predictor])
        features = self.feature_extractor.object_variables("model/_feature_extractor")
        return features | self.box_predictor.object_variables("model/_box_predictor")
