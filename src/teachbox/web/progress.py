"""What a person wants to see of the work: its pace, how good the suggestions are, what the detector has learnt."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import APIRouter

from teachbox.store import StoredMetrics, StoredRun
from teachbox.store.records import AnswerFacts
from teachbox.web.metrics import classes_of, mean_of
from teachbox.web.news import news_of
from teachbox.web.parts import Json, UseParts

BREAK_SECONDS = 120.0
"""Who gives no answer for longer than this has done something else."""
MOST_GROUPS = 30
router = APIRouter(default_response_class=Json)


@router.get("/progress")
def progress(parts: UseParts) -> Json:
    """Counts, pace, corrections in the order of the answers, the learning curve, the round under way."""
    store, dataset = parts.store, parts.feed.dataset
    facts = store.history(dataset).all()
    served = parts.feed.served_version
    return Json(
        {
            "answers": store.answer_counts(dataset),
            "progress": parts.feed.progress,
            "asked": parts.feed.asked,
            **pace(facts),
            **untouched(facts),
            "groups": groups(facts),
            "suggestions": by_version(facts),
            "curve": curve(store.metrics(dataset)),
            "round": round_under_way(store.runs(dataset), store.trainer_status(dataset), time.time()),
            "news": None if served is None else news_of(store, dataset, served),
            "tensorboard": parts.tensorboard() if parts.tensorboard else None,
        }
    )


def pace(facts: Sequence[AnswerFacts]) -> dict[str, float | None]:
    """`minutes` of work, and `boxes_per_minute` in them; None before there is any.

    The time of an answer is what has passed since the same session's answer before it, unless that is a break. Boxes of
    answers after a break, and of the first, are not counted: nobody knows how long they took.
    """
    last: dict[str, float] = {}
    seconds, boxes = 0.0, 0
    for answer in sorted(facts, key=lambda answer: answer.created):
        passed = answer.created - last.get(answer.session_id, -math.inf)
        last[answer.session_id] = answer.created
        if passed <= BREAK_SECONDS:
            seconds += passed
            boxes += answer.boxes
    rate = boxes / seconds * 60 if seconds > 0 else None
    return {"minutes": seconds / 60, "boxes_per_minute": rate}


def untouched(facts: Sequence[AnswerFacts]) -> dict[str, Any]:
    """Of the accepted answers with predictions (`predicted`) the share `untouched`; None where there are none."""
    known = [answer for answer in facts if answer.disagreement is not None]
    return {"predicted": len(known), "untouched": _share_untouched(known)}


def groups(facts: Sequence[AnswerFacts], most: int = MOST_GROUPS) -> list[dict[str, Any]]:
    """What was done to an image on the average, for stretches of accepted answers with predictions, in their order."""
    known = [answer for answer in facts if answer.disagreement is not None]
    size = max(1, math.ceil(len(known) / most))
    found = []
    for start in range(0, len(known), size):
        some = known[start : start + size]
        means = {name: _mean(some, name) for name in ("added", "moved", "relabelled", "removed", "kept")}
        found.append({"from": start + 1, "to": start + len(some), **means})
    return found


def by_version(facts: Sequence[AnswerFacts]) -> list[dict[str, Any]]:
    """How well the suggestions of each version fitted: `answers`, `untouched` share, mean `agreement` (0 to 1)."""
    of: dict[int, list[AnswerFacts]] = {}
    for answer in facts:
        if answer.version is not None and answer.disagreement is not None:
            of.setdefault(answer.version, []).append(answer)
    return [
        {
            "version": version,
            "answers": len(some),
            "untouched": _share_untouched(some),
            "agreement": 1 - _mean(some, "disagreement"),
        }
        for version, some in sorted(of.items())
    ]


def curve(evaluations: Sequence[StoredMetrics]) -> list[dict[str, Any]]:
    """The newest evaluation of each version, oldest first: `mean`, and `classes` with the average precision of each.

    `evaluations` come newest first. What could not be measured, for want of true boxes, is left out.
    """
    found: dict[int, dict[str, Any]] = {}
    for evaluation in evaluations:
        mean = mean_of(evaluation.metrics)
        if evaluation.version is not None and mean is not None and evaluation.version not in found:
            row = {"version": evaluation.version, "step": evaluation.step, "mean": mean}
            found[evaluation.version] = {**row, "classes": classes_of(evaluation.metrics)}
    return [found[version] for version in sorted(found)]


def round_under_way(runs: Sequence[StoredRun], status: Mapping[str, Any], now: float) -> dict[str, Any] | None:
    """The round that trains now: `step` of `steps`, `seconds_per_step`, `seconds_left`; None where none does.

    The last two are None until a step is done. Steps are counted at `updated`; time that has passed since is taken off.
    """
    run = runs[-1] if runs else None
    if run is None or run.state != "running" or status.get("state") != "training":
        return None
    step, steps = status.get("step") or 0, status.get("steps") or run.steps
    updated = status.get("updated") or now
    per_step = (updated - run.started) / step if step > 0 and updated > run.started else None
    left = None if per_step is None else max(0.0, per_step * (steps - step) - (now - updated))
    return {"step": step, "steps": steps, "answers": run.answers, "seconds_per_step": per_step, "seconds_left": left}


def _share_untouched(answers: Sequence[AnswerFacts]) -> float | None:
    changed = ("moved", "relabelled", "removed", "added")
    same = sum(not any(getattr(answer, name) for name in changed) for answer in answers)
    return same / len(answers) if answers else None


def _mean(answers: Sequence[AnswerFacts], name: str) -> float:
    return float(sum(getattr(answer, name) for answer in answers) / len(answers))
