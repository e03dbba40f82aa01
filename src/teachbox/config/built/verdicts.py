"""How the table of what is built is written down: verdicts on fields, and rules between them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, fields
from typing import Any


@dataclass(frozen=True)
class Built:
    """Read and followed; only with one of `values` where there are any, and in at most `rows` rows."""

    values: tuple[Any, ...] = ()
    rows: int | None = None
    note: str = ""
    """What the page about it says besides, such as where the original does otherwise."""


@dataclass(frozen=True)
class NoEffect:
    """Accepted, and listed by `teachbox config check`: it changes nothing here, for this reason."""

    reason: str


@dataclass(frozen=True)
class Refused:
    """Refused for this reason: it has no meaning here, and is not only missing. Without one, what is in no table."""

    reason: str


Verdict = Built | NoEffect | Refused


@dataclass(frozen=True)
class Rows:
    """A part of the table; each dict goes from a block's name to what holds for its fields."""

    table: dict[str, dict[str, Verdict]] = field(default_factory=dict)
    required: dict[str, str] = field(default_factory=dict)
    """What cannot be left out: in a block that is there, each field or one of each oneof."""
    ranges: dict[str, dict[str, tuple[float, float | None]]] = field(default_factory=dict)
    """The least and the most that a number can be."""
    same_length: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    """Lists that go together, row by row."""
    not_above: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    """A number that cannot be above another."""
    of_types: dict[str, str] = field(default_factory=dict)
    """Fields, by patterns of their paths, that only models with these types of feature extractors (patterns) have."""
    rules: dict[str, list[Callable[[Any], Iterator[tuple[str, str]]]]] = field(default_factory=dict)
    """What takes more than a table to say: functions of a block's message, to fields and what is wrong with them."""
    needed_by_type: dict[str, str] = field(default_factory=dict)
    """What a feature extractor of a type needs to be true; the original refuses it otherwise too."""


def merged(parts: Iterable[Rows]) -> Rows:
    """All `parts` as one table. Raises `ValueError` where two of them have a row of the same name."""
    whole = Rows()
    for part in parts:
        for kind in fields(Rows):
            into, rows = getattr(whole, kind.name), getattr(part, kind.name)
            if twice := sorted(set(into) & set(rows)):
                raise ValueError(f"{kind.name} of {twice[0]!r} stands in the table twice")
            into.update(rows)
    return whole


def built(names: str, note: str = "") -> dict[str, Verdict]:
    return dict.fromkeys(names.split(), Built(note=note))


def no_effect(names: str, reason: str) -> dict[str, Verdict]:
    return dict.fromkeys(names.split(), NoEffect(reason))


def refused(names: str, reason: str) -> dict[str, Verdict]:
    return dict.fromkeys(names.split(), Refused(reason))


def only(*values: Any) -> Built:
    return Built(values)


ONE_OR_MORE = (1, None)
NOT_NEGATIVE = (0, None)
SHARE = (0, 1)

OWN_INPUT = "how files are read; training draws full batches from the answers, evaluation reads a record once"
OWN_ROUNDS = "the command line says how long a round is, how much is evaluated, and when"
