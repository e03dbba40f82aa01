"""Queries on tasks and on the log of answers. Each takes a connection and belongs to its caller's transaction."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, func, select

from teachbox.annotation import ANSWERS, Task, check_answer
from teachbox.errors import DataError
from teachbox.store import drafts
from teachbox.store.records import StoredAnswer, dump_json
from teachbox.store.schema import answers, insert_or, newest, tasks

ANSWER_KEY = "_answer_key"
"""Names one giving of an answer; sent again under the same key, it is stored once. Not part of the stored task."""
BASE_KEY = "_base_answer"
"""Id of the answer to the task that whoever answers has seen. Not part of the stored task."""
UNDO = "undo"
_PAGE = 1000
_LARGEST = 2**63
_LONGEST_NAME = 200
_COLUMNS = (answers.c.id, answers.c.kind, answers.c.session_id, answers.c.created, answers.c.task)


def check_name(name: object, what: str) -> str:
    """`name` if it can name a dataset, a session or an answer. Raises `DataError`."""
    if not isinstance(name, str) or not name.strip() or len(name) > _LONGEST_NAME or not name.isprintable():
        raise DataError(f"{what} must be 1 to {_LONGEST_NAME} printable characters, got {str(name)[:40]!r}")
    return name


def check_hash(task: Mapping[str, Any], key: str) -> int:
    """The task's `_input_hash` or `_task_hash`. Raises `DataError` unless it is an integer of 64 bits."""
    value = task.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or not -_LARGEST <= value < _LARGEST:
        raise DataError(f"`{key}` must be an integer of at most 64 bits, got {value!r}")
    return value


def prepare_tasks(given: Iterable[Task]) -> list[dict[str, Any]]:
    """Rows of the table of tasks, without the dataset. Raises `DataError` for a task without hashes."""
    now = time.time()
    rows = []
    for task in given:
        hashes = {"input_hash": check_hash(task, "_input_hash"), "task_hash": check_hash(task, "_task_hash")}
        where = f"task {hashes['task_hash']}"
        rows.append({**hashes, "created": now, "task": dump_json(task, where=where)})
    return rows


def add_tasks(connection: Connection, dataset_id: int, rows: Iterable[dict[str, Any]]) -> None:
    """Add tasks that the dataset does not hold yet."""
    values = [{**row, "dataset_id": dataset_id} for row in rows]
    if values:
        connection.execute(insert_or(connection)(tasks).on_conflict_do_nothing(), values)


def prepare_answers(session_id: str, given: Sequence[Task]) -> list[dict[str, Any]]:
    """Rows of the log, without the dataset, checked as a whole before any is written. Raises `DataError`."""
    check_name(session_id, "a session id")
    return [_prepare_answer(session_id, task) for task in given]


def _prepare_answer(session_id: str, task: Task) -> dict[str, Any]:
    kind = check_answer(task)
    now = time.time()
    key = task.get(ANSWER_KEY)
    # What the task says about who answered and when stands, so that an export comes back as it was.
    kept = {
        **{name: value for name, value in task.items() if name not in (ANSWER_KEY, BASE_KEY)},
        "_session_id": task.get("_session_id") or session_id,
        "_timestamp": task.get("_timestamp") or int(now),
        "_annotator": task.get("_annotator") or session_id,
    }
    return {
        "input_hash": check_hash(task, "_input_hash"),
        "task_hash": check_hash(task, "_task_hash"),
        "session_id": session_id,
        "kind": kind,
        "answer_key": None if key is None else check_name(key, f"`{ANSWER_KEY}`"),
        "created": now,
        "task": dump_json(kept, where=f"task {task['_task_hash']}"),
    }


def append(connection: Connection, dataset_id: int, rows: Sequence[dict[str, Any]]) -> list[int]:
    """Add rows to the log and return their ids; a row whose key is already there gets that one's id.

    Drafts of the tasks that are answered go: what they held is in the answer.
    """
    known = _ids_by_key(connection, dataset_id, rows)
    fresh: list[dict[str, Any]] = []
    places: dict[str, int] = {}
    for row in rows:
        key = row["answer_key"]
        if key is None or (key not in known and key not in places):
            if key is not None:
                places[key] = len(fresh)
            fresh.append({**row, "dataset_id": dataset_id})
    ids = _insert(connection, fresh) if fresh else []
    drafts.drop(connection, dataset_id, [row for row in fresh if row["kind"] != UNDO])
    known.update({key: ids[place] for key, place in places.items()})
    unkeyed = iter([id for id, row in zip(ids, fresh, strict=True) if row["answer_key"] is None])
    return [next(unkeyed) if row["answer_key"] is None else known[row["answer_key"]] for row in rows]


def _ids_by_key(connection: Connection, dataset_id: int, rows: Sequence[dict[str, Any]]) -> dict[str, int]:
    keys = list({row["answer_key"] for row in rows if row["answer_key"] is not None})
    found: dict[str, int] = {}
    for start in range(0, len(keys), _PAGE):
        query = select(answers.c.answer_key, answers.c.id).where(
            answers.c.dataset_id == dataset_id, answers.c.answer_key.in_(keys[start : start + _PAGE])
        )
        found.update({row[0]: row[1] for row in connection.execute(query)})
    return found


def _insert(connection: Connection, rows: list[dict[str, Any]]) -> list[int]:
    statement = answers.insert().returning(answers.c.id, sort_by_parameter_order=True)
    ids = [int(id) for id in connection.execute(statement, rows).scalars()]
    # Of several answers to one input in the same batch the last one counts.
    last = {row["input_hash"]: (id, row) for id, row in zip(ids, rows, strict=True)}
    values = [
        {
            "dataset_id": row["dataset_id"],
            "input_hash": input_hash,
            "answer_id": id,
            "session_id": row["session_id"],
            "kind": row["kind"],
        }
        for input_hash, (id, row) in last.items()
    ]
    upsert = insert_or(connection)(newest)
    changed = {name: upsert.excluded[name] for name in ("answer_id", "session_id", "kind")}
    place = [newest.c.dataset_id, newest.c.input_hash]
    connection.execute(upsert.on_conflict_do_update(index_elements=place, set_=changed), values)
    return ids


def undo(
    connection: Connection, dataset_id: int, session_id: str, task_hash: int, key: str | None, own: bool
) -> StoredAnswer | None:
    """Take back the effective answer of a task: add an `undo` row, and return the answer as it was given.

    None where the task has no answer. Asked again by the session that took it back, or under a `key` that is known, it
    changes nothing more. With `own`, raises `DataError` where the answer is another session's.
    """
    if key is not None:
        place = (answers.c.dataset_id == dataset_id, answers.c.answer_key == key)
        known = connection.execute(select(*_COLUMNS).where(*place)).first()
        if known is not None:
            return _taken_back(known) if known.kind == UNDO else None
    query = (
        select(*_COLUMNS, answers.c.input_hash, newest.c.kind.label("newest_kind"))
        .join(newest, newest.c.answer_id == answers.c.id)
        .where(answers.c.dataset_id == dataset_id, answers.c.task_hash == task_hash)
    )
    row = connection.execute(query).first()
    if row is None or (row.kind == UNDO and row.session_id != session_id):
        return None
    if row.kind == UNDO:
        return _taken_back(row)
    if own and row.session_id != session_id:
        raise DataError(f"{row.session_id} has answered it since; that is not yours to take back")
    values = {
        "input_hash": row.input_hash,
        "task_hash": task_hash,
        "session_id": session_id,
        "kind": UNDO,
        "answer_key": key,
        "created": time.time(),
        "task": row.task,
    }
    append(connection, dataset_id, [values])
    return _stored(row)


def _taken_back(row: Any) -> StoredAnswer:
    """What an `undo` row took back; the row holds it."""
    task: Task = json.loads(row.task)
    return StoredAnswer(row.id, task, task["answer"], row.session_id, row.created)


def overtaken(connection: Connection, dataset_id: int, id: int, task_hash: int, base: int) -> StoredAnswer | None:
    """The answer that stood when the one with this id was given; None where none did, or only `base`."""
    before = (answers.c.dataset_id == dataset_id, answers.c.task_hash == task_hash, answers.c.id < id)
    row = connection.execute(select(*_COLUMNS).where(*before).order_by(answers.c.id.desc()).limit(1)).first()
    return None if row is None or row.kind == UNDO or row.id == base else _stored(row)


def effective_page(
    connection: Connection, dataset_id: int, kind: str | None, after_id: int
) -> tuple[list[StoredAnswer], int | None]:
    """Up to a thousand effective answers in the order of their ids, and the id to go on from (None at the end)."""
    query = (
        select(*_COLUMNS)
        .join(newest, newest.c.answer_id == answers.c.id)
        .where(newest.c.dataset_id == dataset_id, newest.c.answer_id > after_id)
        .where(newest.c.kind != UNDO if kind is None else newest.c.kind == kind)
        .order_by(newest.c.answer_id)
        .limit(_PAGE)
    )
    rows = connection.execute(query).all()
    return [_stored(row) for row in rows], rows[-1].id if len(rows) == _PAGE else None


def by_session(connection: Connection, dataset_id: int) -> list[StoredAnswer]:
    """The newest answer of each session to each input that it did not take back, in the order given."""
    last = (
        select(func.max(answers.c.id))
        .where(answers.c.dataset_id == dataset_id)
        .group_by(answers.c.input_hash, answers.c.session_id)
    )
    query = select(*_COLUMNS).where(answers.c.id.in_(last), answers.c.kind != UNDO).order_by(answers.c.id)
    return [_stored(row) for row in connection.execute(query)]


def _stored(row: Any) -> StoredAnswer:
    return StoredAnswer(row.id, json.loads(row.task), row.kind, row.session_id, row.created)


def last_id(connection: Connection, dataset_id: int) -> int:
    """Id of the newest row of the log, undo rows among them; 0 for none."""
    return connection.execute(select(func.max(answers.c.id)).where(answers.c.dataset_id == dataset_id)).scalar() or 0


def counts(connection: Connection, dataset_id: int) -> dict[str, int]:
    """How many effective answers there are of each kind."""
    query = (
        select(newest.c.kind, func.count())
        .where(newest.c.dataset_id == dataset_id, newest.c.kind != UNDO)
        .group_by(newest.c.kind)
    )
    found = {row[0]: row[1] for row in connection.execute(query)}
    return {answer: found.get(answer, 0) for answer in ANSWERS}


def session_counts(connection: Connection, dataset_id: int) -> dict[str, int]:
    """How many effective answers each session gave."""
    query = (
        select(newest.c.session_id, func.count())
        .where(newest.c.dataset_id == dataset_id, newest.c.kind != UNDO)
        .group_by(newest.c.session_id)
        .order_by(newest.c.session_id)
    )
    return {row[0]: row[1] for row in connection.execute(query)}


def answered_inputs(connection: Connection, dataset_id: int) -> Iterator[int]:
    """Input hashes that have an effective answer."""
    query = select(newest.c.input_hash).where(newest.c.dataset_id == dataset_id, newest.c.kind != UNDO)
    yield from connection.execute(query).scalars()


def find_task(connection: Connection, dataset_id: int, input_hash: int) -> Task | None:
    """The task last made of an input."""
    query = (
        select(tasks.c.task)
        .where(tasks.c.dataset_id == dataset_id, tasks.c.input_hash == input_hash)
        .order_by(tasks.c.id.desc())
        .limit(1)
    )
    text = connection.execute(query).scalar()
    return None if text is None else json.loads(text)


def find_task_by_hash(connection: Connection, dataset_id: int, task_hash: int) -> Task | None:
    """The task with this task hash, without an answer."""
    query = select(tasks.c.task).where(tasks.c.dataset_id == dataset_id, tasks.c.task_hash == task_hash)
    text = connection.execute(query).scalar()
    return None if text is None else json.loads(text)
