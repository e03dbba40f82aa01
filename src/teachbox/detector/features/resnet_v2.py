"""ResNet v2 (arXiv 1603.05027) with 50 or 101 layers, as Keras has it: activation before convolution."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import keras
from keras import ops

from teachbox.detector.features.resnet_v1 import KERAS_APPLICATION, resnet_hyperparams
from teachbox.detector.hyperparams import ConvHyperparams
from teachbox.detector.layers import BatchNorm, ConvBlock, Shape, apply_in_order, build_in_order, shape_behind
from teachbox.detector.names import NamedVariables, numbered

# Units of each block, by the number of layers, and the filters of a block's 3×3 convolutions.
_UNITS = {50: (3, 4, 6, 3), 101: (3, 4, 23, 3)}
_FILTERS = (64, 128, 256, 512)
_MARGIN = [(0, 0), (1, 1), (1, 1), (0, 0)]


class Activation(keras.layers.Layer):
    """Batch normalisation and ReLU."""

    def __init__(self, hyperparams: ConvHyperparams, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        assert hyperparams.batch_norm is not None
        self.batch_norm = BatchNorm(hyperparams.batch_norm, name="batch_norm")

    def build(self, input_shape: Shape) -> None:
        self.batch_norm.build(input_shape)

    def call(self, x: Any, training: bool = False) -> Any:
        return ops.relu(self.batch_norm(x, training=training))


class PreactivatedBottleneck(keras.layers.Layer):
    """A residual unit: what was normalised and activated goes through 1×1, 3×3 and 1×1 convolutions and is added to
    the input, or to its own projection."""

    def __init__(self, name: str, *, filters: int, project: bool, stride: int) -> None:
        super().__init__(name=name)
        inner = resnet_hyperparams(KERAS_APPLICATION)
        plain = replace(inner, batch_norm=None, activation=None)
        self.stride = stride
        self.before = Activation(inner, name="before")
        self.convs = [
            ConvBlock("conv1", inner, kernel_size=1, filters=filters, use_bias=False),
            ConvBlock("conv2", inner, kernel_size=3, filters=filters, strides=stride, padding="fixed", use_bias=False),
            ConvBlock("conv3", plain, kernel_size=1, filters=4 * filters, use_bias=True),
        ]
        self.shortcut = None
        if project:
            self.shortcut = ConvBlock(
                "shortcut", plain, kernel_size=1, filters=4 * filters, strides=stride, use_bias=True
            )

    def build(self, input_shape: Shape) -> None:
        self.before.build(input_shape)
        build_in_order(self.convs, input_shape)
        if self.shortcut is not None:
            self.shortcut.build(input_shape)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return shape_behind(self.convs, input_shape)

    def call(self, x: Any, training: bool = False) -> Any:
        activated = self.before(x, training=training)
        y = apply_in_order(self.convs, activated, training)
        if self.shortcut is not None:
            return self.shortcut(activated) + y
        return x[:, :: self.stride, :: self.stride] + y

    @property
    def keras_layers(self) -> list[Any]:
        """The layers with variables as a Keras model orders them, which is by how deep they lie."""
        first, second, last = self.convs
        shortcut = [] if self.shortcut is None else [self.shortcut.conv]
        return [self.before.batch_norm, *first.weighted_layers, *second.weighted_layers, *shortcut, last.conv]


class ResNetV2(keras.layers.Layer):
    """`call` takes images [B, H, W, 3] in −1…1 and returns the output of the last block, `block4`, whose map has a
    thirty-second of the image's side.

    The normalisation behind it has variables, as checkpoints have, and is never used.
    """

    def __init__(self, *, layers: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        hyperparams = resnet_hyperparams(KERAS_APPLICATION)
        plain = replace(hyperparams, batch_norm=None, activation=None)
        self.stem = ConvBlock("conv1", plain, kernel_size=7, filters=64, strides=2, padding="fixed", use_bias=True)
        self.pool = keras.layers.MaxPooling2D(3, strides=2, padding="valid")
        self.units = [
            PreactivatedBottleneck(
                f"block{block}_unit_{unit}",
                filters=filters,
                project=unit == 1,
                # A block's last unit halves the map, but for the last block's.
                stride=2 if unit == count and block < len(_FILTERS) else 1,
            )
            for block, (filters, count) in enumerate(zip(_FILTERS, _UNITS[layers], strict=True), 1)
            for unit in range(1, count + 1)
        ]
        self.behind = Activation(hyperparams, name="behind")

    def build(self, input_shape: Shape) -> None:
        batch, *sides, depth = build_in_order([self.stem], input_shape)
        padded = (batch, *(side and side + 2 for side in sides), depth)
        shape = build_in_order(self.units, tuple(self.pool.compute_output_shape(padded)))
        self.behind.build(shape)
        self.out_shapes: dict[str, Shape] = {"block4": shape}

    def call(self, x: Any, training: bool = False) -> dict[str, Any]:
        x = self.pool(ops.pad(self.stem(x, training=training), _MARGIN))
        return {"block4": apply_in_order(self.units, x, training)}

    def object_variables(self, path: str) -> NamedVariables:
        """The variables that an object-based checkpoint keeps under `path`, the Keras model."""
        units = (layer for unit in self.units for layer in unit.keras_layers)
        return numbered(path, [self.stem.conv, *units, self.behind.batch_norm])
