"""The paths that a pipeline.config names: where they lead, and which have still to be filled in."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import NamedTuple

from google.protobuf.message import Message

from teachbox.config.load import Pipeline
from teachbox.errors import ConfigError

# What sample configs write where a path has to be filled in.
_PLACEHOLDER = re.compile(r"PATH[ _]TO")
_PATTERN = re.compile(r"[*?\[]")


class NamedPath(NamedTuple):
    """A path as the config writes it, and where."""

    field_path: str
    line: int | None
    value: str


def resolve_path(pipeline: Pipeline, value: str) -> str:
    """Where a path of the config leads: as seen from the working directory, else from the config's folder.

    A URL, an absolute path and one that leads nowhere stay as they are.
    """
    if "://" in value or pipeline.path is None:
        return value
    path = Path(value).expanduser()
    beside = pipeline.path.parent / path
    return str(beside if not _leads_somewhere(path) and _leads_somewhere(beside) else path)


def named_paths(pipeline: Pipeline) -> list[NamedPath]:
    """Every path in the config, in the order of the schema."""
    return [NamedPath(path, pipeline.line_of(path), value) for path, value in _paths(pipeline.message, "")]


def placeholders(pipeline: Pipeline) -> list[NamedPath]:
    """The paths that still say PATH_TO_BE_CONFIGURED or the like."""
    return [named for named in named_paths(pipeline) if _PLACEHOLDER.search(named.value)]


def missing_paths(pipeline: Pipeline) -> list[NamedPath]:
    """The paths that lead nowhere, without placeholders and URLs."""
    return [
        named
        for named in named_paths(pipeline)
        if "://" not in named.value
        and not _PLACEHOLDER.search(named.value)
        and not _leads_somewhere(Path(resolve_path(pipeline, named.value)))
    ]


def check_placeholders(pipeline: Pipeline, *, unused: Collection[str] = ()) -> None:
    """Raises `ConfigError` if a path has yet to be filled in.

    `unused` names blocks or fields that will not be read, such as `eval_input_reader` without evaluation.
    """
    for path, _, value in placeholders(pipeline):
        if not any(path == part or path.startswith((f"{part}.", f"{part}[")) for part in unused):
            raise ConfigError(
                f'{path} still says "{value}"; put the real path there, or delete the line if there is none',
                where=pipeline.at(path),
            )


def _leads_somewhere(path: Path) -> bool:
    """Whether there is such a file, or a checkpoint of that name, or a file that the pattern fits."""
    if path.exists() or (path.name and path.with_name(path.name + ".index").exists()):
        return True
    return bool(_PATTERN.search(path.name)) and path.parent.is_dir() and any(path.parent.glob(path.name))


def _paths(message: Message, path: str) -> Iterator[tuple[str, str]]:
    for field, value in message.ListFields():
        name = f"{path}.{field.name}" if path else field.name
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            continue
        rows = [(f"{name}[{row}]", item) for row, item in enumerate(value)] if field.is_repeated else [(name, value)]
        for row_name, item in rows:
            if field.message_type is not None:
                yield from _paths(item, row_name)
            elif field.name.endswith("_path") or field.name == "fine_tune_checkpoint":
                yield row_name, item
