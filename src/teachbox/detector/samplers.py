"""Which anchors or proposals of an image count in a loss: some positives, and negatives to fill up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from teachbox.detector.native import NEVER


class BalancedSampler(keras.layers.Layer):
    """Draws up to a size: positives up to a fraction of it, then negatives (arXiv 1506.01497, section 3.1.3).

    `order` gives each row of bool [B, N] a number: those with the lowest are taken. It draws them anew each time.
    """

    def __init__(self, positive_fraction: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.positive_fraction = positive_fraction
        self.seed_generator = keras.random.SeedGenerator()
        self.order: Callable[[Any], Any] = self._at_random
        self.built = True  # it has nothing to make

    def call(self, candidates: Any, positive: Any, size: int) -> Any:
        """bool [B, N]: which of the `candidates` (bool [B, N]) are drawn, `positive` or not; `size` of an image, or
        fewer where there are not enough."""
        order = self.order(candidates)
        positives = _lowest(order, ops.logical_and(candidates, positive), int(size * self.positive_fraction))
        left = size - ops.sum(ops.cast(positives, "int32"), axis=1, keepdims=True)
        negatives = _lowest(order, ops.logical_and(candidates, ops.logical_not(positive)), size, left)
        return ops.logical_or(positives, negatives)

    def beside_all_positives(self, candidates: Any, positive: Any) -> Any:
        """bool [B, N]: all positive ones of the `candidates` (bool [B, N]), and as many negative ones as leave the
        positives their fraction; all, where there are fewer."""
        positives, negatives = (ops.logical_and(candidates, kind) for kind in (positive, ops.logical_not(positive)))
        count = ops.sum(ops.cast(positives, "float32"), axis=1, keepdims=True)
        allowed = ops.cast(count * ((1 - self.positive_fraction) / self.positive_fraction), "int32")
        drawn = _lowest(self.order(candidates), negatives, None, allowed)
        return ops.logical_or(positives, drawn)

    def _at_random(self, candidates: Any) -> Any:
        return keras.random.uniform(ops.shape(candidates), seed=self.seed_generator)


def _lowest(order: Any, among: Any, most: int | None, allowed: Any | None = None) -> Any:
    """bool [B, N]: of those `among` the `most` (None: all) with the lowest `order`, or as many as are `allowed`, int
    [B, 1]."""
    images, rows = ops.shape(among)
    # As many rows more, so that there are always enough to choose from.
    more = most or 0
    keys = ops.pad(ops.where(among, -order, NEVER), [(0, 0), (0, more)], constant_values=NEVER)
    most = rows if most is None else most
    best, places = ops.top_k(keys, most)
    taken = best > NEVER
    if allowed is not None:
        taken = ops.logical_and(taken, ops.arange(most) < allowed)
    width = rows + more
    flat = ops.expand_dims(ops.arange(images) * width, -1) + ops.cast(places, "int32")
    flags = ops.reshape(ops.cast(taken, "int32"), (-1,))
    chosen = ops.scatter(ops.reshape(flat, (-1, 1)), flags, (images * width,))
    return ops.reshape(chosen, (images, width))[:, :rows] > 0


def compacted(chosen: Any, size: int) -> tuple[Any, Any]:
    """Indices int32 [B, size] of the rows `chosen` (bool [B, N], N at least `size`) in their order, and how many they
    are, int32 [B]; indices past that mean nothing."""
    rows = int(chosen.shape[1])
    key = ops.where(chosen, rows - ops.arange(rows), 0)
    places = ops.cast(ops.top_k(key, size)[1], "int32")
    return places, ops.minimum(ops.sum(ops.cast(chosen, "int32"), axis=1), size)
