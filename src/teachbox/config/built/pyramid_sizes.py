"""Which sizes of images make a feature pyramid: maps can be added up only if each is twice the next."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

LAST_OF_BACKBONE = 5
"""Backbones have maps of the levels up to 5, whose stride is 32."""


def wrong_size(sides: tuple[int, int], pad_to_multiple: int, least: int, most: int) -> str | None:
    """What is wrong with images of that height and width, for maps of the levels `least` to `most`."""
    for side in sides:
        padded = -(-side // pad_to_multiple) * pad_to_multiple
        sizes = [-(-padded // 2**level) for level in range(least, most + 1)]
        if any(size != 2 * following for size, following in pairwise(sizes)):
            found = f"an image of {sides[0]} × {sides[1]} gives maps of {', '.join(map(str, sizes))}"
            right = f"choose a multiple of {2**most}, or pad_to_multiple: {2**most}"
            return f"{found}; each must be twice the next; {right}"
    return None


def levels_added(extractor: Any) -> tuple[int, int] | None:
    """The least and the last level whose maps are added up, of the feature extractor that a message describes."""
    if extractor.type.endswith("_bifpn_keras") and extractor.HasField("bifpn"):
        return extractor.bifpn.min_level, extractor.bifpn.max_level
    if extractor.type.endswith(("_fpn", "_fpn_keras")) and not extractor.use_explicit_padding:
        # Further levels stand on the last of the backbone's, and nothing is added to them.
        return extractor.fpn.min_level, LAST_OF_BACKBONE
    return None


def rule(ssd: Any) -> Iterator[tuple[str, str]]:
    """That a single-shot detector's images make its pyramid."""
    levels = levels_added(ssd.feature_extractor)
    kind = ssd.image_resizer.WhichOneof("image_resizer_oneof")
    if levels is None or not 0 < levels[0] <= levels[1] or ssd.feature_extractor.pad_to_multiple < 1:
        return
    if kind == "fixed_shape_resizer":
        sides = (ssd.image_resizer.fixed_shape_resizer.height, ssd.image_resizer.fixed_shape_resizer.width)
    elif kind == "keep_aspect_ratio_resizer" and ssd.image_resizer.keep_aspect_ratio_resizer.pad_to_max_dimension:
        sides = (ssd.image_resizer.keep_aspect_ratio_resizer.max_dimension,) * 2
    elif kind is None:
        return
    else:
        most, own = 2 ** levels[1], ssd.feature_extractor.pad_to_multiple
        given = ssd.image_resizer.pad_to_multiple_resizer.multiple if kind == "pad_to_multiple_resizer" else 1
        # Sides are multiples of what the feature extractor pads to; of the resizer's, where that has nothing to pad.
        fits = own % most == 0 or (given % most == 0 and given % own == 0)
        if levels[0] < levels[1] and not fits:
            found = f"{kind} leaves images of any size, whose maps may not be twice each other"
            yield "image_resizer", f"{found}; choose pad_to_multiple: {most} of the feature extractor"
        return
    wrong = wrong_size(sides, ssd.feature_extractor.pad_to_multiple, *levels)
    if wrong:
        yield "image_resizer", wrong
