"""A scripted annotator: answers tasks over HTTP with boxes that are known, and tells what it was shown."""

from __future__ import annotations

import csv
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from teachbox.annotation import Task, make_span, task_boxes
from teachbox.boxes import iou
from teachbox.errors import DataError, ServingError

KnownBoxes = Mapping[str, Sequence[tuple[str, tuple[float, float, float, float]]]]
"""By file name: (label, (xmin, ymin, xmax, ymax)) in pixels."""

SAME_BOX_IOU = 0.5


@dataclass(frozen=True)
class Played:
    """One answer: what was shown, what is true, and how long the app took."""

    file: str
    task: Task
    """As it was shown."""
    version: int | None
    """Of the model whose boxes were shown; None if there were none yet."""
    known: int
    shown: int
    right: int
    """How many of the shown boxes are one of the known ones (same label, IoU at least 0.5)."""
    next_ms: float
    save_ms: float


def read_boxes(file: Path) -> dict[str, list[tuple[str, tuple[float, float, float, float]]]]:
    """The boxes of a CSV file `filename,width,height,class,xmin,ymin,xmax,ymax`, by file name."""
    known: dict[str, list[tuple[str, tuple[float, float, float, float]]]] = {}
    with file.open(newline="", encoding="utf-8") as lines:
        for number, row in enumerate(csv.DictReader(lines), start=2):
            try:
                box = (float(row["xmin"]), float(row["ymin"]), float(row["xmax"]), float(row["ymax"]))
                known.setdefault(row["filename"], []).append((row["class"], box))
            except (KeyError, TypeError, ValueError) as error:
                raise DataError(
                    f"needs filename, class, xmin, ymin, xmax, ymax ({error})", where=f"{file}:{number}"
                ) from error
    return known


def play(
    base_url: str,
    known: KnownBoxes,
    *,
    images: int | None = None,
    session_id: str = "player",
    events: Events | None = None,
    wait_prediction_s: float = 0.0,
    keep_iou: float | None = None,
) -> Iterator[Played]:
    """Answer up to `images` tasks (all, if None) with the known boxes; yields after each answer is saved.

    A file without known boxes is ignored. Shown boxes that fit well are kept, see `answer_task`. With `events`, a task
    that comes without boxes of the version that is served is given `wait_prediction_s` seconds to get them, as a
    person would who looks at it.
    """
    with httpx.Client(base_url=base_url, timeout=30.0, trust_env=False) as http:
        count = 0
        while images is None or count < images:
            started = time.perf_counter()
            tasks = _post(http, "/get_session_questions", {"session_id": session_id, "n": 1})["tasks"]
            next_ms = (time.perf_counter() - started) * 1000
            if not tasks:
                return
            for task in tasks:
                if events is not None:
                    task = events.wait_for_prediction(task, wait_prediction_s)  # noqa: PLW2901
                answer = answer_task(task, known, keep_iou)
                started = time.perf_counter()
                _post(http, "/give_answers", {"answers": [answer], "session_id": session_id})
                save_ms = (time.perf_counter() - started) * 1000
                count += 1
                yield _played(task, answer, next_ms, save_ms)


def answer_task(task: Task, known: KnownBoxes, keep_iou: float | None = None) -> Task:
    """The task accepted with its known boxes, or ignored where none are known.

    A shown box of the same label that overlaps a known one by `keep_iou` or more is kept instead, as a person leaves a
    suggestion as it is that fits well enough; without it every box is drawn anew.
    """
    file = str(task.get("meta", {}).get("file", ""))
    if file not in known:
        return {**task, "answer": "ignore"}
    spans = [make_span(label, ymin, xmin, ymax, xmax) for label, (xmin, ymin, xmax, ymax) in known[file]]
    if keep_iou is not None:
        for known_row, shown_row in _matches(task, {"spans": spans}, keep_iou).items():
            spans[known_row] = task["spans"][shown_row]
    return {**task, "spans": spans, "answer": "accept"}


def count_right(shown: Task, true: Task) -> int:
    """How many boxes of `shown` are one of `true`: same label, IoU from 0.5, each true box counted once."""
    return len(_matches(shown, true, SAME_BOX_IOU))


def _matches(shown: Task, true: Task, least_iou: float) -> dict[int, int]:
    """Row of a true box → row of the shown one that is it. The box with the highest score chooses first."""
    boxes, labels = task_boxes(shown)
    true_boxes, true_labels = task_boxes(true)
    scores = [float(span.get("score", 1.0)) for span in shown.get("spans") or []]
    overlaps = iou(boxes, true_boxes)
    free = np.ones(len(true_labels), dtype=bool)
    found: dict[int, int] = {}
    for row in sorted(range(len(labels)), key=lambda index: -scores[index]):
        fits = free & (overlaps[row] >= least_iou) & (np.array(true_labels) == labels[row])
        if fits.any():
            match = int(np.argmax(np.where(fits, overlaps[row], -1.0)))
            free[match] = False
            found[match] = row
    return found


def _played(task: Task, answer: Task, next_ms: float, save_ms: float) -> Played:
    return Played(
        file=str(task.get("meta", {}).get("file", "")),
        task=task,
        version=task.get("version"),
        known=len(answer["spans"]) if answer["answer"] == "accept" else 0,
        shown=len(task.get("spans") or []),
        right=count_right(task, answer) if answer["answer"] == "accept" else 0,
        next_ms=next_ms,
        save_ms=save_ms,
    )


def _post(http: httpx.Client, path: str, body: dict[str, Any]) -> dict[str, Any]:
    response = http.post(path, json=body)
    if response.is_error:
        raise ServingError(f"{path} answered {response.status_code}: {response.text[:300]}", where=str(http.base_url))
    result: dict[str, Any] = response.json()
    return result


@dataclass
class Events:
    """What the app's event stream tells, kept up to date by a thread: `with Events.open(url) as events:`."""

    base_url: str
    status: dict[str, Any] = field(default_factory=dict)
    predicted: dict[int, Task] = field(default_factory=dict)
    """Tasks that were predicted again while they were queued, by task hash."""

    def __post_init__(self) -> None:
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._listen, name="events", daemon=True)

    @classmethod
    def open(cls, base_url: str) -> Events:
        """Start listening."""
        events = cls(base_url)
        events._thread.start()
        return events

    def __enter__(self) -> Events:
        return self

    def __exit__(self, *_: object) -> None:
        self._closed = True

    def wait_for(self, condition: Callable[[dict[str, Any]], bool], timeout: float) -> bool:
        """Wait until the status fulfils `condition`; False if it does not within `timeout` seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: bool(self.status) and condition(self.status), timeout)

    def wait_for_prediction(self, task: Task, timeout: float) -> Task:
        """The task with boxes of the version that is served now, or as it is after `timeout` seconds."""

        def newest() -> Task:
            told = self.predicted.get(task["_task_hash"], task)
            return told if (told.get("version") or 0) > (task.get("version") or 0) else task

        with self._changed:
            wanted = self.status.get("served_version") or 1
            self._changed.wait_for(lambda: (newest().get("version") or 0) >= wanted, timeout)
            return newest()

    def _listen(self) -> None:
        with httpx.Client(base_url=self.base_url, timeout=None, trust_env=False) as http:
            while not self._closed:
                try:
                    with http.stream("GET", "/events") as response:
                        self._read(response.iter_lines())
                except httpx.HTTPError:
                    with self._changed:
                        self._changed.wait_for(lambda: self._closed, 0.2)

    def _read(self, lines: Iterator[str]) -> None:
        kind = ""
        for line in lines:
            if self._closed:
                return
            if line.startswith("event:"):
                kind = line.removeprefix("event:").strip()
            elif line.startswith("data:"):
                self._take(kind, json.loads(line.removeprefix("data:")))

    def _take(self, kind: str, data: dict[str, Any]) -> None:
        with self._changed:
            if kind == "status":
                self.status = data
            elif kind == "task":
                self.predicted[data["_task_hash"]] = data
            self._changed.notify_all()
