"""What a person did to the boxes that the model had predicted, told from the answer alone.

An answer holds the predicted boxes that were left as they were (those of its `spans` with a `score` that nobody
`touched`) and, under `replaced`, those that were changed, agreed to or removed, as the model had them: together, what
was predicted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from teachbox.annotation import Task, span_box
from teachbox.boxes import iou
from teachbox.errors import DataError

REPLACED = "replaced"
MATCHING_IOU = 0.5
"""A predicted box lies on a final one from this overlap on, as in Pascal VOC; below, it was another object."""

Spans = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Correction:
    """How many boxes were kept, moved or resized, given another label, removed, and added by hand."""

    kept: int
    moved: int
    relabelled: int
    removed: int
    added: int
    disagreement: float
    """From 0, the final boxes are the predicted ones, to 1, nothing of them is left: see `compare`."""

    @property
    def untouched(self) -> bool:
        """Whether every box is as it was predicted, and no other is there."""
        return not (self.moved or self.relabelled or self.removed or self.added)


def correction_of(answer: Task) -> Correction | None:
    """What was done to the boxes of an answered task; None where it was not accepted, or nothing was predicted."""
    replaced = answer.get(REPLACED)
    if answer.get("answer") != "accept" or not isinstance(replaced, list):
        return None
    final: Spans = answer.get("spans") or []
    try:
        return compare([*(span for span in final if "score" in span and not span.get("touched")), *replaced], final)
    except (DataError, TypeError):
        # It came from elsewhere, and `replaced` means something else there.
        return None


def compare(predicted: Spans, final: Spans) -> Correction:
    """What has become of predicted boxes.

    Boxes are paired one to one: first those that are the same, then those with one label that overlap by
    `MATCHING_IOU` or more, the largest overlap first, then so those with different labels. With the overlaps `q` of the
    pairs that have one label, the disagreement is `1 - 2 * sum(q) / (len(predicted) + len(final))`, which is one minus
    the panoptic quality (Kirillov et al. 2019) over all classes together; it is 0 where both are empty.
    """
    same = Counter(map(_key, predicted)) & Counter(map(_key, final))
    left, right = _without(predicted, same), _without(final, same)
    kept = same.total()
    overlaps = iou(_boxes(left), _boxes(right))
    labels = [np.array([span["label"] for span in spans], dtype=object) for spans in (left, right)]
    one_label = labels[0][:, None] == labels[1][None, :]
    moved = _pairs(np.where(one_label, overlaps, 0))
    for row, column in moved:
        overlaps[row] = overlaps[:, column] = 0
    relabelled = _pairs(np.where(one_label, 0, overlaps))
    paired = len(moved) + len(relabelled)
    everything = len(predicted) + len(final)
    quality = kept + sum(moved.values())
    return Correction(
        kept=kept,
        moved=len(moved),
        relabelled=len(relabelled),
        removed=len(left) - paired,
        added=len(right) - paired,
        disagreement=max(0.0, 1 - 2 * quality / everything) if everything else 0.0,
    )


def _pairs(overlaps: np.ndarray) -> dict[tuple[int, int], float]:
    """Rows and columns paired one to one, the largest overlap first, none below `MATCHING_IOU`: pair → overlap."""
    rows, columns = np.nonzero(overlaps >= MATCHING_IOU)
    values = overlaps[rows, columns]
    pairs: dict[tuple[int, int], float] = {}
    used_rows: set[int] = set()
    used_columns: set[int] = set()
    for place in np.argsort(-values, kind="stable"):
        row, column = int(rows[place]), int(columns[place])
        if row not in used_rows and column not in used_columns:
            used_rows.add(row)
            used_columns.add(column)
            pairs[row, column] = float(values[place])
    return pairs


def _key(span: Mapping[str, Any]) -> tuple[Any, ...]:
    """What makes two boxes the same: their label and place, to a hundredth of a pixel."""
    return (span["label"], *(round(side, 2) for side in span_box(span)))


def _without(spans: Spans, taken: Counter[tuple[Any, ...]]) -> list[Mapping[str, Any]]:
    remaining = Counter(taken)
    left = []
    for span in spans:
        key = _key(span)
        if remaining[key] > 0:
            remaining[key] -= 1
        else:
            left.append(span)
    return left


def _boxes(spans: Spans) -> np.ndarray:
    return np.array([span_box(span) for span in spans], dtype=np.float64).reshape(-1, 4)
