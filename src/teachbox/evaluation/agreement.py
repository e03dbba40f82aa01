"""How far several annotators agree about the boxes of one image."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from teachbox.boxes import iou

SAME_IOU = 0.5


def group_boxes(
    boxes: Sequence[NDArray[np.floating]], labels: Sequence[Sequence[str]], threshold: float = SAME_IOU
) -> list[list[int]]:
    """The object that each annotator's boxes ([N, 4] a piece, one unit for all) are of: numbers from 0, by first sight.

    Boxes of one label that overlap by an IoU of `threshold` are of one object, those that overlap most being joined
    first; no annotator has two boxes of one object.
    """
    pairs = []
    for one, other in combinations(range(len(boxes)), 2):
        shared = iou(np.asarray(boxes[one], dtype=np.float64), np.asarray(boxes[other], dtype=np.float64))
        for a, b in zip(*np.nonzero(shared >= threshold), strict=True):
            if labels[one][a] == labels[other][b]:
                pairs.append((-float(shared[a, b]), (one, int(a)), (other, int(b))))
    members = {(who, at): [(who, at)] for who, rows in enumerate(boxes) for at in range(len(rows))}
    for _, one_box, other_box in sorted(pairs):
        first, second = members[one_box], members[other_box]
        if {who for who, _ in first}.isdisjoint(who for who, _ in second):
            joined = [*first, *second]
            members.update(dict.fromkeys(joined, joined))
    numbers: dict[int, int] = {}
    return [
        [numbers.setdefault(id(members[who, at]), len(numbers)) for at in range(len(rows))]
        for who, rows in enumerate(boxes)
    ]


def agreement(groups: Sequence[Sequence[Hashable]]) -> float | None:
    """Mean over pairs of annotators of 2 × shared objects / all their boxes, 0 to 1; two who drew nothing agree.

    This is the F1 score of one against the other (Dice coefficient). None for fewer than two annotators.
    """
    scores = [
        2 * len(set(one) & set(other)) / (len(one) + len(other)) if len(one) + len(other) else 1.0
        for one, other in combinations(groups, 2)
    ]
    return sum(scores) / len(scores) if scores else None
