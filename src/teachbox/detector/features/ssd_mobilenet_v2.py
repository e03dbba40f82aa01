"""MobileNet v2 (arXiv 1801.04381) with the four extra layers that SSD puts on top."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import keras

from teachbox.detector.features.extra_layers import EXTRA_FILTERS, ExtraLayers
from teachbox.detector.hyperparams import ConvHyperparams
from teachbox.detector.layers import ConvBlock
from teachbox.detector.names import NamedVariables

# (expansion, filters, stride) of the seventeen inverted residuals (table 2 of the paper, a row for each repetition).
_RESIDUALS = (
    (1, 16, 1), (6, 24, 2), (6, 24, 1), (6, 32, 2), (6, 32, 1), (6, 32, 1), (6, 64, 2), (6, 64, 1), (6, 64, 1),
    (6, 64, 1), (6, 96, 1), (6, 96, 1), (6, 96, 1), (6, 160, 2), (6, 160, 1), (6, 160, 1), (6, 320, 1),
)  # fmt: skip
_LAST_FILTERS = 1280
# The first feature map is what the fourteenth residual expands, before it halves the map.
_TAP = 13
_DIVISOR = 8


def divisible(filters: float, least: int = _DIVISOR) -> int:
    """The nearest multiple of 8 from `least` on that is no more than a tenth below `filters`."""
    rounded = max(least, int(filters + _DIVISOR / 2) // _DIVISOR * _DIVISOR)
    return rounded + _DIVISOR if rounded < 0.9 * filters else rounded


class InvertedResidual(keras.layers.Layer):
    """Expand, depthwise, project; added to its input where the shapes are equal. `call` returns (output, expansion)."""

    def __init__(
        self, scope: str, hyperparams: ConvHyperparams, *, expansion: int, inputs: int, filters: int, stride: int
    ) -> None:
        super().__init__(name=scope.replace("/", "_"))
        # As published: depthwise kernels are not regularised, projections not activated.
        plain, linear = replace(hyperparams, l2_weight=0.0), replace(hyperparams, activation=None)
        self.residual = stride == 1 and inputs == filters
        self.expand = None
        if expansion > 1:
            wide = divisible(inputs * expansion)
            self.expand = ConvBlock(f"{scope}/expand", hyperparams, kernel_size=1, filters=wide)
        self.depthwise = ConvBlock(
            f"{scope}/depthwise", plain, kernel_size=3, filters=None, strides=stride, depthwise=True
        )
        self.project = ConvBlock(f"{scope}/project", linear, kernel_size=1, filters=filters)

    @property
    def blocks(self) -> list[ConvBlock]:
        return [block for block in (self.expand, self.depthwise, self.project) if block is not None]

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        shape = input_shape
        for block in self.blocks:
            block.build(shape)
            shape = block.compute_output_shape(shape)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        shape = input_shape
        for block in self.blocks:
            shape = block.compute_output_shape(shape)
        return shape

    def call(self, x: Any, training: bool = False) -> tuple[Any, Any]:
        expansion = x if self.expand is None else self.expand(x, training=training)
        y = self.project(self.depthwise(expansion, training=training), training=training)
        return (x + y if self.residual else y), expansion


class SSDMobileNetV2(keras.layers.Layer):
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
        scope: str = "FeatureExtractor/MobilenetV2",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)

        def depth(filters: int) -> int:
            return divisible(filters * depth_multiplier)

        inputs = depth(32)
        self.stem = ConvBlock(f"{scope}/Conv", hyperparams, kernel_size=3, filters=inputs, strides=2)
        self.residuals: list[InvertedResidual] = []
        for index, (expansion, filters, stride) in enumerate(_RESIDUALS):
            name = f"{scope}/expanded_conv" + (f"_{index}" if index else "")
            outputs = depth(filters)
            self.residuals.append(
                InvertedResidual(name, hyperparams, expansion=expansion, inputs=inputs, filters=outputs, stride=stride)
            )
            inputs = outputs
        self.last = ConvBlock(f"{scope}/Conv_1", hyperparams, kernel_size=1, filters=depth(_LAST_FILTERS))
        self.num_layers = num_layers
        self.extras = ExtraLayers(
            f"{scope}/layer_19",
            extra_hyperparams or hyperparams,
            filters=EXTRA_FILTERS[: max(num_layers - 2, 0)],
            depth=lambda filters: max(int(filters * depth_multiplier), min_depth),
            use_depthwise=use_depthwise,
            name="extras",
        )

    @staticmethod
    def preprocess(images: Any) -> Any:
        """Pixels 0…255 scaled to −1…1."""
        return images * (2.0 / 255.0) - 1.0

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        shape = input_shape
        backbone: list[ConvBlock | InvertedResidual] = [self.stem, *self.residuals, self.last]
        for block in backbone:
            block.build(shape)
            shape = block.compute_output_shape(shape)
        self.extras.build(shape)

    def call(self, images: Any, training: bool = False) -> list[Any]:
        x = self.stem(images, training=training)
        feature_maps = []
        for index, residual in enumerate(self.residuals):
            x, expansion = residual(x, training=training)
            if index == _TAP:
                feature_maps.append(expansion)
        x = self.last(x, training=training)
        return [*feature_maps, x, *self.extras(x, training=training)][: self.num_layers]

    def named_variables(self) -> NamedVariables:
        names = self.stem.named_variables()
        for residual in self.residuals:
            for block in residual.blocks:
                names |= block.named_variables()
        return names | self.last.named_variables() | self.extras.named_variables()
