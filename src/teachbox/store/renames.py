"""What is read from the store, told under the names that its labels have today; what was written stays as it was."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, select

from teachbox.annotation import Task
from teachbox.store.schema import label_names, labels

_SPANS = ("spans", "candidates", "replaced")


def renames(connection: Connection, dataset_id: int) -> dict[str, str]:
    """Older name → the label's name today, of those that have changed."""
    query = (
        select(label_names.c.name, labels.c.name)
        .join(labels, (labels.c.dataset_id == label_names.c.dataset_id) & (labels.c.label_id == label_names.c.label_id))
        .where(label_names.c.dataset_id == dataset_id, label_names.c.name != labels.c.name)
    )
    return {row[0]: row[1] for row in connection.execute(query)}


def renamed(task: Task, names: Mapping[str, str]) -> Task:
    """The task with its labels under the names of today; the very task where that changes nothing."""
    if not names:
        return task
    asked = task.get("label")
    changed: Task = {"label": names[asked]} if isinstance(asked, str) and asked in names else {}
    for key in _SPANS:
        spans = task.get(key)
        if not isinstance(spans, list):
            continue
        told = [_renamed_span(span, names) for span in spans]
        if any(now is not before for now, before in zip(told, spans, strict=True)):
            changed[key] = told
    return {**task, **changed} if changed else task


def renamed_metrics(metrics: Mapping[str, float], names: Mapping[str, str]) -> dict[str, float]:
    """Metrics, those of single classes (`…ByCategory/mAP/raccoon`) under the names of today."""
    found = {}
    for metric, value in metrics.items():
        old = next((old for old in names if "ByCategory/" in metric and metric.endswith(f"/{old}")), None)
        found[metric if old is None else metric.removesuffix(old) + names[old]] = value
    return found


def _renamed_span(span: Any, names: Mapping[str, str]) -> Any:
    """The very span where nothing in it has an older name."""
    if not isinstance(span, Mapping):
        return span
    changed: dict[str, Any] = {}
    if span.get("label") in names:
        changed["label"] = names[span["label"]]
    scores = span.get("class_scores")
    if isinstance(scores, Mapping) and any(label in names for label in scores):
        changed["class_scores"] = {names.get(label, label): score for label, score in scores.items()}
    return {**span, **changed} if changed else span
