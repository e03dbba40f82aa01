"""Tasks for the feed, from a source of images or from what a recipe of one's own yields."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from teachbox.annotation import Task
from teachbox.data.sources import source_tasks
from teachbox.errors import DataError


def source_stream(source: str | os.PathLike[str]) -> list[Task]:
    """The tasks of a folder, an image, a JSONL file or an address; a list, so that their number is known.

    Raises `SourceError` or `DataError` before anything starts.
    """
    return [{**given, "path": path} for path, given in source_tasks(source)]


def as_tasks(items: Iterable[Any]) -> Iterable[Task]:
    """What a recipe's `stream` yields as tasks: dicts with `path` or `image`, or the paths alone."""
    return [_as_task(item) for item in items] if isinstance(items, list) else _each(items)


def span_labels(tasks: Iterable[Task]) -> list[str]:
    """The labels of all boxes of tasks to be reviewed, in all versions, in the order in which they are met."""
    reviewed = (one for task in tasks if task.get("versions") for one in (*task["versions"], task))
    spans = (span for one in reviewed for span in one.get("spans") or ())
    return list(dict.fromkeys(str(span["label"]) for span in spans if span.get("label")))


def _each(items: Iterable[Any]) -> Iterator[Task]:
    # Not a generator: one that raises is over, and what comes after a bad item would never be seen.
    return map(_as_task, items)


def _as_task(item: Any) -> Task:
    if isinstance(item, str | os.PathLike):
        return {"path": os.fspath(item)}
    if not isinstance(item, Mapping):
        raise DataError(f"the stream yielded {type(item).__name__}; it must yield tasks (dicts) or paths of images")
    image = item.get("path") or item.get("image")
    if not isinstance(image, str) or not image:
        raise DataError('the stream yielded a task without "image" or "path", the path or address of an image')
    if image.startswith("data:"):
        raise DataError("the stream yielded an image inlined as base64; save it as a file and give its path")
    return {**item, "path": image}
