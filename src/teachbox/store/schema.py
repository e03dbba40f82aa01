"""The tables, as the queries see them. What makes them is `migrations`; a test holds the two together."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column, Connection, Float, Integer, MetaData, String, Table

metadata = MetaData()

migrations = Table(
    "migrations",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("name", String, nullable=False),
    Column("applied", Float, nullable=False),
)

datasets = Table(
    "datasets",
    metadata,
    Column("id", BigInteger, primary_key=True),
    Column("name", String, nullable=False),
    Column("created", Float, nullable=False),
)

# `task`, `draft`, `data`, `metrics` and `fields` are JSON text: read and written whole, never searched.
tasks = Table(
    "tasks",
    metadata,
    Column("id", BigInteger, primary_key=True),
    Column("dataset_id", BigInteger, nullable=False),
    Column("input_hash", BigInteger, nullable=False),
    Column("task_hash", BigInteger, nullable=False),
    Column("created", Float, nullable=False),
    Column("task", String, nullable=False),
)

# The log: rows are added, never changed and never removed. `kind` is accept, reject, ignore or undo.
answers = Table(
    "answers",
    metadata,
    Column("id", BigInteger, primary_key=True),
    Column("dataset_id", BigInteger, nullable=False),
    Column("input_hash", BigInteger, nullable=False),
    Column("task_hash", BigInteger, nullable=False),
    Column("session_id", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("answer_key", String, nullable=True),
    Column("created", Float, nullable=False),
    Column("task", String, nullable=False),
)

# The newest row of the log for each input, kept in the transaction that adds to the log: counting reads no JSON.
newest = Table(
    "newest_answers",
    metadata,
    Column("dataset_id", BigInteger, primary_key=True),
    Column("input_hash", BigInteger, primary_key=True),
    Column("answer_id", BigInteger, nullable=False),
    Column("session_id", String, nullable=False),
    Column("kind", String, nullable=False),
)

# What of the log is asked for again and again, and can be made of it anew at any time: see `history`.
answer_facts = Table(
    "answer_facts",
    metadata,
    Column("answer_id", BigInteger, primary_key=True),
    Column("dataset_id", BigInteger, nullable=False),
    Column("session_id", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("created", Float, nullable=False),
    Column("file", String, nullable=False),
    Column("flagged", Integer, nullable=False),
    Column("boxes", Integer, nullable=False),
    Column("version", BigInteger, nullable=True),
    Column("kept", Integer, nullable=True),
    Column("moved", Integer, nullable=True),
    Column("relabelled", Integer, nullable=True),
    Column("removed", Integer, nullable=True),
    Column("added", Integer, nullable=True),
    Column("disagreement", Float, nullable=True),
)

answer_labels = Table(
    "answer_labels",
    metadata,
    Column("answer_id", BigInteger, primary_key=True),
    Column("label", String, primary_key=True),
    Column("boxes", Integer, nullable=False),
)

# What a session has done to a task that it has not answered yet; `stamp` is the page's clock, the newest counts.
drafts = Table(
    "drafts",
    metadata,
    Column("dataset_id", BigInteger, primary_key=True),
    Column("session_id", String, primary_key=True),
    Column("task_hash", BigInteger, primary_key=True),
    Column("stamp", Float, nullable=False),
    Column("updated", Float, nullable=False),
    Column("draft", String, nullable=False),
)

# The labels of a dataset. `added`: while labelling. `fixed`: the id is one of a label map, or stands beside such; it is
# never changed and never given to another label.
labels = Table(
    "labels",
    metadata,
    Column("dataset_id", BigInteger, primary_key=True),
    Column("label_id", BigInteger, primary_key=True),
    Column("name", String, nullable=False),
    Column("color", String, nullable=False),
    Column("added", Integer, nullable=False),
    Column("fixed", Integer, nullable=False),
    Column("created", Float, nullable=False),
)

# Every name that a label has or had. A name stays its label's, so that what was written under it keeps its meaning.
label_names = Table(
    "label_names",
    metadata,
    Column("dataset_id", BigInteger, primary_key=True),
    Column("name", String, primary_key=True),
    Column("label_id", BigInteger, nullable=False),
    Column("created", Float, nullable=False),
)

runs = Table(
    "runs",
    metadata,
    Column("id", BigInteger, primary_key=True),
    Column("dataset_id", BigInteger, nullable=False),
    Column("state", String, nullable=False),
    Column("steps", BigInteger, nullable=False),
    Column("answers", BigInteger, nullable=False),
    Column("last_step", BigInteger, nullable=True),
    Column("version", BigInteger, nullable=True),
    Column("seconds", Float, nullable=True),
    Column("started", Float, nullable=False),
    Column("finished", Float, nullable=True),
)

versions = Table(
    "versions",
    metadata,
    Column("id", BigInteger, primary_key=True),
    Column("dataset_id", BigInteger, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("run_id", BigInteger, nullable=True),
    Column("step", BigInteger, nullable=False),
    Column("path", String, nullable=False),
    Column("created", Float, nullable=False),
)

metrics = Table(
    "metrics",
    metadata,
    Column("id", BigInteger, primary_key=True),
    Column("dataset_id", BigInteger, nullable=False),
    Column("version", BigInteger, nullable=True),
    Column("run_id", BigInteger, nullable=True),
    Column("step", BigInteger, nullable=False),
    Column("created", Float, nullable=False),
    Column("metrics", String, nullable=False),
)

trainer_status = Table(
    "trainer_status",
    metadata,
    Column("dataset_id", BigInteger, primary_key=True),
    Column("updated", Float, nullable=False),
    Column("fields", String, nullable=False),
)

events = Table(
    "events",
    metadata,
    Column("id", BigInteger, primary_key=True),
    Column("dataset_id", BigInteger, nullable=False),
    Column("kind", String, nullable=False),
    Column("created", Float, nullable=False),
    Column("data", String, nullable=False),
)


def insert_or(connection: Connection) -> Any:
    """`insert` with ON CONFLICT, as the connection's database writes it."""
    # Imported here: either dialect costs start-up time, and only one is used.
    if connection.dialect.name == "sqlite":
        from sqlalchemy.dialects.sqlite import insert

        return insert
    from sqlalchemy.dialects.postgresql import insert as insert_postgresql

    return insert_postgresql
