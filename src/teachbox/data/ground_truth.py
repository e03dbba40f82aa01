"""An annotated task → its true boxes, and the example that the detector is fed."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from teachbox import boxes as box_math
from teachbox.annotation import span_box, span_scores
from teachbox.data.examples import FLAGS, Example, Flags, Floats, Ids, one_hot
from teachbox.errors import DataError, LabelMapError
from teachbox.labels import LabelMap

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class GroundTruth:
    """The true boxes of a task: clipped to the image, normalized, degenerate ones left out."""

    boxes: Floats
    """[N, 4], `[ymin, xmin, ymax, xmax]` in 0–1."""
    texts: list[str]
    ids: Ids
    """[N], label ids, from 1."""
    weights: Floats
    flags: dict[str, Flags]
    scores: Floats | None = None
    """[N, largest id]: how much each box is of each class, by id − 1; None where no box says."""


def task_name(task: Mapping[str, Any]) -> str:
    """What messages call the task: its path, else its file's name, else its hash."""
    meta = task.get("meta")
    file = meta.get("file") if isinstance(meta, Mapping) else None
    return str(task.get("path") or file or f"task {task.get('_task_hash', '?')}")


def ground_truth(task: Mapping[str, Any], label_map: LabelMap, *, size: tuple[int, int] | None = None) -> GroundTruth:
    """The true boxes of a task; `size` (height, width) of the upright image where the task does not say it.

    Boxes are clipped; what is left without width or height is dropped with a warning that names the task.
    Raises `LabelMapError` for a label that the map does not hold, `DataError` for a task without size or of
    another size, and for scores that are no numbers.
    """
    where = task_name(task)
    height, width = _size(task, size, where)
    spans = task.get("spans") or []
    try:
        rows = np.array([span_box(span) for span in spans], dtype=np.float64).reshape(-1, 4)
    except DataError as error:
        raise DataError(error.message, where=where) from error
    normalized = box_math.normalize(box_math.clip(rows, height, width), height, width)
    keep = box_math.not_degenerate(normalized)
    for span, row, kept in zip(spans, rows.tolist(), keep, strict=True):
        if not kept:
            log.warning(
                "%s: dropped a box of %r: %s (ymin, xmin, ymax, xmax) has no width or height inside "
                "the image of %d × %d pixels",
                where,
                span.get("label"),
                row,
                width,
                height,
            )
    kept_spans = [span for span, kept in zip(spans, keep, strict=True) if kept]
    texts = [str(span.get("label", "")) for span in kept_spans]
    try:
        ids = np.array([label_map.id_of(text) for text in texts], dtype=np.int32)
    except LabelMapError as error:
        raise LabelMapError(str(error), where=where) from error
    weights = np.array([float(span.get("weight", 1)) for span in kept_spans], dtype=np.float32)
    flags = {name: np.array([bool(span.get(name)) for span in kept_spans], dtype=bool) for name in FLAGS}
    scores = _class_scores(kept_spans, ids, label_map, where)
    return GroundTruth(normalized[keep], texts, ids, weights, flags, scores)


def _class_scores(spans: Sequence[Mapping[str, Any]], ids: Ids, label_map: LabelMap, where: str) -> Floats | None:
    """Rows of spans; one that has no scores among others that have is all of its own class."""
    try:
        given = [span_scores(span) for span in spans]
        if all(scores is None for scores in given):
            return None
        rows = one_hot(ids - 1, label_map.max_id)
        for row, scores in zip(rows, given, strict=True):
            if scores is not None:
                row[:] = 0
                for label, score in scores.items():
                    row[label_map.id_of(label) - 1] = score
    except (DataError, LabelMapError) as error:
        raise type(error)(str(error), where=where) from error
    return rows


def _size(task: Mapping[str, Any], size: tuple[int, int] | None, where: str) -> tuple[int, int]:
    said = (task["height"], task["width"]) if task.get("height") and task.get("width") else None
    if said is None and size is None:
        raise DataError("the task has no `width` and `height`; boxes cannot be related to the image", where=where)
    if said is not None and size is not None and said != size:
        raise DataError(
            f"the image is {size[1]} × {size[0]} pixels and was {said[1]} × {said[0]} when annotated; "
            "its boxes would be in the wrong places",
            where=where,
        )
    found = said or size
    assert found is not None
    return found


def task_to_training_example(task: Mapping[str, Any], load: Callable[[], bytes], label_map: LabelMap) -> Example:
    """The annotated task as the detector is fed it; `load` reads its upright JPEG or PNG bytes when they are
    needed.
    """
    truth = ground_truth(task, label_map)
    key = str(task.get("_input_hash", task_name(task)))
    return Example(key, load, truth.boxes, truth.ids - 1, truth.weights, truth.flags["is_crowd"], truth.scores)
