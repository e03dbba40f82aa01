"""Which detections of one class in one image are right, by the rules of Pascal VOC and of Open Images."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

MATCHING_IOU = 0.5
"""How much a detection and a true box must overlap, in every metrics set of this family: intersection over union."""


@dataclass(frozen=True)
class Judged:
    """The detections that count, best first, and after them the true groups that were found."""

    scores: Floats
    """[D]"""
    right: Floats
    """[D]: 1 right, 0 wrong; a group that was found counts what a group counts."""


def intersections(one: Floats, other: Floats) -> Floats:
    """[N, M]: the area that boxes [N, 4] and [M, 4], `[ymin, xmin, ymax, xmax]`, have in common."""
    low = np.maximum(one[:, None, :2], other[None, :, :2])
    high = np.minimum(one[:, None, 2:], other[None, :, 2:])
    sides: Floats = np.clip(high - low, 0, None)
    areas: Floats = sides.prod(axis=2)
    return areas


def iou(one: Floats, other: Floats) -> Floats:
    """[N, M]: intersection over union of boxes [N, 4] and [M, 4]."""
    common = intersections(one, other)
    union = _areas(one)[:, None] + _areas(other)[None, :] - common
    return _ratio(common, union)


def share_inside(one: Floats, other: Floats) -> Floats:
    """[N, M]: how much of each box of `one` [N, 4] lies in each of `other` [M, 4], as a share of its area."""
    return _ratio(intersections(one, other), np.broadcast_to(_areas(one)[:, None], (len(one), len(other))))


def judge(
    boxes: Floats,
    scores: Floats,
    truth: Floats,
    difficult: Flags,
    group_of: Flags,
    group_weight: float = 0.0,
    matching_iou: float = MATCHING_IOU,
) -> Judged:
    """Judge detections `boxes` [N, 4] with `scores` [N] by the true boxes `truth` [M, 4] of the same class.

    In the order of their scores each detection takes the true box that it overlaps most; a box that is taken
    already makes it wrong. One at a `difficult` [M] box does not count. One that is none of these and lies in
    a `group_of` [M] box does not count either; the group counts as found once, with the best such score, where
    `group_weight` is not 0.
    """
    order = best_first(scores)
    boxes, scores = boxes[order], scores[order]
    right = np.zeros(len(boxes), np.bool_)
    ignored = np.zeros(len(boxes), np.bool_)

    alone = truth[~group_of]
    if len(alone):
        overlap = iou(boxes, alone)
        hard = difficult[~group_of]
        taken = np.zeros(len(alone), np.bool_)
        for row, column in enumerate(overlap.argmax(axis=1)):
            if overlap[row, column] < matching_iou:
                continue
            if hard[column]:
                ignored[row] = True
            elif not taken[column]:
                right[row] = taken[column] = True

    groups = truth[group_of]
    group_scores = np.zeros(len(groups))
    if len(groups):
        inside = share_inside(boxes, groups)
        for row, column in enumerate(inside.argmax(axis=1)):
            if not right[row] and not ignored[row] and inside[row, column] >= matching_iou:
                ignored[row] = True
                group_scores[column] = max(group_scores[column], scores[row])

    found = group_scores[group_scores > 0] if group_weight > 0 else np.zeros(0)
    return Judged(
        np.concatenate([scores[~ignored], found]),
        np.concatenate([right[~ignored].astype(np.float64), np.full(len(found), group_weight)]),
    )


def best_first(scores: Floats) -> NDArray[np.intp]:
    """[N]: the rows from the highest of the `scores` [N] to the lowest; of equal ones the last first."""
    return np.argsort(scores, kind="stable")[::-1]


def _areas(boxes: Floats) -> Floats:
    areas: Floats = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    return areas


def _ratio(part: Floats, whole: Floats) -> Floats:
    """`part / whole`, 0 where the whole is nothing."""
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
