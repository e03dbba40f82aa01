"""Box arithmetic on numpy rows `[ymin, xmin, ymax, xmax]`, and the way to and from x, y, width, height."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Boxes = NDArray[np.floating]


def area(boxes: Boxes) -> Boxes:
    """Area of each row of `boxes` [N, 4]: float [N], in the square of its unit; 0 where a box is inside out."""
    height = np.maximum(boxes[:, 2] - boxes[:, 0], 0)
    width = np.maximum(boxes[:, 3] - boxes[:, 1], 0)
    return np.asarray(height * width)


def intersection(a: Boxes, b: Boxes) -> Boxes:
    """Area shared by each pair of rows of `a` [N, 4] and `b` [M, 4]: float [N, M]."""
    top_left = np.maximum(a[:, None, :2], b[None, :, :2])
    bottom_right = np.minimum(a[:, None, 2:], b[None, :, 2:])
    sides = np.maximum(bottom_right - top_left, 0)
    return np.asarray(sides[..., 0] * sides[..., 1])


def iou(a: Boxes, b: Boxes) -> Boxes:
    """Intersection over union of each pair of rows of `a` [N, 4] and `b` [M, 4]: float [N, M], 0 for empty pairs."""
    shared = intersection(a, b)
    union = area(a)[:, None] + area(b)[None, :] - shared
    return np.asarray(np.divide(shared, union, out=np.zeros_like(shared), where=union > 0))


def clip(boxes: Boxes, height: float, width: float) -> Boxes:
    """`boxes` [N, 4] cut to an image of `height` × `width`, in the unit of the boxes."""
    limits = np.array([height, width, height, width], dtype=boxes.dtype)
    return np.asarray(np.clip(boxes, 0, limits))


def not_degenerate(boxes: Boxes, smallest: float = 0.0) -> NDArray[np.bool_]:
    """bool [N]: which rows of `boxes` are taller and wider than `smallest`, in the unit of the boxes."""
    return np.asarray((boxes[:, 2] - boxes[:, 0] > smallest) & (boxes[:, 3] - boxes[:, 1] > smallest))


def to_xywh(boxes: Boxes) -> Boxes:
    """Rows `[ymin, xmin, ymax, xmax]` as rows `[x, y, width, height]`, the way they stand in JSON."""
    return np.stack([boxes[:, 1], boxes[:, 0], boxes[:, 3] - boxes[:, 1], boxes[:, 2] - boxes[:, 0]], axis=1)


def from_xywh(rows: Boxes) -> Boxes:
    """Rows `[x, y, width, height]` as rows `[ymin, xmin, ymax, xmax]`."""
    return np.stack([rows[:, 1], rows[:, 0], rows[:, 1] + rows[:, 3], rows[:, 0] + rows[:, 2]], axis=1)


def normalize(boxes: Boxes, height: float, width: float) -> Boxes:
    """Pixel rows as rows in 0–1 of an image of `height` × `width` pixels: float32 [N, 4]."""
    return np.asarray(boxes / np.array([height, width, height, width]), dtype=np.float32)


def to_pixels(boxes: Boxes, height: float, width: float) -> Boxes:
    """Rows in 0–1 as pixel rows of an image of `height` × `width` pixels: float64 [N, 4]."""
    return np.asarray(boxes * np.array([height, width, height, width], dtype=np.float64))
