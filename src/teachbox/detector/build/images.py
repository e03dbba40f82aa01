"""What images the image resizer of a message leaves to a detector."""

from __future__ import annotations

from typing import Any

from teachbox.config.protos import image_resizer_pb2


def channels_of(resizer: image_resizer_pb2.ImageResizer) -> int:
    """1 where images become grey, else 3."""
    kind = resizer.WhichOneof("image_resizer_oneof")
    message: Any = getattr(resizer, kind) if kind else None
    return 1 if getattr(message, "convert_to_grayscale", False) else 3


def size_of_all(resizer: image_resizer_pb2.ImageResizer) -> tuple[int, int] | None:
    """Height and width of every image; None where they depend on the image."""
    kind = resizer.WhichOneof("image_resizer_oneof")
    if kind == "fixed_shape_resizer":
        return resizer.fixed_shape_resizer.height, resizer.fixed_shape_resizer.width
    if kind == "keep_aspect_ratio_resizer" and resizer.keep_aspect_ratio_resizer.pad_to_max_dimension:
        size = resizer.keep_aspect_ratio_resizer.max_dimension
        return size, size
    return None
