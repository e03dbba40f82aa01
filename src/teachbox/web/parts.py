"""What the routes share: the parts of the app, handed to each by FastAPI's `Depends`, and the JSON they answer with."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.responses import JSONResponse

from teachbox.store import Store
from teachbox.store.answer_log import check_name
from teachbox.web.events import Events
from teachbox.web.feed import Feed
from teachbox.web.hooks import Hooks
from teachbox.web.project_labels import ProjectLabels
from teachbox.web.status import StatusBoard

FOR_EVER = "private, max-age=31536000, immutable"
"""`Cache-Control` of what never changes under its address."""


@dataclass(frozen=True)
class Parts:
    """The parts of one app."""

    store: Store
    feed: Feed
    events: Events
    board: StatusBoard
    project: dict[str, Any]
    labels: ProjectLabels
    hooks: Hooks
    instructions: str | None
    """A page of HTML for annotators."""
    tensorboard: Callable[[], str | None] | None = None
    """Where TensorBoard is; None until it is there."""

    def session(self, given: str | None) -> str:
        """The session id of a request: what it says, or everyone's. Raises `DataError`."""
        return f"{self.feed.dataset}-default" if given is None else check_name(given, "`session_id`")


async def _parts(request: Request) -> Parts:
    # Not a plain function: FastAPI would run that in a thread, and each change of thread waits for a busy core.
    parts: Parts = request.app.state.parts
    return parts


UseParts = Annotated[Parts, Depends(_parts)]


class Json(JSONResponse):
    """JSON in ASCII: it also carries strings that no encoding takes, such as half a surrogate pair."""

    def render(self, content: Any) -> bytes:
        return json.dumps(content, allow_nan=False, separators=(",", ":")).encode("ascii")
