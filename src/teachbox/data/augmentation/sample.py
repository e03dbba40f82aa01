"""What an augmentation step takes and gives."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf


class Sample(NamedTuple):
    """One image and its boxes."""

    image: tf.Tensor
    """[H, W, 3], 0–255; uint8, or float32 after a step that changes colours."""
    boxes: tf.Tensor
    """float32 [N, 4], `[ymin, xmin, ymax, xmax]` in 0–1."""
    classes: tf.Tensor
    """int32 [N]."""
    weights: tf.Tensor
    """float32 [N]."""

    def keep_boxes(self, mask: tf.Tensor) -> Sample:
        """The same image with the boxes where `mask`, bool [N], is true."""
        return self._replace(
            boxes=tf.boolean_mask(self.boxes, mask),
            classes=tf.boolean_mask(self.classes, mask),
            weights=tf.boolean_mask(self.weights, mask),
        )


Step = Callable[[Sample, tf.Tensor], Sample]
"""(sample, seed int32 [2]) → sample. All of a step's chance comes from its seed."""


def happens(seed: tf.Tensor, probability: float | tf.Tensor) -> tf.Tensor:
    """Scalar bool: true with `probability`."""
    return tf.random.stateless_uniform([], seed) < probability


def either(condition: tf.Tensor, changed: Callable[[], Sample], otherwise: Callable[[], Sample]) -> Sample:
    """`tf.cond` over samples whose images may differ in size and whose boxes may differ in number."""
    chosen = Sample(*tf.cond(condition, lambda: tuple(changed()), lambda: tuple(otherwise())))
    chosen.image.set_shape([None, None, 3])
    return chosen
