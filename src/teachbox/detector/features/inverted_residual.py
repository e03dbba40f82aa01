"""Inverted residuals (arXiv 1801.04381, section 3.3), with squeeze and excitation where asked for, and rows of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import keras
from keras import ops

from teachbox.detector.hyperparams import ConvHyperparams
from teachbox.detector.layers import ConvBlock, Padding, Shape, apply_in_order, build_in_order, shape_behind
from teachbox.detector.names import NamedVariables, names_of

Activation = Callable[[Any], Any]


class SqueezeExcite(keras.layers.Layer):
    """Weighs each channel by what a map holds on the whole (arXiv 1709.01507): two 1×1 convolutions with biases, of its
    mean; `scopes` are their names in a graph checkpoint."""

    def __init__(
        self,
        scopes: tuple[str, str],
        hyperparams: ConvHyperparams,
        *,
        filters: int,
        squeezed: int,
        activation: Activation,
        gate: Activation,
    ) -> None:
        super().__init__(name=scopes[0].rsplit("/", 1)[0].replace("/", "_"))
        plain = replace(hyperparams, batch_norm=None, use_bias=True)
        options = ((squeezed, activation), (filters, gate))
        self.blocks = [
            ConvBlock(scope, replace(plain, activation=function), kernel_size=1, filters=wide)
            for scope, (wide, function) in zip(scopes, options, strict=True)
        ]

    def build(self, input_shape: Shape) -> None:
        build_in_order(self.blocks, (input_shape[0], 1, 1, input_shape[3]))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def call(self, x: Any, training: bool = False) -> Any:
        return x * apply_in_order(self.blocks, ops.mean(x, axis=(1, 2), keepdims=True), training)

    def named_variables(self) -> NamedVariables:
        return names_of(self.blocks)


class InvertedResidual(keras.layers.Layer):
    """Expand, depthwise, project; added to its input where the shapes are equal. `call` returns (output, expansion).

    `expanded` is the number of channels between, `inputs` those of what comes in: where they are equal, nothing is
    expanded. `squeeze` stands behind the depthwise convolution, `drop` before the sum.
    """

    def __init__(
        self,
        scope: str,
        hyperparams: ConvHyperparams,
        depthwise_hyperparams: ConvHyperparams,
        *,
        expanded: int,
        inputs: int,
        filters: int,
        stride: int,
        kernel_size: int = 3,
        padding: Padding = "same",
        squeeze: SqueezeExcite | None = None,
        drop: keras.layers.Layer | None = None,
    ) -> None:
        super().__init__(name=scope.replace("/", "_"))
        linear = replace(hyperparams, activation=None)
        self.residual = stride == 1 and inputs == filters
        self.expand = None
        if expanded > inputs:
            self.expand = ConvBlock(f"{scope}/expand", hyperparams, kernel_size=1, filters=expanded)
        self.depthwise = ConvBlock(
            f"{scope}/depthwise",
            depthwise_hyperparams,
            kernel_size=kernel_size,
            filters=None,
            strides=stride,
            depthwise=True,
            padding=padding,
        )
        self.squeeze = squeeze
        self.project = ConvBlock(f"{scope}/project", linear, kernel_size=1, filters=filters)
        self.drop = drop

    @property
    def _parts(self) -> list[Any]:
        return [part for part in (self.expand, self.depthwise, self.squeeze, self.project) if part is not None]

    @property
    def blocks(self) -> list[ConvBlock]:
        """All convolutions in their order."""
        squeeze = [] if self.squeeze is None else self.squeeze.blocks
        return [block for block in (self.expand, self.depthwise, *squeeze, self.project) if block is not None]

    def build(self, input_shape: Shape) -> None:
        build_in_order(self._parts, input_shape)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return shape_behind(self._parts, input_shape)

    def call(self, x: Any, training: bool = False) -> tuple[Any, Any]:
        expansion = x if self.expand is None else self.expand(x, training=training)
        y = self.depthwise(expansion, training=training)
        if self.squeeze is not None:
            y = self.squeeze(y, training=training)
        y = self.project(y, training=training)
        if not self.residual:
            return y, expansion
        return x + (y if self.drop is None else self.drop(y, training=training)), expansion

    def named_variables(self) -> NamedVariables:
        return names_of(self.blocks)


class InvertedResiduals(keras.layers.Layer):
    """`call` takes images [B, H, W, 3] in −1…1 and returns outputs by name: `layer_1` (the first convolution),
    `layer_2` and so on (the inverted residuals), the last convolution's, and what a residual expands before its
    depthwise convolution, such as `layer_15/expansion_output`."""

    def __init__(self, stem: ConvBlock, residuals: Sequence[InvertedResidual], last: ConvBlock, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.stem, self.residuals, self.last = stem, list(residuals), last

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


def scope_of(scope: str, index: int) -> str:
    """What the slim library calls the residual with this index, from 0, in `scope`."""
    return f"{scope}/expanded_conv" + (f"_{index}" if index else "")
