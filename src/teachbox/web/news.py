"""What a person wants to know when another version serves: what got better, or at least what it learned from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query

from teachbox.store import Store, StoredEvent, StoredMetrics
from teachbox.web.metrics import classes_of, means_of
from teachbox.web.parts import Json, UseParts

IMAGES = "Evaluation/images"
"""How many images were evaluated on, as the trainer writes it."""
ROUNDS = 50
"""How many rounds back are looked through for a version's own."""
router = APIRouter(default_response_class=Json)


@router.get("/news")
def news(parts: UseParts, version: Annotated[int, Query(ge=0)]) -> Json:
    """Of one version: `learned` and `measured`, each None where nothing is known of it."""
    return Json(news_of(parts.store, parts.feed.dataset, version))


def news_of(store: Store, dataset: str, version: int) -> dict[str, Any]:
    """What `GET /news` tells."""
    return {
        "version": version,
        "learned": learned(store.newest_events(dataset, "trained", ROUNDS), version),
        "measured": measured(store.metrics(dataset), version),
    }


def learned(rounds: Sequence[StoredEvent], version: int) -> dict[str, Any] | None:
    """What the round that made `version` learned from: `images`, `boxes` and its `loss`, and `before` the same.

    `rounds` come newest first; `before` is the round before, None where it was the first.
    """
    told = [one.data for one in rounds if "images" in one.data and one.data.get("version", version + 1) <= version]
    if not told or told[0]["version"] != version:
        return None
    return {**_facts(told[0]), "before": _facts(told[1]) if len(told) > 1 else None}


def measured(evaluations: Sequence[StoredMetrics], version: int) -> dict[str, Any] | None:
    """The evaluation of `version` beside that of the newest version `before` it that has one.

    `evaluations` come newest first. `means` and `classes` have `name`, `value` and the value `before`, None where that
    was not measured; classes are those that both have, what gained most first. `images` and `images_before` say on
    how many.
    """
    known = {one.version: one for one in reversed(evaluations) if one.version is not None and means_of(one.metrics)}
    if version not in known:
        return None
    now = known[version].metrics
    earlier = max((one for one in known if one < version), default=None)
    before: Mapping[str, float] = {} if earlier is None else known[earlier].metrics
    means = [
        {"name": name, "value": value, "before": means_of(before).get(name)} for name, value in means_of(now).items()
    ]
    is_now, was = classes_of(now), classes_of(before)
    both = sorted((name for name in is_now if name in was), key=lambda name: was[name] - is_now[name])
    classes = [{"name": name, "value": is_now[name], "before": was[name]} for name in both]
    images = {"images": _count(now), "images_before": _count(before)}
    return {"before": earlier, **images, "means": means, "classes": classes}


def _count(metrics: Mapping[str, float]) -> int | None:
    return int(metrics[IMAGES]) if IMAGES in metrics else None


def _facts(data: Mapping[str, Any]) -> dict[str, Any]:
    return {name: data[name] for name in ("images", "boxes", "loss")}
