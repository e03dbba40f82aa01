"""Tasks out, answers in. Both return without waiting for training or prediction."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Request

from teachbox.annotation import CANDIDATES, Task
from teachbox.store.answer_log import check_hash
from teachbox.store.corrections import REPLACED
from teachbox.web.parts import Json, Parts, UseParts
from teachbox.web.schema import GivenAnswers, SessionQuestions, SkippedTask, UndoAnswer

MOST_WAITING = 200
_IMAGE_KEYS = ("_input_hash", "image", "path")
router = APIRouter(default_response_class=Json)


def waiting_room() -> CapacityLimiter:
    """Threads for requests that may wait for the source; those that save have others and never queue behind them."""
    return CapacityLimiter(MOST_WAITING)


@router.post("/get_session_questions")
async def get_session_questions(body: SessionQuestions, request: Request, parts: UseParts) -> Json:
    session = parts.session(body.session_id)
    take = partial(parts.feed.take, session, body.n, frozenset(body.exclude))
    tasks = await to_thread.run_sync(take, limiter=request.app.state.waiting_room)
    feed = parts.feed
    return Json(
        {
            "tasks": tasks,
            "total": feed.total,
            "progress": feed.progress,
            "session_id": session,
            "done": not tasks and feed.done,
        }
    )


@router.post("/give_answers")
def give_answers(body: GivenAnswers, parts: UseParts) -> Json:
    session = parts.session(body.session_id)
    answers = [_completed(parts, session, answer) for answer in body.answers]
    ids = parts.store.add_answers(parts.feed.dataset, session, answers)
    parts.feed.answered(session, answers)
    saved = [{"_task_hash": answer["_task_hash"], "id": id} for answer, id in zip(answers, ids, strict=True)]
    return Json({"progress": parts.feed.progress, "total": parts.feed.total, "saved": saved})


@router.post("/undo_answer")
def undo_answer(body: UndoAnswer, parts: UseParts) -> Json:
    session = parts.session(body.session_id)
    task = parts.store.undo_answer(parts.feed.dataset, session, body.task_hash).task
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
