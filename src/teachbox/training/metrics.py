"""COCO detection metrics under their public names, computed by pycocotools."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

# In the order in which pycocotools summarizes.
COCO_KEYS = (
    "DetectionBoxes_Precision/mAP",
    "DetectionBoxes_Precision/mAP@.50IOU",
    "DetectionBoxes_Precision/mAP@.75IOU",
    "DetectionBoxes_Precision/mAP (small)",
    "DetectionBoxes_Precision/mAP (medium)",
    "DetectionBoxes_Precision/mAP (large)",
    "DetectionBoxes_Recall/AR@1",
    "DetectionBoxes_Recall/AR@10",
    "DetectionBoxes_Recall/AR@100",
    "DetectionBoxes_Recall/AR@100 (small)",
    "DetectionBoxes_Recall/AR@100 (medium)",
    "DetectionBoxes_Recall/AR@100 (large)",
)
UNDEFINED = -1.0
"""What COCO returns where a metric has nothing to count, as with no ground truth at all."""


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


def coco_metrics(images: Sequence[ImageResult], labels: Mapping[int, str]) -> dict[str, float]:
    """The 12 COCO box metrics of `images` over the classes of `labels` (id from 1 → name); -1 where undefined."""
    truth: list[dict[str, Any]] = []
    found: list[dict[str, Any]] = []
    for place, image in enumerate(images, 1):
        crowd = image.crowd if image.crowd is not None else np.zeros(len(image.true_boxes), np.bool_)
        for box, category, is_crowd in zip(image.true_boxes, image.true_classes, crowd, strict=True):
            row = _row(place, box, category)
            truth.append(row | {"id": len(truth) + 1, "iscrowd": int(is_crowd)})
        for box, category, score in zip(image.boxes, image.classes, image.scores, strict=True):
            found.append(_row(place, box, category) | {"id": len(found) + 1, "iscrowd": 0, "score": float(score)})

    ids = [{"id": place} for place in range(1, len(images) + 1)]
    categories = [{"id": id, "name": name} for id, name in sorted(labels.items())]
    with contextlib.redirect_stdout(io.StringIO()):  # pycocotools prints as it goes
        evaluation = COCOeval(_index(ids, categories, truth), _index(ids, categories, found), iouType="bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return dict(zip(COCO_KEYS, (float(value) for value in evaluation.stats), strict=True))


def _row(image: int, box: NDArray[np.floating], category: int) -> dict[str, Any]:
    ymin, xmin, ymax, xmax = (float(value) for value in box)
    height, width = ymax - ymin, xmax - xmin
    return {
        "image_id": image,
        "category_id": int(category),
        "bbox": [xmin, ymin, width, height],
        "area": height * width,
    }


def _index(images: list[dict[str, Any]], categories: list[dict[str, Any]], rows: list[dict[str, Any]]) -> COCO:
    """An index over `rows`; `COCO.loadRes` would do for detections, were it not for the case without any."""
    index = COCO()
    index.dataset = {"images": images, "categories": categories, "annotations": rows}
    index.createIndex()
    return index
