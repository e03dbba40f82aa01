"""The layers that SSD puts on top of a backbone: each halves the map once more (arXiv 1512.02325, section 2.1)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras

from teachbox.detector.hyperparams import ConvHyperparams
from teachbox.detector.layers import ConvBlock, Padding, Shape, apply_in_order, build_in_order
from teachbox.detector.names import NamedVariables, listed, names_of

EXTRA_FILTERS = (512, 256, 256, 128)


class ExtraLayers(keras.layers.Layer):
    """Feature maps below the last one of a backbone, each a 1×1 convolution and a 3×3 one of stride 2.

    `scope` is the name of the backbone's last layer in a checkpoint; `first` the index at which theirs begin.
    """

    def __init__(
        self,
        scope: str,
        hyperparams: ConvHyperparams,
        *,
        filters: Sequence[int],
        depth: Callable[[int], int],
        first: int = 2,
        use_depthwise: bool = False,
        depthwise_hyperparams: ConvHyperparams | None = None,
        padding: Padding = "same",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.first = first
        self.stages: list[list[ConvBlock]] = []
        for index, wanted in enumerate(filters, first):
            narrow, wide = depth(wanted // 2), depth(wanted)
            halving = f"{scope}_2_Conv2d_{index}_3x3_s2_{wide}"
            options: dict[str, Any] = {"kernel_size": 3, "strides": 2, "padding": padding}
            stage = [ConvBlock(f"{scope}_1_Conv2d_{index}_1x1_{narrow}", hyperparams, kernel_size=1, filters=narrow)]
            if use_depthwise:
                own = depthwise_hyperparams or hyperparams
                stage += [
                    ConvBlock(f"{halving}_depthwise", own, filters=None, depthwise=True, **options),
                    ConvBlock(halving, hyperparams, kernel_size=1, filters=wide),
                ]
            else:
                stage.append(ConvBlock(halving, hyperparams, filters=wide, **options))
            self.stages.append(stage)

    def build(self, input_shape: Shape) -> None:
        build_in_order((block for stage in self.stages for block in stage), input_shape)

    def call(self, x: Any, training: bool = False) -> list[Any]:
        feature_maps = []
        for stage in self.stages:
            x = apply_in_order(stage, x, training)
            feature_maps.append(x)
        return feature_maps

    def named_variables(self) -> NamedVariables:
        return names_of(block for stage in self.stages for block in stage)

    def object_variables(self, path: str) -> NamedVariables:
        """The variables that an object-based checkpoint keeps under `path`, a list of lists of layers."""
        names: NamedVariables = {}
        for index, stage in enumerate(self.stages, self.first):
            names |= listed(f"{path}/{index}", [layer for block in stage for layer in block.listed_layers])
        return names
