"""MobileNet v1 (arXiv 1704.04861), as the detectors use it: feature maps after any of its layers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras

from teachbox.detector.hyperparams import BatchNormOptions, ConvHyperparams
from teachbox.detector.layers import ConvBlock, Padding, Shape, build_in_order
from teachbox.detector.names import NamedVariables, names_of, numbered

SEPARABLE = (
    (1, 64), (2, 128), (1, 128), (2, 256), (1, 256), (2, 512), (1, 512),
    (1, 512), (1, 512), (1, 512), (1, 512), (2, 1024), (1, 1024),
)  # fmt: skip
"""(stride, filters) of the thirteen depthwise separable convolutions after Conv2d_0."""
_NARROW = ((2, 512), (1, 256))
SEPARABLE_NARROW = (*SEPARABLE[:-2], *_NARROW)
"""The same, with fewer filters at the end, where a feature pyramid of depthwise convolutions stands on it."""


def mobilenet_hyperparams() -> ConvHyperparams:
    """The settings that MobileNet v1 and v2 were published with in TensorFlow's slim library."""
    return ConvHyperparams(
        make_initializer=lambda: keras.initializers.TruncatedNormal(stddev=0.09),
        activation=keras.ops.relu6,
        l2_weight=4e-5,
        batch_norm=BatchNormOptions(decay=0.9997, center=True, scale=True, epsilon=0.001, train=True),
    )


class MobileNetV1(keras.layers.Layer):
    """`call` takes images [B, H, W, 3] in −1…1 and returns the output of every layer by its name: `Conv2d_0`,
    `Conv2d_1_depthwise`, `Conv2d_1_pointwise` and so on.

    `depth` goes from the published number of filters to that which is built; `separable` is a table like `SEPARABLE`.
    Layers beyond `last` have variables that are never used, as published checkpoints have.
    """

    def __init__(
        self,
        scope: str,
        hyperparams: ConvHyperparams,
        *,
        depth: Callable[[int], int],
        separable: Sequence[tuple[int, int]] = SEPARABLE,
        padding: Padding = "same",
        last: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.last = last
        first = ConvBlock(
            f"{scope}/Conv2d_0", hyperparams, kernel_size=3, filters=depth(32), strides=2, padding=padding
        )
        self.blocks = {"Conv2d_0": first}
        for index, (stride, filters) in enumerate(separable, 1):
            depthwise, pointwise = f"Conv2d_{index}_depthwise", f"Conv2d_{index}_pointwise"
            own = hyperparams.unused() if last in self.blocks else hyperparams
            self.blocks[depthwise] = ConvBlock(
                f"{scope}/{depthwise}",
                own,
                kernel_size=3,
                filters=None,
                strides=stride,
                depthwise=True,
                padding=padding,
            )
            self.blocks[pointwise] = ConvBlock(f"{scope}/{pointwise}", own, kernel_size=1, filters=depth(filters))

    def build(self, input_shape: Shape) -> None:
        shape = input_shape
        self.out_shapes: dict[str, Shape] = {}
        for name, block in self.blocks.items():
            self.out_shapes[name] = shape = build_in_order([block], shape)

    def call(self, x: Any, training: bool = False) -> dict[str, Any]:
        outputs = {}
        for name, block in self.blocks.items():
            outputs[name] = x = block(x, training=training)
            if name == self.last:
                break
        return outputs

    def named_variables(self) -> NamedVariables:
        return names_of(self.blocks.values())

    def object_variables(self, path: str) -> NamedVariables:
        """The variables that an object-based checkpoint keeps under `path`, the Keras model."""
        return numbered(path, [layer for block in self.blocks.values() for layer in block.weighted_layers])
