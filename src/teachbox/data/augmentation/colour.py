"""Changed colours. What depends on the range of pixel values takes it as 0–255, and stays in it; images come
out as float32.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import tensorflow as tf

from teachbox.data.augmentation.sample import Sample, between, either, happens


def normalize_image(sample: Sample, original: tuple[float, float], target: tuple[float, float]) -> Sample:
    """Pixel values from the range `original` to the range `target`, linearly."""
    scale = (target[1] - target[0]) / (original[1] - original[0])
    sample = sample.in_float()
    return sample._replace(image=(sample.image - original[0]) * scale + target[0])


def subtract_channel_mean(sample: Sample, means: Sequence[float]) -> Sample:
    """Each channel less its mean; values below zero occur."""
    sample = sample.in_float()
    return sample._replace(image=sample.image - tf.constant(means, tf.float32))


def adjust_gamma(sample: Sample, gamma: float, gain: float) -> Sample:
    """`gain` · value ^ `gamma`, of values as parts of the whole range."""
    return _adjusted(sample, lambda image: gain * tf.pow(tf.maximum(image, 0.0), gamma))


def rgb_to_gray(sample: Sample) -> Sample:
    """Brightness in place of colour, in three equal channels."""
    sample = sample.in_float()
    return sample._replace(image=tf.tile(tf.image.rgb_to_grayscale(sample.image), [1, 1, 3]))


def random_rgb_to_gray(sample: Sample, seed: tf.Tensor, probability: float) -> Sample:
    """Gray, with `probability`."""
    return either(happens(seed, probability), lambda: rgb_to_gray(sample), sample.in_float)


def random_pixel_value_scale(sample: Sample, seed: tf.Tensor, minval: float, maxval: float) -> Sample:
    """Each value of each pixel times a number of its own, from `minval` to `maxval`."""
    sample = sample.in_float()
    factors = tf.random.stateless_uniform(tf.shape(sample.image), seed, minval, maxval)
    return sample._replace(image=tf.clip_by_value(sample.image * factors, 0.0, 255.0))


def random_adjust_brightness(sample: Sample, seed: tf.Tensor, max_delta: float) -> Sample:
    """All values up or down by the same number: at most `max_delta` of the whole range."""
    delta = between(seed, -max_delta, max_delta)
    return _adjusted(sample, lambda image: image + delta)


def random_adjust_contrast(sample: Sample, seed: tf.Tensor, min_delta: float, max_delta: float) -> Sample:
    """Distances to each channel's mean times one number from `min_delta` to `max_delta`."""
    factor = between(seed, min_delta, max_delta)
    return _adjusted(sample, lambda image: tf.image.adjust_contrast(image, factor))


def random_adjust_hue(sample: Sample, seed: tf.Tensor, max_delta: float) -> Sample:
    """Hue turned by at most `max_delta` of a full turn, either way."""
    delta = between(seed, -max_delta, max_delta)
    return _adjusted(sample, lambda image: tf.image.adjust_hue(image, delta))


def random_adjust_saturation(sample: Sample, seed: tf.Tensor, min_delta: float, max_delta: float) -> Sample:
    """Saturation times one number from `min_delta` to `max_delta`."""
    factor = between(seed, min_delta, max_delta)
    return _adjusted(sample, lambda image: tf.image.adjust_saturation(image, factor))


def random_distort_color(sample: Sample, seed: tf.Tensor, color_ordering: int) -> Sample:
    """Brightness, saturation, hue and contrast, in this order; with ordering 1, contrast comes second."""
    seeds = tf.unstack(tf.random.split(seed, 4))
    sample = random_adjust_brightness(sample, seeds[0], 32 / 255)
    if color_ordering == 1:
        sample = random_adjust_contrast(sample, seeds[3], 0.5, 1.5)
    sample = random_adjust_saturation(sample, seeds[1], 0.5, 1.5)
    sample = random_adjust_hue(sample, seeds[2], 0.2)
    if color_ordering == 0:
        sample = random_adjust_contrast(sample, seeds[3], 0.5, 1.5)
    return sample


def _adjusted(sample: Sample, change: Callable[[tf.Tensor], tf.Tensor]) -> Sample:
    """`change` done in the range 0–1; what leaves the range is cut off."""
    sample = sample.in_float()
    return sample._replace(image=tf.clip_by_value(change(sample.image / 255.0) * 255.0, 0.0, 255.0))
