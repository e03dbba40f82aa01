"""What an augmentation step takes and gives."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf


class Sample(NamedTuple):
    """One image and its boxes."""

    image: tf.Tensor
    """[H, W, 3], 0–255; uint8, or float32 after a step that changes colours or computes new pixels."""
    boxes: tf.Tensor
    """float32 [N, 4], `[ymin, xmin, ymax, xmax]` in 0–1."""
    classes: tf.Tensor
    """int32 [N]."""
    weights: tf.Tensor
    """float32 [N]."""
    scores: tf.Tensor | None = None
    """float32 [N, K], how much each box is of each class; None where that is not trained on."""

    def keep_boxes(self, mask: tf.Tensor) -> Sample:
        """The same image with the boxes where `mask`, bool [N], is true."""
        return self.of_rows(lambda rows: tf.boolean_mask(rows, mask))

    def only_box(self, place: tf.Tensor) -> Sample:
        """The same image with one of its boxes."""
        return self.of_rows(lambda rows: rows[place][None])

    def of_rows(self, change: Callable[[tf.Tensor], tf.Tensor]) -> Sample:
        """The same image with `change` done to everything that has a row for each box."""
        return Sample(self.image, *(None if rows is None else change(rows) for rows in self[1:]))

    def in_float(self) -> Sample:
        """The same with an image of type float32."""
        return self._replace(image=tf.cast(self.image, tf.float32))


def joined(image: tf.Tensor, *parts: Sample) -> Sample:
    """`image` with the boxes of all `parts`, one part after the other."""
    columns = zip(*(part[1:] for part in parts), strict=True)
    return Sample(image, *(None if rows[0] is None else tf.concat(rows, 0) for rows in columns))


Step = Callable[[Sample, tf.Tensor], Sample]
"""(sample, seed int32 [2]) → sample. All of a step's chance comes from its seed."""


def happens(seed: tf.Tensor, probability: float | tf.Tensor) -> tf.Tensor:
    """Scalar bool: true with `probability`."""
    return tf.random.stateless_uniform([], seed) < probability


def between(seed: tf.Tensor, low: float | tf.Tensor, high: float | tf.Tensor) -> tf.Tensor:
    """Scalar float32, evenly from `low` to `high`."""
    return low + (high - low) * tf.random.stateless_uniform([], seed)


def whole_between(seed: tf.Tensor, low: int | tf.Tensor, high: int | tf.Tensor) -> tf.Tensor:
    """Scalar int32, evenly from `low` to `high`, both of which occur."""
    return tf.random.stateless_uniform([], seed, low, tf.convert_to_tensor(high, tf.int32) + 1, tf.int32)


def both_between(seed: tf.Tensor, low: tf.Tensor | int, high: tf.Tensor) -> tf.Tensor:
    """int32 [2]: each evenly from its `low` to its `high`, int32 [2], both of which occur."""
    seeds = tf.random.split(seed, 2)
    lows = tf.broadcast_to(low, [2])
    return tf.stack([whole_between(seeds[axis], lows[axis], high[axis]) for axis in range(2)])


def either(condition: tf.Tensor, changed: Callable[[], Sample], otherwise: Callable[[], Sample]) -> Sample:
    """`tf.cond` over samples whose images may differ in size and whose boxes may differ in number."""
    chosen = Sample(*tf.cond(condition, lambda: tuple(changed()), lambda: tuple(otherwise())))
    chosen.image.set_shape([None, None, 3])
    return chosen
