"""What an evaluation says about one class, and about all of them together: counts at a threshold, and the curve."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from teachbox.evaluation.confusion import Counts
from teachbox.evaluation.matching import asked_for
from teachbox.evaluation.pascal import Counted, Curve, count, curve
from teachbox.evaluation.results import ImageResult

NAN = float("nan")


@dataclass(frozen=True)
class Operating:
    """A point of a curve: what comes of counting detections from `score` on."""

    score: float
    precision: float
    recall: float

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall."""
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0


@dataclass(frozen=True)
class ClassSummary:
    """One class, or all together. Numbers of boxes are those at the thresholds."""

    name: str
    images: int
    """That show it."""
    true_boxes: int
    """To be found: without difficult ones, groups and crowds."""
    detections: int
    right: int
    confused: int
    """True boxes that were found under another label."""
    missed: int
    false: int
    """Detections where nothing is to be found."""
    average_precision: float
    """The area under `curve`; of all classes together, the mean of theirs. NaN without true boxes."""
    curve: Curve | None
    """Over all scores; None without true boxes."""

    @property
    def precision(self) -> float:
        """The share of the detections that is right; NaN without any."""
        return self.right / self.detections if self.detections else NAN

    @property
    def recall(self) -> float:
        """The share of the true boxes that was found; NaN without any."""
        return self.right / self.true_boxes if self.true_boxes else NAN

    def best(self) -> Operating | None:
        """The point of the curve with the highest F1; None where nothing right was found."""
        return None if self.curve is None else best_operating(self.curve)


def best_operating(found: Curve) -> Operating | None:
    """The point with the highest F1, of equal ones that with the highest score; None where no detection is right."""
    if not len(found.scores):
        return None
    # A threshold lets in all detections of one score, or none.
    last_of_score = np.flatnonzero(np.append(found.scores[:-1] > found.scores[1:], True))
    points = [
        Operating(float(found.scores[row]), float(found.precision[row]), float(found.recall[row]))
        for row in last_of_score
    ]
    best = max(points, key=lambda point: point.f1)
    return best if best.f1 > 0 else None


def summarize_classes(
    images: Sequence[ImageResult], labels: Mapping[int, str], matrix: Counts, iou: float
) -> tuple[list[ClassSummary], ClassSummary]:
    """A summary of each class of `labels` (id from 1 → name, in the order of the rows of `matrix`), and of all."""
    counted = count([_with_groups(image) for image in images], max(labels, default=0), matching_iou=iou)
    each = [
        _summary(name, matrix[[row]], matrix[:, [row]], row, counted[id - 1], curve([counted[id - 1]]))
        for row, (id, name) in enumerate(labels.items())
    ]
    defined = [one.average_precision for one in each if one.true_boxes]
    together = ClassSummary(
        "all",
        images=len(images),
        true_boxes=sum(one.true_boxes for one in each),
        detections=sum(one.detections for one in each),
        right=sum(one.right for one in each),
        confused=sum(one.confused for one in each),
        missed=sum(one.missed for one in each),
        false=sum(one.false for one in each),
        average_precision=float(np.mean(defined)) if defined else NAN,
        curve=curve([counted[id - 1] for id in labels]),
    )
    return each, together


def _summary(
    name: str, of_truth: Counts, of_detections: Counts, own: int, counted: Counted, found: Curve | None
) -> ClassSummary:
    true_boxes, detections = int(of_truth.sum()), int(of_detections.sum())
    right, missed, false = int(of_truth[0, own]), int(of_truth[0, -1]), int(of_detections[-1, 0])
    return ClassSummary(
        name,
        images=counted.images,
        true_boxes=true_boxes,
        detections=detections,
        right=right,
        confused=true_boxes - right - missed,
        missed=missed,
        false=false,
        average_precision=NAN if found is None else found.average_precision(),
        curve=found,
    )


def _with_groups(image: ImageResult) -> ImageResult:
    """The image as `matching` sees it: a crowd is a group."""
    _, difficult, groups = asked_for(image)
    return replace(image, difficult=difficult, group_of=groups)
