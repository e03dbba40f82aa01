"""What the detector is fed: one image and its true boxes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ids = NDArray[np.int32]
Flags = NDArray[np.bool_]

FLAGS = ("difficult", "group_of", "is_crowd", "truncated")
"""What a box may be besides its class; also the names of a span's optional keys, true or missing."""


@dataclass(frozen=True)
class Example:
    """What the detector learns from, or is measured on: one image and its true boxes."""

    key: str
    """Tells images apart, in messages and in the cache: the same key is the same bytes."""
    encoded: bytes | Callable[[], bytes]
    """JPEG or PNG bytes that need no turning (see `teachbox.images`), or a function that reads them."""
    boxes: Floats
    """[N, 4], `[ymin, xmin, ymax, xmax]` in 0–1 of the image."""
    classes: Ids
    """[N], from 0 (label id − 1)."""
    weights: Floats | None = None
    """[N], how much each box counts in the losses; 1 each where None."""
    is_crowd: Flags | None = None
    """[N], boxes around a crowd, which COCO metrics neither ask for nor count as wrong; none where None."""
    scores: Floats | None = None
    """[N, K], how much a box is of each class; where None, it is of its own class and of no other."""

    def scores_of(self, num_classes: int) -> Floats:
        """[N, `num_classes`]: `scores`, with 0 for classes that were not known; without them 1 for each box's class.

        Classes beyond those are in no column: a detector that is to grow is compiled before it does.
        """
        if self.scores is None:
            return one_hot(self.classes, num_classes)
        known = self.scores[:, :num_classes]
        return np.pad(known, [(0, 0), (0, num_classes - known.shape[1])])


def one_hot(classes: Ids, num_classes: int) -> Floats:
    """[N, `num_classes`]: 1 in the column of each of `classes`, from 0, that has one."""
    return (np.asarray(classes)[:, None] == np.arange(num_classes)).astype(np.float32)
