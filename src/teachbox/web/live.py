"""How things stand: once, or as a stream of events."""

from __future__ import annotations

from functools import partial

from anyio import to_thread
from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from teachbox.web.events import format_event
from teachbox.web.parts import Json, Parts, UseParts

router = APIRouter(default_response_class=Json)


@router.get("/status")
def status(parts: UseParts) -> Json:
    return Json(parts.board.read())


@router.get("/events")
async def events(parts: UseParts, session_id: str | None = None) -> StreamingResponse:
    """`status`, `labels`, `task`, `served`; with `session_id`, `task` only for what this session holds or nobody does.

    A page that comes back is first told how things stand, with the newest predictions of what it holds.
    """
    session = None if session_id is None else parts.session(session_id)
    # Listens before it reads: what happens between the two is told twice rather than never.
    listener = parts.events.add(session)
    first = await to_thread.run_sync(_how_things_stand, parts, session)
    stream = parts.events.stream(listener, first, partial(_still_here, parts, session))
    return StreamingResponse(
        stream, media_type="text/event-stream", headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    )


def _how_things_stand(parts: Parts, session: str | None) -> str:
    lines = ["retry: 1000\n\n", format_event("status", parts.board.read())]
    lines.append(format_event("labels", {"labels": parts.labels.tell()}))
    _still_here(parts, session)
    if session is not None:
        held = parts.feed.held_by(session)
        lines += [format_event("task", task) for task in held if task.get("version") is not None]
    return "".join(lines)


def _still_here(parts: Parts, session: str | None) -> None:
    """Who thinks long about an image keeps it, as long as the page is open."""
    if session is not None:
        parts.feed.heartbeat(session)
