"""docs/supported.md, made from the schema and the table of what is built: `make docs` writes it."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import cache

from google.protobuf.descriptor import Descriptor

from teachbox.config.built import ROWS, Built, NoEffect, Refused
from teachbox.config.protos.pipeline_pb2 import TrainEvalPipelineConfig

HEAD = """# What of a pipeline.config is supported

Every field of the public schema, by the block that it stands in (`*` stands for any path).

- *Followed*: read, and done as it says; with some values only where these are named.
- *Without effect*: accepted, for the reason given; `teachbox config check` lists it.
- *Refused*: named with its line as soon as it says anything but its default.

This page is made by `make docs`. A test holds it against the schema and against the table in
`src/teachbox/config/built/`, which decides.
"""


def supported_page() -> str:
    """The whole page, in Markdown."""
    lines = [HEAD]
    for pattern in sorted(ROWS.table, key=lambda name: (name.startswith("*"), name)):
        followed, without, refused = fields_of(pattern)
        noted = notes_of(pattern)
        lines.append(f"## `{pattern}`\n" if pattern else "## Top level\n")
        if followed:
            lines.append(f"Followed: {', '.join(followed)}.\n")
        for note, names in noted.items():
            lines.append(f"{', '.join(names)}: {note}.\n")
        for reason, names in without.items():
            lines.append(f"Without effect: {', '.join(names)} ({reason}).\n")
        if refused:
            lines.append(f"Refused: {', '.join(refused)}.\n")
    return "\n".join(lines)


def fields_of(pattern: str) -> tuple[list[str], dict[str, list[str]], list[str]]:
    """Of the blocks that a row of the table is for: fields that are followed, without effect (by reason), refused."""
    row = ROWS.table[pattern]
    names = dict.fromkeys(field.name for path, block in blocks() if row_of(path) == pattern for field in block.fields)
    followed: list[str] = []
    without: dict[str, list[str]] = {}
    refused: list[str] = []
    for name in names:
        verdict = row.get(name)
        if isinstance(verdict, NoEffect):
            without.setdefault(verdict.reason, []).append(f"`{name}`")
        elif isinstance(verdict, Built):
            values = " / ".join(f"`{value}`" for value in verdict.values if value != "")
            followed.append(f"`{name}`" + (f" ({values})" if values else ""))
        elif isinstance(verdict, Refused):
            refused.append(f"`{name}` ({verdict.reason})")
        else:
            refused.append(f"`{name}`")
    return followed, without, refused


def notes_of(pattern: str) -> dict[str, list[str]]:
    """What is to be said besides of fields that are followed, and of which."""
    noted: dict[str, list[str]] = {}
    for name, verdict in ROWS.table[pattern].items():
        if isinstance(verdict, Built) and verdict.note:
            noted.setdefault(verdict.note, []).append(f"`{name}`")
    return noted


@cache
def blocks() -> list[tuple[str, Descriptor]]:
    """Path and message of each block that a pipeline.config can have and that is not refused as a whole."""
    return list(_blocks(TrainEvalPipelineConfig.DESCRIPTOR, ""))


def _blocks(block: Descriptor, path: str) -> Iterator[tuple[str, Descriptor]]:
    yield path, block
    row = ROWS.table.get(row_of(path) or "", {})
    for field in block.fields:
        if field.message_type is not None and isinstance(row.get(field.name), Built):
            yield from _blocks(field.message_type, f"{path}.{field.name}" if path else field.name)


@cache
def row_of(path: str) -> str | None:
    """Name of the table's row for a block: of those that fit, the longest."""
    return max((pattern for pattern in ROWS.table if fnmatchcase(path, pattern)), key=len, default=None)


if __name__ == "__main__":
    print(supported_page(), end="")
