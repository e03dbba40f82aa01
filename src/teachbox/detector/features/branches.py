"""Branches side by side, joined along the channels: what Inception networks are made of (arXiv 1409.4842)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from teachbox.detector.layers import ConvBlock, Shape, apply_in_order, build_in_order, shape_behind
from teachbox.detector.names import NamedVariables, names_of


class Branches(keras.layers.Layer):
    """Each of `branches`, which are convolutions and pools one after the other, over the same map."""

    def __init__(self, branches: Sequence[Sequence[Any]], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.branches = [list(branch) for branch in branches]

    def build(self, input_shape: Shape) -> None:
        for branch in self.branches:
            build_in_order(branch, input_shape)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        ends = [shape_behind(branch, input_shape) for branch in self.branches]
        return (*ends[0][:3], sum(int(shape[3] or 0) for shape in ends))

    def call(self, x: Any, training: bool = False) -> Any:
        return ops.concatenate([apply_in_order(branch, x, training) for branch in self.branches], axis=-1)

    @property
    def _blocks(self) -> list[list[ConvBlock]]:
        return [[layer for layer in branch if isinstance(layer, ConvBlock)] for branch in self.branches]

    def named_variables(self) -> NamedVariables:
        return names_of(block for blocks in self._blocks for block in blocks)

    @property
    def weighted_layers(self) -> list[Any]:
        """The layers with variables as a Keras model orders them, which is by how far they are from the end."""
        found: list[Any] = []
        for place in range(max(map(len, self._blocks)), 0, -1):
            abreast = [blocks[-place].weighted_layers for blocks in self._blocks if len(blocks) >= place]
            found += [layer for layers in zip(*abreast, strict=True) for layer in layers]
        return found
