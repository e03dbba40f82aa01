"""Images for tests of the metrics: written down by hand, or drawn by hypothesis."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from teachbox.evaluation.results import ImageResult

LABELS = {1: "cat", 2: "dog"}
HERE, THERE, NEAR = [0, 0, 100, 100], [200, 200, 300, 300], [5, 0, 100, 100]


def result(true: Any, found: Any, *, scores=None, classes=None, true_classes=None, **flags: Any) -> ImageResult:
    """An image with `true` boxes and `found` ones; classes are 1 and scores 0.9 where nothing is said."""
    true_boxes = np.array(true, np.float32).reshape(-1, 4)
    boxes = np.array(found, np.float32).reshape(-1, 4)
    return ImageResult(
        true_boxes,
        np.array(true_classes or [1] * len(true_boxes), np.int64),
        boxes,
        np.array(scores or [0.9] * len(boxes), np.float32),
        np.array(classes or [1] * len(boxes), np.int64),
        **{name: np.array(values) for name, values in flags.items()},
    )


BOX = st.tuples(st.integers(0, 50), st.integers(0, 50), st.integers(1, 200), st.integers(1, 200)).map(
    lambda row: [row[0], row[1], row[0] + row[2], row[1] + row[3]]
)
ROW = st.tuples(BOX, st.sampled_from([1, 2]), st.booleans(), st.booleans())
DETECTION = st.tuples(BOX, st.sampled_from([1, 2]), st.floats(1 / 128, 1, width=32))


@st.composite
def some_images(draw) -> ImageResult:
    """Any image: up to 6 true boxes, some difficult or of groups, and up to 8 detections."""
    truth = draw(st.lists(ROW, max_size=6))
    found = draw(st.lists(DETECTION, max_size=8))
    return result(
        [row[0] for row in truth],
        [row[0] for row in found],
        scores=[row[2] for row in found],
        classes=[row[1] for row in found],
        true_classes=[row[1] for row in truth],
        difficult=np.array([row[2] for row in truth], np.bool_),
        group_of=np.array([row[3] for row in truth], np.bool_),
        verified=draw(st.lists(st.sampled_from([1, 2]), max_size=2, unique=True)),
    )
