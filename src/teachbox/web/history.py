"""What was answered, to be looked through: a page of it at a time, one answer whole, and small pictures."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from fastapi import Path as PathParameter
from fastapi.responses import Response

from teachbox.errors import DataError
from teachbox.store.history import Filter
from teachbox.store.records import AnswerFacts
from teachbox.web.parts import FOR_EVER, Json, UseParts
from teachbox.web.schema import MOST_TASKS

THUMBNAIL_PX = 128
_NUMBER = {"ge": -(2**63), "lt": 2**63}
router = APIRouter(default_response_class=Json)


@router.get("/history")
def history(
    parts: UseParts,
    before: Annotated[int | None, Query(ge=1, lt=2**63)] = None,
    n: Annotated[int, Query(ge=1, le=MOST_TASKS)] = 40,
    answer: Literal["accept", "reject", "ignore"] | None = None,
    label: str | None = None,
    flagged: bool | None = None,
    session_id: str | None = None,
    disagreement: Annotated[float | None, Query(ge=0, le=1)] = None,
) -> Json:
    """The newest answer of each image, the last given first, of those that are wanted.

    `next`, given as `before`, goes on from there; null at the end. `disagreement` keeps those that differ so much from
    what was predicted: from 0, not at all, to 1. `sessions` are all that have answered, whatever is wanted.
    """
    found = parts.store.history(parts.feed.dataset)
    answers, following = found.page(Filter(answer, label, flagged, session_id, disagreement), before, n)
    return Json({"answers": [_told(facts) for facts in answers], "next": following, "sessions": found.sessions()})


@router.get("/history/{id}")
def one_answer(id: Annotated[int, PathParameter(**_NUMBER)], parts: UseParts) -> Json:
    """An answer as it was given, also where a newer one has taken its place."""
    found = parts.store.history(parts.feed.dataset).answer(id)
    if found is None:
        return Json({"error": f"dataset {parts.feed.dataset} has no answer {id}"}, status_code=404)
    return Json({"id": found.id, "session_id": found.session_id, "created": found.created, "task": found.task})


@router.get("/thumbnail/{input_hash}")
def thumbnail(input_hash: Annotated[int, PathParameter(**_NUMBER)], request: Request, parts: UseParts) -> Response:
    """The image at a size for lists; as it never changes under its hash, a browser keeps it."""
    headers = {"ETag": f'"{input_hash}-{THUMBNAIL_PX}"', "Cache-Control": FOR_EVER}
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    try:
        found = parts.feed.thumbnail(input_hash, THUMBNAIL_PX)
    except DataError as error:
        return Json({"error": str(error)}, status_code=404)
    if found is None:
        return Json({"error": f"no task of dataset {parts.feed.dataset} has the image {input_hash}"}, status_code=404)
    return Response(found, media_type="image/jpeg", headers=headers)


def _told(facts: AnswerFacts) -> dict[str, Any]:
    told = asdict(facts)
    return {**told, "thumbnail": f"thumbnail/{facts.input_hash}"}
