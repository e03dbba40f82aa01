"""What backbones want of the values of an image."""

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
