"""Inception-ResNet v2 (arXiv 1602.07261) in two halves, as Faster R-CNN uses it: over the image, and over a region."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import keras
from keras import ops

from teachbox.detector.features.branches import Branches
from teachbox.detector.hyperparams import BatchNormOptions, ConvHyperparams
from teachbox.detector.layers import ConvBlock, Padding, Shape, apply_in_order, build_in_order
from teachbox.detector.names import NamedVariables, names_of, numbered

_AVERAGE, _LARGEST = "average", "largest"
Entry = tuple[str, int] | str
"""A convolution, by the end of its name in checkpoints (at whose end is its size) and its filters; or a pool."""
Table = Sequence[Sequence[Entry]]
"""The branches of a module: those of figures 16 to 19 of the paper, with the filters of the published network."""

_STEM: Sequence[Entry] = (
    ("1a_3x3", 32), ("2a_3x3", 32), ("2b_3x3", 64), _LARGEST, ("3b_1x1", 80), ("4a_3x3", 192), _LARGEST,
)  # fmt: skip
_MIXED_5B: Table = (
    [("1x1", 96)],
    [("0a_1x1", 48), ("0b_5x5", 64)],
    [("0a_1x1", 64), ("0b_3x3", 96), ("0c_3x3", 96)],
    [_AVERAGE, ("0b_1x1", 64)],
)
_MIXED_6A: Table = (
    [("1a_3x3", 384)],
    [("0a_1x1", 256), ("0b_3x3", 256), ("1a_3x3", 384)],
    [_LARGEST],
)
_MIXED_7A: Table = (
    [("0a_1x1", 256), ("1a_3x3", 384)],
    [("0a_1x1", 256), ("1a_3x3", 288)],
    [("0a_1x1", 256), ("0b_3x3", 288), ("1a_3x3", 320)],
    [_LARGEST],
)
_BLOCK35: Table = (
    [("1x1", 32)],
    [("0a_1x1", 32), ("0b_3x3", 32)],
    [("0a_1x1", 32), ("0b_3x3", 48), ("0c_3x3", 64)],
)
_BLOCK17: Table = ([("1x1", 192)], [("0a_1x1", 128), ("0b_1x7", 160), ("0c_7x1", 192)])
_BLOCK8: Table = ([("1x1", 192)], [("0a_1x1", 192), ("0b_1x3", 224), ("0c_3x1", 256)])
# How many channels a residual block's map has, by the number in the block's name.
_CHANNELS = {35: 320, 17: 1088, 8: 2080}
_LAST_FILTERS = 1536


def inception_resnet_hyperparams(*, train_batch_norm: bool) -> ConvHyperparams:
    """The settings of every layer: no config sets its own."""
    batch_norm = BatchNormOptions(decay=0.9997, center=True, scale=False, epsilon=0.001, train=train_batch_norm)
    return ConvHyperparams(keras.initializers.GlorotUniform, ops.relu, 0.0, batch_norm)


class Residual(keras.layers.Layer):
    """`scale` of what the branches say, projected to the input's `channels`, added to it."""

    def __init__(
        self, scope: str, hyperparams: ConvHyperparams, branches: Branches, *, channels: int, scale: float, last: bool
    ) -> None:
        """`last`: without an activation."""
        super().__init__(name=scope.replace("/", "_"))
        self.scale = scale
        self.activation = None if last else hyperparams.activation
        self.branches = branches
        linear = replace(hyperparams, activation=None, batch_norm=None)
        self.projection = ConvBlock(f"{scope}/Conv2d_1x1", linear, kernel_size=1, filters=channels)

    @property
    def _parts(self) -> list[Any]:
        return [self.branches, self.projection]

    def build(self, input_shape: Shape) -> None:
        build_in_order(self._parts, input_shape)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def call(self, x: Any, training: bool = False) -> Any:
        x = x + self.scale * apply_in_order(self._parts, x, training)
        return x if self.activation is None else self.activation(x)

    def named_variables(self) -> NamedVariables:
        return names_of(self._parts)

    @property
    def weighted_layers(self) -> list[Any]:
        """The layers with variables as a Keras model orders them."""
        return [layer for part in self._parts for layer in part.weighted_layers]


class Half(keras.layers.Layer):
    """`layers` one after the other; `call` returns what the last gives, by the name `tap`."""

    def __init__(self, layers: Sequence[Any], *, tap: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.parts = list(layers)
        self.tap = tap

    def build(self, input_shape: Shape) -> None:
        self.out_shapes = {self.tap: build_in_order(self.parts, input_shape)}

    def call(self, x: Any, training: bool = False) -> dict[str, Any]:
        return {self.tap: apply_in_order(self.parts, x, training)}

    @property
    def _weighted(self) -> list[Any]:
        return [part for part in self.parts if hasattr(part, "weighted_layers")]

    def named_variables(self) -> NamedVariables:
        return names_of(self._weighted)

    def object_variables(self, path: str) -> NamedVariables:
        """The variables that an object-based checkpoint keeps under `path`, the Keras model."""
        return numbered(path, [layer for part in self._weighted for layer in part.weighted_layers])


def over_image(scope: str, hyperparams: ConvHyperparams, *, stride: int) -> Half:
    """Images [B, H, W, 3] → `PreAuxLogits` [B, ⌈H / stride⌉, ⌈W / stride⌉, 1088], the stride 16 or 8.

    With 8 the last module that would halve the map does not, and the convolutions behind it are dilated instead (arXiv
    1606.00915). Padding is such that maps lie on each other (`align_feature_maps` of the original).
    """
    halving, dilation = (2, 1) if stride == 16 else (1, 2)
    blocks35 = _residuals(f"{scope}/Repeat", hyperparams, 35, _BLOCK35, count=10, scale=0.17)
    blocks17 = _residuals(f"{scope}/Repeat_1", hyperparams, 17, _BLOCK17, count=20, scale=0.1, dilation=dilation)
    layers = [
        *(_stem_layer(scope, hyperparams, entry) for entry in _STEM),
        _branches(f"{scope}/Mixed_5b", hyperparams, _MIXED_5B),
        *blocks35,
        _branches(f"{scope}/Mixed_6a", hyperparams, _MIXED_6A, stride=halving),
        *blocks17,
    ]
    return Half(layers, tap="PreAuxLogits", name="inception_resnet_v2")


def over_region(scope: str, hyperparams: ConvHyperparams) -> Half:
    """Regions [N, h, w, 1088] of that map → `Conv2d_7b_1x1` [N, ⌊(h − 1) / 2⌋, ⌊(w − 1) / 2⌋, 1536]."""
    layers = [
        _branches(f"{scope}/Mixed_7a", hyperparams, _MIXED_7A, stride=2, padding="valid"),
        *_residuals(f"{scope}/Repeat", hyperparams, 8, _BLOCK8, count=9, scale=0.2),
        residual(f"{scope}/Block8", hyperparams, _BLOCK8, channels=_CHANNELS[8], scale=1.0, last=True),
        ConvBlock(f"{scope}/Conv2d_7b_1x1", hyperparams, kernel_size=1, filters=_LAST_FILTERS),
    ]
    return Half(layers, tap="Conv2d_7b_1x1", name="inception_resnet_v2")


def residual(
    scope: str,
    hyperparams: ConvHyperparams,
    table: Table,
    *,
    channels: int,
    scale: float,
    dilation: int = 1,
    last: bool = False,
) -> Residual:
    """One residual block with the branches of `table`."""
    branches = _branches(scope, hyperparams, table, dilation=dilation)
    return Residual(scope, hyperparams, branches, channels=channels, scale=scale, last=last)


def _residuals(
    scope: str, hyperparams: ConvHyperparams, number: int, table: Table, *, count: int, **options: Any
) -> list[Residual]:
    """`count` residual blocks of the `number` that stands in their names."""
    scopes = [f"{scope}/block{number}_{place}" for place in range(1, count + 1)]
    return [residual(own, hyperparams, table, channels=_CHANNELS[number], **options) for own in scopes]


def _branches(
    scope: str,
    hyperparams: ConvHyperparams,
    table: Table,
    *,
    stride: int = 1,
    padding: Padding = "same",
    dilation: int = 1,
) -> Branches:
    """The branches of `table`. What ends one of a module that halves the map has its `stride` and `padding`."""
    ending: dict[str, Any] = {"strides": stride, "padding": padding}

    def layer(branch: int, entry: Entry) -> Any:
        if isinstance(entry, str):
            return _pool(entry, **ending)
        label, filters = entry
        options = ending if label.startswith("1a") else {"dilation": dilation}
        return _conv(f"{scope}/Branch_{branch}", hyperparams, label, filters, **options)

    branches = [[layer(number, entry) for entry in branch] for number, branch in enumerate(table)]
    return Branches(branches, name=f"{scope}/branches".replace("/", "_"))


def _stem_layer(scope: str, hyperparams: ConvHyperparams, entry: Entry) -> Any:
    if isinstance(entry, str):
        return _pool(entry, strides=2, padding="same")
    label, filters = entry
    return _conv(scope, hyperparams, label, filters, strides=2 if label.startswith("1a") else 1)


def _pool(kind: str, strides: int, padding: Padding) -> Any:
    if kind == _AVERAGE:  # in front of a convolution, so it keeps the size
        return keras.layers.AveragePooling2D(3, strides=1, padding="same")
    return keras.layers.MaxPooling2D(3, strides=strides, padding=padding)


def _conv(scope: str, hyperparams: ConvHyperparams, label: str, filters: int, **options: Any) -> ConvBlock:
    height, width = (int(side) for side in label.rsplit("_", maxsplit=1)[-1].split("x"))
    return ConvBlock(f"{scope}/Conv2d_{label}", hyperparams, kernel_size=(height, width), filters=filters, **options)
