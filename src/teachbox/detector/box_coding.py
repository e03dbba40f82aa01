"""Boxes as offsets from anchors, and back. Rows are `[ymin, xmin, ymax, xmax]`, in the unit of the anchors."""

from __future__ import annotations

from typing import Any

from keras import ops

_EPSILON = 1e-8


def _center_size(boxes: Any) -> tuple[Any, Any, Any, Any]:
    ymin, xmin, ymax, xmax = ops.unstack(boxes, 4, axis=-1)
    height, width = ymax - ymin, xmax - xmin
    return ymin + 0.5 * height, xmin + 0.5 * width, height, width


class FasterRCNNBoxCoder:
    """`[ty, tx, th, tw]` (arXiv 1506.01497, section 3.1.2), each multiplied by its factor."""

    code_size = 4

    def __init__(self, scale_factors: tuple[float, float, float, float] = (1.0, 1.0, 1.0, 1.0)) -> None:
        self.scale_factors = scale_factors

    def encode(self, boxes: Any, anchors: Any) -> Any:
        """Codes [..., A, 4] of `boxes` [..., A, 4] seen from `anchors` [A, 4]."""
        ycenter_a, xcenter_a, height_a, width_a = _center_size(anchors)
        ycenter, xcenter, height, width = _center_size(boxes)
        height_a, width_a = height_a + _EPSILON, width_a + _EPSILON
        codes = [
            (ycenter - ycenter_a) / height_a,
            (xcenter - xcenter_a) / width_a,
            ops.log((height + _EPSILON) / height_a),
            ops.log((width + _EPSILON) / width_a),
        ]
        return ops.stack([code * factor for code, factor in zip(codes, self.scale_factors, strict=True)], axis=-1)

    def decode(self, codes: Any, anchors: Any) -> Any:
        """Boxes [..., A, 4] of `codes` [..., A, 4] seen from `anchors` [A, 4]."""
        ycenter_a, xcenter_a, height_a, width_a = _center_size(anchors)
        ty, tx, th, tw = (
            code / factor for code, factor in zip(ops.unstack(codes, 4, axis=-1), self.scale_factors, strict=True)
        )
        height, width = ops.exp(th) * height_a, ops.exp(tw) * width_a
        ycenter, xcenter = ty * height_a + ycenter_a, tx * width_a + xcenter_a
        return ops.stack(
            [ycenter - height / 2, xcenter - width / 2, ycenter + height / 2, xcenter + width / 2], axis=-1
        )
