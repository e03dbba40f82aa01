"""What became of every box of one image at one threshold: found, under another label, missed, or not there at all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from teachbox.evaluation.pascal_matching import MATCHING_IOU, Flags, best_first, iou, share_inside
from teachbox.evaluation.results import ImageResult


@dataclass(frozen=True)
class Thresholds:
    """From which score on a detection counts, and from which overlap on it lies on a true box."""

    score: float = 0.5
    iou: float = MATCHING_IOU


class Pair(NamedTuple):
    """A true box and the detection on it, as rows of an `ImageResult`."""

    truth: int
    detection: int


@dataclass(frozen=True)
class Matched:
    """Each true box that is asked for stands in `right`, `confused` or `missed`, and in one of them only.

    So does each detection that counts, in `right`, `confused` or `false`; those `set_aside` do not count.
    """

    right: list[Pair] = field(default_factory=list)
    confused: list[Pair] = field(default_factory=list)
    """The detection is of another class than the true box."""
    missed: list[int] = field(default_factory=list)
    """Rows of true boxes."""
    false: list[int] = field(default_factory=list)
    """Rows of detections."""
    set_aside: list[int] = field(default_factory=list)
    """Rows of detections on difficult boxes, or inside a group or a crowd, of their own class."""


def match(image: ImageResult, thresholds: Thresholds) -> Matched:
    """Match the detections of one image with its true boxes.

    First class by class, by the rules of Pascal VOC: in the order of their scores each detection takes the true box
    that it overlaps most; a second one at the same box is a mistake. What is left over of both is then matched across
    classes, again the best score first: the box was found under another label.
    """
    asked, difficult, groups = asked_for(image)
    truth = np.asarray(image.true_boxes, np.float64).reshape(-1, 4)
    true_classes = np.asarray(image.true_classes)
    boxes = np.asarray(image.boxes, np.float64).reshape(-1, 4)
    classes = np.asarray(image.classes)
    overlap = iou(boxes, truth)
    same = classes[:, None] == true_classes[None, :]
    on_box = np.where(same & ~groups, overlap, -1.0)
    in_group = np.any((share_inside(boxes, truth) >= thresholds.iou) & same & groups, axis=1)

    matched = Matched()
    free = asked.copy()
    left = []
    for row in _that_count(image, thresholds):
        best = int(on_box[row].argmax()) if len(truth) else 0
        lies_on = len(truth) > 0 and on_box[row, best] >= thresholds.iou
        if lies_on and free[best]:
            free[best] = False
            matched.right.append(Pair(best, row))
        elif (lies_on and difficult[best]) or in_group[row]:
            matched.set_aside.append(row)
        else:
            left.append(row)
    for row in left:
        elsewhere = np.where(free & ~same[row], overlap[row], -1.0)
        best = int(elsewhere.argmax()) if len(truth) else 0
        if len(truth) and elsewhere[best] >= thresholds.iou:
            free[best] = False
            matched.confused.append(Pair(best, row))
        else:
            matched.false.append(row)
    matched.missed.extend(np.flatnonzero(free).tolist())
    return matched


def error_score(matched: Matched, scores: NDArray[np.floating]) -> float:
    """How wrong an image is: 1 for each box missed or found under another label, and each false detection's score."""
    return len(matched.missed) + len(matched.confused) + float(sum(scores[row] for row in matched.false))


def asked_for(image: ImageResult) -> tuple[Flags, Flags, Flags]:
    """Which true boxes are to be found; which are difficult; which are no single object, but a group or a crowd."""
    length = len(image.true_classes)
    difficult = _flags(image.difficult, length)
    groups = _flags(image.group_of, length) | _flags(image.crowd, length)
    return ~(difficult | groups), difficult & ~groups, groups


def _that_count(image: ImageResult, thresholds: Thresholds) -> Iterator[int]:
    """Rows of the detections that count, the best first; one without width or height is none."""
    boxes = np.asarray(image.boxes).reshape(-1, 4)
    for row in best_first(np.asarray(image.scores, np.float64)).tolist():
        if image.scores[row] >= thresholds.score and np.all(boxes[row, :2] < boxes[row, 2:]):
            yield row


def _flags(given: Flags | None, length: int) -> Flags:
    return np.zeros(length, np.bool_) if given is None else np.asarray(given, np.bool_)
