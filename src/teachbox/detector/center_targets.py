"""What CenterNet's heads should have said: a heat map of centres for each class, and size and offset at each centre."""

from __future__ import annotations

from typing import Any, NamedTuple

from keras import ops


class CenterTargets(NamedTuple):
    """Targets of a batch, in cells of the feature map."""

    heatmap: Any
    """float32 [B, h, w, K]: 1 where an object of a class has its centre, less around it."""
    cells: Any
    """int32 [B, G]: the cell of each object's centre, row · w + column."""
    sizes: Any
    """float32 [B, G, 2]: height and width."""
    offsets: Any
    """float32 [B, G, 2]: how far below and right of its cell's corner a centre is."""
    weights: Any
    """float32 [B, G], 0 in rows without an object."""


class CenterTargetAssigner:
    """Draws objects into heat maps: a Gaussian as wide as a box can be shifted and still overlap (arXiv 1904.07850)."""

    def __init__(self, *, num_classes: int, min_overlap: float) -> None:
        """`min_overlap`: what counts as a shifted box's intersection over union with its object."""
        self.num_classes = num_classes
        self.min_overlap = min_overlap

    def __call__(
        self,
        map_shape: tuple[Any, Any],
        boxes: Any,
        classes: Any,
        weights: Any,
        num_boxes: Any,
        class_scores: Any | None = None,
    ) -> CenterTargets:
        """Targets for feature maps of `map_shape` (height, width) and padded ground truth: boxes [B, G, 4] in 0–1,
        classes int [B, G] from 0, weights [B, G], num_boxes int [B]. With `class_scores` [B, G, K] an object is drawn
        into the heat map of each class as strongly as it is of that, and not into that of its class alone."""
        boxes, weights = ops.convert_to_tensor(boxes), ops.convert_to_tensor(weights)
        rows, columns = map_shape
        height, width = ops.cast(rows, "float32"), ops.cast(columns, "float32")
        count = ops.shape(boxes)[1]
        valid = ops.expand_dims(ops.arange(count), 0) < ops.expand_dims(ops.cast(num_boxes, "int32"), -1)
        weights = ops.where(valid, weights, 0.0)
        ymin, xmin, ymax, xmax = ops.unstack(boxes * ops.stack([height, width, height, width]), 4, axis=-1)
        sizes = ops.stack([ymax - ymin, xmax - xmin], axis=-1)
        center = ops.stack([ymin, xmin], axis=-1) + sizes / 2.0
        # A centre on the lower or right side of the image is in the last cell.
        cell = ops.clip(ops.floor(center), 0.0, ops.stack([height, width]) - 1.0)
        gaussians = self._gaussians(cell, sizes, rows, columns) * ops.reshape(weights, (-1, count, 1, 1))
        return CenterTargets(
            self._by_class(gaussians, classes, rows, columns)
            if class_scores is None
            else _by_score(gaussians, ops.convert_to_tensor(class_scores)),
            ops.cast(cell[..., 0] * width + cell[..., 1], "int32"),
            sizes,
            center - cell,
            weights,
        )

    def _gaussians(self, cell: Any, sizes: Any, rows: Any, columns: Any) -> Any:
        """[B, G, h, w]: 1 in each object's cell."""
        reach = furthest_shift(sizes[..., 0], sizes[..., 1], self.min_overlap)
        # So that the reach, in whole cells, is three standard deviations.
        deviation = (2.0 * ops.maximum(ops.floor(reach), 0.0) + 1.0) / 6.0

        def along(side: Any, place: Any) -> Any:
            distance = ops.arange(side, dtype="float32") - ops.expand_dims(place, -1)
            return ops.exp(-ops.square(distance) / (2.0 * ops.expand_dims(ops.square(deviation), -1)))

        return ops.expand_dims(along(rows, cell[..., 0]), -1) * ops.expand_dims(along(columns, cell[..., 1]), -2)

    def _by_class(self, gaussians: Any, classes: Any, rows: Any, columns: Any) -> Any:
        """[B, h, w, K]: of each class the highest, 0 where there is none."""
        images = ops.shape(gaussians)[0]
        image = ops.expand_dims(ops.arange(images), -1)
        kind = ops.clip(ops.cast(classes, "int32"), 0, self.num_classes - 1)
        segments = ops.reshape(ops.cast(image, "int32") * self.num_classes + kind, (-1,))
        flat = ops.reshape(gaussians, (-1, rows * columns))
        highest = ops.segment_max(flat, segments, num_segments=images * self.num_classes)
        drawn = ops.reshape(ops.maximum(highest, 0.0), (-1, self.num_classes, rows, columns))
        return ops.transpose(drawn, (0, 2, 3, 1))


def _by_score(gaussians: Any, scores: Any) -> Any:
    """[B, h, w, K]: of each class the highest of `gaussians` [B, G, h, w] times `scores` [B, G, K], 0 at the least.

    One object after the other: all at once would take G times the memory of the heat maps.
    """

    def drawn(place: Any, highest: Any) -> Any:
        gaussian, score = (ops.take(rows, place, axis=1) for rows in (gaussians, scores))
        return ops.maximum(highest, ops.expand_dims(gaussian, -1) * score[:, None, None, :])

    first = ops.zeros_like(ops.expand_dims(gaussians[:, 0], -1) * scores[:, 0][:, None, None, :])
    return ops.fori_loop(0, int(gaussians.shape[1]), drawn, first)


def furthest_shift(height: Any, width: Any, overlap: float) -> Any:
    """How far both corners of a `height` × `width` box can move, down or up and left or right, until it has only
    `overlap` with where it was: the least of three cases (the corners move alike; inwards; outwards).

    As in CornerNet's published code (arXiv 1808.01244), and the original, each case takes the larger root, divided by
    2 and not by 2a, so that the last case is the least.
    """
    both, area = height + width, height * width

    def root(a: float, b: Any, c: Any) -> Any:
        return (ops.sqrt(ops.maximum(ops.square(b) - 4.0 * a * c, 0.0)) - b) / 2.0

    alike = root(1.0, -both, area * ((1.0 - overlap) / (1.0 + overlap)))
    inwards = root(4.0, -2.0 * both, (1.0 - overlap) * area)
    outwards = root(4.0 * overlap, 2.0 * overlap * both, (overlap - 1.0) * area)
    return ops.minimum(ops.minimum(alike, inwards), outwards)
