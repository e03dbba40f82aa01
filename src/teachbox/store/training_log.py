"""Queries on what the trainer writes: runs, versions, metrics, its status, and events."""

from __future__ import annotations

import json
import time
from typing import Any

from sqlalchemy import Connection, func, select, update

from teachbox.store.records import StoredEvent, StoredMetrics, StoredRun, StoredVersion
from teachbox.store.schema import datasets, events, insert_or, metrics, runs, trainer_status, versions

RUNNING = "running"
INTERRUPTED = "interrupted"
_RUN = (
    runs.c.id,
    runs.c.state,
    runs.c.steps,
    runs.c.answers,
    runs.c.last_step,
    runs.c.version,
    runs.c.seconds,
    runs.c.started,
    runs.c.finished,
)


def start_run(connection: Connection, dataset_id: int, steps: int, number_of_answers: int) -> int:
    """Add a run. One that was left running by a trainer that died is marked `interrupted`."""
    left = update(runs).where(runs.c.dataset_id == dataset_id, runs.c.state == RUNNING)
    now = time.time()
    connection.execute(left.values(state=INTERRUPTED, finished=now))
    row = {"dataset_id": dataset_id, "state": RUNNING, "steps": steps, "answers": number_of_answers, "started": now}
    return int(connection.execute(runs.insert().values(**row).returning(runs.c.id)).scalar_one())


def finish_run(connection: Connection, run_id: int, **values: Any) -> bool:
    """Say how a run ended; False where there is no such run."""
    changed = connection.execute(update(runs).where(runs.c.id == run_id).values(finished=time.time(), **values))
    return changed.rowcount == 1


def list_runs(connection: Connection, dataset_id: int) -> list[StoredRun]:
    """Runs, oldest first."""
    query = select(*_RUN).where(runs.c.dataset_id == dataset_id).order_by(runs.c.id)
    return [StoredRun(*row) for row in connection.execute(query)]


def add_version(connection: Connection, dataset_id: int, version: int, **values: Any) -> None:
    """Add a published version; the same number again says anew where it is."""
    row = {"created": time.time(), **values}
    statement = insert_or(connection)(versions).values(dataset_id=dataset_id, version=version, **row)
    connection.execute(statement.on_conflict_do_update(index_elements=["dataset_id", "version"], set_=row))


def list_versions(connection: Connection, dataset_id: int) -> list[StoredVersion]:
    """Versions, oldest first."""
    columns = (versions.c.version, versions.c.run_id, versions.c.step, versions.c.path, versions.c.created)
    query = select(*columns).where(versions.c.dataset_id == dataset_id).order_by(versions.c.version)
    return [StoredVersion(*row) for row in connection.execute(query)]


def add_metrics(connection: Connection, dataset_id: int, **values: Any) -> None:
    """Add what one evaluation measured."""
    connection.execute(metrics.insert().values(dataset_id=dataset_id, created=time.time(), **values))


def list_metrics(connection: Connection, dataset_id: int, newest_only: bool) -> list[StoredMetrics]:
    """Evaluations, newest first."""
    columns = (metrics.c.metrics, metrics.c.version, metrics.c.run_id, metrics.c.step, metrics.c.created)
    query = select(*columns).where(metrics.c.dataset_id == dataset_id).order_by(metrics.c.id.desc())
    rows = connection.execute(query.limit(1) if newest_only else query)
    return [StoredMetrics(json.loads(text), *rest) for text, *rest in rows]


def merge_status(connection: Connection, dataset_id: int, fields: dict[str, Any]) -> dict[str, Any]:
    """The status with `fields` put over what it was."""
    query = select(trainer_status.c.fields).where(trainer_status.c.dataset_id == dataset_id)
    text = connection.execute(query).scalar()
    return {**(json.loads(text) if text else {}), **fields}


def put_status(connection: Connection, dataset_id: int, fields: str) -> None:
    """Replace the status."""
    row = {"updated": time.time(), "fields": fields}
    statement = insert_or(connection)(trainer_status).values(dataset_id=dataset_id, **row)
    connection.execute(statement.on_conflict_do_update(index_elements=["dataset_id"], set_=row))


def get_status(connection: Connection, dataset_id: int) -> dict[str, Any]:
    """The status with `updated`; empty where no trainer ever wrote one."""
    columns = (trainer_status.c.fields, trainer_status.c.updated)
    row = connection.execute(select(*columns).where(trainer_status.c.dataset_id == dataset_id)).first()
    return {} if row is None else {**json.loads(row.fields), "updated": row.updated}


def add_event(connection: Connection, dataset_id: int, kind: str, data: str) -> int:
    """Add an event and return its id."""
    row = {"dataset_id": dataset_id, "kind": kind, "data": data, "created": time.time()}
    return int(connection.execute(events.insert().values(**row).returning(events.c.id)).scalar_one())


def events_after(connection: Connection, id: int, dataset_id: int | None, limit: int) -> list[StoredEvent]:
    """Events with a greater id, oldest first, of one dataset or of all."""
    query = (
        select(events.c.id, datasets.c.name, events.c.kind, events.c.data, events.c.created)
        .join(datasets, datasets.c.id == events.c.dataset_id)
        .where(events.c.id > id)
        .order_by(events.c.id)
        .limit(limit)
    )
    if dataset_id is not None:
        query = query.where(events.c.dataset_id == dataset_id)
    return [_event(row) for row in connection.execute(query)]


def newest_events(connection: Connection, dataset_id: int, kind: str, limit: int) -> list[StoredEvent]:
    """Events of one kind, newest first."""
    columns = (events.c.id, datasets.c.name, events.c.kind, events.c.data, events.c.created)
    query = select(*columns).join(datasets, datasets.c.id == events.c.dataset_id)
    query = query.where(events.c.dataset_id == dataset_id, events.c.kind == kind)
    rows = connection.execute(query.order_by(events.c.id.desc()).limit(limit))
    return [_event(row) for row in rows]


def _event(row: Any) -> StoredEvent:
    return StoredEvent(row[0], row[1], row[2], json.loads(row[3]), row[4])


def last_event_id(connection: Connection) -> int:
    """Id of the newest event; 0 for none."""
    return connection.execute(select(func.max(events.c.id))).scalar() or 0


def add_dataset(connection: Connection, name: str) -> None:
    """Add a dataset unless it is there."""
    statement = insert_or(connection)(datasets).values(name=name, created=time.time())
    connection.execute(statement.on_conflict_do_nothing(index_elements=["name"]))
