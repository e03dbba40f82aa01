"""What all measuring starts from: the true boxes of an image and the detections on it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from teachbox.boxes import to_pixels


@dataclass(frozen=True)
class ImageResult:
    """One evaluated image. Boxes are rows `[ymin, xmin, ymax, xmax]` in pixels; classes count from 1."""

    true_boxes: NDArray[np.floating]
    true_classes: NDArray[np.integer]
    boxes: NDArray[np.floating]
    scores: NDArray[np.floating]
    classes: NDArray[np.integer]
    crowd: NDArray[np.bool_] | None = field(default=None)
    """Which true boxes stand for a crowd: they are neither to be found nor a mistake; None where none does."""
    difficult: NDArray[np.bool_] | None = field(default=None)
    """Which true boxes are hard to see: the Pascal metrics neither ask for them nor count them as wrong."""
    group_of: NDArray[np.bool_] | None = field(default=None)
    """Which true boxes surround a group: the Open Images metrics treat them as one."""
    verified: NDArray[np.integer] | None = field(default=None)
    """Classes that were looked for in the whole image, besides those of its true boxes; none where None."""


def in_pixels(
    height: int,
    width: int,
    truth: tuple[NDArray[np.floating], NDArray[np.integer]],
    found: tuple[NDArray[np.floating], NDArray[np.floating], NDArray[np.integer]],
    *,
    crowd: NDArray[np.bool_] | None = None,
    difficult: NDArray[np.bool_] | None = None,
    group_of: NDArray[np.bool_] | None = None,
    verified: NDArray[np.integer] | None = None,
) -> ImageResult:
    """The result of an image of `height` × `width` pixels from boxes in 0–1; classes count from 1.

    `truth`: boxes, classes; `found`: boxes, scores, classes; the rest as in `ImageResult`.
    """
    boxes, scores, classes = found
    return ImageResult(
        to_pixels(truth[0], height, width),
        truth[1],
        to_pixels(boxes, height, width),
        scores,
        classes,
        crowd=crowd,
        difficult=difficult,
        group_of=group_of,
        verified=verified,
    )
