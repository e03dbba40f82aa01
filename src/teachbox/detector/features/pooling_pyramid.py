"""A pooling pyramid (arXiv 1807.03284): one map of a backbone, halved by pooling again and again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras

from teachbox.detector.features.preprocessing import padded_to_multiple
from teachbox.detector.layers import ConvBlock, Shape
from teachbox.detector.names import NamedVariables, names_of


class PoolingPyramidFeatures(keras.layers.Layer):
    """`num_layers` feature maps of images [B, H, W, 3], fine to coarse: the backbone's output `tap`, after the
    convolution `base` where there is one, and what pooling leaves of it."""

    def __init__(
        self,
        backbone: Any,
        base: ConvBlock | None,
        *,
        tap: str,
        preprocess: Callable[[Any], Any],
        num_layers: int = 6,
        pad_to_multiple: int = 1,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.backbone, self.base, self.tap = backbone, base, tap
        self.num_layers = num_layers
        self.preprocess = preprocess
        self.pad_to_multiple = pad_to_multiple
        self.pool = keras.layers.MaxPooling2D(2, strides=2, padding="same")

    def build(self, input_shape: Shape) -> None:
        self.backbone.build(input_shape)
        if self.base is not None:
            self.base.build(self.backbone.out_shapes[self.tap])

    def call(self, images: Any, training: bool = False) -> list[Any]:
        x = self.backbone(padded_to_multiple(images, self.pad_to_multiple), training=training)[self.tap]
        if self.base is not None:
            x = self.base(x, training=training)
        feature_maps = [x]
        while len(feature_maps) < self.num_layers:
            feature_maps.append(self.pool(feature_maps[-1]))
        return feature_maps

    def named_variables(self) -> NamedVariables:
        return names_of([self.backbone, *([] if self.base is None else [self.base])])
