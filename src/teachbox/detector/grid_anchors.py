"""Anchors laid on grids of pixels: those of Faster R-CNN, of feature pyramids, and freely chosen ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from keras import ops

from teachbox.detector.anchors import Pair, Shape, box_sizes, numbers_for, tile


@dataclass(frozen=True)
class Grid:
    """The anchors of one feature map, in pixels: a `base` size, (scale, aspect ratio) of each anchor of a cell, how far
    cells are apart, and where the first one has its centre."""

    base: Pair
    specs: tuple[Pair, ...]
    stride: Pair
    offset: Pair | None = (0.0, 0.0)
    """None: along a side that the stride divides the first centre is half a stride inside, along another it is at 0."""


class GridAnchorGenerator:
    """One `Grid` for each feature map; anchors are in pixels, or `normalized` to 0–1 of the image."""

    def __init__(self, grids: Sequence[Grid], *, normalized: bool) -> None:
        self.grids = list(grids)
        self.normalized = normalized

    @property
    def anchors_per_location(self) -> list[int]:
        return [len(grid.specs) for grid in self.grids]

    def __call__(self, feature_map_shapes: Sequence[Shape], image_shape: Shape) -> Any:
        """Anchors [A, 4] of all feature maps (height, width), in their order, row by row, for an image in pixels.

        float32: of numpy, or a tensor where a size is one (TensorFlow may learn sizes only when it runs).
        """
        numbers = numbers_for(feature_map_shapes, image_shape)
        layers = []
        for shape, grid in zip(feature_map_shapes, self.grids, strict=True):
            offset = grid.offset or tuple(map(_half_where_it_fits, grid.stride, image_shape))
            layers.append(tile(shape, box_sizes(grid.specs, grid.base), grid.stride, offset, numbers))
        anchors = layers[0] if len(layers) == 1 else numbers.concatenate(layers, axis=0)
        if not self.normalized:
            return anchors
        height, width = image_shape
        if numbers is np:
            return np.divide(anchors, [height, width, height, width], dtype=np.float32)
        return anchors / ops.cast(ops.stack([height, width, height, width]), "float32")


def _half_where_it_fits(stride: float, side: Any) -> Any:
    if isinstance(side, int):
        return 0.5 * stride if side % stride == 0 else 0.0
    return ops.where(ops.cast(side, "float32") % stride == 0, 0.5 * stride, 0.0)


def every_scale(scales: Sequence[float], aspect_ratios: Sequence[float]) -> tuple[Pair, ...]:
    """Each (scale, aspect ratio): all scales of the first aspect ratio, then of the next."""
    return tuple((scale, ratio) for ratio, scale in product(aspect_ratios, scales))


def pyramid_grids(
    min_level: int,
    max_level: int,
    *,
    anchor_scale: float,
    aspect_ratios: Sequence[float],
    scales_per_octave: int,
    always_inside: bool = False,
) -> list[Grid]:
    """The grids of a feature pyramid (arXiv 1708.02002, section 4): at level l, cells are 2^l pixels apart and anchors
    `anchor_scale` times as large, with `scales_per_octave` sizes up to the next level. With `always_inside` the first
    centre is half a cell inside whatever the size of the image."""
    scales = [2.0 ** (step / scales_per_octave) for step in range(scales_per_octave)]
    specs = every_scale(scales, aspect_ratios)
    strides = [2.0**level for level in range(min_level, max_level + 1)]
    return [
        Grid(
            (anchor_scale * step, anchor_scale * step),
            specs,
            (step, step),
            (0.5 * step, 0.5 * step) if always_inside else None,
        )
        for step in strides
    ]
