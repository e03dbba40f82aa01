"""An evaluation as text: a table for people, JSON for programs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from teachbox.evaluation.classes import ClassSummary
from teachbox.evaluation.coco import UNDEFINED
from teachbox.evaluation.summary import Summary

HEADINGS = (
    "class",
    "images",
    "true",
    "detected",
    "right",
    "other label",
    "missed",
    "false",
    "precision",
    "recall",
    "AP",
    "best F1",
    "from score",
)
"""What the cells of `class_cells` are."""


def table(summary: Summary, about: Mapping[str, str]) -> str:
    """What was evaluated, every metric, and a line for each class that is anywhere."""
    width = max(map(len, about), default=0)
    lines = [f"{name:<{width}}  {value}" for name, value in about.items()]
    lines += ["", *_aligned([("metric", "value"), *((name, metric(value)) for name, value in summary.metrics.items())])]
    shown = shown_classes(summary)
    lines += ["", thresholds_text(summary), *_aligned([HEADINGS, *map(class_cells, [*shown, summary.together])])]
    hidden = len(summary.classes) - len(shown)
    if hidden:
        lines += [f"({hidden} more classes are neither in the images nor detected.)"]
    return "\n".join(lines) + "\n"


def thresholds_text(summary: Summary) -> str:
    """The thresholds of the counts, as a sentence."""
    at = summary.thresholds
    return f"Detections with a score from {at.score:g} on; right from an overlap (IoU) of {at.iou:g} on:"


def shown_classes(summary: Summary) -> list[ClassSummary]:
    """The classes that are in the images, and then those that were only detected."""
    found = [one for one in summary.classes if one.images or one.detections]
    return sorted(found, key=lambda one: not one.images)


def class_cells(one: ClassSummary) -> tuple[str, ...]:
    """A class under the `HEADINGS`; `–` where there is nothing to count."""
    best = one.best()
    return (
        one.name,
        *(str(number) for number in (one.images, one.true_boxes, one.detections, one.right)),
        *(str(number) for number in (one.confused, one.missed, one.false)),
        *(share(value) for value in (one.precision, one.recall, one.average_precision)),
        share(math.nan if best is None else best.f1),
        share(math.nan if best is None else best.score),
    )


def metric(value: float) -> str:
    """A metric with four places; `–` where it has nothing to count."""
    return "–" if math.isnan(value) or value == UNDEFINED else f"{value:.4f}"


def share(value: float) -> str:
    """A number from 0 to 1 with three places; `–` for none."""
    return "–" if math.isnan(value) else f"{value:.3f}"


def as_json(summary: Summary, about: Mapping[str, str]) -> dict[str, Any]:
    """All numbers as JSON has them: None where a number has nothing to count (COCO's own are -1 there)."""
    names = [one.name for one in summary.classes]
    return {
        "about": dict(about),
        "images": summary.images,
        "metrics": {name: _number(value) for name, value in summary.metrics.items()},
        "score_threshold": summary.thresholds.score,
        "iou_threshold": summary.thresholds.iou,
        "classes": [_class(one) for one in summary.classes],
        "all": _class(summary.together),
        "confusion_matrix": {
            "rows": "true",
            "columns": "detected",
            "labels": [*names, None],
            "counts": summary.matrix.tolist(),
        },
        "worst_images": [
            {
                "image": one.image.name,
                "error": one.error,
                "right": len(one.matched.right),
                "other_label": len(one.matched.confused),
                "missed": len(one.matched.missed),
                "false": len(one.matched.false),
            }
            for one in summary.worst
        ],
        "unknown_classes": {str(id): count for id, count in summary.unknown.items()},
    }


def _class(one: ClassSummary) -> dict[str, Any]:
    best = one.best()
    return {
        "name": one.name,
        "images": one.images,
        "true_boxes": one.true_boxes,
        "detections": one.detections,
        "right": one.right,
        "other_label": one.confused,
        "missed": one.missed,
        "false": one.false,
        "precision": _number(one.precision),
        "recall": _number(one.recall),
        "average_precision": _number(one.average_precision),
        "best_f1": None if best is None else best.f1,
        "best_f1_score": None if best is None else best.score,
    }


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """The rows as lines, the first column to the left and the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [f"{cell:>{width}}" for cell, width in zip(row[1:], widths[1:], strict=True)]
        yield "  ".join([f"{row[0]:<{widths[0]}}", *cells])
