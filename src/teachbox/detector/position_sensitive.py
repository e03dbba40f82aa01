"""Looking at regions as R-FCN does: maps for each part of a region, computed once for the whole image
(arXiv 1605.06409)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import keras
from keras import ops

from teachbox.detector.hyperparams import ConvHyperparams
from teachbox.detector.layers import ConvBlock
from teachbox.detector.names import NamedVariables, names_of
from teachbox.detector.native import crop_and_resize
from teachbox.detector.regions import RegionPredictions

Pair = tuple[int, int]


class PositionSensitiveRegions(keras.layers.Layer):
    """Each region's parts, `bins` (down, across), read from a map each of the whole image's features, and averaged."""

    def __init__(
        self,
        hyperparams: ConvHyperparams,
        *,
        features: Any,
        num_classes: int,
        box_code_size: int = 4,
        depth: int,
        bins: Pair,
        crop_size: Pair,
        scope: str = "SecondStageBoxPredictor",
        **kwargs: Any,
    ) -> None:
        """`features`: a layer from feature maps [B, H, W, C] to [B, h, w, C'], which a 1×1 convolution brings to
        `depth` channels. Of each part crop size / bins samples are taken."""
        super().__init__(**kwargs)
        self.features = features
        self.num_classes = num_classes
        self.box_code_size = box_code_size
        self.bins = bins
        self.samples = (crop_size[0] // bins[0], crop_size[1] // bins[1])
        linear = replace(hyperparams, activation=None)
        parts = bins[0] * bins[1]
        self.reduce = ConvBlock(f"{scope}/reduce_depth", hyperparams, kernel_size=1, filters=depth)
        self.boxes = ConvBlock(
            f"{scope}/refined_locations", linear, kernel_size=1, filters=parts * num_classes * box_code_size
        )
        self.classes = ConvBlock(f"{scope}/class_predictions", linear, kernel_size=1, filters=parts * (num_classes + 1))

    def build(self, input_shape: Sequence[tuple[int | None, ...]]) -> None:
        self.features.build(input_shape[0])
        shape = self.features.compute_output_shape(input_shape[0])
        self.reduce.build(shape)
        for block in (self.boxes, self.classes):
            block.build(self.reduce.compute_output_shape(shape))

    def call(
        self, feature_maps: Sequence[Any], boxes: Any, image_shape: tuple[Any, Any], training: bool = False
    ) -> RegionPredictions:
        """Predictions for the normalized `boxes` [B, N, 4] of the images that `feature_maps` are of, whatever their
        size."""
        count = int(boxes.shape[1])
        features = self.features(feature_maps[0], training=training)
        reduced = self.reduce(features, training=training)
        codes, logits = (
            position_sensitive_crops(block(reduced, training=training), boxes, self.bins, self.samples)
            for block in (self.boxes, self.classes)
        )
        return RegionPredictions(
            ops.reshape(codes, (-1, count, self.num_classes, self.box_code_size)),
            ops.reshape(logits, (-1, count, self.num_classes + 1)),
            features,
        )

    def named_variables(self) -> NamedVariables:
        return names_of([self.features, self.reduce, self.boxes, self.classes])


def position_sensitive_crops(maps: Any, boxes: Any, bins: Pair, samples: Pair) -> Any:
    """The mean [B · N, C] of what each part of the normalized `boxes` [B, N, 4] finds in its own of `maps`
    [B, H, W, parts · C], at `samples` (down, across) that `crop_and_resize` places in the part.

    Parts are `bins` (down, across), row by row.
    """
    down, across = bins
    ymin, xmin, ymax, xmax = ops.unstack(boxes, 4, axis=-1)
    height, width = (ymax - ymin) / down, (xmax - xmin) / across
    found = []
    for number, own in enumerate(ops.split(maps, down * across, axis=-1)):
        top, left = ymin + number // across * height, xmin + number % across * width
        part = ops.stack([top, left, top + height, left + width], axis=-1)
        found.append(ops.mean(crop_and_resize(own, part, samples), axis=(1, 2)))
    return sum(found) / len(found)
