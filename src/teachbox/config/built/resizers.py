"""Image resizers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from teachbox.config.built.verdicts import ONE_OR_MORE, Rows, built, only


def channels_of(resizer: Any) -> int:
    """1 where an `ImageResizer` message makes images grey, else 3."""
    kind = resizer.WhichOneof("image_resizer_oneof")
    return 1 if kind and getattr(getattr(resizer, kind), "convert_to_grayscale", False) else 3


def size_of_all(resizer: Any) -> tuple[int, int] | None:
    """Height and width of every image that an `ImageResizer` message leaves; None where they depend on the image."""
    kind = resizer.WhichOneof("image_resizer_oneof")
    if kind == "fixed_shape_resizer":
        return resizer.fixed_shape_resizer.height, resizer.fixed_shape_resizer.width
    if kind == "keep_aspect_ratio_resizer" and resizer.keep_aspect_ratio_resizer.pad_to_max_dimension:
        return (resizer.keep_aspect_ratio_resizer.max_dimension,) * 2
    return None


def of_the_padding(resizer: Any) -> Iterator[tuple[str, str]]:
    """That there is a value for each channel, and room for it."""
    values, channels = len(resizer.per_channel_pad_value), 1 if resizer.convert_to_grayscale else 3
    name = "per_channel_pad_value"
    if values not in (0, channels):
        images = f"images have {channels} channel{'s' if channels > 1 else ''}"
        yield name, f"{name} has {values} value{'s' if values > 1 else ''}; {images}"
    elif values and not resizer.pad_to_max_dimension:
        yield name, f"{name} has no meaning without pad_to_max_dimension: true"


ROWS = Rows(
    table={
        "*.fixed_shape_resizer": built("height width resize_method convert_to_grayscale"),
        "*.keep_aspect_ratio_resizer": built(
            "min_dimension max_dimension resize_method pad_to_max_dimension per_channel_pad_value convert_to_grayscale"
        ),
        "*.conditional_shape_resizer": built("size_threshold resize_method convert_to_grayscale")
        | {"condition": only("GREATER", "SMALLER")},
        "*.pad_to_multiple_resizer": built("multiple convert_to_grayscale"),
    },
    ranges={
        "*.fixed_shape_resizer": {"height": ONE_OR_MORE, "width": ONE_OR_MORE},
        "*.keep_aspect_ratio_resizer": {"min_dimension": ONE_OR_MORE, "max_dimension": ONE_OR_MORE},
        "*.conditional_shape_resizer": {"size_threshold": ONE_OR_MORE},
        "*.pad_to_multiple_resizer": {"multiple": ONE_OR_MORE},
    },
    not_above={
        "*.keep_aspect_ratio_resizer": [("min_dimension", "max_dimension")],
    },
    rules={"*.keep_aspect_ratio_resizer": [of_the_padding]},
)
