"""Inception v2 with the four extra layers that SSD puts on top."""

from __future__ import annotations

from typing import Any

import keras

from teachbox.detector.features.extra_layers import EXTRA_FILTERS, ExtraLayers
from teachbox.detector.features.inception_v2 import InceptionV2
from teachbox.detector.hyperparams import ConvHyperparams
from teachbox.detector.names import NamedVariables

_TAPS = ("Mixed_4c", "Mixed_5c")


class SSDInceptionV2(keras.layers.Layer):
    """`num_layers` feature maps of an image [B, H, W, 3] in −1…1: strides 16, 32, 64, 128, 256, 512."""

    def __init__(
        self,
        hyperparams: ConvHyperparams,
        *,
        depth_multiplier: float,
        min_depth: int,
        num_layers: int = 6,
        use_depthwise: bool = False,
        scope: str = "FeatureExtractor/InceptionV2",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)

        def depth(filters: int) -> int:
            return max(int(filters * depth_multiplier), min_depth)

        self.backbone = InceptionV2(scope, hyperparams, depth=depth, name="inception_v2")
        self.num_layers = num_layers
        self.extras = ExtraLayers(
            f"{scope}/{_TAPS[-1]}",
            hyperparams,
            filters=EXTRA_FILTERS[: max(num_layers - len(_TAPS), 0)],
            depth=depth,
            use_depthwise=use_depthwise,
            name="extras",
        )

    @staticmethod
    def preprocess(images: Any) -> Any:
        """Pixels 0…255 scaled to −1…1."""
        return images * (2.0 / 255.0) - 1.0

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self.backbone.build(input_shape)
        self.extras.build(self.backbone.out_shape)

    def call(self, images: Any, training: bool = False) -> list[Any]:
        outputs = self.backbone(images, training=training)
        feature_maps = [outputs[name] for name in _TAPS]
        return [*feature_maps, *self.extras(feature_maps[-1], training=training)][: self.num_layers]

    def named_variables(self) -> NamedVariables:
        return self.backbone.named_variables() | self.extras.named_variables()
