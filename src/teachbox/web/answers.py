"""Tasks out, answers in. Both return without waiting for training or prediction."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Request

from teachbox.annotation import CANDIDATES, Task
from teachbox.errors import DataError
from teachbox.store.answer_log import BASE_KEY, check_hash
from teachbox.store.corrections import REPLACED
from teachbox.web.parts import Json, Parts, UseParts
from teachbox.web.schema import GivenAnswers, SavedDraft, SessionQuestions, SkippedTask, UndoAnswer

MOST_WAITING = 200
_IMAGE_KEYS = ("_input_hash", "image", "path")
router = APIRouter(default_response_class=Json)


def waiting_room() -> CapacityLimiter:
    """Threads for requests that may wait for the source; those that save have others and never queue behind them."""
    return CapacityLimiter(MOST_WAITING)


@router.post("/get_session_questions")
async def get_session_questions(body: SessionQuestions, request: Request, parts: UseParts) -> Json:
    feed, session = parts.feed, parts.session(body.session_id)
    take = partial(_take, parts, session, body)
    tasks, drafts = await to_thread.run_sync(take, limiter=request.app.state.waiting_room)
    return Json(
        {
            "tasks": tasks,
            "drafts": drafts,
            "total": feed.total,
            "progress": feed.progress,
            "session_id": session,
            "done": not tasks and feed.done,
        }
    )


def _take(parts: Parts, session: str, body: SessionQuestions) -> tuple[list[Task], list[dict[str, Any]]]:
    """Tasks, and what this session had done to them: one that it has begun comes before those that nobody has."""
    dataset = parts.feed.dataset
    # A page that shows nothing yet has just been opened. One that does may have put a begun one off.
    begun = [] if body.exclude else parts.store.drafted(dataset, session)
    tasks = parts.feed.take(session, body.n, body.exclude, begun=begun)
    hashes = [task["_task_hash"] for task in tasks]
    return tasks, list(parts.store.drafts(dataset, session, hashes).values()) if hashes else []


@router.post("/give_answers")
def give_answers(body: GivenAnswers, parts: UseParts) -> Json:
    """Stored when this returns. `overtook` beside an id: another answer stood, that this one was not based on.

    The newest counts; both stay in the log. An answer says by `_base_answer` which earlier one (its id) it corrects.
    """
    session = parts.session(body.session_id)
    answers = [_completed(parts, session, answer) for answer in body.answers]
    bases = [_base(answer) for answer in answers]
    answers = parts.hooks.prepared(answers)
    ids = parts.store.add_answers(parts.feed.dataset, session, answers)
    parts.feed.answered(session, answers)
    saved = [_saved(parts, *one) for one in zip(answers, ids, bases, strict=True)]
    return Json({"progress": parts.feed.progress, "total": parts.feed.total, "saved": saved})


def _base(answer: Task) -> int:
    base = answer.get(BASE_KEY) or 0
    if not isinstance(base, int) or isinstance(base, bool) or not 0 <= base < 2**63:
        raise DataError(f"`{BASE_KEY}` must be the id of an answer, got {base!r}", where=f"task {answer['_task_hash']}")
    return base


def _saved(parts: Parts, answer: Task, id: int, base: int) -> dict[str, Any]:
    saved = {"_task_hash": answer["_task_hash"], "id": id}
    other = parts.store.overtaken(parts.feed.dataset, id, answer["_task_hash"], base)
    if other is None:
        return saved
    return {**saved, "overtook": {"id": other.id, "session_id": other.session_id, "task": other.task}}


@router.post("/save_draft")
def save_draft(body: SavedDraft, parts: UseParts) -> Json:
    """Keep unfinished work. `kept` is false where it came too late: the task is answered, or a newer draft is here."""
    session = parts.session(body.session_id)
    kept = parts.store.save_draft(
        parts.feed.dataset, session, body.task_hash, body.draft, stamp=body.stamp, base=body.base
    )
    return Json({"_task_hash": body.task_hash, "kept": kept})


@router.post("/undo_answer")
def undo_answer(body: UndoAnswer, parts: UseParts) -> Json:
    session = parts.session(body.session_id)
    undone = parts.store.undo_answer(parts.feed.dataset, session, body.task_hash, key=body.answer_key, own=True)
    task = undone.task
    parts.feed.undone(session, task)
    return Json({"task": task, "progress": parts.feed.progress, "total": parts.feed.total})


@router.post("/skip_task")
def skip_task(body: SkippedTask, parts: UseParts) -> Json:
    parts.feed.postponed(parts.session(body.session_id), body.task_hash)
    return Json({"_task_hash": body.task_hash})


def _completed(parts: Parts, session: str, answer: Task) -> Task:
    """The answer with who gave it and when, and with the image that was asked about, whatever the request says."""
    who: dict[str, Any] = {"_session_id": session, "_annotator": session, "_timestamp": int(time.time())}
    asked = parts.feed.known_task(check_hash(answer, "_task_hash")) or {}
    parts.feed.question.check_answer({**asked, **answer})
    predicted = {} if REPLACED in answer else _predicted(parts, asked, answer)
    given = {key: value for key, value in answer.items() if key != CANDIDATES}
    return {**given, **predicted, **{key: asked[key] for key in _IMAGE_KEYS if key in asked}, **who}


def _predicted(parts: Parts, asked: Task, answer: Task) -> Task:
    """What of the predicted boxes is not in an answer that does not say it itself, as far as it is known here."""
    spans = answer.get("spans")
    if "version" not in asked or asked["version"] != answer.get("version") or not isinstance(spans, list):
        return {}
    shown = [span for span in asked.get("spans") or [] if "score" in span and not span.get("touched")]
    return {REPLACED: [*(asked.get(REPLACED) or []), *(span for span in shown if span not in spans)]}
