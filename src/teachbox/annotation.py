"""The JSON that travels: tasks in Prodigy's `image_manual` form, their spans, answers and predictions.

A task is a plain dict, since recipes of one's own add keys; the TypedDicts name the keys that Teachbox reads.
Points and sizes are pixels of the original, upright image (EXIF orientation applied).
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple, NotRequired, TypedDict

import numpy as np
from numpy.typing import NDArray

from teachbox.errors import DataError

Answer = Literal["accept", "reject", "ignore"]
ANSWERS: tuple[Answer, ...] = ("accept", "reject", "ignore")

CANDIDATES = "candidates"
Task = dict[str, Any]
"""`image` (URL), `path` (of the original file), `width`, `height`, `spans`, `meta` (`file`: the file's name),
`_input_hash`, `_task_hash`; a predicted one has the model's `version` and `candidates`, predicted boxes below the
threshold, which are none of its spans unless a person takes them in; an answered task adds `answer`, `_session_id`,
`_timestamp`, and, where it was predicted, `replaced`: predicted spans that were changed or removed, as they were."""


class Span(TypedDict):
    """One box. Where a model predicted it, `score`, `version` and `source` (the model's name) say so, and stay when a
    person changes the box or agrees to it: then `touched` is true. `class_scores`: label → how much it is of that."""

    label: str
    x: float
    y: float
    width: float
    height: float
    points: list[list[float]]
    type: NotRequired[str]
    score: NotRequired[float]
    version: NotRequired[int]
    source: NotRequired[str]
    touched: NotRequired[bool]
    class_scores: NotRequired[dict[str, float]]


class Prediction(NamedTuple):
    """What version `version` of a model finds in one image."""

    version: int | None
    spans: list[Span]


def make_span(label: str, ymin: float, xmin: float, ymax: float, xmax: float, **extra: Any) -> Span:
    """A span with its four corners, from one box in pixels. Numpy numbers become plain floats."""
    y0, x0, y1, x1 = (round(float(value), 4) for value in (ymin, xmin, ymax, xmax))
    span: Span = {
        "label": label,
        "x": x0,
        "y": y0,
        "width": round(x1 - x0, 4),
        "height": round(y1 - y0, 4),
        "points": [[x0, y0], [x0, y1], [x1, y1], [x1, y0]],
        "type": "rect",
    }
    span.update(extra)  # type: ignore[typeddict-item]
    return span


def span_box(span: Mapping[str, Any]) -> tuple[float, float, float, float]:
    """`(ymin, xmin, ymax, xmax)` of a span in pixels: from x, y, width, height, else the hull of its points.

    Raises `DataError` where neither is there or a number is none.
    """
    try:
        if all(key in span for key in ("x", "y", "width", "height")):
            x0, y0 = float(span["x"]), float(span["y"])
            box = (y0, x0, y0 + float(span["height"]), x0 + float(span["width"]))
        else:
            xs = [float(point[0]) for point in span["points"]]
            ys = [float(point[1]) for point in span["points"]]
            box = (min(ys), min(xs), max(ys), max(xs))
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise DataError(f"span {dict(span)!r} has neither x, y, width, height nor points") from error
    if not all(math.isfinite(value) for value in box):
        raise DataError(f"span {dict(span)!r} has a coordinate that is not a number")
    return box


def span_scores(span: Mapping[str, Any]) -> dict[str, float] | None:
    """The `class_scores` of a span, label → number; None where it has none. Raises `DataError` where they are none."""
    scores = span.get("class_scores")
    if scores is None:
        return None
    if not isinstance(scores, Mapping) or not scores or not all(_is_number(score) for score in scores.values()):
        raise DataError(f"`class_scores` is {scores!r}; it must be an object with a number for each label")
    return {str(label): float(score) for label, score in scores.items()}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def task_boxes(task: Mapping[str, Any]) -> tuple[NDArray[np.float64], list[str]]:
    """Boxes (float64 [N, 4], pixels, not clipped) and labels of a task; a task without `spans` has none."""
    spans: Sequence[Mapping[str, Any]] = task.get("spans") or []
    boxes = np.array([span_box(span) for span in spans], dtype=np.float64).reshape(-1, 4)
    return boxes, [str(span.get("label", "")) for span in spans]


def input_hash(content: bytes) -> int:
    """Hash of an input's bytes as a signed 32-bit integer: the same image is the same input, whatever its name."""
    return int.from_bytes(hashlib.blake2b(content, digest_size=4).digest(), "big", signed=True)


def task_hash(input_hash: int, view_id: str, labels: Iterable[str]) -> int:
    """Hash of an input and the question put about it, as a signed 32-bit integer. Predictions do not enter it."""
    question = "\x1f".join([str(input_hash), view_id, *labels])
    return int.from_bytes(hashlib.blake2b(question.encode(), digest_size=4).digest(), "big", signed=True)


def check_answer(task: Mapping[str, Any]) -> Answer:
    """The answer of an answered task. Raises `DataError` unless task, spans and answer can be stored and trained on."""
    if not isinstance(task, Mapping):
        raise DataError(f"an answer must be an object, got {type(task).__name__}")
    where = f"task {task.get('_task_hash', '?')}"
    answer: Any = task.get("answer")
    if answer not in ANSWERS:
        raise DataError(f"`answer` is {answer!r}; it must be one of {', '.join(ANSWERS)}", where=where)
    for key in ("_input_hash", "_task_hash"):
        if not isinstance(task.get(key), int):
            raise DataError(f"`{key}` must be an integer, got {task.get(key)!r}", where=where)
    spans = task.get("spans", [])
    if not isinstance(spans, list):
        raise DataError(f"`spans` must be a list, got {type(spans).__name__}", where=where)
    for span in spans:
        if not isinstance(span, Mapping):
            raise DataError(f"a span must be an object, got {type(span).__name__}", where=where)
        span_box(span)
        if not isinstance(span.get("label"), str) or not span["label"]:
            raise DataError("a span has no label", where=where)
        span_scores(span)
    checked: Answer = answer
    return checked
