"""EfficientNet (arXiv 1905.11946), as EfficientDet uses it: maps of the levels 1 to 5, whose strides are 2 to 32."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import keras
from keras import ops

from teachbox.detector.features.inverted_residual import InvertedResidual, SqueezeExcite
from teachbox.detector.features.mobilenet_v2 import divisible
from teachbox.detector.hyperparams import BatchNormOptions, ConvHyperparams
from teachbox.detector.layers import ConvBlock, Shape, build_in_order
from teachbox.detector.names import NamedVariables, numbered

# (filters, kernel size, residuals, expansion, stride) of the seven stages (table 1 of the paper), for version 0.
_STAGES = (
    (16, 3, 1, 1, 1),
    (24, 3, 2, 6, 2),
    (40, 5, 2, 6, 2),
    (80, 3, 3, 6, 2),
    (112, 5, 3, 6, 1),
    (192, 5, 4, 6, 2),
    (320, 3, 1, 6, 1),
)
# (width, depth) by which the versions 0 to 7 multiply filters and residuals.
SCALES = ((1.0, 1.0), (1.0, 1.1), (1.1, 1.2), (1.2, 1.4), (1.4, 1.8), (1.6, 2.2), (1.8, 2.6), (2.0, 3.1))
# Level → stage and residual whose output it is, both from 0: not the stage's last where a version has more.
_LEVELS = {1: (0, 0), 2: (1, 1), 3: (2, 1), 4: (4, 2), 5: (6, 0)}
LEVELS = (min(_LEVELS), max(_LEVELS))
_STEM_FILTERS, _TOP_FILTERS, _CLASSES = 32, 1280, 1000
_SQUEEZED = 0.25
_DROP_RATE = 0.2


def efficientnet_hyperparams() -> ConvHyperparams:
    """The settings that EfficientNet was published with in TensorFlow's model garden."""
    return ConvHyperparams(
        make_initializer=lambda: keras.initializers.VarianceScaling(2.0, "fan_out", "truncated_normal"),
        activation=ops.silu,
        # A Keras regularizer of 5e-6 does not halve it.
        l2_weight=1e-5,
        l2_weight_of_biases=1e-5,
        batch_norm=BatchNormOptions(decay=0.99, center=True, scale=True, epsilon=0.001, train=True),
    )


@dataclass(frozen=True)
class _Row:
    """One inverted residual: where it stands, and what it is made of."""

    stage: int
    place: int
    inputs: int
    filters: int
    kernel_size: int
    expansion: int
    stride: int


def _rows(version: int) -> list[_Row]:
    width, depth = SCALES[version]
    rows, inputs = [], divisible(width * _STEM_FILTERS)
    for stage, (published, kernel_size, repeats, expansion, stride) in enumerate(_STAGES):
        filters = divisible(width * published)
        for place in range(math.ceil(depth * repeats)):
            rows.append(_Row(stage, place, inputs, filters, kernel_size, expansion, 1 if place else stride))
            inputs = filters
    return rows


class EfficientNet(keras.layers.Layer):
    """`call` takes normalised images [B, H, W, 3] and returns the output of each of `levels` (1 to 5) by its number.

    `version` is 0 to 7. What lies beyond the last of the levels, up to the classes of ImageNet, has variables that are
    never used, as published checkpoints have. In training, residuals are left out at random, deep ones more often
    (stochastic depth, arXiv 1603.09382).
    """

    def __init__(
        self, hyperparams: ConvHyperparams, *, version: int, levels: tuple[int, ...] = (3, 4, 5), **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.levels = levels
        rows, width = _rows(version), SCALES[version][0]
        places = {(row.stage, row.place): number for number, row in enumerate(rows)}
        self._level_of = {places[_LEVELS[level]]: level for level in levels}
        self.stem = ConvBlock("stem", hyperparams, kernel_size=3, filters=divisible(width * _STEM_FILTERS), strides=2)
        unused = hyperparams.unused()
        total = sum(repeats for _, _, repeats, _, _ in _STAGES)
        self.residuals: list[InvertedResidual] = []
        self.unused: list[InvertedResidual] = []
        for number, row in enumerate(rows):
            used = number <= max(self._level_of)
            residual = _residual(row, hyperparams if used else unused, _DROP_RATE * number / total)
            (self.residuals if used else self.unused).append(residual)
        self.top = ConvBlock("top", unused, kernel_size=1, filters=divisible(width * _TOP_FILTERS))
        self.logits = keras.layers.Dense(
            _CLASSES,
            kernel_initializer=keras.initializers.VarianceScaling(1 / 3, "fan_out", "uniform"),
            kernel_regularizer=hyperparams.regularizer(),
            bias_regularizer=hyperparams.bias_regularizer(),
            name="logits",
        )

    def build(self, input_shape: Shape) -> None:
        shape = build_in_order([self.stem], input_shape)
        self.out_shapes: dict[int, Shape] = {}
        for number, residual in enumerate(self.residuals):
            shape = build_in_order([residual], shape)
            if number in self._level_of:
                self.out_shapes[self._level_of[number]] = shape
        shape = build_in_order([*self.unused, self.top], shape)
        self.logits.build((None, shape[-1]))

    def call(self, x: Any, training: bool = False) -> dict[int, Any]:
        x = self.stem(x, training=training)
        outputs = {}
        for number, residual in enumerate(self.residuals):
            x, _ = residual(x, training=training)
            if number in self._level_of:
                outputs[self._level_of[number]] = x
        return outputs

    def object_variables(self, path: str) -> NamedVariables:
        """The variables that an object-based checkpoint keeps under `path`, the feature extractor: those of the layers
        in use in a model of their own, the others in the whole."""

        def layers(residuals: list[Any]) -> list[Any]:
            return [layer for residual in residuals for block in residual.blocks for layer in block.weighted_layers]

        used = [*self.stem.weighted_layers, *layers(self.residuals)]
        unused = [*layers(self.unused), *self.top.weighted_layers, self.logits]
        return numbered(f"{path}/_efficientnet", used) | numbered(
            f"{path}/classification_backbone", unused, first=len(used)
        )


def _residual(row: _Row, hyperparams: ConvHyperparams, drop_rate: float) -> InvertedResidual:
    scope = f"stack_{row.stage}/block_{row.place}"
    expanded = row.inputs * row.expansion
    drop = None
    if drop_rate and row.stride == 1 and row.inputs == row.filters:
        # A whole image at a time.
        drop = keras.layers.Dropout(drop_rate, noise_shape=(None, 1, 1, 1), name="drop")
    return InvertedResidual(
        scope,
        hyperparams,
        # What names a regularizer for them does not reach the depthwise kernels.
        hyperparams.without_regularizer(),
        expanded=expanded,
        inputs=row.inputs,
        filters=row.filters,
        stride=row.stride,
        kernel_size=row.kernel_size,
        squeeze=SqueezeExcite(
            (f"{scope}/se/reduce", f"{scope}/se/expand"),
            hyperparams,
            filters=expanded,
            squeezed=max(1, int(row.inputs * _SQUEEZED)),
            activation=ops.silu,
            gate=ops.sigmoid,
        ),
        drop=drop,
    )
