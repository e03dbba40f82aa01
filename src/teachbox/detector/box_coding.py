"""Boxes as offsets from anchors, and back. Rows are `[ymin, xmin, ymax, xmax]`, in the unit of the anchors."""

from __future__ import annotations

from typing import Any, Protocol

from keras import ops

_EPSILON = 1e-8


def _center_size(boxes: Any) -> tuple[Any, Any, Any, Any]:
    ymin, xmin, ymax, xmax = ops.unstack(boxes, 4, axis=-1)
    height, width = ymax - ymin, xmax - xmin
    return ymin + 0.5 * height, xmin + 0.5 * width, height, width


class BoxCoder(Protocol):
    """What says boxes as offsets from anchors."""

    @property
    def code_size(self) -> int:
        """How many numbers a code has."""

    def encode(self, boxes: Any, anchors: Any) -> Any:
        """Codes [..., A, code size] of `boxes` [..., A, 4] seen from `anchors` [A, 4]."""

    def decode(self, codes: Any, anchors: Any) -> Any:
        """Boxes [..., A, 4] of `codes` [..., A, code size] seen from `anchors` [A, 4]."""


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


class MeanStddevBoxCoder:
    """The four sides of the box, seen from those of the anchor, in units of `stddev`."""

    code_size = 4

    def __init__(self, stddev: float = 0.01) -> None:
        self.stddev = stddev

    def encode(self, boxes: Any, anchors: Any) -> Any:
        """Codes [..., A, 4] of `boxes` [..., A, 4] seen from `anchors` [A, 4]."""
        return (boxes - anchors) / self.stddev

    def decode(self, codes: Any, anchors: Any) -> Any:
        """Boxes [..., A, 4] of `codes` [..., A, 4] seen from `anchors` [A, 4]."""
        return codes * self.stddev + anchors


class SquareBoxCoder:
    """`[ty, tx, tl]`, each multiplied by its factor: centre and side of the square as large as the box, seen from the
    square as large as the anchor. Decoded boxes are square."""

    code_size = 3

    def __init__(self, scale_factors: tuple[float, float, float] = (1.0, 1.0, 1.0)) -> None:
        self.scale_factors = scale_factors

    def encode(self, boxes: Any, anchors: Any) -> Any:
        """Codes [..., A, 3] of `boxes` [..., A, 4] seen from `anchors` [A, 4]."""
        ycenter_a, xcenter_a, height_a, width_a = _center_size(anchors)
        ycenter, xcenter, height, width = _center_size(boxes)
        side_a = ops.sqrt(height_a * width_a) + _EPSILON
        side = ops.sqrt(height * width) + _EPSILON
        codes = [(ycenter - ycenter_a) / side_a, (xcenter - xcenter_a) / side_a, ops.log(side / side_a)]
        return ops.stack([code * factor for code, factor in zip(codes, self.scale_factors, strict=True)], axis=-1)

    def decode(self, codes: Any, anchors: Any) -> Any:
        """Boxes [..., A, 4] of `codes` [..., A, 3] seen from `anchors` [A, 4]."""
        ycenter_a, xcenter_a, height_a, width_a = _center_size(anchors)
        ty, tx, tl = (
            code / factor for code, factor in zip(ops.unstack(codes, 3, axis=-1), self.scale_factors, strict=True)
        )
        side_a = ops.sqrt(height_a * width_a)
        half = 0.5 * ops.exp(tl) * side_a
        ycenter, xcenter = ty * side_a + ycenter_a, tx * side_a + xcenter_a
        return ops.stack([ycenter - half, xcenter - half, ycenter + half, xcenter + half], axis=-1)


class KeypointBoxCoder:
    """The code of `FasterRCNNBoxCoder`, and after it `[ty, tx]` of each keypoint, as if it were a centre."""

    def __init__(
        self, num_keypoints: int, scale_factors: tuple[float, float, float, float] = (1.0, 1.0, 1.0, 1.0)
    ) -> None:
        self.num_keypoints = num_keypoints
        self.scale_factors = scale_factors
        self._box_coder = FasterRCNNBoxCoder(scale_factors)

    @property
    def code_size(self) -> int:
        return 4 + 2 * self.num_keypoints

    def encode(self, boxes: Any, keypoints: Any, anchors: Any) -> Any:
        """Codes [..., A, code size] of `boxes` [..., A, 4] and `keypoints` [..., A, keypoints, (y, x)] seen from
        `anchors` [A, 4]."""
        center, size = self._centers_and_sizes(anchors)
        points = (keypoints - center) / (size + _EPSILON) * ops.convert_to_tensor(self.scale_factors[:2])
        points = ops.reshape(points, (*ops.shape(points)[:-2], 2 * self.num_keypoints))
        return ops.concatenate([self._box_coder.encode(boxes, anchors), points], axis=-1)

    def decode(self, codes: Any, anchors: Any) -> tuple[Any, Any]:
        """Boxes [..., A, 4] and keypoints [..., A, keypoints, (y, x)] of `codes` [..., A, code size] seen from
        `anchors` [A, 4]."""
        center, size = self._centers_and_sizes(anchors)
        points = ops.reshape(codes[..., 4:], (*ops.shape(codes)[:-1], self.num_keypoints, 2))
        points = points / ops.convert_to_tensor(self.scale_factors[:2]) * size + center
        return self._box_coder.decode(codes[..., :4], anchors), points

    @staticmethod
    def _centers_and_sizes(anchors: Any) -> tuple[Any, Any]:
        """`[y, x]` and `[height, width]` of `anchors` [A, 4], each [A, 1, 2]."""
        y, x, height, width = _center_size(anchors)
        return ops.expand_dims(ops.stack([y, x], axis=-1), -2), ops.expand_dims(ops.stack([height, width], axis=-1), -2)
