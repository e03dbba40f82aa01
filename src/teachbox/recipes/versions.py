"""Answers of several annotators to the same images, as tasks to be decided."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import Any

from teachbox.annotation import Task, task_boxes
from teachbox.errors import DataError
from teachbox.evaluation.agreement import agreement, group_boxes
from teachbox.store.records import StoredAnswer

REVIEWED = ("image_manual", "image", "choice", "classification", "review")
_ASKED = {"choice": "options", "classification": "label"}
"""Views beside the image, and what a task of each has."""
_SPAN_KEYS = ("label", "x", "y", "width", "height", "points", "type")
_TASK_KEYS = ("image", "path", "width", "height", "meta", "_input_hash")
_QUESTION_KEYS = {"choice": ("options", "text"), "classification": ("label",)}


def review_tasks(answers: Mapping[str, Iterable[StoredAnswer]]) -> list[Task]:
    """One task for each image that was answered, with the `versions` of it; those least agreed about come first.

    `answers` are, by dataset, the newest answer of each session to each image: of boxes, of choices or of one label
    (classification). Raises `DataError` for answers of other views, and where not all answer the same question.
    """
    by_input: dict[int, list[tuple[str, StoredAnswer]]] = {}
    kinds: dict[str, str] = {}
    for dataset, given in answers.items():
        for answer in given:
            kinds.setdefault(_kind(answer.task, dataset), dataset)
            by_input.setdefault(answer.task["_input_hash"], []).append((dataset, answer))
    if len(kinds) > 1:
        told = ", ".join(f"{kind} (dataset {dataset})" for kind, dataset in kinds.items())
        raise DataError(f"the answers are of {told}; answers of one kind can be reviewed together")
    kind = next(iter(kinds), "boxes")
    several = len(answers) > 1
    tasks = [_review_task(kind, given, several) for given in by_input.values()]
    return sorted(tasks, key=lambda task: 2.0 if task["agreement"] is None else task["agreement"])


def review_settings(settings: Mapping[str, Any], tasks: Sequence[Task]) -> dict[str, Any]:
    """Settings with what tasks to be reviewed ask again beside the image; as they are where that is boxes.

    Several options can be chosen where someone has chosen several.
    """
    asked = asked_views(tasks)
    if not asked:
        return dict(settings)
    blocks = [{"view_id": view} for view in ("image", *asked)]
    accepted = [version.get("accept") or [] for task in tasks for version in task.get("versions") or ()]
    style = "multiple" if any(len(ids) > 1 for ids in accepted) else settings["choice_style"]
    return {**settings, "blocks": blocks, "choice_style": style}


def asked_views(tasks: Sequence[Task]) -> list[str]:
    """The views of which tasks to be reviewed are; none where they are of boxes."""
    return [view for view, key in _ASKED.items() if any(key in task for task in tasks)]


def _kind(task: Task, dataset: str) -> str:
    """`boxes`, `choice` or `classification`."""
    view = task.get("_view_id", "image_manual")
    if view not in REVIEWED:
        raise DataError(
            f"it has answers of the view {view!r}; answers of {', '.join(REVIEWED)} can be reviewed",
            where=f"dataset {dataset}",
        )
    if view == "review":
        return next(iter(asked_views([task])), "boxes")
    return view if view in _ASKED else "boxes"


def _review_task(kind: str, given: Sequence[tuple[str, StoredAnswer]], several: bool) -> Task:
    newest = max((answer for _, answer in given), key=lambda answer: answer.created).task
    _check_one_question(kind, given)
    versions: dict[str, dict[str, Any]] = {}
    for dataset, answer in given:
        said = {"answer": answer.answer, **_said(kind, answer.task)}
        version = versions.setdefault(json.dumps(said, sort_keys=True), {**said, "sessions": [], "names": []})
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
    task = {key: newest[key] for key in (*_TASK_KEYS, *_QUESTION_KEYS.get(kind, ())) if key in newest}
    task["spans"] = default["spans"] if kind == "boxes" else newest.get("spans") or []
    if kind == "choice":
        task["accept"] = default["accept"]
    return {**task, "versions": shown, "agreement": _agreement(shown)}


def _said(kind: str, task: Task) -> dict[str, Any]:
    """What of an answer the annotators may differ in, beside accepted or rejected."""
    if kind == "boxes":
        return {"spans": [{key: span[key] for key in _SPAN_KEYS if key in span} for span in task.get("spans") or []]}
    if kind == "classification":
        return {"spans": []}
    accepted = task.get("accept") or []
    # In the order in which they were offered: it says nothing which was pressed first.
    return {"spans": [], "accept": [option["id"] for option in task["options"] if option["id"] in accepted]}


def _check_one_question(kind: str, given: Sequence[tuple[str, StoredAnswer]]) -> None:
    """Raises `DataError` where about one image one thing was asked here and another there."""
    if kind == "boxes":
        return
    asked: dict[str, tuple[str, Any]] = {}
    for dataset, answer in given:
        key = _ASKED[kind]
        words = [option["id"] for option in answer.task[key]] if kind == "choice" else answer.task[key]
        asked.setdefault(json.dumps(words), (dataset, words))
    if len(asked) > 1:
        file = (given[0][1].task.get("meta") or {}).get("file") or given[0][1].task.get("path")
        told = ", ".join(f"{words!r} (dataset {dataset})" for dataset, words in asked.values())
        raise DataError(f"about {file} it was asked {told}; answers to one question can be reviewed together")


def _agreement(versions: Sequence[Mapping[str, Any]]) -> float | None:
    """Of the annotators, not of the versions: two who said the same are two. Ignored images say nothing.

    The mean over pairs: 0 for two of whom one accepts and one rejects, 1 for two who reject, else how far what they
    accept is the same (`agreement`): the boxes, or the options they chose.
    """
    said = [version for version in versions for _ in version["sessions"] if version["answer"] != "ignore"]
    pairs = [_pair_agreement(one, other) for one, other in combinations(said, 2)]
    return sum(pairs) / len(pairs) if pairs else None


def _pair_agreement(one: Mapping[str, Any], other: Mapping[str, Any]) -> float:
    if one["answer"] != other["answer"]:
        return 0.0
    if one["answer"] == "reject":
        return 1.0
    chosen = [version.get("accept", version["groups"]) for version in (one, other)]
    return agreement(chosen) or 0.0


def _name(session: str, dataset: str, several: bool) -> str:
    name = session.removeprefix(f"{dataset}-")
    return f"{name} ({dataset})" if several else name
