"""The changes of tone that AutoAugment's policies are made of: uint8 [H, W, 3] in, the same out.

They are those of the Python Imaging Library, whole numbers rounded down as there, with the one difference that
`contrast` tells.
"""

from __future__ import annotations

import tensorflow as tf


def blend(plain: tf.Tensor, image: tf.Tensor, factor: float) -> tf.Tensor:
    """`plain` at factor 0, `image` at 1, and beyond it further away from `plain`; uint8 or float32, both."""
    plain, image = tf.cast(plain, tf.float32), tf.cast(image, tf.float32)
    return tf.cast(tf.clip_by_value(plain + factor * (image - plain), 0.0, 255.0), tf.uint8)


def color(image: tf.Tensor, factor: float) -> tf.Tensor:
    """From grey, at factor 0, to stronger colours, above 1."""
    return blend(tf.image.rgb_to_grayscale(image), image, factor)


def contrast(image: tf.Tensor, factor: float) -> tf.Tensor:
    """Nearer to one grey, or further away from it.

    In the library that grey is the mean. In the implementation that the policies were found with, it is a 256th of the
    number of pixels, and white in any image of more than 65,280; so it is here.
    """
    pixels = tf.cast(tf.size(image) // 3, tf.float32)
    return blend(tf.floor(tf.minimum(pixels / 256, 255.0)), image, factor)


def brightness(image: tf.Tensor, factor: float) -> tf.Tensor:
    """All values times the factor."""
    return blend(tf.zeros([]), image, factor)


def sharpness(image: tf.Tensor, factor: float) -> tf.Tensor:
    """From blurred, at factor 0, to sharper, above 1; the pixels at the edge stay."""
    weights = tf.reshape(tf.constant([1.0, 1, 1, 1, 5, 1, 1, 1, 1]) / 13, [3, 3, 1, 1])
    blurred = tf.nn.depthwise_conv2d(
        tf.cast(image, tf.float32)[None], tf.tile(weights, [1, 1, 3, 1]), [1, 1, 1, 1], padding="SAME"
    )[0]
    rows, columns = (_inner(tf.shape(image)[axis]) for axis in (0, 1))
    inner = (rows[:, None] & columns[None])[:, :, None]
    # A hair more, as 13 thirteenths of a whole number may come out just below it.
    return blend(tf.where(inner, tf.floor(blurred + 1e-3), tf.cast(image, tf.float32)), image, factor)


def _inner(length: tf.Tensor) -> tf.Tensor:
    """bool [length]: false at both ends."""
    places = tf.range(length)
    return (places > 0) & (places < length - 1)


def autocontrast(image: tf.Tensor) -> tf.Tensor:
    """Each channel stretched so that its least value becomes 0 and its greatest 255; an even one stays."""
    values = tf.cast(image, tf.float32)
    low, high = tf.reduce_min(values, axis=[0, 1]), tf.reduce_max(values, axis=[0, 1])
    scale = 255 / tf.where(high > low, high - low, 255.0)
    stretched = tf.clip_by_value(values * scale + tf.where(high > low, -low * scale, 0.0), 0.0, 255.0)
    return tf.cast(stretched, tf.uint8)


def equalize(image: tf.Tensor) -> tf.Tensor:
    """Each channel's values spread so that all ranges of them are about as frequent."""
    return tf.stack([_equalized(tf.cast(image[:, :, channel], tf.int32)) for channel in range(3)], axis=2)


def _equalized(values: tf.Tensor) -> tf.Tensor:
    counts = tf.math.bincount(tf.reshape(values, [-1]), minlength=256, maxlength=256)
    step = (tf.size(values) - counts[tf.reduce_max(values)]) // 255
    table = (tf.cumsum(counts, exclusive=True) + step // 2) // tf.maximum(step, 1)
    spread = tf.gather(tf.clip_by_value(table, 0, 255), values)
    return tf.cast(tf.where(step > 0, spread, values), tf.uint8)


def posterize(image: tf.Tensor, bits: int) -> tf.Tensor:
    """Only the highest `bits` of each value, and at least one."""
    return image & tf.constant(256 - 2 ** min(8 - bits, 7), tf.uint8)


def solarize(image: tf.Tensor, threshold: int) -> tf.Tensor:
    """Values from `threshold` on become 255 less their value."""
    return tf.where(tf.cast(image, tf.int32) < threshold, image, 255 - image)


def solarize_add(image: tf.Tensor, addition: int) -> tf.Tensor:
    """Values below 128 become `addition` more, at most 255."""
    lighter = tf.minimum(tf.cast(image, tf.int32) + addition, 255)
    return tf.where(image < 128, tf.cast(lighter, tf.uint8), image)
