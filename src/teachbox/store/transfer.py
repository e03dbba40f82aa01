"""Datasets out of the store as JSONL and back in, and what a dataset holds, in numbers."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, TextIO

from teachbox.annotation import Answer, Task
from teachbox.errors import DataError
from teachbox.store.records import StoredMetrics, StoredRun, StoredVersion
from teachbox.store.store import Store


def read_tasks(lines: Iterable[str], *, where: str) -> Iterator[tuple[str, Task]]:
    """Tasks of a JSONL file, each with the place it stands at (`file:line`). Raises `DataError` naming the line."""
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        place = f"{where}:{number}"
        try:
            task = json.loads(line)
        except json.JSONDecodeError as error:
            raise DataError(f"not JSON: {error.msg} at column {error.colno}", where=place) from error
        if not isinstance(task, dict):
            raise DataError(f"a line must be an object, got {type(task).__name__}", where=place)
        yield place, task


def import_tasks(store: Store, dataset: str, session_id: str, tasks: Iterable[Task], answer: Answer = "accept") -> int:
    """Add annotated tasks to a dataset, all or none, and return how many; one without an `answer` gets `answer`.

    What a task says about who answered it and when is kept. Raises `DataError` for one that cannot be stored.
    """
    answered = [{**task, "answer": task.get("answer", answer)} for task in tasks]
    store.add_dataset(dataset)
    store.add_answers(dataset, session_id, answered)
    store.add_tasks(dataset, [_as_asked(task) for task in answered])
    return len(answered)


def _as_asked(task: Task) -> Task:
    answer_keys = ("answer", "_answer_key", "_session_id", "_timestamp", "_annotator")
    return {key: value for key, value in task.items() if key not in answer_keys}


def export(store: Store, dataset: str, file: TextIO, answer: Answer | None = None) -> int:
    """Write the effective answers of a dataset to `file` as JSONL and return how many; `answer` keeps one kind."""
    count = 0
    for stored in store.iter_effective_answers(dataset, answer):
        # Half a surrogate pair has no UTF-8; its escape is the same string in JSON.
        text = json.dumps(stored.task, ensure_ascii=False).encode("utf-8", "backslashreplace").decode()
        file.write(text + "\n")
        count += 1
    return count


@dataclass(frozen=True)
class DatasetStats:
    """What a dataset holds. `labels` counts boxes in accepted answers."""

    answers: dict[str, int]
    sessions: dict[str, int]
    labels: dict[str, int] = field(default_factory=dict)
    last_run: StoredRun | None = None
    last_version: StoredVersion | None = None
    last_metrics: StoredMetrics | None = None


def stats(store: Store, dataset: str) -> DatasetStats:
    """Count what a dataset holds; reads every accepted answer."""
    labels: Counter[str] = Counter()
    for stored in store.iter_effective_answers(dataset, "accept"):
        spans: list[dict[str, Any]] = stored.task.get("spans") or []
        labels.update(str(span.get("label", "")) for span in spans)
    runs, versions = store.runs(dataset), store.versions(dataset)
    return DatasetStats(
        answers=store.answer_counts(dataset),
        sessions=store.session_counts(dataset),
        labels=dict(labels.most_common()),
        last_run=runs[-1] if runs else None,
        last_version=versions[-1] if versions else None,
        last_metrics=store.last_evaluation(dataset),
    )
