"""The hourglass network (arXiv 1603.06937), as CenterNet uses it: maps halved, then doubled again, stacked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import keras
from keras import ops

from teachbox.detector.features.center_features import STRIDE
from teachbox.detector.hyperparams import BatchNormOptions, ConvHyperparams
from teachbox.detector.layers import ConvBlock, Shape, apply_in_order, build_in_order, shape_behind
from teachbox.detector.names import NamedVariables, object_names


@dataclass(frozen=True)
class HourglassSize:
    """How large a network is."""

    hourglasses: int
    """How many are stacked; each has an output of its own."""
    stem: int
    """Filters of the first convolution."""
    filters: tuple[int, ...]
    """Of each stage, from the outermost, whose map has a quarter of the image's side, to the innermost."""
    blocks: tuple[int, ...]
    """Residual blocks in a row, of each stage."""

    @property
    def stages(self) -> int:
        """How often a map is halved."""
        return len(self.filters) - 1


HOURGLASSES = {
    10: HourglassSize(1, 32, (64, 64), (1, 1)),
    20: HourglassSize(1, 48, (96, 96, 144), (1, 2, 2)),
    32: HourglassSize(1, 48, (96, 96, 144, 144), (2, 2, 2, 2)),
    52: HourglassSize(1, 64, (128, 128, 192, 192, 192, 256), (2, 2, 2, 2, 2, 4)),
    104: HourglassSize(2, 128, (256, 256, 384, 384, 384, 512), (2, 2, 2, 2, 2, 4)),
}
"""By the number of convolutions that follow on one another."""


def hourglass_hyperparams() -> ConvHyperparams:
    """The settings that the network was published with."""
    # A decay of a tenth: what PyTorch, where the network comes from, calls a momentum of 0.9.
    batch_norm = BatchNormOptions(decay=0.1, center=True, scale=True, epsilon=1e-5, train=True, synchronized=True)
    return ConvHyperparams(keras.initializers.GlorotUniform, ops.relu, 0.0, batch_norm)


def _conv(name: str, filters: int, *, kernel_size: int = 3, stride: int = 1, relu: bool = True) -> ConvBlock:
    options = hourglass_hyperparams()
    return ConvBlock(
        name,
        options if relu else replace(options, activation=None),
        kernel_size=kernel_size,
        filters=filters,
        strides=stride,
        padding="fixed",
        use_bias=False,
    )


def _conv_variables(path: str, block: ConvBlock) -> NamedVariables:
    return object_names(f"{path}/conv", block.conv) | object_names(f"{path}/norm", block.batch_norm)


class Residual(keras.layers.Layer):
    """Two 3×3 convolutions, added to the input, or to its projection."""

    def __init__(self, name: str, filters: int, *, stride: int = 1, project: bool = False) -> None:
        super().__init__(name=name)
        self.convs = [_conv("conv_block", filters, stride=stride), _conv("conv", filters, relu=False)]
        self.skip = _conv("skip", filters, kernel_size=1, stride=stride, relu=False) if project else None

    def build(self, input_shape: Shape) -> None:
        build_in_order(self.convs, input_shape)
        if self.skip is not None:
            self.skip.build(input_shape)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return shape_behind(self.convs, input_shape)

    def call(self, x: Any, training: bool = False) -> Any:
        y = apply_in_order(self.convs, x, training)
        return ops.relu(y + (x if self.skip is None else self.skip(x, training=training)))

    def object_variables(self, path: str) -> NamedVariables:
        first, second = self.convs
        names = _conv_variables(f"{path}/conv_block", first) | _conv_variables(path, second)
        return names if self.skip is None else names | _conv_variables(f"{path}/skip", self.skip)


def residuals(name: str, count: int, filters: int, *, stride: int = 1, last: int | None = None) -> list[Residual]:
    """`count` residual blocks in a row of `filters`; the first of `stride`, the last of `last` filters if otherwise."""
    found = []
    for index in range(count):
        own = filters if index + 1 < count else (last or filters)
        own_stride = 1 if index else stride
        project = own_stride > 1 or own != filters
        found.append(Residual(f"{name}_{index}", own, stride=own_stride, project=project))
    return found


class Hourglass(keras.layers.Layer):
    """Halves a map, and doubles what became of it; what is added on the way keeps the detail. The middle of it is an
    hourglass again, down to the last stage."""

    def __init__(self, name: str, filters: Sequence[int], blocks: Sequence[int]) -> None:
        """`filters` and `blocks` of this stage and those inside it, as `HourglassSize` has them."""
        super().__init__(name=name)
        outer, inner, count = filters[0], filters[1], blocks[0]
        self.beside = residuals("beside", count, outer)
        self.down = residuals("down", count, inner, stride=2)
        self.middle: list[Any] = (
            [Hourglass("middle", filters[1:], blocks[1:])]
            if len(filters) > 2
            else residuals("middle", blocks[1], inner)
        )
        self.up = residuals("up", count, inner, last=outer)
        self.enlarge = keras.layers.UpSampling2D(2, interpolation="nearest")

    def build(self, input_shape: Shape) -> None:
        build_in_order(self.beside, input_shape)
        build_in_order([*self.down, *self.middle, *self.up], input_shape)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return shape_behind(self.beside, input_shape)

    def call(self, x: Any, training: bool = False) -> Any:
        inside = apply_in_order([*self.down, *self.middle, *self.up], x, training)
        return apply_in_order(self.beside, x, training) + self.enlarge(inside)

    def object_variables(self, path: str) -> NamedVariables:
        lists: dict[str, Sequence[Any]] = {
            "encoder_block1": self.beside,
            "encoder_block2": self.down,
            "inner_block": self.middle,
            "decoder_block": self.up,
        }
        return _of_lists(path, lists)


class StackedHourglasses(keras.layers.Layer):
    """`call` takes images [B, H, W, 3], both sides multiples of `size_multiple`, and gives a map [B, H / 4, W / 4, C]
    for each hourglass; each but the first begins with what the one before it saw and said."""

    def __init__(self, size: HourglassSize, *, preprocess: Callable[[Any], Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        filters, stacked = size.filters[0], range(size.hourglasses)
        self.preprocess = preprocess
        self.num_maps = size.hourglasses
        self.size_multiple = STRIDE * 2**size.stages
        self.stem = _conv("stem", size.stem, kernel_size=7, stride=2)
        self.halving = Residual("halving", filters, stride=2, project=True)
        self.hourglasses = [Hourglass(f"hourglass_{index}", size.filters, size.blocks) for index in stacked]
        self.outputs = [_conv(f"output_{index}", filters) for index in stacked]
        between = stacked[:-1]
        self.seen = [_conv(f"seen_{index}", filters, kernel_size=1, relu=False) for index in between]
        self.said = [_conv(f"said_{index}", filters, kernel_size=1, relu=False) for index in between]
        self.merging = [Residual(f"merging_{index}", filters) for index in between]

    def build(self, input_shape: Shape) -> None:
        self.out_shape = build_in_order([self.stem, self.halving], input_shape)
        parts: list[Any] = [*self.hourglasses, *self.outputs, *self.seen, *self.said, *self.merging]
        for part in parts:
            part.build(self.out_shape)

    def compute_output_shape(self, input_shape: Shape) -> list[Shape]:
        return [self.out_shape] * self.num_maps

    def call(self, images: Any, training: bool = False) -> list[Any]:
        x = apply_in_order([self.stem, self.halving], images, training)
        maps: list[Any] = []
        for index, hourglass in enumerate(self.hourglasses):
            maps.append(apply_in_order([hourglass, self.outputs[index]], x, training))
            if index + 1 < self.num_maps:
                both = self.seen[index](x, training=training) + self.said[index](maps[-1], training=training)
                x = self.merging[index](ops.relu(both), training=training)
        return maps

    def object_variables(self, path: str) -> NamedVariables:
        """The variables that an object-based checkpoint keeps under `path`."""
        path = f"{path}/_network"
        stem = _conv_variables(f"{path}/downsample_input/conv_block", self.stem)
        lists: dict[str, Sequence[Any]] = {
            "hourglass_network": self.hourglasses,
            "output_conv": self.outputs,
            "intermediate_conv1": self.seen,
            "intermediate_conv2": self.said,
            "intermediate_residual": self.merging,
        }
        halving = self.halving.object_variables(f"{path}/downsample_input/residual_block")
        return stem | halving | _of_lists(path, lists)


def _of_lists(path: str, lists: dict[str, Sequence[Any]]) -> NamedVariables:
    """The variables of lists of parts, by the names of the lists."""
    names: NamedVariables = {}
    for name, parts in lists.items():
        for index, part in enumerate(parts):
            own = f"{path}/{name}/{index}"
            names |= _conv_variables(own, part) if isinstance(part, ConvBlock) else part.object_variables(own)
    return names
