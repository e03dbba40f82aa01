"""The answers of one dataset to be browsed and counted, without a look at their boxes.

For that, facts about each answer are kept in tables of their own. They are made of the log whenever it has grown, by
whoever asks: saving an answer does not wait for them, and imported answers have them too.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, func, select

from teachbox.annotation import Task
from teachbox.store.answer_log import UNDO
from teachbox.store.corrections import correction_of
from teachbox.store.database import Database
from teachbox.store.label_book import read_labels
from teachbox.store.records import AnswerFacts, StoredAnswer
from teachbox.store.renames import renamed, renames
from teachbox.store.schema import answer_facts, answer_labels, answers, newest

_AT_ONCE = 500
_FACTS = [column for column in answer_facts.c if column.name not in ("answer_id", "dataset_id")]


@dataclass(frozen=True)
class Filter:
    """Which answers are wanted; what is None does not matter."""

    answer: str | None = None
    label: str | None = None
    """Those with a box of this label."""
    flagged: bool | None = None
    session: str | None = None
    disagreement: float | None = None
    """Those that differ so much from what was predicted, or more (see `corrections.compare`)."""


class History:
    """The answers of one dataset; `Store.history` makes one."""

    def __init__(self, database: Database, dataset_id: int) -> None:
        self._database = database
        self._dataset_id = dataset_id

    def page(self, wanted: Filter, before: int | None = None, limit: int = 50) -> tuple[list[AnswerFacts], int | None]:
        """Up to `limit` effective answers, newest first, with ids below `before`; and the id to go on from, if any."""
        self._catch_up()
        query = (
            select(answer_facts.c.answer_id, newest.c.input_hash, *_FACTS)
            .join(newest, newest.c.answer_id == answer_facts.c.answer_id)
            .where(newest.c.dataset_id == self._dataset_id, newest.c.kind != UNDO)
            .order_by(newest.c.answer_id.desc())
            .limit(limit + 1)
        )
        if before is not None:
            query = query.where(newest.c.answer_id < before)
        with self._database.read() as connection:
            names = [] if wanted.label is None else _all_names(connection, self._dataset_id, wanted.label)
            rows = connection.execute(_only(query, wanted, names)).all()
            labels = _labels_of(connection, self._dataset_id, [row[0] for row in rows])
        found = [_facts(row, labels.get(row[0], {})) for row in rows[:limit]]
        return found, found[-1].id if len(rows) > limit else None

    def all(self) -> list[AnswerFacts]:
        """Facts about all effective answers, oldest first, without their labels."""
        self._catch_up()
        query = (
            select(answer_facts.c.answer_id, newest.c.input_hash, *_FACTS)
            .join(newest, newest.c.answer_id == answer_facts.c.answer_id)
            .where(newest.c.dataset_id == self._dataset_id, newest.c.kind != UNDO)
            .order_by(newest.c.answer_id)
        )
        with self._database.read() as connection:
            return [_facts(row, {}) for row in connection.execute(query)]

    def answer(self, id: int) -> StoredAnswer | None:
        """One answer, also where a newer one has taken its place; None where there is none.

        It is as it was given, but for labels that have new names.
        """
        query = select(answers.c.id, answers.c.task, answers.c.kind, answers.c.session_id, answers.c.created).where(
            answers.c.dataset_id == self._dataset_id, answers.c.id == id, answers.c.kind != UNDO
        )
        with self._database.read() as connection:
            row = connection.execute(query).first()
            names = renames(connection, self._dataset_id)
        return None if row is None else StoredAnswer(row.id, renamed(json.loads(row.task), names), *row[2:])

    def sessions(self) -> list[str]:
        """Who has given effective answers, in the order of the alphabet."""
        query = (
            select(newest.c.session_id)
            .where(newest.c.dataset_id == self._dataset_id, newest.c.kind != UNDO)
            .distinct()
            .order_by(newest.c.session_id)
        )
        with self._database.read() as connection:
            return list(connection.execute(query).scalars())

    # The facts

    def _catch_up(self) -> None:
        """Make the facts about what has come since they were made last."""
        while self._is_behind():
            # They can be made anew: no need to wait for the disk.
            self._database.write(self._make_facts, durable=False)

    def _is_behind(self) -> bool:
        with self._database.read() as connection:
            last = connection.execute(
                select(func.max(answers.c.id)).where(answers.c.dataset_id == self._dataset_id)
            ).scalar()
            return (last or 0) > self._last_known(connection)

    def _last_known(self, connection: Connection) -> int:
        query = select(func.max(answer_facts.c.answer_id)).where(answer_facts.c.dataset_id == self._dataset_id)
        return connection.execute(query).scalar() or 0

    def _make_facts(self, connection: Connection) -> None:
        query = (
            select(answers)
            .where(answers.c.dataset_id == self._dataset_id, answers.c.id > self._last_known(connection))
            .order_by(answers.c.id)
            .limit(_AT_ONCE)
        )
        facts, labels = [], []
        names = renames(connection, self._dataset_id)
        for row in connection.execute(query):
            # A label that was renamed between prediction and answer was not corrected.
            task: Task = renamed(json.loads(row.task), names)
            counts = Counter(span["label"] for span in task.get("spans") or [])
            facts.append({"answer_id": row.id, "dataset_id": self._dataset_id, **_made(row, task, counts.total())})
            # Those of answers that were taken back are not asked for, but the row says how far the facts reach.
            labels += [{"answer_id": row.id, "label": label, "boxes": number} for label, number in counts.items()]
        if facts:
            connection.execute(answer_facts.insert(), facts)
        if labels:
            connection.execute(answer_labels.insert(), labels)


def _made(row: Any, task: Task, boxes: int) -> dict[str, Any]:
    correction = correction_of(task)
    meta, version = task.get("meta"), task.get("version")
    file = meta.get("file") if isinstance(meta, Mapping) else None
    found = dict.fromkeys(("kept", "moved", "relabelled", "removed", "added", "disagreement"))
    return {
        "session_id": row.session_id,
        "kind": row.kind,
        "created": row.created,
        "file": str(file or str(task.get("path") or "").rsplit("/", 1)[-1] or row.input_hash),
        "flagged": int(bool(task.get("flagged"))),
        "boxes": boxes,
        "version": version if isinstance(version, int) else None,
        **(found if correction is None else vars(correction)),
    }


def _only(query: Select[Any], wanted: Filter, names: Sequence[str]) -> Select[Any]:
    """`names`: all that the label that is wanted has or had."""
    if wanted.answer is not None:
        query = query.where(newest.c.kind == wanted.answer)
    if wanted.session is not None:
        query = query.where(newest.c.session_id == wanted.session)
    if wanted.flagged is not None:
        query = query.where(answer_facts.c.flagged == int(wanted.flagged))
    if wanted.disagreement is not None:
        query = query.where(answer_facts.c.disagreement >= wanted.disagreement)
    if wanted.label is not None:
        with_label = select(answer_labels.c.label).where(
            answer_labels.c.answer_id == newest.c.answer_id, answer_labels.c.label.in_(names)
        )
        query = query.where(with_label.exists())
    return query


def _all_names(connection: Connection, dataset_id: int, name: str) -> list[str]:
    known = (label for label in read_labels(connection, dataset_id) if name == label.name or name in label.was)
    return next(([label.name, *label.was] for label in known), [name])


def _labels_of(connection: Connection, dataset_id: int, ids: Sequence[int]) -> dict[int, dict[str, int]]:
    found: dict[int, dict[str, int]] = {}
    names = renames(connection, dataset_id)
    query = select(answer_labels).where(answer_labels.c.answer_id.in_(ids)).order_by(answer_labels.c.label)
    for row in connection.execute(query):
        label, counts = names.get(row.label, row.label), found.setdefault(row.answer_id, {})
        counts[label] = counts.get(label, 0) + row.boxes
    return found


def _facts(row: Any, labels: dict[str, int]) -> AnswerFacts:
    values = row._asdict()
    known = {"id": values.pop("answer_id"), "answer": values.pop("kind"), "flagged": bool(values.pop("flagged"))}
    return AnswerFacts(**values, **known, labels=labels)
