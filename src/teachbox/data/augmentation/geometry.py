"""Turned, resized and repeated images."""

from __future__ import annotations

import tensorflow as tf

from teachbox.data.augmentation.sample import Sample, between, either, happens, joined, whole_between

METHODS = (
    tf.image.ResizeMethod.BILINEAR,
    tf.image.ResizeMethod.NEAREST_NEIGHBOR,
    tf.image.ResizeMethod.BICUBIC,
    tf.image.ResizeMethod.AREA,
)


def random_rotation90(sample: Sample, seed: tf.Tensor, probability: float) -> Sample:
    """A quarter turn against the clock, with `probability`."""
    return either(happens(seed, probability), lambda: rotate90(sample), lambda: sample)


def rotate90(sample: Sample) -> Sample:
    """A quarter turn against the clock."""
    ymin, xmin, ymax, xmax = tf.unstack(sample.boxes, axis=1)
    return sample._replace(
        image=tf.reverse(tf.transpose(sample.image, [1, 0, 2]), axis=[0]),
        boxes=tf.stack([1 - xmax, ymin, 1 - xmin, ymax], axis=1),
    )


def resize_image(
    sample: Sample,
    height: int | tf.Tensor,
    width: int | tf.Tensor,
    method: str = tf.image.ResizeMethod.BILINEAR,
    align_corners: bool = False,
) -> Sample:
    """An image of this size, by TensorFlow 1's kernels as in `data/resizers.py`; boxes are parts of it and stay.

    BICUBIC may go a little beyond the range of the values.
    """
    image = tf.compat.v1.image.resize_images(
        tf.cast(sample.image, tf.float32), tf.stack([height, width]), method=method, align_corners=align_corners
    )
    return sample._replace(image=image)


def random_resize_method(sample: Sample, seed: tf.Tensor, height: int, width: int) -> Sample:
    """An image of this size, by one of the four methods, each equally likely."""
    ways = [lambda method=method: resize_image(sample, height, width, method).image for method in METHODS]
    return sample._replace(image=tf.switch_case(whole_between(seed, 0, len(METHODS) - 1), ways))


def random_image_scale(sample: Sample, seed: tf.Tensor, min_scale_ratio: float, max_scale_ratio: float) -> Sample:
    """Both sides times one number from `min_scale_ratio` to `max_scale_ratio`."""
    sides = tf.cast(tf.shape(sample.image)[:2], tf.float32) * between(seed, min_scale_ratio, max_scale_ratio)
    height, width = tf.unstack(tf.maximum(tf.cast(sides, tf.int32), 1))
    return resize_image(sample, height, width, align_corners=True)


def random_downscale_to_target_pixels(
    sample: Sample, seed: tf.Tensor, random_coef: float, min_target_pixels: int, max_target_pixels: int
) -> Sample:
    """An image of about so many pixels and of the same shape; one that has no more stays, and so it is with
    probability `random_coef`.
    """
    keep_seed, target_seed = tf.unstack(tf.random.split(seed, 2))
    sample = sample.in_float()
    sides = tf.cast(tf.shape(sample.image)[:2], tf.float32)
    target = tf.cast(whole_between(target_seed, min_target_pixels, max_target_pixels), tf.float32)
    scale = tf.sqrt(target / tf.reduce_prod(sides))
    stays = happens(keep_seed, random_coef) | (scale >= 1)

    def smaller() -> Sample:
        height, width = tf.unstack(tf.maximum(tf.cast(tf.round(sides * scale), tf.int32), 1))
        return resize_image(sample, height, width)

    return either(stays, lambda: sample, smaller)


def random_self_concat_image(
    sample: Sample, seed: tf.Tensor, vertical_probability: float, horizontal_probability: float
) -> Sample:
    """The image once more below itself, and then to its own right, each with a probability of its own.

    Up to four times as many boxes come out as went in.
    """
    down_seed, across_seed = tf.unstack(tf.random.split(seed, 2))
    tall = either(happens(down_seed, vertical_probability), lambda: self_concat(sample, 0), lambda: sample)
    return either(happens(across_seed, horizontal_probability), lambda: self_concat(tall, 1), lambda: tall)


def self_concat(sample: Sample, axis: int) -> Sample:
    """The image twice along `axis` (0: down), with the boxes of both, those of the first first."""
    halved = sample.boxes * tf.constant([0.5, 1.0, 0.5, 1.0] if axis == 0 else [1.0, 0.5, 1.0, 0.5])
    second = halved + tf.constant([0.5, 0.0, 0.5, 0.0] if axis == 0 else [0.0, 0.5, 0.0, 0.5])
    image = tf.concat([sample.image, sample.image], axis)
    return joined(image, sample._replace(boxes=halved), sample._replace(boxes=second))
