"""The two halves of a backbone that Faster R-CNN needs: one over the image, one over each region (arXiv 1506.01497)."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from teachbox.detector.hyperparams import BatchNormOptions
from teachbox.detector.layers import BatchNorm, Shape
from teachbox.detector.names import NamedVariables, numbered


class ImageFeatures(keras.layers.Layer):
    """One feature map of images [B, H, W, 3], of any size: what the backbone calls `tap`."""

    def __init__(self, backbone: Any, *, tap: str, normalise: Callable[[Any], Any], **kwargs: Any) -> None:
        """`normalise`: from pixels 0…255 to what the backbone was trained on."""
        super().__init__(**kwargs)
        self.backbone = backbone
        self.tap = tap
        self.normalise = normalise

    def preprocess(self, images: Any) -> Any:
        """Normalise pixels 0…255."""
        return self.normalise(images)

    def build(self, input_shape: Shape) -> None:
        self.backbone.build(input_shape)

    def compute_output_shape(self, input_shape: Shape) -> list[Shape]:
        return [self.backbone.out_shapes[self.tap]]

    def call(self, images: Any, training: bool = False) -> list[Any]:
        return [self.backbone(images, training=training)[self.tap]]

    def named_variables(self) -> NamedVariables:
        return self.backbone.named_variables()

    def object_variables(self, path: str) -> NamedVariables:
        """The variables that an object-based checkpoint keeps under `path`."""
        return self.backbone.object_variables(path)


class RegionFeatures(keras.layers.Layer):
    """Features [N, h', w', C'] of regions [N, h, w, C] of that map: what the backbone's second half calls `tap`."""

    def __init__(self, backbone: Any, *, tap: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.backbone = backbone
        self.tap = tap

    def build(self, input_shape: Shape) -> None:
        self.backbone.build(input_shape)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return self.backbone.out_shapes[self.tap]

    def call(self, regions: Any, training: bool = False) -> Any:
        return self.backbone(regions, training=training)[self.tap]

    def named_variables(self) -> NamedVariables:
        return self.backbone.named_variables()

    def object_variables(self, path: str) -> NamedVariables:
        """The variables that an object-based checkpoint keeps under `path`."""
        return self.backbone.object_variables(path)


class DenseRegionFeatures(keras.layers.Layer):
    """Features [N, 1, 1, units] of regions [N, h, w, C] by two dense layers, as detectors with a feature pyramid have
    them (arXiv 1612.03144, section 4.2)."""

    def __init__(self, batch_norm: BatchNormOptions | None, *, units: int = 1024, **kwargs: Any) -> None:
        """`batch_norm`: how the values between the two layers are normalised, if they are."""
        super().__init__(**kwargs)
        self.units = units
        self.first = keras.layers.Dense(units, activation="relu", name="first")
        self.batch_norm = None if batch_norm is None else BatchNorm(batch_norm, name="batch_norm")
        self.second = keras.layers.Dense(units, activation="relu", name="second")

    def build(self, input_shape: Shape) -> None:
        self.first.build((None, math.prod(int(side or 0) for side in input_shape[1:])))
        between = self.compute_output_shape(input_shape)
        if self.batch_norm is not None:
            self.batch_norm.build(between)
        self.second.build(between)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (input_shape[0], 1, 1, self.units)

    def call(self, regions: Any, training: bool = False) -> Any:
        x = self.first(ops.reshape(regions, (-1, self.first.kernel.shape[0])))
        x = ops.reshape(x, (-1, 1, 1, self.units))
        if self.batch_norm is not None:
            x = self.batch_norm(x, training=training)
        return self.second(x)

    def object_variables(self, path: str) -> NamedVariables:
        """The variables that an object-based checkpoint keeps under `path`."""
        between = [] if self.batch_norm is None else [self.batch_norm]
        return numbered(path, [self.first, *between, self.second])
