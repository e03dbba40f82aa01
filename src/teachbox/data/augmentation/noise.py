"""Patches, noise and compression."""

from __future__ import annotations

import tensorflow as tf

from teachbox.data.augmentation.sample import Sample, between, either, happens, whole_between


def random_black_patches(
    sample: Sample, seed: tf.Tensor, max_black_patches: int, probability: float, size_to_image_ratio: float
) -> Sample:
    """So many black squares, each there with `probability`; a side is this part of the image's shorter one."""
    there_seed, place_seed = tf.unstack(tf.random.split(seed, 2))
    sides = tf.cast(tf.shape(sample.image)[:2], tf.float32)
    size = tf.cast(tf.reduce_min(sides) * size_to_image_ratio, tf.int32)
    there = tf.random.stateless_uniform([max_black_patches], there_seed) < probability
    place = tf.random.stateless_uniform([2, max_black_patches], place_seed, 0.0, 1.0 - size_to_image_ratio)
    top_left = tf.cast(place * sides[:, None], tf.int32)
    rows = _within(tf.shape(sample.image)[0], top_left[0], size) & there[None]
    columns = _within(tf.shape(sample.image)[1], top_left[1], size)
    covered = tf.matmul(tf.cast(rows, tf.float32), tf.cast(columns, tf.float32), transpose_b=True) > 0
    return sample._replace(image=tf.where(covered[:, :, None], tf.zeros([], sample.image.dtype), sample.image))


def random_patch_gaussian(
    sample: Sample,
    seed: tf.Tensor,
    random_coef: float,
    patch_size: tuple[int, int],
    stddev: tuple[float, float],
) -> Sample:
    """Normally distributed noise on one square whose centre is any pixel, cut off at the image's edge; with
    probability `random_coef` the image stays.

    Smallest and largest side in pixels, and standard deviation as part of the range of the values.
    """
    keep_seed, size_seed, deviation_seed, row_seed, column_seed, noise_seed = tf.unstack(tf.random.split(seed, 6))
    sample = sample.in_float()

    def noisy() -> Sample:
        height, width = tf.unstack(tf.shape(sample.image)[:2])
        size = whole_between(size_seed, *patch_size)
        row, column = whole_between(row_seed, 0, height - 1), whole_between(column_seed, 0, width - 1)
        patch = _within(height, row[None] - size // 2, size) & _within(width, column[None] - size // 2, size)[:, 0]
        noise = tf.random.stateless_normal(tf.shape(sample.image), noise_seed) * between(deviation_seed, *stddev)
        image = tf.clip_by_value(sample.image + 255.0 * noise, 0.0, 255.0)
        return sample._replace(image=tf.where(patch[:, :, None], image, sample.image))

    return either(happens(keep_seed, random_coef), lambda: sample, noisy)


def random_jpeg_quality(
    sample: Sample, seed: tf.Tensor, random_coef: float, min_jpeg_quality: int, max_jpeg_quality: int
) -> Sample:
    """The image as a JPEG of random quality shows it; with probability `random_coef` it stays.

    Its type stays; one of float32 is rounded to whole values from 0 to 255 on the way.
    """
    keep_seed, quality_seed = tf.unstack(tf.random.split(seed, 2))

    def compressed() -> Sample:
        whole = tf.saturate_cast(tf.round(tf.cast(sample.image, tf.float32)), tf.uint8)
        quality = whole_between(quality_seed, min_jpeg_quality, max_jpeg_quality)
        encoded = tf.raw_ops.EncodeJpegVariableQuality(images=whole, quality=quality)
        image = tf.image.decode_jpeg(encoded, channels=3)
        return sample._replace(image=tf.cast(image, sample.image.dtype))

    return either(happens(keep_seed, random_coef), lambda: sample, compressed)


def _within(length: tf.Tensor, start: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
    """bool [length, N]: which places lie in each of N stretches of `size` that begin at `start`, int32 [N]."""
    places = tf.range(length)[:, None]
    return (places >= start) & (places < start + size)
