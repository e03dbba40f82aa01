"""Feature maps for SSD: some of a backbone, and those of extra layers on top of it (arXiv 1512.02325)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

from teachbox.detector.features.extra_layers import ExtraLayers
from teachbox.detector.features.preprocessing import padded_to_multiple, to_unit_range
from teachbox.detector.layers import Shape
from teachbox.detector.names import NamedVariables


class SSDFeatures(keras.layers.Layer):
    """`num_layers` feature maps of images [B, H, W, 3] in −1…1: the backbone's outputs `taps`, then the extra layers on
    the last of them."""

    def __init__(
        self,
        backbone: Any,
        extras: ExtraLayers,
        *,
        taps: Sequence[str],
        num_layers: int = 6,
        pad_to_multiple: int = 1,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.backbone, self.extras = backbone, extras
        self.taps = list(taps)
        self.num_layers = num_layers
        self.pad_to_multiple = pad_to_multiple

    @staticmethod
    def preprocess(images: Any) -> Any:
        """Pixels 0…255 scaled to −1…1."""
        return to_unit_range(images)

    def build(self, input_shape: Shape) -> None:
        self.backbone.build(input_shape)
        self.extras.build(self.backbone.out_shapes[self.taps[-1]])

    def call(self, images: Any, training: bool = False) -> list[Any]:
        outputs = self.backbone(padded_to_multiple(images, self.pad_to_multiple), training=training)
        feature_maps = [outputs[name] for name in self.taps]
        return [*feature_maps, *self.extras(feature_maps[-1], training=training)][: self.num_layers]

    def named_variables(self) -> NamedVariables:
        return self.backbone.named_variables() | self.extras.named_variables()

    def object_variables(self, path: str) -> NamedVariables:
        """The variables that an object-based checkpoint keeps under `path`."""
        backbone = self.backbone.object_variables(f"{path}/classification_backbone")
        return backbone | self.extras.object_variables(f"{path}/feature_map_generator/convolutions")
