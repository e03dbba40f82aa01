"""Answers of several annotators to the same images, as tasks to be decided."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from teachbox.annotation import Task, task_boxes
from teachbox.errors import DataError
from teachbox.evaluation.agreement import agreement, group_boxes
from teachbox.store.records import StoredAnswer

REVIEWED = ("image_manual", "image", "review")
_SPAN_KEYS = ("label", "x", "y", "width", "height", "points", "type")
_TASK_KEYS = ("image", "path", "width", "height", "meta", "_input_hash")


def review_tasks(answers: Mapping[str, Iterable[StoredAnswer]]) -> list[Task]:
    """One task for each image that was answered, with the `versions` of it; those least agreed about come first.

    `answers` are, by dataset, the newest answer of each session to each image. Raises `DataError` for answers of a view
    without boxes.
    """
    by_input: dict[int, list[tuple[str, StoredAnswer]]] = {}
    for dataset, given in answers.items():
        for answer in given:
            view = answer.task.get("_view_id", "image_manual")
            if view not in REVIEWED:
                raise DataError(f"it has answers of the view {view!r}; boxes are reviewed", where=f"dataset {dataset}")
            by_input.setdefault(answer.task["_input_hash"], []).append((dataset, answer))
    several = len(answers) > 1
    tasks = [_review_task(given, several) for given in by_input.values()]
    return sorted(tasks, key=lambda task: 2.0 if task["agreement"] is None else task["agreement"])


def _review_task(given: Sequence[tuple[str, StoredAnswer]], several: bool) -> Task:
    versions: dict[str, dict[str, Any]] = {}
    for dataset, answer in given:
        spans = [{key: span[key] for key in _SPAN_KEYS if key in span} for span in answer.task.get("spans") or []]
        content = json.dumps([answer.answer, spans], sort_keys=True)
        version = versions.setdefault(content, {"spans": spans, "answer": answer.answer, "sessions": [], "names": []})
        version["sessions"].append(answer.session_id)
        version["names"].append(_name(answer.session_id, dataset, several))
        version["last"] = answer.created
    shown = list(versions.values())
    default = max(shown, key=lambda version: (len(version["sessions"]), version["last"]))
    placed = [task_boxes(version) for version in shown]
    groups = group_boxes([boxes for boxes, _ in placed], [labels for _, labels in placed])
    for version, numbers in zip(shown, groups, strict=True):
        del version["last"]
        version |= {"groups": numbers, "default": version is default}
    newest = max((answer for _, answer in given), key=lambda answer: answer.created).task
    return {
        **{key: newest[key] for key in _TASK_KEYS if key in newest},
        "spans": default["spans"],
        "versions": shown,
        "agreement": _agreement(shown),
    }


def _agreement(versions: Sequence[Mapping[str, Any]]) -> float | None:
    """Of the annotators, not of the versions: two who said the same are two. Ignored images say nothing."""
    said = [version for version in versions for _ in version["sessions"] if version["answer"] != "ignore"]
    if len({version["answer"] for version in said}) > 1:
        return 0.0
    if said and said[0]["answer"] == "reject":
        return 1.0 if len(said) > 1 else None
    return agreement([version["groups"] for version in said])


def _name(session: str, dataset: str, several: bool) -> str:
    name = session.removeprefix(f"{dataset}-")
    return f"{name} ({dataset})" if several else name
