"""COCO detection metrics under their public names, computed by pycocotools."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from teachbox.evaluation.results import ImageResult

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
_THRESHOLDS = {".50IOU": 0, ".75IOU": 5}
_AREAS = {"(small)": 1, "(medium)": 2, "(large)": 3}
_MOST = {"1": 0, "10": 1, "100": 2}
UNDEFINED = -1.0
"""What COCO returns where a metric has nothing to count, as with no ground truth at all."""


def coco_metrics(
    images: Sequence[ImageResult],
    labels: Mapping[int, str],
    *,
    per_category: bool = False,
    all_per_category: bool = False,
) -> dict[str, float]:
    """The 12 COCO box metrics of `images` over the classes of `labels` (id from 1 → name); -1 where undefined.

    `per_category` adds `DetectionBoxes_PerformanceByCategory/mAP/<category>`, and with `all_per_category` all 12
    as `<metric> ByCategory/<category>`.
    """
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
    metrics = dict(zip(COCO_KEYS, (float(value) for value in evaluation.stats), strict=True))
    for place, category in enumerate(categories if per_category else ()):
        name = category["name"]
        metrics[f"DetectionBoxes_PerformanceByCategory/mAP/{name}"] = _of_category(evaluation, COCO_KEYS[0], place)
        for key in COCO_KEYS if all_per_category else ():
            metrics[f"{key} ByCategory/{name}"] = _of_category(evaluation, key, place)
    return metrics


def _of_category(evaluation: COCOeval, key: str, place: int) -> float:
    """The metric called `key` of one category, the one at `place` in the order of ids."""
    _, _, name = key.partition("/")
    measure, *area = name.split(" ")
    kind, _, detail = measure.partition("@")
    at = _AREAS[area[0]] if area else 0
    if kind == "mAP":
        # [IoU thresholds, recalls, categories, areas, most detections]
        values = evaluation.eval["precision"][:, :, place, at, -1]
        values = values[[_THRESHOLDS[detail]]] if detail else values
    else:
        # [IoU thresholds, categories, areas, most detections]
        values = evaluation.eval["recall"][:, place, at, _MOST[detail]]
    defined = values[values > UNDEFINED]
    return float(defined.mean()) if defined.size else UNDEFINED


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
