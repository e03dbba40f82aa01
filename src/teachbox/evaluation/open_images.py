"""Metrics of Open Images V2 and of the Open Images detection challenge: what boxes around a group mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from teachbox.evaluation.pascal import by_category
from teachbox.evaluation.results import ImageResult


def open_images_v2_metrics(images: Sequence[ImageResult], labels: Mapping[int, str]) -> dict[str, float]:
    """Open Images V2's metrics; a group need not be found, and what lies in it is no mistake."""
    return by_category("OpenImagesV2", [replace(image, difficult=None) for image in images], labels)


def open_images_challenge_metrics(images: Sequence[ImageResult], labels: Mapping[int, str]) -> dict[str, float]:
    """The challenge's metrics: a group has to be found once, and only classes that were looked for count.

    A class was looked for in an image where it has a true box there or is in `verified`.
    """
    return by_category("OpenImagesDetectionChallenge", [_looked_for(image) for image in images], labels, group_weight=1)


def _looked_for(image: ImageResult) -> ImageResult:
    """The image without detections of classes that nobody looked for, and without `difficult` flags."""
    classes = np.asarray(image.true_classes)
    if image.verified is not None:
        classes = np.union1d(classes, np.asarray(image.verified))
    kept = np.isin(image.classes, classes)
    return replace(
        image,
        boxes=image.boxes[kept],
        scores=image.scores[kept],
        classes=image.classes[kept],
        difficult=None,
    )
