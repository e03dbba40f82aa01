"""What the store hands out: plain rows of the tables, their JSON already read."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from teachbox.annotation import Task
from teachbox.errors import DataError


@dataclass(frozen=True)
class StoredAnswer:
    """One row of the log of answers. `created` is in unix seconds, as everywhere in the store."""

    id: int
    task: Task
    answer: str
    session_id: str
    created: float


@dataclass(frozen=True)
class AnswerFacts:
    """What is known of one answer without its boxes. What was done to predicted ones is None where none were."""

    id: int
    input_hash: int
    session_id: str
    answer: str
    created: float
    file: str
    flagged: bool
    boxes: int
    version: int | None
    kept: int | None
    moved: int | None
    relabelled: int | None
    removed: int | None
    added: int | None
    disagreement: float | None
    labels: dict[str, int]
    """Label → how many boxes have it."""


@dataclass(frozen=True)
class StoredLabel:
    """One label of a dataset: its id, the class that the detector knows it by, never changes."""

    id: int
    name: str
    """What spans say now."""
    color: str = ""
    """`#rrggbb` where a person chose one."""
    added: bool = False
    """Whether it was added while labelling: no label map and no option has named it."""
    was: tuple[str, ...] = ()
    """Names that it had before; answers given under them are its own."""


@dataclass(frozen=True)
class StoredRun:
    """One round of training; `state` is `running`, or how it ended."""

    id: int
    state: str
    steps: int
    answers: int
    last_step: int | None
    version: int | None
    seconds: float | None
    started: float
    finished: float | None


@dataclass(frozen=True)
class StoredVersion:
    """One published version of the model."""

    version: int
    run_id: int | None
    step: int
    path: str
    created: float


@dataclass(frozen=True)
class StoredMetrics:
    """What one evaluation measured."""

    metrics: dict[str, float]
    version: int | None
    run_id: int | None
    step: int
    created: float


@dataclass(frozen=True)
class StoredEvent:
    """Something that happened, in the words of the process that wrote it."""

    id: int
    dataset: str
    kind: str
    data: dict[str, Any]
    created: float


def dump_json(value: Any, *, where: str) -> str:
    """`value` as JSON text in ASCII, which every database takes. Raises `DataError` for NaN and objects."""
    try:
        return json.dumps(value, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError) as error:
        raise DataError(f"not JSON: {error}", where=where) from error
