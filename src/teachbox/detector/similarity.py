"""How alike two sets of boxes are: [..., N, 4] against [..., M, 4] gives [..., N, M]."""

from __future__ import annotations

from typing import Any

from keras import ops


def area(boxes: Any) -> Any:
    """Area of each row."""
    return (boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1])


def intersection(a: Any, b: Any) -> Any:
    """Shared area of each pair."""
    a, b = ops.expand_dims(a, -2), ops.expand_dims(b, -3)
    height = ops.maximum(ops.minimum(a[..., 2], b[..., 2]) - ops.maximum(a[..., 0], b[..., 0]), 0.0)
    width = ops.maximum(ops.minimum(a[..., 3], b[..., 3]) - ops.maximum(a[..., 1], b[..., 1]), 0.0)
    return height * width


def iou(a: Any, b: Any) -> Any:
    """Intersection over union of each pair, 0 where nothing is shared."""
    shared = intersection(a, b)
    union = ops.expand_dims(area(a), -1) + ops.expand_dims(area(b), -2) - shared
    return ops.where(shared == 0.0, 0.0, shared / ops.where(union == 0.0, 1.0, union))


def ioa(a: Any, b: Any) -> Any:
    """Intersection over the area of the second box of each pair."""
    area_b = ops.expand_dims(area(b), -2)
    return intersection(a, b) / ops.where(area_b == 0.0, 1.0, area_b)


def negative_squared_distance(a: Any, b: Any) -> Any:
    """Minus the squared distance of the rows of each pair, as points in four dimensions."""
    difference = ops.expand_dims(a, -2) - ops.expand_dims(b, -3)
    return -ops.sum(ops.square(difference), axis=-1)


def thresholded_iou(a: Any, b: Any, scores: Any, *, iou_threshold: float) -> Any:
    """The `scores` [..., N] of the first box of each pair where their overlap is above `iou_threshold`, else 0."""
    return ops.where(iou(a, b) > iou_threshold, ops.expand_dims(scores, -1), 0.0)
