"""Looking at regions of a feature map more closely: crop, pool, compute their features, classify and refine them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
from keras import ops

from teachbox.detector.box_head import BoxHead
from teachbox.detector.names import NamedVariables
from teachbox.detector.native import crop_and_resize


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
        self, *, features: Any, head: BoxHead, crop_size: int, pool_size: int, pool_stride: int, **kwargs: Any
    ) -> None:
        """`features`: a layer from crops [N, h, w, C] to features [N, h', w', C']."""
        super().__init__(**kwargs)
        self.features = features
        self.head = head
        self.crop_size = crop_size
        self.pool = keras.layers.MaxPooling2D(pool_size, strides=pool_stride, name="pool")

    def build(self, input_shape: Sequence[tuple[int | None, ...]]) -> None:
        crops = (None, self.crop_size, self.crop_size, input_shape[0][-1])
        pooled = self.pool.compute_output_shape(crops)
        self.features.build(pooled)
        self.head.build(self.features.compute_output_shape(pooled))

    def call(self, feature_maps: Sequence[Any], boxes: Any, training: bool = False) -> RegionPredictions:
        """Predictions for the normalized `boxes` [B, N, 4] of the images that `feature_maps` are of."""
        count = int(boxes.shape[1])
        crops = crop_and_resize(feature_maps[0], boxes, (self.crop_size, self.crop_size))
        features = self.features(self.pool(crops), training=training)
        codes, logits = self.head(features, training=training)
        return RegionPredictions(
            ops.reshape(codes, (-1, count, *codes.shape[1:])),
            ops.reshape(logits, (-1, count, logits.shape[1])),
            features,
        )

    def named_variables(self) -> NamedVariables:
        return self.features.named_variables() | self.head.named_variables()
