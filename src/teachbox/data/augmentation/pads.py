"""Images put into larger ones of one colour."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from teachbox.data.augmentation.sample import Sample, between, both_between

Pair = tuple[float, float]


def surround(sample: Sample, before: tf.Tensor, after: tf.Tensor, colour: tf.Tensor | None = None) -> Sample:
    """So many rows and columns of `colour` [3] (or black) around the image: int32 [2] each, above and to the left,
    below and to the right. Boxes are related to the whole.
    """
    colour = tf.zeros([3], sample.image.dtype) if colour is None else tf.cast(colour, sample.image.dtype)
    sides = tf.shape(sample.image)[:2]
    around = tf.concat([tf.stack([before, after], axis=1), [[0, 0]]], 0)
    inside = tf.pad(tf.ones([sides[0], sides[1], 1], tf.bool), around)
    image = tf.where(inside, tf.pad(sample.image, around), colour)
    total = tf.cast(before + sides + after, tf.float32)
    pixels = sample.boxes * tf.tile(tf.cast(sides, tf.float32), [2]) + tf.tile(tf.cast(before, tf.float32), [2])
    return sample._replace(image=image, boxes=pixels / tf.tile(total, [2]))


def random_pad(
    sample: Sample, seed: tf.Tensor, least: tf.Tensor, most: tf.Tensor, colour: Sequence[float] | tf.Tensor | None
) -> Sample:
    """The image anywhere in one of random size from `least` to `most`, int32 [2], and no smaller than itself.

    What is around it has this colour: each channel's mean where that is None. The image comes out as float32.
    """
    size_seed, place_seed = tf.unstack(tf.random.split(seed, 2))
    sample = sample.in_float()
    sides = tf.shape(sample.image)[:2]
    least = tf.maximum(least, sides)
    size = both_between(size_seed, least, tf.maximum(most, least))
    before = both_between(place_seed, 0, size - sides)
    around = tf.reduce_mean(sample.image, axis=[0, 1]) if colour is None else tf.convert_to_tensor(colour, tf.float32)
    return surround(sample, before, size - sides - before, around)


def random_pad_image(
    sample: Sample,
    seed: tf.Tensor,
    least: tuple[int, int] | None,
    most: tuple[int, int] | None,
    colour: Sequence[float] | None,
) -> Sample:
    """`random_pad` to a height and width from `least` (None: the image's own) to `most` (None: twice that)."""
    sides = tf.shape(sample.image)[:2]
    return random_pad(
        sample, seed, sides if least is None else tf.constant(least), 2 * sides if most is None else most, colour
    )


def random_absolute_pad_image(
    sample: Sample, seed: tf.Tensor, padding: tuple[int, int], colour: Sequence[float] | None
) -> Sample:
    """`random_pad` by at most so many rows and columns."""
    sides = tf.shape(sample.image)[:2]
    return random_pad(sample, seed, sides, sides + tf.constant(padding), colour)


def random_pad_to_aspect_ratio(sample: Sample, seed: tf.Tensor, aspect_ratio: float, least: Pair, most: Pair) -> Sample:
    """The image in the top left corner of a black one of this width / height.

    Its size is drawn between two of this shape: the smallest that is at least `least` times as high and wide as the
    image, and the largest that is at most `most` times so, though never less than the image needs. The largest
    counts where it is the smaller of the two.
    """
    sample = sample.in_float()
    sides = tf.cast(tf.shape(sample.image)[:2], tf.float32)
    height, width = tf.unstack(sides)
    fitting = tf.round(tf.maximum(sides, tf.stack([width / aspect_ratio, height * aspect_ratio])))
    max_scale = tf.reduce_min(tf.maximum(sides * most, fitting) / fitting)
    min_scale = tf.minimum(max_scale, tf.reduce_max(tf.maximum(sides * least, fitting) / fitting))
    size = tf.cast(tf.round(fitting * between(seed, min_scale, max_scale)), tf.int32)
    return surround(sample, tf.zeros([2], tf.int32), size - tf.shape(sample.image)[:2])
