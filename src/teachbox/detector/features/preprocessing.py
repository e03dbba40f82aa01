"""What backbones want of an image: its values, and its size."""

from __future__ import annotations

from typing import Any

from keras import ops

# Of ImageNet, red, green and blue; the model zoo of Caffe subtracted them, and the slim library's ResNet does.
_CHANNEL_MEANS = (123.68, 116.779, 103.939)


def to_unit_range(images: Any) -> Any:
    """Pixels 0…255 scaled to −1…1."""
    return images * (2.0 / 255.0) - 1.0


def less_channel_means(images: Any) -> Any:
    """Pixels 0…255 less the mean of each channel."""
    return images - ops.convert_to_tensor(_CHANNEL_MEANS, dtype="float32")


def padded_to_multiple(images: Any, multiple: int) -> Any:
    """Images [B, H, W, 3] with zeros below and to the right, up to the next multiple of both sides."""
    margins = [(0, -int(side) % multiple) for side in images.shape[1:3]]
    return ops.pad(images, [(0, 0), *margins, (0, 0)]) if any(after for _, after in margins) else images
