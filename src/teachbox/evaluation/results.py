"""What all measuring starts from: the true boxes of an image and the detections on it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


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
