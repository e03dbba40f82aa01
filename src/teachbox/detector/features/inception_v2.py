"""Inception v2 (arXiv 1502.03167, figure 5), as the detectors use it: feature maps after any of its modules."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import keras

from teachbox.detector.features.branches import Branches
from teachbox.detector.hyperparams import ConvHyperparams
from teachbox.detector.layers import ConvBlock
from teachbox.detector.names import NamedVariables

# A module halves the map (Mixed_4a, 5a) or keeps it. Filters by branch: 1×1; 1×1 → 3×3; 1×1 → 3×3 → 3×3; pool → 1×1.
_KEEPING = {
    "Mixed_3b": (64, (64, 64), (64, 96), 32, "average"),
    "Mixed_3c": (64, (64, 96), (64, 96), 64, "average"),
    "Mixed_4b": (224, (64, 96), (96, 128), 128, "average"),
    "Mixed_4c": (192, (96, 128), (96, 128), 128, "average"),
    "Mixed_4d": (160, (128, 160), (128, 160), 96, "average"),
    "Mixed_4e": (96, (128, 192), (160, 192), 96, "average"),
    "Mixed_5b": (352, (192, 320), (160, 224), 128, "average"),
    "Mixed_5c": (352, (192, 320), (192, 224), 128, "max"),
}
# 1×1 → 3×3 of stride 2; 1×1 → 3×3 → 3×3 of stride 2; pool of stride 2.
_HALVING = {"Mixed_4a": ((128, 160), (64, 96)), "Mixed_5a": ((128, 192), (192, 256))}
MODULES = (
    "Mixed_3b", "Mixed_3c", "Mixed_4a", "Mixed_4b", "Mixed_4c", "Mixed_4d", "Mixed_4e",
    "Mixed_5a", "Mixed_5b", "Mixed_5c",
)  # fmt: skip
Depth = Callable[[int], int]
# Standard deviations that some layers begin with, whatever the config says of the others: the original has them so.
_STEM, _FIRST, _REDUCING, _AFTER_POOL = 1.0, 0.1, 0.09, 0.1


def _beginning(hyperparams: ConvHyperparams, stddev: float | None) -> ConvHyperparams:
    if stddev is None:
        return hyperparams
    return replace(hyperparams, make_initializer=lambda: keras.initializers.TruncatedNormal(stddev=stddev))


def mixed(name: str, scope: str, hyperparams: ConvHyperparams, depth: Depth) -> Branches:
    """The module `name`."""
    scope = f"{scope}/{name}"

    def conv(
        branch: int, label: str, size: int, filters: int, strides: int = 1, stddev: float | None = None
    ) -> ConvBlock:
        block = f"{scope}/Branch_{branch}/Conv2d_{label}_{size}x{size}"
        own = _beginning(hyperparams, stddev)
        return ConvBlock(block, own, kernel_size=size, filters=depth(filters), strides=strides)

    def reduce(branch: int, filters: int) -> ConvBlock:
        return conv(branch, "0a", 1, filters, stddev=_REDUCING)

    branches: list[list[Any]]
    if name in _HALVING:
        (narrow, wide), (first, second) = _HALVING[name]
        branches = [
            [reduce(0, narrow), conv(0, "1a", 3, wide, 2)],
            [reduce(1, first), conv(1, "0b", 3, second), conv(1, "1a", 3, second, 2)],
            [keras.layers.MaxPooling2D(3, strides=2, padding="same")],
        ]
    else:
        single, (narrow, wide), (first, second), last, pool = _KEEPING[name]
        pooling = keras.layers.AveragePooling2D if pool == "average" else keras.layers.MaxPooling2D
        branches = [
            [conv(0, "0a", 1, single)],
            [reduce(1, narrow), conv(1, "0b", 3, wide)],
            [reduce(2, first), conv(2, "0b", 3, second), conv(2, "0c", 3, second)],
            [pooling(3, strides=1, padding="same"), conv(3, "0b", 1, last, stddev=_AFTER_POOL)],
        ]
    return Branches(branches, name=scope.replace("/", "_"))


class InceptionV2(keras.layers.Layer):
    """`modules` that follow each other, with the layers below the first of all; `call` takes images [B, H, W, 3], or
    what the module before gives, and returns the output of every module by name."""

    def __init__(
        self,
        scope: str,
        hyperparams: ConvHyperparams,
        *,
        depth: Depth,
        modules: Sequence[str] = MODULES,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.mixed = {name: mixed(name, scope, hyperparams, depth) for name in modules}
        self.stem = None
        if modules[0] != MODULES[0]:
            return
        # One normalisation after both of its convolutions.
        self.stem = ConvBlock(
            f"{scope}/Conv2d_1a_7x7",
            _beginning(hyperparams, _STEM),
            kernel_size=7,
            filters=depth(64),
            strides=2,
            separable=True,
            multiplier=min(depth(64) // 3, 8),
        )
        self.convs = [
            ConvBlock(f"{scope}/Conv2d_2b_1x1", _beginning(hyperparams, _FIRST), kernel_size=1, filters=depth(64)),
            ConvBlock(f"{scope}/Conv2d_2c_3x3", hyperparams, kernel_size=3, filters=depth(192)),
        ]
        self.pool = keras.layers.MaxPooling2D(3, strides=2, padding="same")

    def _layers_in_order(self) -> Iterator[tuple[str, Any]]:
        if self.stem is not None:
            yield "Conv2d_1a_7x7", self.stem
            yield "MaxPool_2a_3x3", self.pool
            yield "Conv2d_2b_1x1", self.convs[0]
            yield "Conv2d_2c_3x3", self.convs[1]
            yield "MaxPool_3a_3x3", self.pool
        yield from self.mixed.items()

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        shape = input_shape
        self.out_shapes: dict[str, tuple[int | None, ...]] = {}
        for name, layer in self._layers_in_order():
            layer.build(shape)
            shape = tuple(layer.compute_output_shape(shape))
            self.out_shapes[name] = shape

    def call(self, x: Any, training: bool = False) -> dict[str, Any]:
        outputs = {}
        for name, layer in self._layers_in_order():
            x = layer(x) if isinstance(layer, keras.layers.MaxPooling2D) else layer(x, training=training)
            outputs[name] = x
        return outputs

    def named_variables(self) -> NamedVariables:
        names: NamedVariables = {}
        for _, layer in self._layers_in_order():
            if not isinstance(layer, keras.layers.MaxPooling2D):
                names |= layer.named_variables()
        return names
