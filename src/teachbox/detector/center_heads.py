"""The heads of CenterNet: what each place of a feature map says about an object whose centre it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras

from teachbox.detector.features.center_features import keras_hyperparams
from teachbox.detector.hyperparams import ConvHyperparams
from teachbox.detector.layers import ConvBlock, Shape, apply_in_order, build_in_order
from teachbox.detector.names import NamedVariables, numbered


@dataclass(frozen=True)
class HeadOptions:
    """The convolutions before a head's last, which is 1×1."""

    filters: tuple[int, ...] = (256,)
    kernel_sizes: tuple[int, ...] = (3,)
    """As many as `filters`."""
    separable: bool = False
    bias_init: float = 0.0
    """What the last convolution's bias begins with."""


class CenterHead(keras.layers.Layer):
    """Takes a list of feature maps [B, h, w, C] and gives one of [B, h, w, outputs] for each, by layers of its own."""

    def __init__(self, options: HeadOptions, *, outputs: int, num_maps: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        base = keras_hyperparams()
        hidden = ConvHyperparams(base.make_initializer, base.activation, 0.0, None)
        last = ConvHyperparams(base.make_initializer, None, 0.0, None)
        self.maps = [
            [
                *(
                    ConvBlock(
                        f"map_{index}/conv_{layer}",
                        hidden,
                        kernel_size=kernel_size,
                        filters=filters,
                        separable=options.separable,
                    )
                    for layer, (filters, kernel_size) in enumerate(
                        zip(options.filters, options.kernel_sizes, strict=True)
                    )
                ),
                ConvBlock(f"map_{index}/outputs", last, kernel_size=1, filters=outputs, bias_init=options.bias_init),
            ]
            for index in range(num_maps)
        ]

    def build(self, input_shape: Sequence[Shape]) -> None:
        for blocks, shape in zip(self.maps, input_shape, strict=True):
            build_in_order(blocks, shape)

    def call(self, feature_maps: Sequence[Any]) -> list[Any]:
        return [apply_in_order(blocks, x, False) for blocks, x in zip(self.maps, feature_maps, strict=True)]

    def object_variables(self, path: str) -> NamedVariables:
        """The variables that an object-based checkpoint keeps under `path`."""
        names: NamedVariables = {}
        for index, blocks in enumerate(self.maps):
            names |= numbered(f"{path}/{index}", [block.conv for block in blocks])
        return names
