"""A dataset out of the store as JSONL, and what it holds, in numbers. The way in is `Store.add_answers`."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, TextIO

from teachbox.annotation import Answer, Task
from teachbox.store.records import StoredMetrics, StoredRun, StoredVersion
from teachbox.store.store import Store

_LINE_SEPARATORS = "\x85\u2028\u2029"


def json_line(task: Task) -> str:
    """The task as one line of JSONL that any reader takes for one line."""
    # Half a surrogate pair has no UTF-8; its escape is the same string in JSON.
    text = json.dumps(task, ensure_ascii=False).encode("utf-8", "backslashreplace").decode()
    # Allowed in JSON as they are, but many readers end a line there.
    for separator in _LINE_SEPARATORS:
        text = text.replace(separator, f"\\u{ord(separator):04x}")
    return text + "\n"


def export(store: Store, dataset: str, file: TextIO, answer: Answer | None = None) -> int:
    """Write the effective answers of a dataset to `file` as JSONL and return how many; `answer` keeps one kind."""
    count = 0
    for stored in store.iter_effective_answers(dataset, answer):
        file.write(json_line(stored.task))
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
