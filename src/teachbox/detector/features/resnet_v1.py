"""ResNet v1 (arXiv 1512.03385) with 50, 101 or 152 layers, as the detectors use it: feature maps after any block."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import keras
from keras import ops

from teachbox.detector.hyperparams import BatchNormOptions, ConvHyperparams
from teachbox.detector.layers import ConvBlock, Shape, apply_in_order, build_in_order, shape_behind
from teachbox.detector.names import NamedVariables, names_of, numbered

# Units of each block, by the number of layers (table 1 of the paper), and the filters of a block's 3×3 convolutions.
_UNITS = {50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}
_FILTERS = (64, 128, 256, 512)
_STEM_STRIDE = 4


@dataclass(frozen=True)
class ResNetVariant:
    """In what the implementations differ that checkpoints were published of."""

    stride: Literal["first unit", "last unit", "after block"]
    """Where a map is halved: by the first 1×1 convolution of a block, by the 3×3 one of its last unit, or behind the
    block, whose own output then still has the size before."""
    use_bias: bool | None = False
    """Whether convolutions have biases; None: where there is no batch normalisation."""
    padded_pool: bool = False
    """Whether the first pool has a row and column of zeros on every side, or TensorFlow's padding."""

    @property
    def slim(self) -> bool:
        return self.stride != "first unit"


SLIM = ResNetVariant("last unit", use_bias=None)
"""TensorFlow 1: the slim library."""
SLIM_PYRAMID = ResNetVariant("after block", use_bias=None)
"""The same below a feature pyramid."""
KERAS = ResNetVariant("first unit")
"""TensorFlow 2: the Keras model, with the slim library's layers."""
KERAS_APPLICATION = ResNetVariant("first unit", use_bias=True, padded_pool=True)
"""The Keras model as it is."""


def resnet_hyperparams(variant: ResNetVariant, weight_decay: float = 1e-4) -> ConvHyperparams:
    """The settings of the `variant` where a config does not set its own."""
    if variant.use_bias:
        batch_norm = BatchNormOptions(decay=0.99, center=True, scale=True, epsilon=1.001e-5, train=True)
        return ConvHyperparams(keras.initializers.GlorotUniform, ops.relu, 0.0, batch_norm)
    batch_norm = BatchNormOptions(decay=0.997, center=True, scale=True, epsilon=1e-5, train=True)
    # The Keras model hands its weight decay to a regularizer that does not halve it.
    scale, l2_weight = (2.0, weight_decay) if variant.slim else (1.0, 2 * weight_decay)
    return ConvHyperparams(lambda: keras.initializers.VarianceScaling(scale), ops.relu, l2_weight, batch_norm)


class Bottleneck(keras.layers.Layer):
    """A residual unit: 1×1, 3×3 and 1×1 convolutions, added to the input, or to its projection."""

    def __init__(
        self,
        scope: str,
        hyperparams: ConvHyperparams,
        variant: ResNetVariant,
        *,
        filters: int,
        outputs: int,
        project: bool,
        stride: int = 1,
        dilation: int = 1,
    ) -> None:
        super().__init__(name=scope.replace("/", "_"))
        linear = replace(hyperparams, activation=None)
        self.stride = stride
        self.activation = ops.relu if variant.slim else hyperparams.activation

        def conv(name: str, options: ConvHyperparams, size: int, filters: int, **more: Any) -> ConvBlock:
            more |= {"kernel_size": size, "filters": filters, "use_bias": variant.use_bias}
            return ConvBlock(f"{scope}/{name}", options, **more)

        first, second = (1, stride) if variant.slim else (stride, 1)
        self.conv1 = conv("conv1", hyperparams, 1, filters, strides=first)
        self.conv2 = conv("conv2", hyperparams, 3, filters, strides=second, dilation=dilation, padding="fixed")
        self.conv3 = conv("conv3", linear, 1, outputs)
        self.shortcut = conv("shortcut", linear, 1, outputs, strides=stride) if project else None

    @property
    def _residual(self) -> list[ConvBlock]:
        return [self.conv1, self.conv2, self.conv3]

    def build(self, input_shape: Shape) -> None:
        build_in_order(self._residual, input_shape)
        if self.shortcut is not None:
            self.shortcut.build(input_shape)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return shape_behind(self._residual, input_shape)

    def call(self, x: Any, training: bool = False) -> Any:
        y = apply_in_order(self._residual, x, training)
        if self.shortcut is not None:
            x = self.shortcut(x, training=training)
        elif self.stride > 1:
            x = _every(x, self.stride)
        return x + y if self.activation is None else self.activation(x + y)

    def named_variables(self) -> NamedVariables:
        return names_of([*self._residual, *([] if self.shortcut is None else [self.shortcut])])

    @property
    def keras_layers(self) -> list[Any]:
        """The layers with variables as a Keras model orders them, which is by how deep they lie."""
        layers = [*self.conv1.weighted_layers, *self.conv2.weighted_layers]
        if self.shortcut is None:
            return [*layers, *self.conv3.weighted_layers]
        pairs = zip(self.shortcut.weighted_layers, self.conv3.weighted_layers, strict=True)
        return [*layers, *(layer for pair in pairs for layer in pair)]


class ResNetV1(keras.layers.Layer):
    """`call` takes images [B, H, W, 3], or what the block before the first of `blocks` gives, and returns the output of
    each block up to `last` by name, such as `block3`.

    `layers` is 50, 101 or 152. Blocks beyond `last` have variables that are never used, as published checkpoints have.
    `depth` goes from the published number of filters to that which is built. `output_stride` (8 or 16, slim alone): the
    blocks that would make a map smaller than that dilate their convolutions instead (arXiv 1606.00915).
    """

    def __init__(
        self,
        scope: str,
        hyperparams: ConvHyperparams,
        *,
        layers: int,
        variant: ResNetVariant,
        blocks: Sequence[int] = (1, 2, 3, 4),
        last: int = 4,
        depth: Callable[[int], int] = lambda filters: filters,
        output_stride: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.variant, self.last = variant, last
        self.stem = None
        if 1 in blocks:
            self.stem = ConvBlock(
                f"{scope}/conv1",
                hyperparams,
                kernel_size=7,
                filters=64 if variant.slim else depth(64),
                strides=2,
                padding="fixed",
                use_bias=variant.use_bias,
            )
        self.pool = keras.layers.MaxPooling2D(3, strides=2, padding="valid" if variant.padded_pool else "same")
        self.blocks: dict[int, list[Bottleneck]] = {}
        strides = _strides(variant, _UNITS[layers], blocks, output_stride)
        for block in blocks:
            filters = depth(_FILTERS[block - 1])
            outputs = 4 * filters if variant.slim else depth(4 * _FILTERS[block - 1])
            self.blocks[block] = [
                Bottleneck(
                    f"{scope}/block{block}/unit_{number}/bottleneck_v1",
                    hyperparams,
                    variant,
                    filters=filters,
                    outputs=outputs,
                    project=number == 1,
                    stride=stride,
                    dilation=dilation,
                )
                for number, (stride, dilation) in enumerate(strides[block], 1)
            ]
            if block > last:
                for unit in self.blocks[block]:
                    unit.trainable = False

    def build(self, input_shape: Shape) -> None:
        shape = input_shape
        if self.stem is not None:
            self.stem.build(shape)
            shape = tuple(self.pool.compute_output_shape(self._padded(self.stem.compute_output_shape(shape))))
        self.out_shapes: dict[str, Shape] = {}
        for block, units in self.blocks.items():
            self.out_shapes[f"block{block}"] = shape = build_in_order(units, shape)
            if self._halves_behind(block):
                shape = (shape[0], *(side and -(-side // 2) for side in shape[1:3]), shape[3])

    def _padded(self, shape: Shape) -> Shape:
        if not self.variant.padded_pool:
            return shape
        return (shape[0], *(side and side + 2 for side in shape[1:3]), shape[3])

    def _halves_behind(self, block: int) -> bool:
        return self.variant.stride == "after block" and block < len(_FILTERS)

    def call(self, x: Any, training: bool = False) -> dict[str, Any]:
        if self.stem is not None:
            x = self.stem(x, training=training)
            if self.variant.padded_pool:
                x = ops.pad(x, [(0, 0), (1, 1), (1, 1), (0, 0)])
            x = self.pool(x)
        outputs = {}
        for block, units in self.blocks.items():
            if block > self.last:
                break
            outputs[f"block{block}"] = x = apply_in_order(units, x, training)
            if self._halves_behind(block):
                x = _every(x, 2)
        return outputs

    def named_variables(self) -> NamedVariables:
        stem = [] if self.stem is None else [self.stem]
        return names_of([*stem, *(unit for units in self.blocks.values() for unit in units)])

    def object_variables(self, path: str) -> NamedVariables:
        """The variables that an object-based checkpoint keeps under `path`, the Keras model."""
        stem = [] if self.stem is None else self.stem.weighted_layers
        units = (unit for units in self.blocks.values() for unit in units)
        return numbered(path, [*stem, *(layer for unit in units for layer in unit.keras_layers)])


def _every(x: Any, step: int) -> Any:
    """Every `step`-th row and column."""
    return x[:, ::step, ::step]


def _strides(
    variant: ResNetVariant, units: Sequence[int], blocks: Sequence[int], output_stride: int | None
) -> dict[int, list[tuple[int, int]]]:
    """(stride, dilation) of every unit of each of `blocks`."""
    strides = {block: [(1, 1)] * units[block - 1] for block in blocks}
    if variant.stride == "first unit":
        for block in set(blocks) - {1}:
            strides[block][0] = (2, 1)
    if variant.stride == "last unit":
        stride, dilation = _STEM_STRIDE, 1
        for block in blocks:
            # In the slim library the last block does not halve the map.
            halves = block < len(_FILTERS)
            dilates = stride == output_stride
            last = 1 if dilates or not halves else 2
            strides[block] = [(1, dilation)] * (units[block - 1] - 1) + [(last, dilation)]
            if halves:
                stride, dilation = (stride, 2 * dilation) if dilates else (2 * stride, dilation)
    return strides
