"""MobileNet v1 (arXiv 1704.04861) with the four extra layers that SSD puts on top."""

from __future__ import annotations

from typing import Any

import keras

from teachbox.detector.features.extra_layers import EXTRA_FILTERS, ExtraLayers
from teachbox.detector.hyperparams import BatchNormOptions, ConvHyperparams
from teachbox.detector.layers import ConvBlock
from teachbox.detector.names import NamedVariables

# (stride, filters) of the thirteen depthwise separable convolutions after Conv2d_0.
_SEPARABLE = (
    (1, 64), (2, 128), (1, 128), (2, 256), (1, 256), (2, 512), (1, 512),
    (1, 512), (1, 512), (1, 512), (1, 512), (2, 1024), (1, 1024),
)  # fmt: skip
_TAPS = (11, 13)


def mobilenet_hyperparams() -> ConvHyperparams:
    """The settings that MobileNet v1 and v2 were published with in TensorFlow's slim library."""
    return ConvHyperparams(
        make_initializer=lambda: keras.initializers.TruncatedNormal(stddev=0.09),
        activation=keras.ops.relu6,
        l2_weight=4e-5,
        batch_norm=BatchNormOptions(decay=0.9997, center=True, scale=True, epsilon=0.001, train=True),
    )


class SSDMobileNetV1(keras.layers.Layer):
    """`num_layers` feature maps of an image [B, H, W, 3] in −1…1: strides 16, 32, 64, 128, 256, 512."""

    def __init__(
        self,
        hyperparams: ConvHyperparams,
        *,
        depth_multiplier: float,
        min_depth: int,
        extra_hyperparams: ConvHyperparams | None = None,
        num_layers: int = 6,
        use_depthwise: bool = False,
        scope: str = "FeatureExtractor/MobilenetV1",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)

        def depth(filters: int) -> int:
            return max(int(filters * depth_multiplier), min_depth)

        self.stem = ConvBlock(f"{scope}/Conv2d_0", hyperparams, kernel_size=3, filters=depth(32), strides=2)
        self.separable: list[ConvBlock] = []
        for index, (stride, filters) in enumerate(_SEPARABLE, 1):
            block = f"{scope}/Conv2d_{index}"
            self.separable += [
                ConvBlock(
                    f"{block}_depthwise",
                    hyperparams,
                    kernel_size=3,
                    filters=None,
                    strides=stride,
                    depthwise=True,
                ),
                ConvBlock(f"{block}_pointwise", hyperparams, kernel_size=1, filters=depth(filters)),
            ]
        self.num_layers = num_layers
        self.extras = ExtraLayers(
            f"{scope}/Conv2d_13_pointwise",
            extra_hyperparams or hyperparams,
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
        shape = input_shape
        for block in (self.stem, *self.separable):
            block.build(shape)
            shape = block.compute_output_shape(shape)
        self.extras.build(shape)

    def call(self, images: Any, training: bool = False) -> list[Any]:
        x = self.stem(images, training=training)
        feature_maps = []
        for index, block in enumerate(self.separable):
            x = block(x, training=training)
            if index % 2 and (index + 1) // 2 in _TAPS:
                feature_maps.append(x)
        return [*feature_maps, *self.extras(x, training=training)][: self.num_layers]

    def named_variables(self) -> NamedVariables:
        names = self.stem.named_variables()
        for block in self.separable:
            names |= block.named_variables()
        return names | self.extras.named_variables()
