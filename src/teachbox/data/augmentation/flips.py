"""Mirrored images."""

from __future__ import annotations

import tensorflow as tf

from teachbox.data.augmentation.sample import Sample, either, happens


def random_horizontal_flip(sample: Sample, seed: tf.Tensor, probability: float) -> Sample:
    """Left and right change places, with `probability`."""
    return either(happens(seed, probability), lambda: flip_horizontally(sample), lambda: sample)


def random_vertical_flip(sample: Sample, seed: tf.Tensor, probability: float) -> Sample:
    """Top and bottom change places, with `probability`."""
    return either(happens(seed, probability), lambda: flip_vertically(sample), lambda: sample)


def flip_horizontally(sample: Sample) -> Sample:
    """Left and right change places."""
    ymin, xmin, ymax, xmax = tf.unstack(sample.boxes, axis=1)
    return sample._replace(
        image=tf.reverse(sample.image, axis=[1]), boxes=tf.stack([ymin, 1 - xmax, ymax, 1 - xmin], axis=1)
    )


def flip_vertically(sample: Sample) -> Sample:
    """Top and bottom change places."""
    ymin, xmin, ymax, xmax = tf.unstack(sample.boxes, axis=1)
    return sample._replace(
        image=tf.reverse(sample.image, axis=[0]), boxes=tf.stack([1 - ymax, xmin, 1 - ymin, xmax], axis=1)
    )
