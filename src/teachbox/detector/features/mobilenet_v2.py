"""MobileNet v2 (arXiv 1801.04381), as the detectors use it: feature maps after any of its layers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import keras

from teachbox.detector.hyperparams import ConvHyperparams
from teachbox.detector.layers import ConvBlock, Padding, Shape, build_in_order, shape_behind
from teachbox.detector.names import NamedVariables, names_of, numbered

# (expansion, filters, stride) of the seventeen inverted residuals (table 2 of the paper, a row for each repetition).
_RESIDUALS = (
    (1, 16, 1), (6, 24, 2), (6, 24, 1), (6, 32, 2), (6, 32, 1), (6, 32, 1), (6, 64, 2), (6, 64, 1), (6, 64, 1),
    (6, 64, 1), (6, 96, 1), (6, 96, 1), (6, 96, 1), (6, 160, 2), (6, 160, 1), (6, 160, 1), (6, 320, 1),
)  # fmt: skip
LAST_FILTERS = 1280
_DIVISOR = 8


def divisible(filters: float, least: int = _DIVISOR) -> int:
    """The nearest multiple of 8 from `least` on that is no more than a tenth below `filters`."""
    rounded = max(least, int(filters + _DIVISOR / 2) // _DIVISOR * _DIVISOR)
    return rounded + _DIVISOR if rounded < 0.9 * filters else rounded


class InvertedResidual(keras.layers.Layer):
    """Expand, depthwise, project; added to its input where the shapes are equal. `call` returns (output, expansion)."""

    def __init__(
        self,
        scope: str,
        hyperparams: ConvHyperparams,
        depthwise_hyperparams: ConvHyperparams,
        *,
        expansion: int,
        inputs: int,
        filters: int,
        stride: int,
        padding: Padding = "same",
    ) -> None:
        super().__init__(name=scope.replace("/", "_"))
        linear = replace(hyperparams, activation=None)
        self.residual = stride == 1 and inputs == filters
        self.expand = None
        if expansion > 1:
            wide = divisible(inputs * expansion)
            self.expand = ConvBlock(f"{scope}/expand", hyperparams, kernel_size=1, filters=wide)
        self.depthwise = ConvBlock(
            f"{scope}/depthwise",
            depthwise_hyperparams,
            kernel_size=3,
            filters=None,
            strides=stride,
            depthwise=True,
            padding=padding,
        )
        self.project = ConvBlock(f"{scope}/project", linear, kernel_size=1, filters=filters)

    @property
    def blocks(self) -> list[ConvBlock]:
        return [block for block in (self.expand, self.depthwise, self.project) if block is not None]

    def build(self, input_shape: Shape) -> None:
        build_in_order(self.blocks, input_shape)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return shape_behind(self.blocks, input_shape)

    def call(self, x: Any, training: bool = False) -> tuple[Any, Any]:
        expansion = x if self.expand is None else self.expand(x, training=training)
        y = self.project(self.depthwise(expansion, training=training), training=training)
        return (x + y if self.residual else y), expansion


class MobileNetV2(keras.layers.Layer):
    """`call` takes images [B, H, W, 3] in −1…1 and returns outputs by name: `layer_1` (the first convolution),
    `layer_2` to `layer_18` (the inverted residuals), `layer_19` (the last convolution), and what a residual expands
    before its depthwise convolution, such as `layer_15/expansion_output`.

    `depth` goes from the published number of filters to that which is built; `last_filters` is what is built in the
    last convolution, if not `depth(LAST_FILTERS)`.
    """

    def __init__(
        self,
        scope: str,
        hyperparams: ConvHyperparams,
        *,
        depth: Callable[[int], int],
        depthwise_hyperparams: ConvHyperparams | None = None,
        last_filters: int | None = None,
        padding: Padding = "same",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        inputs = depth(32)
        self.stem = ConvBlock(f"{scope}/Conv", hyperparams, kernel_size=3, filters=inputs, strides=2, padding=padding)
        self.residuals: list[InvertedResidual] = []
        for index, (expansion, filters, stride) in enumerate(_RESIDUALS):
            residual = InvertedResidual(
                f"{scope}/expanded_conv" + (f"_{index}" if index else ""),
                hyperparams,
                depthwise_hyperparams or hyperparams,
                expansion=expansion,
                inputs=inputs,
                filters=depth(filters),
                stride=stride,
                padding=padding,
            )
            self.residuals.append(residual)
            inputs = depth(filters)
        self.last = ConvBlock(
            f"{scope}/Conv_1", hyperparams, kernel_size=1, filters=last_filters or depth(LAST_FILTERS)
        )

    def build(self, input_shape: Shape) -> None:
        shape = input_shape
        layers: list[ConvBlock | InvertedResidual] = [self.stem, *self.residuals, self.last]
        self.out_shapes: dict[str, Shape] = {}
        for number, layer in enumerate(layers, 1):
            if isinstance(layer, InvertedResidual) and layer.expand is not None:
                self.out_shapes[f"layer_{number}/expansion_output"] = layer.expand.compute_output_shape(shape)
            self.out_shapes[f"layer_{number}"] = shape = build_in_order([layer], shape)

    def call(self, x: Any, training: bool = False) -> dict[str, Any]:
        x = self.stem(x, training=training)
        outputs = {"layer_1": x}
        for number, residual in enumerate(self.residuals, 2):
            x, expansion = residual(x, training=training)
            outputs[f"layer_{number}"] = x
            outputs[f"layer_{number}/expansion_output"] = expansion
        outputs[f"layer_{len(self.residuals) + 2}"] = self.last(x, training=training)
        return outputs

    def blocks(self) -> Iterator[ConvBlock]:
        """All convolutions in their order."""
        yield self.stem
        for residual in self.residuals:
            yield from residual.blocks
        yield self.last

    def named_variables(self) -> NamedVariables:
        return names_of(self.blocks())

    def object_variables(self, path: str) -> NamedVariables:
        """The variables that an object-based checkpoint keeps under `path`, the Keras model."""
        return numbered(path, [layer for block in self.blocks() for layer in block.weighted_layers])
