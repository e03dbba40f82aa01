"""Looking at regions of a feature map more closely: crop, pool, compute their features, classify and refine them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
from keras import ops

from teachbox.detector.box_head import BoxHead
from teachbox.detector.names import NamedVariables
from teachbox.detector.native import crop_and_resize, crop_from_levels


class RegionPredictions(NamedTuple):
    """What is said about N regions of each image."""

    codes: Any
    """float32 [B, N, q, code size], q being 1 or the number of classes: where the object is, seen from the region."""
    logits: Any
    """float32 [B, N, K + 1]."""
    features: Any
    """What was computed before the last layers: of each region [B · N, h, w, C], or of the whole image."""


class CroppedRegions(keras.layers.Layer):
    """Each region cut out, pooled and looked at by itself, as Faster R-CNN does."""

    def __init__(
        self,
        *,
        features: Any,
        head: BoxHead,
        crop_size: int,
        pool_size: int,
        pool_stride: int,
        keeps_border: bool = False,
        **kwargs: Any,
    ) -> None:
        """`features`: a layer from crops [N, h, w, C] to features [N, h', w', C']. `keeps_border`: whether the samples
        on the lower and the right border of a map always count, or only where rounding leaves them inside."""
        super().__init__(**kwargs)
        self.features = features
        self.head = head
        self.crop_size = crop_size
        self.keeps_border = keeps_border
        self.pool = keras.layers.MaxPooling2D(pool_size, strides=pool_stride, name="pool")

    def build(self, input_shape: Sequence[tuple[int | None, ...]]) -> None:
        crops = (None, self.crop_size, self.crop_size, input_shape[0][-1])
        pooled = self.pool.compute_output_shape(crops)
        self.features.build(pooled)
        self.head.build(self.features.compute_output_shape(pooled))

    def call(
        self, feature_maps: Sequence[Any], boxes: Any, image_shape: tuple[Any, Any], training: bool = False
    ) -> RegionPredictions:
        """Predictions for the normalized `boxes` [B, N, 4] of the images, (height, width), that `feature_maps` are of;
        of several maps each box is cut from that which shows it best."""
        count = int(boxes.shape[1])
        if self.keeps_border:
            boxes = ops.clip(boxes, 0.0, 1.0 - _INSIDE)
        size = (self.crop_size, self.crop_size)
        if len(feature_maps) == 1:
            crops = crop_and_resize(feature_maps[0], boxes, size)
        else:
            crops = crop_from_levels(feature_maps, boxes, pyramid_levels(boxes, image_shape, len(feature_maps)), size)
        features = self.features(self.pool(crops), training=training)
        codes, logits = self.head(features, training=training)
        return RegionPredictions(
            ops.reshape(codes, (-1, count, *codes.shape[1:])),
            ops.reshape(logits, (-1, count, logits.shape[1])),
            features,
        )

    def named_variables(self) -> NamedVariables:
        return self.features.named_variables() | self.head.named_variables()

    def object_variables(self, path: str) -> NamedVariables:
        """The variables that an object-based checkpoint keeps under `path`."""
        names = self.features.object_variables(f"{path}/_feature_extractor_for_box_classifier_features")
        return names | self.head.object_variables(f"{path}/_mask_rcnn_box_predictor")


_INSIDE = 1e-6
"""How far inside a sample on the border is taken; a float32 has seven digits."""
_KNOWN_SIDE = 224.0
"""Of the pictures that backbones are first trained on: an object that fills one belongs to the last map but one."""


def pyramid_levels(boxes: Any, image_shape: tuple[Any, Any], levels: int) -> Any:
    """The map, int32 [B, N], fine to coarse, to cut each of the normalized `boxes` [B, N, 4] of images (height, width)
    from: one further for each doubling of its size (arXiv 1612.03144, equation 1)."""
    height, width = (ops.cast(side, "float32") for side in image_shape)
    area = ops.prod(boxes[..., 2:] - boxes[..., :2], axis=-1)
    doublings = ops.log(ops.sqrt(area) * (ops.sqrt(height * width) / _KNOWN_SIDE)) / math.log(2.0)
    # Boxes without an area, which fill up a batch, are cut from the finest.
    return ops.cast(ops.clip(ops.floor(doublings) + (levels - 2), 0, levels - 1), "int32")
