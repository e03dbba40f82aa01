"""Image resizers: an image of any size to what the detector takes, as TensorFlow graph functions.

The kernels are TensorFlow 1's: output pixel i samples input position i·scale, without the half-pixel shift of
`tf.image.resize`. Public checkpoints were trained so, and the original's numbers are met only so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import tensorflow as tf

from teachbox.config.built.resizers import of_the_padding
from teachbox.config.protos import image_resizer_pb2
from teachbox.errors import ConfigError

Resizer = Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]
"""image [H, W, 3] uint8 or float32 → (float32 [h, w, c], true_shape int32 [3]: the part of it that is not padding);
c is 1 where the image becomes grey, else 3.
"""

_METHODS = {
    image_resizer_pb2.BILINEAR: tf.image.ResizeMethod.BILINEAR,
    image_resizer_pb2.NEAREST_NEIGHBOR: tf.image.ResizeMethod.NEAREST_NEIGHBOR,
    image_resizer_pb2.BICUBIC: tf.image.ResizeMethod.BICUBIC,
    image_resizer_pb2.AREA: tf.image.ResizeMethod.AREA,
}


def build_resizer(config: image_resizer_pb2.ImageResizer) -> Resizer:
    """The resizer that the config asks for. Raises `ConfigError` for sizes that make no image."""
    which = config.WhichOneof("image_resizer_oneof")
    if which is None:
        raise ConfigError(f"no resizer is given; there are {', '.join(_BUILDERS)}", where="image_resizer")
    return _BUILDERS[which](getattr(config, which), f"image_resizer.{which}")


def fixed_shape_resizer(
    height: int, width: int, method: str = tf.image.ResizeMethod.BILINEAR, *, grayscale: bool = False
) -> Resizer:
    """Every image becomes `height` × `width`; its aspect ratio is not kept."""

    def resize(image: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        resized = _in_colours(_resize(image, [height, width], method), grayscale)
        resized.set_shape([height, width, _channels(grayscale)])
        return resized, tf.constant([height, width, _channels(grayscale)], tf.int32)

    return resize


def keep_aspect_ratio_resizer(
    min_dimension: int,
    max_dimension: int,
    method: str = tf.image.ResizeMethod.BILINEAR,
    *,
    pad_to_max_dimension: bool = False,
    per_channel_pad_value: Sequence[float] = (),
    grayscale: bool = False,
) -> Resizer:
    """The short side becomes `min_dimension`, unless the long one would pass `max_dimension`: then that is
    met.

    With `pad_to_max_dimension` the image is padded below and to the right to a square of `max_dimension`, with 0 where
    `per_channel_pad_value` is empty.
    """
    channels = _channels(grayscale)
    padding = tuple(per_channel_pad_value) or (0.0,) * channels

    def resize(image: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        size = _kept_aspect(tf.shape(image)[:2], min_dimension, max_dimension)
        resized = _in_colours(_resize(image, size, method), grayscale)
        true_shape = tf.concat([size, [channels]], axis=0)
        if not pad_to_max_dimension:
            return _of_any_size(resized, grayscale), true_shape
        picture = tf.pad(resized, [[0, max_dimension - size[0]], [0, max_dimension - size[1]], [0, 0]])
        inside = tf.sequence_mask(size[0], max_dimension)[:, None] & tf.sequence_mask(size[1], max_dimension)[None, :]
        padded = tf.where(inside[:, :, None], picture, tf.constant(padding, tf.float32))
        padded.set_shape([max_dimension, max_dimension, channels])
        return padded, true_shape

    return resize


def identity_resizer() -> Resizer:
    """Every image as large as it is."""

    def resize(image: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return _of_any_size(tf.cast(image, tf.float32), False), tf.shape(image)

    return resize


def conditional_shape_resizer(
    condition: Literal["GREATER", "SMALLER"],
    size_threshold: int,
    method: str = tf.image.ResizeMethod.BILINEAR,
    *,
    grayscale: bool = False,
) -> Resizer:
    """An image whose long side is GREATER than `size_threshold`, or whose short side is SMALLER, is scaled until that
    side meets it; others stay.
    """

    def resize(image: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        sides = tf.cast(tf.shape(image)[:2], tf.float32)
        if condition == "GREATER":
            side = tf.reduce_max(sides)
            wanted = tf.minimum(side, float(size_threshold))
        else:
            side = tf.reduce_min(sides)
            wanted = tf.maximum(side, float(size_threshold))
        # Cut off, not rounded, in float32 as the original does.
        size = tf.maximum(tf.cast(sides * (wanted / side), tf.int32), 1)
        resized = _in_colours(_resize(image, size, method, align_corners=True), grayscale)
        return _of_any_size(resized, grayscale), tf.concat([size, [_channels(grayscale)]], axis=0)

    return resize


def pad_to_multiple_resizer(multiple: int, *, grayscale: bool = False) -> Resizer:
    """Every image as large as it is, with 0 below and to the right up to the next `multiple` of both sides."""

    def resize(image: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        coloured = _in_colours(tf.cast(image, tf.float32), grayscale)
        height, width = tf.unstack(-tf.shape(image)[:2] % multiple)
        padded = tf.pad(coloured, [[0, height], [0, width], [0, 0]])
        return _of_any_size(padded, grayscale), tf.shape(coloured)

    return resize


def _fixed_shape(message: image_resizer_pb2.FixedShapeResizer, where: str) -> Resizer:
    _check_positive(where, height=message.height, width=message.width)
    method = _METHODS[message.resize_method]
    return fixed_shape_resizer(message.height, message.width, method, grayscale=message.convert_to_grayscale)


def _keep_aspect_ratio(message: image_resizer_pb2.KeepAspectRatioResizer, where: str) -> Resizer:
    _check_positive(where, min_dimension=message.min_dimension, max_dimension=message.max_dimension)
    if message.min_dimension > message.max_dimension:
        raise ConfigError(
            f"min_dimension {message.min_dimension} is larger than max_dimension {message.max_dimension}",
            where=where,
        )
    for _, wrong in of_the_padding(message):
        raise ConfigError(wrong, where=where)
    return keep_aspect_ratio_resizer(
        message.min_dimension,
        message.max_dimension,
        _METHODS[message.resize_method],
        pad_to_max_dimension=message.pad_to_max_dimension,
        per_channel_pad_value=tuple(message.per_channel_pad_value),
        grayscale=message.convert_to_grayscale,
    )


def _identity(_message: image_resizer_pb2.IdentityResizer, _where: str) -> Resizer:
    return identity_resizer()


def _conditional_shape(message: image_resizer_pb2.ConditionalShapeResizer, where: str) -> Resizer:
    _check_positive(where, size_threshold=message.size_threshold)
    conditions: dict[int, Literal["GREATER", "SMALLER"]] = {
        image_resizer_pb2.ConditionalShapeResizer.GREATER: "GREATER",
        image_resizer_pb2.ConditionalShapeResizer.SMALLER: "SMALLER",
    }
    if message.condition not in conditions:
        raise ConfigError("condition is INVALID; it must be GREATER or SMALLER", where=where)
    return conditional_shape_resizer(
        conditions[message.condition],
        message.size_threshold,
        _METHODS[message.resize_method],
        grayscale=message.convert_to_grayscale,
    )


def _pad_to_multiple(message: image_resizer_pb2.PadToMultipleResizer, where: str) -> Resizer:
    _check_positive(where, multiple=message.multiple)
    return pad_to_multiple_resizer(message.multiple, grayscale=message.convert_to_grayscale)


_BUILDERS: dict[str, Callable[[Any, str], Resizer]] = {
    "fixed_shape_resizer": _fixed_shape,
    "keep_aspect_ratio_resizer": _keep_aspect_ratio,
    "identity_resizer": _identity,
    "conditional_shape_resizer": _conditional_shape,
    "pad_to_multiple_resizer": _pad_to_multiple,
}


def _kept_aspect(size: tf.Tensor, min_dimension: int, max_dimension: int) -> tf.Tensor:
    """int32 [2]: height and width after resizing, rounded in float32 as the original does."""
    sides = tf.cast(size, tf.float32)
    large = tf.round(sides * (min_dimension / tf.reduce_min(sides)))
    small = tf.round(sides * (max_dimension / tf.reduce_max(sides)))
    chosen = tf.where(tf.reduce_max(large) > max_dimension, small, large)
    # A very long image may round its short side to nothing.
    return tf.maximum(tf.cast(chosen, tf.int32), 1)


def _resize(
    image: tf.Tensor, size: Sequence[int] | tf.Tensor, method: str, *, align_corners: bool = False
) -> tf.Tensor:
    return tf.cast(tf.compat.v1.image.resize(image, size, method=method, align_corners=align_corners), tf.float32)


def _channels(grayscale: bool) -> int:
    return 1 if grayscale else 3


def _in_colours(image: tf.Tensor, grayscale: bool) -> tf.Tensor:
    """The image with three channels, or with one."""
    return tf.image.rgb_to_grayscale(image) if grayscale else image


def _of_any_size(image: tf.Tensor, grayscale: bool) -> tf.Tensor:
    return tf.ensure_shape(image, [None, None, _channels(grayscale)])


def _check_positive(where: str, **sizes: int) -> None:
    for name, value in sizes.items():
        if value < 1:
            raise ConfigError(f"{name} is {value}; it must be at least 1", where=where)
