"""The confusion matrix of a detector: what stands in the images, and under which label it was found."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from teachbox.evaluation.matching import Matched
from teachbox.evaluation.results import ImageResult

Counts = NDArray[np.int64]


def confusion_matrix(images: Iterable[tuple[ImageResult, Matched]], ids: Sequence[int]) -> Counts:
    """[K + 1, K + 1]: a row for each true class and a column for each detected one, both in the order of `ids` [K].

    The last row and column are the background: the column counts true boxes that nothing found, the row detections
    where nothing is. So a row adds up to the true boxes of a class, a column to its detections.
    """
    place = {id: row for row, id in enumerate(ids)}
    background = len(place)
    counts = np.zeros((background + 1, background + 1), np.int64)
    for image, matched in images:
        true = [place[int(id)] for id in image.true_classes]
        found = [place[int(id)] for id in image.classes]
        for truth, detection in [*matched.right, *matched.confused]:
            counts[true[truth], found[detection]] += 1
        for truth in matched.missed:
            counts[true[truth], background] += 1
        for detection in matched.false:
            counts[background, found[detection]] += 1
    return counts
