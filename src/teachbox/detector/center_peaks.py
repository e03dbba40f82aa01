"""From CenterNet's heat maps to boxes: the highest peaks, and what the other heads say there."""

from __future__ import annotations

from typing import Any, NamedTuple

from keras import ops

_AS_HIGH = 1e-6
"""How far below the highest of its neighbours a place may be to count as a peak."""


class Peaks(NamedTuple):
    """The highest peaks of heat maps, highest first: [B, M] each."""

    scores: Any
    """float32."""
    rows: Any
    """int32."""
    columns: Any
    """int32."""
    classes: Any
    """int32."""


def highest_peaks(heatmap: Any, most: int) -> Peaks:
    """At most `most` places of `heatmap` [B, h, w, K] that are as high as the 3×3 places around them."""
    _, height, width, classes = heatmap.shape
    around = ops.max_pool(heatmap, 3, strides=1, padding="same")
    peaks = heatmap * ops.cast(ops.abs(heatmap - around) < _AS_HIGH, heatmap.dtype)
    flat = ops.reshape(peaks, (-1, height * width * classes))
    scores, place = ops.top_k(flat, min(most, height * width * classes))
    place = ops.cast(place, "int32")
    cell = place // classes
    return Peaks(scores, cell // width, cell % width, place % classes)


def at_cells(values: Any, cells: Any) -> Any:
    """[B, N, C]: what `values` [B, h, w, C] are at `cells` int [B, N], row · w + column each."""
    _, height, width, depth = values.shape
    flat = ops.reshape(values, (-1, height * width, depth))
    return ops.take_along_axis(flat, ops.expand_dims(cells, -1), axis=1)


def boxes_at(peaks: Peaks, sizes: Any, offsets: Any) -> Any:
    """[B, M, 4]: the boxes that `sizes` and `offsets` [B, h, w, 2] say stand at `peaks`, cut to the map, in cells."""
    _, height, width, _ = sizes.shape
    cells = peaks.rows * width + peaks.columns
    place = ops.cast(ops.stack([peaks.rows, peaks.columns], axis=-1), "float32")
    center = place + at_cells(offsets, cells)
    half = ops.maximum(at_cells(sizes, cells), 0.0) / 2.0
    corners = ops.concatenate([center - half, center + half], axis=-1)
    return ops.clip(corners, 0.0, ops.convert_to_tensor((height, width, height, width), dtype="float32"))
