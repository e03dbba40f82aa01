"""Image resizers: an image of any size to what the detector takes, as TensorFlow graph functions.

The kernels are TensorFlow 1's: output pixel i samples input position i·scale, without the half-pixel shift of
`tf.image.resize`. Public checkpoints were trained so, and the original's numbers are met only so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import tensorflow as tf

from teachbox.config.protos import image_resizer_pb2
from teachbox.errors import ConfigError

Resizer = Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]
"""image [H, W, 3] uint8 or float32 → (float32 [h, w, 3], true_shape int32 [3]: the part of it that is not
padding).
"""

_METHODS = {
    image_resizer_pb2.BILINEAR: tf.image.ResizeMethod.BILINEAR,
    image_resizer_pb2.NEAREST_NEIGHBOR: tf.image.ResizeMethod.NEAREST_NEIGHBOR,
    image_resizer_pb2.BICUBIC: tf.image.ResizeMethod.BICUBIC,
    image_resizer_pb2.AREA: tf.image.ResizeMethod.AREA,
}


def build_resizer(config: image_resizer_pb2.ImageResizer) -> Resizer:
    """The resizer that the config asks for. Raises `ConfigError` for one that is not built, or sizes that
    make no image.
    """
    which = config.WhichOneof("image_resizer_oneof")
    where = f"image_resizer.{which}"
    if which == "fixed_shape_resizer":
        fixed = config.fixed_shape_resizer
        _refuse_grayscale(fixed.convert_to_grayscale, where)
        _check_positive(where, height=fixed.height, width=fixed.width)
        return fixed_shape_resizer(fixed.height, fixed.width, _METHODS[fixed.resize_method])
    if which == "keep_aspect_ratio_resizer":
        keep = config.keep_aspect_ratio_resizer
        _refuse_grayscale(keep.convert_to_grayscale, where)
        _check_positive(where, min_dimension=keep.min_dimension, max_dimension=keep.max_dimension)
        if keep.min_dimension > keep.max_dimension:
            raise ConfigError(
                f"min_dimension {keep.min_dimension} is larger than max_dimension {keep.max_dimension}",
                where=where,
            )
        pad_value = tuple(keep.per_channel_pad_value)
        if pad_value and len(pad_value) != 3:
            raise ConfigError(f"per_channel_pad_value has {len(pad_value)} values; images have 3 channels", where=where)
        if pad_value and not keep.pad_to_max_dimension:
            raise ConfigError("per_channel_pad_value has no meaning without pad_to_max_dimension: true", where=where)
        return keep_aspect_ratio_resizer(
            keep.min_dimension,
            keep.max_dimension,
            _METHODS[keep.resize_method],
            pad_to_max_dimension=keep.pad_to_max_dimension,
            per_channel_pad_value=pad_value or (0.0, 0.0, 0.0),
        )
    if which is None:
        raise ConfigError(
            "no resizer is given; use fixed_shape_resizer or keep_aspect_ratio_resizer", where="image_resizer"
        )
    raise ConfigError("is not built yet; use fixed_shape_resizer or keep_aspect_ratio_resizer", where=where)


def fixed_shape_resizer(height: int, width: int, method: str = tf.image.ResizeMethod.BILINEAR) -> Resizer:
    """Every image becomes `height` × `width`; its aspect ratio is not kept."""

    def resize(image: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        resized = _resize(image, [height, width], method)
        resized.set_shape([height, width, 3])
        return resized, tf.constant([height, width, 3], tf.int32)

    return resize


def keep_aspect_ratio_resizer(
    min_dimension: int,
    max_dimension: int,
    method: str = tf.image.ResizeMethod.BILINEAR,
    *,
    pad_to_max_dimension: bool = False,
    per_channel_pad_value: Sequence[float] = (0.0, 0.0, 0.0),
) -> Resizer:
    """The short side becomes `min_dimension`, unless the long one would pass `max_dimension`: then that is
    met.

    With `pad_to_max_dimension` the image is padded below and to the right to a square of `max_dimension`.
    """

    def resize(image: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        size = _kept_aspect(tf.shape(image)[:2], min_dimension, max_dimension)
        resized = _resize(image, size, method)
        true_shape = tf.concat([size, [3]], axis=0)
        if not pad_to_max_dimension:
            resized.set_shape([None, None, 3])
            return resized, true_shape
        picture = tf.pad(resized, [[0, max_dimension - size[0]], [0, max_dimension - size[1]], [0, 0]])
        inside = tf.sequence_mask(size[0], max_dimension)[:, None] & tf.sequence_mask(size[1], max_dimension)[None, :]
        padded = tf.where(inside[:, :, None], picture, tf.constant(per_channel_pad_value, tf.float32))
        padded.set_shape([max_dimension, max_dimension, 3])
        return padded, true_shape

    return resize


def _kept_aspect(size: tf.Tensor, min_dimension: int, max_dimension: int) -> tf.Tensor:
    """int32 [2]: height and width after resizing, rounded in float32 as the original does."""
    sides = tf.cast(size, tf.float32)
    large = tf.round(sides * (min_dimension / tf.reduce_min(sides)))
    small = tf.round(sides * (max_dimension / tf.reduce_max(sides)))
    chosen = tf.where(tf.reduce_max(large) > max_dimension, small, large)
    # A very long image may round its short side to nothing.
    return tf.maximum(tf.cast(chosen, tf.int32), 1)


def _resize(image: tf.Tensor, size: Sequence[int] | tf.Tensor, method: str) -> tf.Tensor:
    return tf.cast(tf.compat.v1.image.resize(image, size, method=method, align_corners=False), tf.float32)


def _refuse_grayscale(asked: bool, where: str) -> None:
    if asked:
        raise ConfigError("convert_to_grayscale is not built yet; leave it out", where=where)


def _check_positive(where: str, **sizes: int) -> None:
    for name, value in sizes.items():
        if value < 1:
            raise ConfigError(f"{name} is {value}; it must be at least 1", where=where)
