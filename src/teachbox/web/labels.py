"""Labels that are added, renamed and recoloured while people label. Every open page hears of it."""

from __future__ import annotations

from fastapi import APIRouter

from teachbox.web.parts import Json, UseParts
from teachbox.web.schema import AddedLabel, ChangedLabel

router = APIRouter(default_response_class=Json)


@router.post("/add_label")
def add_label(body: AddedLabel, parts: UseParts) -> Json:
    """The new label has the next free `id`; a detector that trains beside learns it from its next round on."""
    return Json({"id": parts.labels.add(body.name, body.color), "labels": parts.labels.tell()})


@router.post("/change_label")
def change_label(body: ChangedLabel, parts: UseParts) -> Json:
    """Rename or recolour a label; its `id` stays, and with it all that was answered."""
    parts.labels.change(body.id, name=body.name, color=body.color)
    return Json({"labels": parts.labels.tell()})
