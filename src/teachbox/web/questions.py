"""What a view asks beside an image, checked as a task comes from its source and as its answer comes from the page."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from teachbox.annotation import ANSWERS
from teachbox.errors import DataError

VIEWS = ("image", "image_manual", "classification", "choice", "review", "blocks")
ASKED = ("classification", "choice")
"""Views that ask something beside an image; blocks put them together with one that shows it."""
SHOWN = ("image", "image_manual")
_OPTION_KEYS = ("id", "text", "color")
_COLOR = re.compile(r"#[0-9a-fA-F]{6}")


@dataclass(frozen=True)
class Question:
    """What is asked about each image: `views` are those that the view `view_id` shows together."""

    view_id: str = "image_manual"
    views: tuple[str, ...] = ("image_manual",)
    choice_style: str = "single"

    def check_task(self, task: Mapping[str, Any]) -> None:
        """Raises `DataError` unless the task has what its views ask about."""
        if "classification" in self.views and not _is_text(task.get("label")):
            raise DataError(f"a task of the view classification needs `label`, a text; it has {task.get('label')!r}")
        if "choice" in self.views:
            _check_options(task.get("options"))
            self.check_answer(task)
        if "review" in self.views:
            _check_versions(task.get("versions"))

    def check_answer(self, task: Mapping[str, Any]) -> None:
        """Raises `DataError` unless `accept` holds ids of the task's options, none twice; where one is chosen, one."""
        if "choice" not in self.views:
            return
        accepted: Any = task.get("accept", [])
        known = [option["id"] for option in task.get("options") or ()]
        if not isinstance(accepted, list) or any(id not in known for id in accepted):
            raise DataError(f"`accept` is {accepted!r}; it must be a list of ids of the options: {known}")
        if len(set(accepted)) < len(accepted):
            raise DataError(f"`accept` is {accepted!r}: an id stands twice")
        if self.choice_style == "single" and len(accepted) > 1:
            raise DataError(f"`accept` is {accepted!r}; one option can be chosen")

    def words(self, task: Mapping[str, Any]) -> Iterator[str]:
        """What of a task makes it another question about the same image."""
        if "choice" in self.views:
            yield from (str(option["id"]) for option in task["options"])
        if "classification" in self.views:
            yield str(task["label"])


def _check_options(options: Any) -> None:
    if not isinstance(options, list) or not options:
        raise DataError(f"a task of the view choice needs `options`, a list of {{id, text}}; it has {options!r}")
    seen: list[Any] = []
    for option in options:
        if not isinstance(option, Mapping) or not _is_id(option.get("id")) or not _is_text(option.get("text")):
            raise DataError(f"an option needs `id`, a text or a whole number, and `text`; got {option!r}")
        for key in option:
            if key not in _OPTION_KEYS:
                raise DataError(f"an option's `{key}` is not supported; it may hold {', '.join(_OPTION_KEYS)}")
        color = option.get("color")
        if color is not None and not (isinstance(color, str) and _COLOR.fullmatch(color)):
            raise DataError(f"an option's `color` is {color!r}; it must be #rrggbb")
        if option["id"] in seen:
            raise DataError(f"two options have the id {option['id']!r}")
        seen.append(option["id"])


def _check_versions(versions: Any) -> None:
    if not isinstance(versions, list) or not versions:
        raise DataError(f"a task of the view review needs `versions`, a list of answers; it has {versions!r}")
    for version in versions:
        if not isinstance(version, Mapping) or version.get("answer") not in ANSWERS:
            raise DataError(f"a version needs `answer`, one of {', '.join(ANSWERS)}; got {version!r}")
        for key in ("spans", "sessions", "names", "groups"):
            if not isinstance(version.get(key), list):
                raise DataError(f"a version needs `{key}`, a list; got {version.get(key)!r}")


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def _is_id(value: Any) -> bool:
    return _is_text(value) or (isinstance(value, int) and not isinstance(value, bool))
