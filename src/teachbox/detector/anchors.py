"""Anchors: boxes of several scales and aspect ratios around the cells of each feature map. Those of SSD stand here.

Rows are `[ymin, xmin, ymax, xmax]`, float32, normalized 0–1 or in pixels (they may leave the image).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from keras import ops
from numpy.typing import NDArray

Shape = tuple[int, int]
Pair = tuple[float, float]


class AnchorGenerator(Protocol):
    """What draws anchors for feature maps."""

    normalized: bool
    """Whether anchors are in 0–1 of the image; else they are in its pixels."""

    @property
    def anchors_per_location(self) -> list[int]:
        """For each feature map, how many anchors a cell has."""

    def __call__(self, feature_map_shapes: Sequence[Shape], image_shape: Shape) -> Any:
        """Anchors [A, 4] of all feature maps (height, width), in their order, row by row, for an image in pixels."""


class SSDAnchorGenerator:
    """Anchors as SSD draws them (arXiv 1512.02325, section 2.2, with the original implementation's lowest layer).

    `box_specs` holds, for each feature map, the (scale, aspect ratio) of each anchor of a cell.
    """

    normalized = True

    def __init__(
        self,
        box_specs: Sequence[Sequence[tuple[float, float]]],
        *,
        base_size: tuple[float, float] = (1.0, 1.0),
        strides: Sequence[tuple[float, float]] = (),
        offsets: Sequence[tuple[float, float]] = (),
    ) -> None:
        self.box_specs = [list(specs) for specs in box_specs]
        self.base_size = base_size
        self.strides = list(strides)
        self.offsets = list(offsets)

    @property
    def anchors_per_location(self) -> list[int]:
        return [len(specs) for specs in self.box_specs]

    def __call__(self, feature_map_shapes: Sequence[Shape], image_shape: Shape) -> Any:
        """Anchors [A, 4] of all feature maps (height, width), in their order, row by row, for an image in pixels.

        float32: of numpy, or a tensor where a size is one (TensorFlow may learn sizes only when it runs).
        """
        numbers = numbers_for(feature_map_shapes, image_shape)
        height, width = image_shape
        if numbers is not np:
            height, width = (ops.cast(side, "float32") for side in image_shape)
        shorter = numbers.minimum(height, width)
        base = (self.base_size[0] * shorter / height, self.base_size[1] * shorter / width)
        layers = []
        for index, (shape, specs) in enumerate(zip(feature_map_shapes, self.box_specs, strict=True)):
            if self.strides:
                stride = (self.strides[index][0] / height, self.strides[index][1] / width)
            else:
                cells = shape if numbers is np else [ops.cast(side, "float32") for side in shape]
                stride = (1.0 / cells[0], 1.0 / cells[1])
            if self.offsets:
                offset = (self.offsets[index][0] / height, self.offsets[index][1] / width)
            else:
                offset = (0.5 * stride[0], 0.5 * stride[1])
            layers.append(tile(shape, box_sizes(specs, base, numbers), stride, offset, numbers))
        return numbers.concatenate(layers, axis=0)


def numbers_for(feature_map_shapes: Sequence[Shape], image_shape: Shape) -> Any:
    """What computes anchors for these sizes: numpy, or keras.ops where one of them is a tensor."""
    sizes = (*image_shape, *(side for shape in feature_map_shapes for side in shape))
    return np if all(isinstance(size, int) for size in sizes) else ops


def ssd_box_specs(
    num_layers: int,
    *,
    min_scale: float,
    max_scale: float,
    scales: Sequence[float],
    aspect_ratios: Sequence[float],
    interpolated_scale_aspect_ratio: float,
    reduce_boxes_in_lowest_layer: bool,
) -> list[list[tuple[float, float]]]:
    """(scale, aspect ratio) of the anchors of each layer; `scales` replaces the even spacing from min to max."""
    if not scales:
        step = (max_scale - min_scale) / (num_layers - 1) if num_layers > 1 else 0.0
        scales = [min_scale + step * layer for layer in range(num_layers)]
    following = [*scales[1:], 1.0]
    specs: list[list[tuple[float, float]]] = []
    for layer, (scale, next_scale) in enumerate(zip(scales, following, strict=True)):
        if layer == 0 and reduce_boxes_in_lowest_layer:
            specs.append([(0.1, 1.0), (scale, 2.0), (scale, 0.5)])
            continue
        cell = [(scale, ratio) for ratio in aspect_ratios]
        if interpolated_scale_aspect_ratio > 0:
            cell.append((math.sqrt(scale * next_scale), interpolated_scale_aspect_ratio))
        specs.append(cell)
    return specs


def box_sizes(specs: Sequence[Pair], base: Pair, numbers: Any = np) -> Any:
    """Height and width float32 [N, 2] of a box of size `base` at each (scale, aspect ratio); its area goes with the
    scale. `numbers` as of `tile`.
    """
    scales = np.array([scale for scale, _ in specs], np.float32)
    roots = np.sqrt(np.array([ratio for _, ratio in specs], np.float32))
    high, wide = (np.float32(side) if numbers is np else side for side in base)
    return numbers.stack([scales / roots * high, scales * roots * wide], axis=1)


def tile(shape: Shape, sizes: NDArray[np.float32], stride: Pair, offset: Pair, numbers: Any = np) -> Any:
    """Boxes float32 [height * width * N, 4] of the `sizes` [N, 2] around each cell of a feature map, row by row.

    `numbers`: what computes them, numpy or, where sizes are known only later, keras.ops.
    """
    y, x = (
        numbers.arange(count, dtype="float32") * (step if numbers is ops else np.float32(step)) + start
        for count, step, start in zip(shape, stride, offset, strict=True)
    )
    centers = numbers.stack(numbers.meshgrid(y, x, indexing="ij"), axis=-1)
    centers = numbers.reshape(centers, (-1, 1, 2))
    half = np.float32(0.5) * sizes
    return numbers.reshape(numbers.concatenate([centers - half, centers + half], axis=-1), (-1, 4))
