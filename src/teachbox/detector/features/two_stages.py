"""The two halves of a backbone that Faster R-CNN needs: one over the image, one over each region (arXiv 1506.01497)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras

from teachbox.detector.layers import Shape
from teachbox.detector.names import NamedVariables


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
