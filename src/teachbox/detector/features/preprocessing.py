"""What backbones want of an image: its values, and its size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from keras import ops

# Of ImageNet, red, green and blue; the model zoo of Caffe subtracted them, and the slim library's ResNet does.
_CHANNEL_MEANS = (123.68, 116.779, 103.939)
# The same of values 0…1, and how far they spread, as later networks have them.
_MEANS, _DEVIATIONS = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def to_unit_range(images: Any) -> Any:
    """Pixels 0…255 scaled to −1…1."""
    return images * (2.0 / 255.0) - 1.0


def less_channel_means(images: Any) -> Any:
    """Pixels 0…255 less the mean of each channel; grey images as they are, as in the original."""
    if int(images.shape[-1]) != len(_CHANNEL_MEANS):
        return images
    return images - ops.convert_to_tensor(_CHANNEL_MEANS, dtype="float32")


def standardized(images: Any) -> Any:
    """Pixels 0…255 scaled to 0…1, less the mean of each channel, by its standard deviation; grey images as they
    are."""
    if int(images.shape[-1]) != len(_MEANS):
        return images
    means, deviations = (ops.convert_to_tensor(values, dtype="float32") for values in (_MEANS, _DEVIATIONS))
    return (images / 255.0 - means) / deviations


def filled_outside(images: Any, true_shape: Any, value: Sequence[float]) -> Any:
    """Images [B, H, W, C] with `value` for each channel where the picture has ended: `true_shape` int32 [B, 3]."""
    rows, columns = (ops.arange(side, dtype="int32") for side in ops.shape(images)[1:3])
    true_shape = ops.cast(true_shape, "int32")
    inside = ops.logical_and(
        ops.expand_dims(rows < true_shape[:, 0:1], -1), ops.expand_dims(columns < true_shape[:, 1:2], 1)
    )
    return ops.where(ops.expand_dims(inside, -1), images, ops.convert_to_tensor(value, dtype=images.dtype))


def reversed_channels(images: Any) -> Any:
    """Blue, green and red of images with red, green and blue."""
    return ops.flip(images, axis=-1)


def normalised(images: Any, means: Sequence[float], deviations: Sequence[float]) -> Any:
    """Pixels less the mean of each channel, divided by its standard deviation."""
    own = [ops.convert_to_tensor(tuple(values), dtype="float32") for values in (means, deviations)]
    return (images - own[0]) / own[1]


def padded_to_multiple(images: Any, multiple: int) -> Any:
    """Images [B, H, W, C] with zeros below and to the right, up to the next multiple of both sides."""
    if None in images.shape[1:3]:
        return _padded_later(images, multiple)
    margins = [(0, -int(side) % multiple) for side in images.shape[1:3]]
    return ops.pad(images, [(0, 0), *margins, (0, 0)]) if any(after for _, after in margins) else images


def _padded_later(images: Any, multiple: int) -> Any:
    """The same for images whose size TensorFlow learns only when it runs: rows and columns for all that may be missing
    are added, and those that are too many cut off."""
    most = multiple - 1
    height, width = (-(-side // multiple) * multiple for side in ops.shape(images)[1:3])
    return ops.pad(images, [(0, 0), (0, most), (0, most), (0, 0)])[:, :height, :width]
