"""From the metrics of an evaluation, under their public names, those that a person is shown."""

from __future__ import annotations

import re
from collections.abc import Mapping

COCO = {"DetectionBoxes_Precision/mAP": "mAP", "DetectionBoxes_Precision/mAP@.50IOU": "mAP@.50"}
_PASCAL = "_Precision/mAP@0.5IOU"
"""How the names of Pascal's means end, and those of Open Images'."""
_CLASS = re.compile(r".*_PerformanceByCategory/(?:mAP|AP@0\.5IOU)/(.+)")


def means_of(metrics: Mapping[str, float]) -> dict[str, float]:
    """The means that were measured, by the names that people call them; the one that stands for the whole first.

    COCO's two, or, where it was not measured, the first of Pascal's and Open Images'. A mean without true boxes is -1
    and left out.
    """
    found = {name: metrics[key] for key, name in COCO.items() if metrics.get(key, -1) >= 0}
    others = (metrics[key] for key in sorted(metrics) if key.endswith(_PASCAL) and metrics[key] >= 0)
    first = next(others, None)
    return found if found or first is None else {"mAP@.50": first}


def mean_of(metrics: Mapping[str, float]) -> float | None:
    """The mean average precision; None where none was measured."""
    return next(iter(means_of(metrics).values()), None)


def classes_of(metrics: Mapping[str, float]) -> dict[str, float]:
    """Average precision by class, of those that have one."""
    matched = ((_CLASS.fullmatch(name), value) for name, value in sorted(metrics.items()))
    return {found[1]: value for found, value in matched if found and value >= 0}


def overall(metrics: Mapping[str, float]) -> dict[str, float]:
    """All but those of single classes, of which there may be many."""
    return {name: value for name, value in metrics.items() if "ByCategory/" not in name}
