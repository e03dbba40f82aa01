"""Every key that settings may hold: what its value may be, and which of Prodigy's keys there are not, and why."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple

COLOR = re.compile(r"#[0-9a-fA-F]{6}")
ANSWER_BUTTONS = ("accept", "reject", "ignore", "undo")
SHAPES = ("rect", "polygon")
BLOCKS = ("image", "image_manual", "classification", "choice")


class Key(NamedTuple):
    """One key. `problem(name, value)` says what is wrong with a value, with its path, and what would be right."""

    default: Any
    problem: Callable[[str, Any], str | None]
    on_page: bool = True
    """Whether the page is told of it."""
    is_path: bool = False
    """Whether it names a file: in a file of settings, one beside that file."""
    place: Literal["anywhere", "recipe", "outside"] = "anywhere"
    """Whether it belongs to the question that a recipe puts, or to the server that is there before it."""


def _plain(wants: str, fits: Callable[[Any], bool]) -> Callable[[str, Any], str | None]:
    def problem(name: str, value: Any) -> str | None:
        return None if fits(value) else f"`{name}` is {value!r}; it must be {wants}"

    return problem


def _is_number(value: Any, low: float, high: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high


def _is_whole(value: Any, low: int, high: int) -> bool:
    return isinstance(value, int) and _is_number(value, low, high)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def _is_some_of(value: Any, known: tuple[str, ...]) -> bool:
    return isinstance(value, list) and len(value) > 0 and all(one in known for one in value)


def _theme_problem(name: str, value: Any) -> str | None:
    if not isinstance(value, Mapping):
        return f"`{name}` is {value!r}; it must be an object"
    for key, given in value.items():
        path = f"{name}.{key}"
        if key == "labels":
            found = _labels_problem(path, given)
        elif key == "cardMaxWidth":
            found = _width(path, given)
        else:
            return f"`{path}` is not supported; custom_theme may hold labels (label: #rrggbb) and cardMaxWidth (pixels)"
        if found:
            return found
    return None


def _labels_problem(name: str, value: Any) -> str | None:
    if not isinstance(value, Mapping):
        return f"`{name}` is {value!r}; it must be an object of labels and their colours"
    return next(filter(None, (_color(f"{name}.{label}", color) for label, color in value.items())), None)


def _blocks_problem(name: str, value: Any) -> str | None:
    if not isinstance(value, list):
        return f"`{name}` is {value!r}; it must be a list of blocks, each {{'view_id': …}}"
    for place, block in enumerate(value):
        path = f"{name}[{place}]"
        if not isinstance(block, Mapping) or "view_id" not in block:
            return f"`{path}` is {block!r}; it must be an object with view_id"
        if block["view_id"] not in BLOCKS:
            return f"`{path}.view_id` is {block['view_id']!r}; a block can be {', '.join(BLOCKS)}"
        for key in block:
            if key != "view_id":
                return f"`{path}.{key}` is not supported: what a block shows stands in the task"
    return None


_flag = _plain("true or false", lambda value: isinstance(value, bool))
_text = _plain("a text that is not empty", _is_text)
_share = _plain("a number from 0 to 1", lambda value: _is_number(value, 0, 1))
_width = _plain("a width in pixels, from 200 on", lambda value: _is_whole(value, 200, 100_000))
_color = _plain("a colour as #rrggbb", lambda value: isinstance(value, str) and COLOR.fullmatch(value) is not None)
_any = _plain("", lambda value: True)

KEYS: dict[str, Key] = {
    "host": Key("127.0.0.1", _text, on_page=False, place="outside"),
    "port": Key(
        8080, _plain("a port, 0 to 65535", lambda value: _is_whole(value, 0, 65535)), on_page=False, place="outside"
    ),
    "db": Key(None, _text, on_page=False, is_path=True),
    "open_browser": Key(True, _flag, on_page=False, place="outside"),
    "instructions": Key(
        False,
        _plain("the path of an HTML or a text file", lambda value: value is False or _is_text(value)),
        is_path=True,
    ),
    "custom_theme": Key({}, _theme_problem),
    "show_stats": Key(True, _flag),
    "hide_meta": Key(False, _flag),
    "show_flag": Key(True, _flag),
    "buttons": Key(
        list(ANSWER_BUTTONS),
        _plain(f"a list of {', '.join(ANSWER_BUTTONS)}", lambda value: _is_some_of(value, ANSWER_BUTTONS)),
    ),
    "darken_image": Key(0, _share),
    "history_length": Key(20, _plain("a whole number from 1 to 1000", lambda value: _is_whole(value, 1, 1000))),
    "choice_style": Key("single", _plain("single or multiple", lambda value: value in ("single", "multiple"))),
    "choice_auto_accept": Key(False, _flag),
    "image_manual_modes": Key(
        list(SHAPES), _plain(f"a list of {', '.join(SHAPES)}", lambda value: _is_some_of(value, SHAPES))
    ),
    "image_manual_show_labels": Key(True, _flag),
    "blocks": Key([], _blocks_problem, place="recipe"),
    "labels": Key(None, _any, on_page=False, place="recipe"),
    "threshold": Key(None, _any, on_page=False, place="recipe"),
}

REFUSED = {
    "theme": "the page is light or dark as the system is; custom_theme colours the labels",
    "batch_size": "the page holds the task that is shown and three more",
    "instant_submit": "every answer is sent the moment it is given",
    "answer_batch_size": "every answer is sent the moment it is given",
    "swipe": "the page is answered by keys and buttons",
    "cors": "no other site may read the page's data",
    "db_settings": 'write the whole address into "db": postgresql://user@host/name',
    "db_id": 'write the whole address into "db": postgresql://user@host/name',
    "api_keys": "no service is called",
    "auto_create": "a dataset is made when it is first answered",
    "exclude_by": "an image that is answered in an excluded dataset is left out, whatever was asked",
    "feed_overlap": "each task goes to one session; `teachbox review` compares datasets",
    "annotations_per_task": "each task goes to one session; `teachbox review` compares datasets",
    "allow_work_stealing": "a task that a session does not answer goes to another after ten minutes",
    "force_stream_order": "tasks come in the order of the stream",
    "total_examples_target": "progress is measured on the stream; a stream that is a list knows its length",
    "auto_count_stream": "progress is measured on the stream; a stream that is a list knows its length",
    "image_manual_spans_key": "boxes are a task's `spans`",
    "image_manual_stroke_width": "frames are two pixels wide, with a dark line beneath",
    "image_manual_legacy": "there is one editor of boxes",
    "show_bounding_box_center": "the crosshair and the handles show where a box lies",
    "preview_bounding_boxes": "predicted boxes are always shown; the slider hides those of a low score",
    "shade_bounding_boxes": "predicted boxes are dashed until they are touched",
    "javascript": "no code of others runs on the page",
    "html_template": "no code of others runs on the page",
    "global_css": "custom_theme colours the labels",
    "card_css": "custom_theme colours the labels",
}
"""Keys of Prodigy's that there are not: what is so instead."""
