"""MobileNet v2 (arXiv 1801.04381), as the detectors use it: feature maps after any of its layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from teachbox.detector.features.inverted_residual import InvertedResidual, InvertedResiduals, scope_of
from teachbox.detector.hyperparams import ConvHyperparams
from teachbox.detector.layers import ConvBlock, Padding
from teachbox.detector.names import NamedVariables, numbered

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


class MobileNetV2(InvertedResiduals):
    """Outputs up to `layer_18` (the last inverted residual) and `layer_19` (the last convolution).

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
        inputs = depth(32)
        stem = ConvBlock(f"{scope}/Conv", hyperparams, kernel_size=3, filters=inputs, strides=2, padding=padding)
        residuals = []
        for index, (expansion, filters, stride) in enumerate(_RESIDUALS):
            residual = InvertedResidual(
                scope_of(scope, index),
                hyperparams,
                depthwise_hyperparams or hyperparams,
                expanded=divisible(inputs * expansion) if expansion > 1 else inputs,
                inputs=inputs,
                filters=depth(filters),
                stride=stride,
                padding=padding,
            )
            residuals.append(residual)
            inputs = depth(filters)
        last = ConvBlock(f"{scope}/Conv_1", hyperparams, kernel_size=1, filters=last_filters or depth(LAST_FILTERS))
        super().__init__(stem, residuals, last, **kwargs)

    def object_variables(self, path: str) -> NamedVariables:
        """The variables that an object-based checkpoint keeps under `path`, the Keras model."""
        return numbered(path, [layer for block in self.blocks() for layer in block.weighted_layers])
