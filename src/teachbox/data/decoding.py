"""JPEG and PNG bytes to pixels as a TensorFlow graph function: the same for training, evaluation and the
exported model.
"""

from __future__ import annotations

import tensorflow as tf


def decode_image(encoded: tf.Tensor) -> tf.Tensor:
    """Scalar string → uint8 [H, W, 3], RGB. EXIF orientation is not looked at: bytes from `images.upright`
    have none.

    JPEG is decoded with the accurate inverse transform and smooth chroma, as Pillow and the browsers do, so
    that page and detector see the same pixels; TensorFlow's default is a faster, coarser transform.
    """
    image = tf.cond(
        tf.io.is_jpeg(encoded),
        lambda: tf.io.decode_jpeg(encoded, channels=3, dct_method="INTEGER_ACCURATE", fancy_upscaling=True),
        lambda: tf.io.decode_image(encoded, channels=3, expand_animations=False),
    )
    image.set_shape([None, None, 3])
    return image
