"""Which sizes of images make a feature pyramid: maps can be added up only if each is twice the next."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from teachbox.config.built.resizers import size_of_all

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
    if kind is None:
        return
    sides = size_of_all(ssd.image_resizer)
    if sides is not None:
        wrong = wrong_size(sides, ssd.feature_extractor.pad_to_multiple, *levels)
    else:
        given = ssd.image_resizer.pad_to_multiple_resizer.multiple if kind == "pad_to_multiple_resizer" else 1
        wrong = _wrong_multiples(kind, given, ssd.feature_extractor.pad_to_multiple, *levels)
    if wrong:
        yield "image_resizer", wrong


def _wrong_multiples(kind: str, given: int, own: int, least: int, most: int) -> str | None:
    """What is wrong with images of any size whose sides are multiples of what the resizer has `given`, and are padded
    to multiples of the feature extractor's `own`."""
    step = 2**most
    # Of the resizer's they are multiples where the feature extractor has nothing to pad.
    if least == most or own % step == 0 or (given % step == 0 and given % own == 0):
        return None
    found = f"{kind} leaves images of any size, whose maps may not be twice each other"
    return f"{found}; choose pad_to_multiple: {step} of the feature extractor"
