"""Average precision at one overlap, by category: Pascal VOC's metrics, and what the Open Images metrics share."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from teachbox.evaluation.pascal_matching import MATCHING_IOU, Floats, Judged, best_first, iou, judge
from teachbox.evaluation.results import ImageResult


@dataclass(frozen=True)
class Counted:
    """What the images say about one category."""

    truths: float
    """How many true boxes there are to be found; a group counts what a group counts."""
    judged: Judged
    """The detections that count, of all images in their order."""
    images: int
    """In how many images the category is."""
    located: int
    """In how many of them its best detection lies on a true box."""

    @property
    def cor_loc(self) -> float:
        """The share of images with the category where its best detection is right; NaN where there are none."""
        return self.located / self.images if self.images else float("nan")


@dataclass(frozen=True)
class Curve:
    """Precision and recall, detection by detection from the best score on."""

    precision: Floats
    """[D]"""
    recall: Floats
    """[D], never falling."""
    scores: Floats
    """[D], never rising: of the detection that each point comes with."""

    def between(self, low: float, high: float) -> Curve:
        """The part with `low` <= recall <= `high`."""
        kept = (self.recall >= low) & (self.recall <= high)
        return Curve(self.precision[kept], self.recall[kept], self.scores[kept])

    def raised(self) -> tuple[Floats, Floats]:
        """[D + 2] each: recall from 0 to 1, and the best precision there or at a higher recall."""
        recall = np.concatenate([[0.0], self.recall, [1.0]])
        precision = np.concatenate([[0.0], self.precision, [0.0]])
        return recall, np.maximum.accumulate(precision[::-1])[::-1]

    def average_precision(self) -> float:
        """The area under the curve, each precision raised to the best one at a higher recall."""
        recall, precision = self.raised()
        return float(np.sum(np.diff(recall) * precision[1:]))


def count(
    images: Sequence[ImageResult], categories: int, group_weight: float = 0.0, matching_iou: float = MATCHING_IOU
) -> list[Counted]:
    """Category by category, ids 1 … `categories`: judge all detections of the `images`."""
    showing: dict[int, list[ImageResult]] = {category: [] for category in range(1, categories + 1)}
    for image in images:
        for id in {*np.asarray(image.true_classes).tolist(), *np.asarray(image.classes).tolist()} & showing.keys():
            showing[id].append(image)
    return [_count_one(shown, category, group_weight, matching_iou) for category, shown in showing.items()]


def curve(counted: Sequence[Counted]) -> Curve | None:
    """The curve of some categories together; None where they have nothing to be found."""
    truths = sum(one.truths for one in counted)
    if not truths:
        return None
    scores = np.concatenate([one.judged.scores for one in counted])
    order = best_first(scores)
    right = np.concatenate([one.judged.right for one in counted])[order]
    hits = np.cumsum(right)
    misses = np.cumsum(right <= 0)
    return Curve(hits / (hits + misses), hits / truths, scores[order])


def by_category(
    prefix: str,
    images: Sequence[ImageResult],
    labels: Mapping[int, str],
    *,
    group_weight: float = 0.0,
    weighted: bool = False,
    recall: tuple[float, float] = (0.0, 1.0),
) -> dict[str, float]:
    """`<prefix>_Precision/mAP@0.5IOU` and `<prefix>_PerformanceByCategory/AP@0.5IOU/<category>`.

    NaN where there is nothing to be found. `weighted`: all categories make one curve, so that the frequent ones
    weigh more. `recall`: only this part of the curves counts; the name says so.
    """
    counted = count(images, _categories(images, labels), group_weight)
    # What is found of a category that no image has does not count in any mean.
    present = [one for one in counted if one.truths]
    average = [_average_precision(curve([one]), recall) for one in counted]
    defined = [value for value in average if not np.isnan(value)]
    if weighted:
        mean = _average_precision(curve(present), recall)
    else:
        mean = float(np.mean(defined)) if defined else float("nan")
    part = "" if recall == (0, 1) else f"@[{recall[0]:.1f},{recall[1]:.1f}]Recall"
    return {f"{prefix}_Precision/mAP@{MATCHING_IOU}IOU{part}": mean} | {
        f"{prefix}_PerformanceByCategory/AP@{MATCHING_IOU}IOU/{name}": average[id - 1]
        for id, name in sorted(labels.items())
    }


def pascal_voc_metrics(images: Sequence[ImageResult], labels: Mapping[int, str]) -> dict[str, float]:
    """Pascal VOC's metrics, boxes marked difficult left out; `labels`: id from 1 → name."""
    return by_category("PascalBoxes", _without_groups(images), labels)


def weighted_pascal_voc_metrics(images: Sequence[ImageResult], labels: Mapping[int, str]) -> dict[str, float]:
    """The same, the mean over categories weighted by how many boxes they have."""
    return by_category("WeightedPascalBoxes", _without_groups(images), labels, weighted=True)


def precision_at_recall_metrics(
    images: Sequence[ImageResult], labels: Mapping[int, str], low: float = 0.0, high: float = 1.0
) -> dict[str, float]:
    """The same as Pascal VOC's, of the part of each curve with a recall from `low` to `high` alone."""
    return by_category("PrecisionAtRecallBoxes", _without_groups(images), labels, recall=(low, high))


def _categories(images: Sequence[ImageResult], labels: Mapping[int, str]) -> int:
    """The highest id that any true box or label has."""
    return max(itertools.chain(labels, (int(id) for image in images for id in image.true_classes)), default=0)


def _average_precision(found: Curve | None, recall: tuple[float, float]) -> float:
    if found is None:
        return float("nan")
    return (found if recall == (0, 1) else found.between(*recall)).average_precision()


def _count_one(images: Sequence[ImageResult], category: int, group_weight: float, matching_iou: float) -> Counted:
    truths = 0.0
    with_it = located = 0
    judged = [Judged(np.zeros(0), np.zeros(0))]
    for image in images:
        true_rows = np.asarray(image.true_classes) == category
        # A detection without width or height is none.
        rows = (np.asarray(image.classes) == category) & np.all(image.boxes[:, :2] < image.boxes[:, 2:], axis=1)
        truth = np.asarray(image.true_boxes[true_rows], np.float64)
        boxes = np.asarray(image.boxes[rows], np.float64)
        scores = np.asarray(image.scores[rows], np.float64)
        difficult = _flags(image.difficult, len(true_rows))[true_rows]
        group_of = _flags(image.group_of, len(true_rows))[true_rows]
        truths += np.sum(~difficult & ~group_of) + group_weight * np.sum(~difficult & group_of)
        if len(truth):
            with_it += 1
            located += bool(len(boxes)) and bool(np.any(iou(boxes[[scores.argmax()]], truth) >= matching_iou))
        if len(boxes):
            judged.append(judge(boxes, scores, truth, difficult, group_of, group_weight, matching_iou))
    together = Judged(
        np.concatenate([one.scores for one in judged]),
        np.concatenate([one.right for one in judged]),
    )
    return Counted(float(truths), together, with_it, located)


def _flags(given: NDArray[np.bool_] | None, length: int) -> NDArray[np.bool_]:
    """[length]: the flags, none set where None is given."""
    return np.zeros(length, np.bool_) if given is None else np.asarray(given, np.bool_)


def _without_groups(images: Sequence[ImageResult]) -> list[ImageResult]:
    """Pascal VOC knows no groups: their boxes are boxes like any other."""
    return [replace(image, group_of=None) for image in images]
