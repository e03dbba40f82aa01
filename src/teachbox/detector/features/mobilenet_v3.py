"""MobileNet v3, large and small (arXiv 1905.02244, tables 1 and 2), as the detectors use it: feature maps after any of
its layers, and half the filters in the last of them (its section on detection)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from keras import ops

from teachbox.detector.features.inverted_residual import (
    Activation,
    InvertedResidual,
    InvertedResiduals,
    SqueezeExcite,
    scope_of,
)
from teachbox.detector.features.mobilenet_v2 import divisible
from teachbox.detector.hyperparams import ConvHyperparams
from teachbox.detector.layers import ConvBlock, Padding

_STEM_FILTERS = 16
_SQUEEZE = 4


def hard_swish(x: Any) -> Any:
    """x · relu6(x + 3) / 6."""
    return x * ops.relu6(x + 3.0) * (1.0 / 6.0)


def _gate(x: Any) -> Any:
    # The slim library's sixth, rounded as it is there.
    return ops.relu6(x + 3.0) * 0.16667


@dataclass(frozen=True)
class Residual:
    """A row of the paper's tables."""

    expansion: float
    filters: int
    kernel_size: int
    stride: int
    squeeze: bool
    activation: Activation


@dataclass(frozen=True)
class MobileNetV3Variant:
    """Which of the two: its residuals, and the filters of the convolution behind them."""

    residuals: tuple[Residual, ...]
    last_filters: int


_relu = ops.relu
LARGE = MobileNetV3Variant(
    (
        Residual(1, 16, 3, 1, False, _relu),
        Residual(4, 24, 3, 2, False, _relu),
        Residual(3, 24, 3, 1, False, _relu),
        Residual(3, 40, 5, 2, True, _relu),
        Residual(3, 40, 5, 1, True, _relu),
        Residual(3, 40, 5, 1, True, _relu),
        Residual(6, 80, 3, 2, False, hard_swish),
        Residual(2.5, 80, 3, 1, False, hard_swish),
        Residual(2.3, 80, 3, 1, False, hard_swish),
        Residual(2.3, 80, 3, 1, False, hard_swish),
        Residual(6, 112, 3, 1, True, hard_swish),
        Residual(6, 112, 3, 1, True, hard_swish),
        Residual(6, 80, 5, 2, True, hard_swish),
        Residual(6, 80, 5, 1, True, hard_swish),
        Residual(6, 80, 5, 1, True, hard_swish),
    ),
    480,
)
SMALL = MobileNetV3Variant(
    (
        Residual(1, 16, 3, 2, True, _relu),
        Residual(72 / 16, 24, 3, 2, False, _relu),
        Residual(88 / 24, 24, 3, 1, False, _relu),
        Residual(4, 40, 5, 2, True, hard_swish),
        Residual(6, 40, 5, 1, True, hard_swish),
        Residual(6, 40, 5, 1, True, hard_swish),
        Residual(3, 48, 5, 1, True, hard_swish),
        Residual(3, 48, 5, 1, True, hard_swish),
        Residual(6, 48, 5, 2, True, hard_swish),
        Residual(6, 48, 5, 1, True, hard_swish),
        Residual(6, 48, 5, 1, True, hard_swish),
    ),
    288,
)


class MobileNetV3(InvertedResiduals):
    """Outputs up to `layer_16` (large) or `layer_12` (small), the last inverted residual, and the last convolution's.

    `depth` goes from the published number of filters to that which is built. Of `hyperparams` the activation is not
    looked at: each layer has its own.
    """

    def __init__(
        self,
        scope: str,
        hyperparams: ConvHyperparams,
        *,
        variant: MobileNetV3Variant,
        depth: Callable[[int], int],
        depthwise_hyperparams: ConvHyperparams | None = None,
        padding: Padding = "same",
        **kwargs: Any,
    ) -> None:
        swish = replace(hyperparams, activation=hard_swish)
        inputs = depth(_STEM_FILTERS)
        stem = ConvBlock(f"{scope}/Conv", swish, kernel_size=3, filters=inputs, strides=2, padding=padding)
        residuals = []
        for index, row in enumerate(variant.residuals):
            expanded = divisible(inputs * row.expansion)
            residual = InvertedResidual(
                scope_of(scope, index),
                replace(hyperparams, activation=row.activation),
                replace(depthwise_hyperparams or hyperparams, activation=row.activation),
                expanded=expanded,
                inputs=inputs,
                filters=depth(row.filters),
                stride=row.stride,
                kernel_size=row.kernel_size,
                padding=padding,
                squeeze=_squeeze(scope_of(scope, index), hyperparams, max(expanded, inputs)) if row.squeeze else None,
            )
            residuals.append(residual)
            inputs = depth(row.filters)
        last = ConvBlock(f"{scope}/Conv_1", swish, kernel_size=1, filters=depth(variant.last_filters))
        super().__init__(stem, residuals, last, **kwargs)


def _squeeze(scope: str, hyperparams: ConvHyperparams, filters: int) -> SqueezeExcite:
    scope = f"{scope}/squeeze_excite"
    return SqueezeExcite(
        (f"{scope}/Conv", f"{scope}/Conv_1"),
        hyperparams,
        filters=filters,
        squeezed=divisible(filters / _SQUEEZE),
        activation=ops.relu,
        gate=_gate,
    )
