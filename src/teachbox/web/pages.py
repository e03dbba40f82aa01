"""The page itself, the project it is opened with, and the images it shows."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi import Path as PathParameter
from fastapi.responses import HTMLResponse, Response

from teachbox.errors import DataError
from teachbox.web.instructions import HEADERS
from teachbox.web.parts import FOR_EVER, Json, Parts, UseParts
from teachbox.web.static_files import PageFiles

STATIC = Path(__file__).parent / "static"
FILES = PageFiles(STATIC)
router = APIRouter(default_response_class=Json)


@router.get("/")
async def index(request: Request, parts: UseParts, session: str | None = None, modules: str | None = None) -> Response:
    """`?session=NAME` works as NAME. `?modules` loads each module as it is written, for who looks for an error."""
    if modules is not None:
        return FILES.modules(request)
    try:
        return FILES.index(request, _project(parts, session))
    except DataError:
        # The page asks for its project, and shows what is wrong.
        return FILES.index(request)


@router.get("/health")
def health() -> Json:
    return Json({"ok": True})


@router.get("/project")
def project(parts: UseParts, session: str | None = None) -> Json:
    """`?session=NAME` works as NAME; without a name everybody is one session."""
    return Json(_project(parts, session))


def _project(parts: Parts, session: str | None) -> dict[str, Any]:
    name = parts.session(None if session is None else f"{parts.feed.dataset}-{session}")
    return {**parts.project, "labels": parts.labels.tell(), "session_id": name}


@router.get("/instructions")
def instructions(parts: UseParts) -> Response:
    """What annotators are told, as a page in which no script runs."""
    if parts.instructions is None:
        return Json({"error": f"dataset {parts.feed.dataset} has no instructions"}, status_code=404)
    return HTMLResponse(parts.instructions, headers=HEADERS)


@router.get("/image/{input_hash}")
def image(
    input_hash: Annotated[int, PathParameter(ge=-(2**63), lt=2**63)], request: Request, parts: UseParts
) -> Response:
    """The upright image; it never changes under its hash, so a browser keeps it."""
    headers = {"ETag": f'"{input_hash}"', "Cache-Control": FOR_EVER}
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    try:
        found = parts.feed.image(input_hash)
    except DataError as error:
        return Json({"error": str(error)}, status_code=404)
    if found is None:
        return Json({"error": f"no task of dataset {parts.feed.dataset} has the image {input_hash}"}, status_code=404)
    return Response(found.encoded, media_type=found.media_type, headers=headers)
