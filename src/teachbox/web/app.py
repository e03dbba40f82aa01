"""The annotation app: `create_app` puts store, feed and routes together."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from teachbox import __version__
from teachbox.errors import DataError, StoreError
from teachbox.store import Store
from teachbox.web import answers, history, live, news, pages, progress
from teachbox.web import labels as label_routes
from teachbox.web.events import Events
from teachbox.web.feed import Feed
from teachbox.web.hooks import Hooks
from teachbox.web.parts import Json, Parts
from teachbox.web.policy import HEADERS, Policy
from teachbox.web.project_labels import ProjectLabels
from teachbox.web.schema import one_line
from teachbox.web.status import StatusBoard, StatusWatcher

logger = logging.getLogger(__name__)


def create_app(
    store: Store,
    feed: Feed,
    project: dict[str, Any],
    *,
    labels: ProjectLabels | None = None,
    hooks: Hooks | None = None,
    instructions: str | None = None,
    allowed_hosts: Sequence[str] | None = None,
    tensorboard: Callable[[], str | None] | None = None,
) -> FastAPI:
    """The app over `store` and `feed`; `project` is what `GET /project` tells (labels, threshold, config).

    The labels are `labels`, which are open, or those of `project` as they have become since they were first given.

    `hooks` are what a recipe does to answers before they are stored; `instructions` is a page for annotators.

    The app starts the feed, and stops it. `allowed_hosts` are the names it may be called by (None: any); for an app
    that listens on this machine alone they keep other sites' pages from reaching it by a name of their own.
    `tensorboard` says where TensorBoard is: an address, or `:port` of the machine that the page comes from.
    """
    events = Events()
    board = StatusBoard(store, feed)
    if labels is None:
        labels = ProjectLabels()
        labels.open(store, feed.dataset, project.get("labels") or [])
    labels.listen(lambda told: events.publish("labels", {"labels": told}))
    watcher = StatusWatcher(board, events, labels.refresh)
    told = {"view_id": "image_manual", "version": __version__, "config": {}, **project, "dataset": feed.dataset}

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        events.open(asyncio.get_running_loop())
        pages.FILES.prepare()
        app.state.waiting_room = answers.waiting_room()
        feed.listen(events.publish)
        feed.start()
        watcher.start()
        yield
        events.close()
        watcher.stop()
        feed.stop()

    app = FastAPI(title="Teachbox", version=__version__, lifespan=life, docs_url=None, redoc_url=None)
    app.state.parts = Parts(store, feed, events, board, told, labels, hooks or Hooks(), instructions, tensorboard)
    for room in (pages, answers, history, label_routes, live, news, progress):
        app.include_router(room.router)
    app.mount("/static", pages.FILES, name="static")
    _answer_errors(app)
    if allowed_hosts is not None:
        from starlette.middleware.trustedhost import TrustedHostMiddleware

        app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(allowed_hosts), www_redirect=False)
    # Last, which is around the others: what they refuse is a response too.
    app.add_middleware(Policy)
    return app


def close_streams(app: FastAPI) -> None:
    """End event streams and let waiting requests go, so that a server can stop at once. Call it in the event loop."""
    parts: Parts = app.state.parts
    parts.events.close()
    parts.feed.stop_waiting()


def _answer_errors(app: FastAPI) -> None:
    @app.exception_handler(RequestValidationError)
    async def bad_request(_: Request, error: RequestValidationError) -> Json:
        return Json({"error": one_line(error.errors())}, status_code=400)

    @app.exception_handler(DataError)
    async def bad_data(_: Request, error: DataError) -> Json:
        return Json({"error": str(error)}, status_code=400)

    @app.exception_handler(StoreError)
    async def store_failed(_: Request, error: StoreError) -> Json:
        logger.error("%s", error)
        return Json({"error": str(error)}, status_code=503)

    @app.exception_handler(HTTPException)
    async def refused(request: Request, error: HTTPException) -> Json:
        return Json({"error": f"{request.url.path}: {error.detail}"}, status_code=error.status_code)

    @app.exception_handler(Exception)
    async def unexpected(_: Request, error: Exception) -> Json:
        # Starlette logs it with its traceback; the page is told that much and no more. No middleware sees it.
        told = {"error": f"internal error ({type(error).__name__}); the terminal shows it"}
        return Json(told, status_code=500, headers=HEADERS)
