"""Queries on drafts: what sessions have done to tasks that they have not answered yet. The page alone reads them."""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, delete, select, tuple_

from teachbox.store.schema import answers, drafts, insert_or

_UNDO = "undo"


def put(
    connection: Connection, dataset_id: int, session_id: str, task_hash: int, *, text: str, stamp: float, base: int
) -> bool:
    """Keep a draft in the place of an older one; False where it comes too late to be kept.

    Too late is one with an older `stamp` than what is there, and one of a task that the session has answered
    meanwhile: `base` is the id of the answer that the work began with, 0 for none.
    """
    row = _newest_answer(connection, dataset_id, task_hash)
    if row is not None and row.kind != _UNDO and row.session_id == session_id and row.id != base:
        return False
    insert = insert_or(connection)(drafts)
    values = {"stamp": stamp, "updated": time.time(), "draft": text}
    statement = insert.values(
        dataset_id=dataset_id, session_id=session_id, task_hash=task_hash, **values
    ).on_conflict_do_update(
        index_elements=[drafts.c.dataset_id, drafts.c.session_id, drafts.c.task_hash],
        set_={name: insert.excluded[name] for name in values},
        where=drafts.c.stamp <= insert.excluded.stamp,
    )
    return connection.execute(statement).rowcount > 0


def drop(connection: Connection, dataset_id: int, rows: Sequence[Mapping[str, Any]]) -> None:
    """Remove the drafts of these `session_id` and `task_hash`."""
    places = [(row["session_id"], row["task_hash"]) for row in rows]
    for start in range(0, len(places), 400):
        mine = tuple_(drafts.c.session_id, drafts.c.task_hash).in_(places[start : start + 400])
        connection.execute(delete(drafts).where(drafts.c.dataset_id == dataset_id, mine))


def drop_overtaken(connection: Connection, dataset_id: int, before: float) -> int:
    """Remove drafts of tasks that another session answered later, and before a time; how many they were.

    So long the person who drew them may still come back, answer too, and choose between the two.
    """
    old = select(drafts.c.session_id, drafts.c.task_hash, drafts.c.updated).where(
        drafts.c.dataset_id == dataset_id, drafts.c.updated < before
    )
    overtaken = []
    for draft in connection.execute(old).all():
        newest = _newest_answer(connection, dataset_id, draft.task_hash)
        if newest is None or newest.kind == _UNDO or newest.session_id == draft.session_id:
            continue
        if draft.updated < newest.created < before:
            overtaken.append({"session_id": draft.session_id, "task_hash": draft.task_hash})
    drop(connection, dataset_id, overtaken)
    return len(overtaken)


def _newest_answer(connection: Connection, dataset_id: int, task_hash: int) -> Row[int, str, str, float] | None:
    query = (
        select(answers.c.id, answers.c.kind, answers.c.session_id, answers.c.created)
        .where(answers.c.dataset_id == dataset_id, answers.c.task_hash == task_hash)
        .order_by(answers.c.id.desc())
        .limit(1)
    )
    return connection.execute(query).first()


def of_session(
    connection: Connection, dataset_id: int, session_id: str, task_hashes: Collection[int] | None = None
) -> dict[int, dict[str, Any]]:
    """The drafts of a session by task hash, the newest first; of these tasks, or all."""
    query = (
        select(drafts.c.task_hash, drafts.c.draft)
        .where(drafts.c.dataset_id == dataset_id, drafts.c.session_id == session_id)
        .order_by(drafts.c.stamp.desc())
    )
    if task_hashes is not None:
        query = query.where(drafts.c.task_hash.in_(list(task_hashes)))
    return {row.task_hash: json.loads(row.draft) for row in connection.execute(query)}


def hashes_of(connection: Connection, dataset_id: int, session_id: str) -> list[int]:
    """Task hashes of the drafts of a session, the newest first."""
    query = (
        select(drafts.c.task_hash)
        .where(drafts.c.dataset_id == dataset_id, drafts.c.session_id == session_id)
        .order_by(drafts.c.stamp.desc())
    )
    return list(connection.execute(query).scalars())
