"""The store: tasks, answers, runs, versions, metrics and events in one database that several processes share.

The web process writes tasks and answers, the trainer writes the rest; both read everything. Every method may be
called from any thread. Datasets are named; a dataset that is written to and does not exist is made.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from sqlalchemy import Connection, select

from teachbox.annotation import ANSWERS, Task
from teachbox.errors import DataError, StoreError
from teachbox.store import answer_log, drafts, training_log
from teachbox.store.database import Database
from teachbox.store.history import History
from teachbox.store.label_book import LabelBook
from teachbox.store.records import (
    StoredAnswer,
    StoredEvent,
    StoredMetrics,
    StoredRun,
    StoredVersion,
    dump_json,
)
from teachbox.store.renames import renamed, renamed_metrics, renames
from teachbox.store.schema import datasets

T = TypeVar("T")


class Store:
    """An open store; `Store.open(address)` makes one."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._dataset_ids: dict[str, int] = {}

    @classmethod
    def open(cls, address: str | Path) -> Store:
        """Open, and make where needed, the database at a path, `sqlite:///path` or `postgresql://user@host/name`.

        Raises `StoreError` where it cannot be opened, is no database, or was written by a newer Teachbox.
        """
        return cls(Database.open(address))

    @property
    def address(self) -> str:
        """Where the database is, without a password."""
        return self._database.address

    def close(self) -> None:
        """Close every connection."""
        self._database.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # Datasets

    def add_dataset(self, name: str) -> None:
        """Make the dataset `name` unless it exists."""
        answer_log.check_name(name, "the name of a dataset")
        if self._find_dataset(name) is None:
            self._database.write(lambda connection: training_log.add_dataset(connection, name), durable=True)

    def datasets(self) -> list[str]:
        """Names of the datasets, in the order in which they were made."""
        with self._database.read() as connection:
            return list(connection.execute(select(datasets.c.name).order_by(datasets.c.id)).scalars())

    def _find_dataset(self, name: str) -> int | None:
        # An id never changes, and datasets are never removed.
        if name not in self._dataset_ids:
            with self._database.read() as connection:
                id = connection.execute(select(datasets.c.id).where(datasets.c.name == name)).scalar()
            if id is None:
                return None
            self._dataset_ids[name] = id
        return self._dataset_ids[name]

    def _make_dataset(self, name: str) -> int:
        id = self._find_dataset(name)
        if id is None:
            self.add_dataset(name)
            id = self._find_dataset(name)
        if id is None:
            raise StoreError(f"dataset {name!r} could not be made", where=self.address)
        return id

    # Tasks and answers

    def add_tasks(self, dataset: str, tasks: Iterable[Task]) -> None:
        """Add tasks, each with its hashes; one that is there already is left as it is. Raises `DataError`."""
        rows = answer_log.prepare_tasks(tasks)
        id = self._make_dataset(dataset)
        # The source has the tasks still: no need to wait for the disk.
        self._database.write(lambda connection: answer_log.add_tasks(connection, id, rows), durable=False)

    def find_task(self, dataset: str, input_hash: int) -> Task | None:
        """The task last added for an input; None if there is none. Answers are not looked at."""
        return self._read(dataset, lambda connection, id: answer_log.find_task(connection, id, input_hash), None)

    def find_task_by_hash(self, dataset: str, task_hash: int) -> Task | None:
        """The task with this task hash, without an answer; None if it was never added."""
        return self._read(dataset, lambda connection, id: answer_log.find_task_by_hash(connection, id, task_hash), None)

    def add_answers(self, dataset: str, session_id: str, answers: Sequence[Task]) -> list[int]:
        """Add answered tasks to the log and return their ids, in order; on return they have reached the disk.

        All are stored, or none. An answer with an `_answer_key` that is known already is not stored again: the id of
        the first is returned. Where a task does not say `_session_id`, `_timestamp` (unix seconds) and `_annotator`,
        they are added. Raises `DataError` for an answer that cannot be stored.
        """
        rows = answer_log.prepare_answers(session_id, answers)
        id = self._make_dataset(dataset)
        return self._database.write(lambda connection: answer_log.append(connection, id, rows), durable=True)

    def overtaken(self, dataset: str, id: int, task_hash: int, base: int = 0) -> StoredAnswer | None:
        """The answer to the same task that stood when the one with this id was given, `base` not counted.

        Not None: two have answered one task, without the later having seen what the earlier said. The later counts.
        """

        def query(connection: Connection, found: int) -> StoredAnswer | None:
            other = answer_log.overtaken(connection, found, id, task_hash, base)
            return other and _under_names_of_today(connection, found, [other])[0]

        return self._read(dataset, query, None)

    def undo_answer(
        self, dataset: str, session_id: str, task_hash: int, *, key: str | None = None, own: bool = False
    ) -> StoredAnswer:
        """Take back the effective answer of a task, durably, and return it as it was given.

        Asked again by the same session, or under the same `key`, it returns the same. Raises `DataError` where there is
        nothing to take back and, with `own`, where the answer is another session's.
        """
        answer_log.check_name(session_id, "a session id")
        answer_log.check_hash({"_task_hash": task_hash}, "_task_hash")
        if key is not None:
            answer_log.check_name(key, f"`{answer_log.ANSWER_KEY}`")
        id = self._make_dataset(dataset)

        def write(connection: Connection) -> StoredAnswer | None:
            found = answer_log.undo(connection, id, session_id, task_hash, key, own)
            return found and _under_names_of_today(connection, id, [found])[0]

        undone = self._database.write(write, durable=True)
        if undone is None:
            raise DataError("it has no answer that could be taken back", where=f"task {task_hash}")
        return undone

    def iter_effective_answers(
        self, dataset: str, answer: str | None = None, after_id: int = 0
    ) -> Iterator[StoredAnswer]:
        """As `effective_answers`, a page at a time, so that memory stays flat."""
        if answer is not None and answer not in ANSWERS:
            raise DataError(f"no answers of the kind {answer!r}; it can be {', '.join(ANSWERS)}")
        dataset_id = self._find_dataset(dataset)
        next_id: int | None = after_id
        while dataset_id is not None and next_id is not None:
            with self._database.read() as connection:
                page, next_id = answer_log.effective_page(connection, dataset_id, answer, next_id)
                page = _under_names_of_today(connection, dataset_id, page)
            yield from page

    def effective_answers(self, dataset: str, answer: str | None = None, after_id: int = 0) -> list[StoredAnswer]:
        """The newest answer of each input unless it was taken back, in the order given, with ids after `after_id`."""
        return list(self.iter_effective_answers(dataset, answer, after_id))

    def answers_by_session(self, dataset: str) -> list[StoredAnswer]:
        """The newest answer of each session to each input, also where another session's counts, in the order given."""

        def query(connection: Connection, id: int) -> list[StoredAnswer]:
            return _under_names_of_today(connection, id, answer_log.by_session(connection, id))

        return self._read(dataset, query, [])

    def labels(self, dataset: str) -> LabelBook:
        """The labels of a dataset, to be read, added to and renamed."""
        return LabelBook(self._database, self._make_dataset(dataset), dataset)

    def history(self, dataset: str) -> History:
        """The answers of a dataset, to be browsed and counted."""
        return History(self._database, self._make_dataset(dataset))

    def last_answer_id(self, dataset: str) -> int:
        """Id of the newest row of the log, also when that took an answer back; 0 for none."""
        return self._read(dataset, answer_log.last_id, 0)

    def answer_counts(self, dataset: str) -> dict[str, int]:
        """How many effective answers there are of each kind: `{"accept": …, "reject": …, "ignore": …}`."""
        return self._read(dataset, answer_log.counts, dict.fromkeys(ANSWERS, 0))

    def session_counts(self, dataset: str) -> dict[str, int]:
        """How many effective answers each session gave."""
        return self._read(dataset, answer_log.session_counts, {})

    def answered_inputs(self, dataset: str) -> set[int]:
        """Input hashes that have an effective answer."""
        return self._read(dataset, lambda connection, id: set(answer_log.answered_inputs(connection, id)), set())

    # Drafts

    def save_draft(
        self, dataset: str, session_id: str, task_hash: int, draft: Mapping[str, Any], *, stamp: float, base: int = 0
    ) -> bool:
        """Keep what a session has done to a task so far; the draft goes as soon as the session answers the task.

        `draft` is the page's own JSON, and `stamp` its clock: an older one does not replace a newer. False where it
        came too late: the session has answered the task with another answer than `base`, the one it began with.
        """
        answer_log.check_name(session_id, "a session id")
        text = dump_json(draft, where=f"draft of task {task_hash}")
        id = self._make_dataset(dataset)
        return self._database.write(
            lambda connection: drafts.put(connection, id, session_id, task_hash, text=text, stamp=stamp, base=base),
            durable=False,
        )

    def drop_overtaken_drafts(self, dataset: str, before: float) -> int:
        """Remove drafts of tasks that another session answered later, and before a time in seconds; how many."""
        id = self._find_dataset(dataset)
        if id is None:
            return 0
        return self._database.write(lambda connection: drafts.drop_overtaken(connection, id, before), durable=False)

    def drafts(
        self, dataset: str, session_id: str, task_hashes: Collection[int] | None = None
    ) -> dict[int, dict[str, Any]]:
        """The drafts of a session by task hash, the newest first; those of some tasks, or all."""
        return self._read(
            dataset, lambda connection, id: drafts.of_session(connection, id, session_id, task_hashes), {}
        )

    def drafted(self, dataset: str, session_id: str) -> list[int]:
        """Task hashes of the drafts of a session, the newest first."""
        return self._read(dataset, lambda connection, id: drafts.hashes_of(connection, id, session_id), [])

    # Training

    def start_run(self, dataset: str, *, steps: int, answers: int) -> int:
        """Record that a round of training starts, on so many answers; returns its id."""
        id = self._make_dataset(dataset)
        return self._database.write(
            lambda connection: training_log.start_run(connection, id, steps, answers), durable=True
        )

    def finish_run(
        self, run_id: int, *, state: str, last_step: int, version: int | None = None, seconds: float | None = None
    ) -> None:
        """Record how a round ended (`state`: finished, failed, stopped …). Raises `StoreError` for an unknown id."""
        values = {"state": state, "last_step": last_step, "version": version, "seconds": seconds}
        found = self._database.write(
            lambda connection: training_log.finish_run(connection, run_id, **values), durable=True
        )
        if not found:
            raise StoreError(f"there is no run {run_id}", where=self.address)

    def runs(self, dataset: str) -> list[StoredRun]:
        """Rounds of training, oldest first."""
        return self._read(dataset, training_log.list_runs, [])

    def add_version(
        self, dataset: str, version: int, *, run_id: int | None = None, step: int, path: str | Path
    ) -> None:
        """Record a published version of the model."""
        id = self._make_dataset(dataset)
        values = {"run_id": run_id, "step": step, "path": str(path)}
        self._database.write(
            lambda connection: training_log.add_version(connection, id, version, **values), durable=True
        )

    def versions(self, dataset: str) -> list[StoredVersion]:
        """Published versions, oldest first."""
        return self._read(dataset, training_log.list_versions, [])

    def add_metrics(
        self, dataset: str, *, version: int | None, step: int, metrics: Mapping[str, float], run_id: int | None = None
    ) -> None:
        """Record what an evaluation measured; a metric that is not a number (no ground truth) is left out."""
        id = self._make_dataset(dataset)
        numbers = {name: float(value) for name, value in metrics.items()}
        kept = {name: value for name, value in numbers.items() if value - value == 0}
        values = {"version": version, "step": step, "run_id": run_id, "metrics": dump_json(kept, where="metrics")}
        self._database.write(lambda connection: training_log.add_metrics(connection, id, **values), durable=True)

    def metrics(self, dataset: str) -> list[StoredMetrics]:
        """All evaluations, newest first."""
        return self._read(dataset, lambda connection, id: _evaluations(connection, id, newest_only=False), [])

    def last_evaluation(self, dataset: str) -> StoredMetrics | None:
        """The newest evaluation with its version and step; None before the first."""
        rows: list[StoredMetrics] = self._read(
            dataset, lambda connection, id: _evaluations(connection, id, newest_only=True), []
        )
        return rows[0] if rows else None

    def last_metrics(self, dataset: str) -> dict[str, float]:
        """Numbers of the newest evaluation by name; empty before the first."""
        evaluation = self.last_evaluation(dataset)
        return evaluation.metrics if evaluation else {}

    def set_trainer_status(self, dataset: str, **fields: Any) -> None:
        """Change fields of the trainer's status (state, run, step, steps, version, message); the others stay."""
        id = self._make_dataset(dataset)

        def put(connection: Connection) -> None:
            merged = training_log.merge_status(connection, id, fields)
            training_log.put_status(connection, id, dump_json(merged, where="the trainer's status"))

        self._database.write(put, durable=False)

    def trainer_status(self, dataset: str) -> dict[str, Any]:
        """The trainer's status with `updated` (unix seconds); empty where there never was a trainer."""
        return self._read(dataset, training_log.get_status, {})

    # Events

    def log_event(self, dataset: str, kind: str, **data: Any) -> int:
        """Record something that happened; returns its id."""
        id = self._make_dataset(dataset)
        text = dump_json(data, where=f"event {kind}")
        return self._database.write(
            lambda connection: training_log.add_event(connection, id, kind, text), durable=False
        )

    def events_after(self, id: int, dataset: str | None = None, limit: int = 1000) -> list[StoredEvent]:
        """Events with a greater id, oldest first, of one dataset or of all."""
        dataset_id = None if dataset is None else self._find_dataset(dataset)
        if dataset is not None and dataset_id is None:
            return []
        with self._database.read() as connection:
            return training_log.events_after(connection, id, dataset_id, limit)

    def newest_events(self, dataset: str, kind: str, limit: int) -> list[StoredEvent]:
        """The last events of one kind, newest first."""
        return self._read(dataset, lambda connection, id: training_log.newest_events(connection, id, kind, limit), [])

    def last_event_id(self) -> int:
        """Id of the newest event; 0 for none."""
        with self._database.read() as connection:
            return training_log.last_event_id(connection)

    def _read(self, dataset: str, query: Any, empty: T) -> T:
        id = self._find_dataset(dataset)
        if id is None:
            return empty
        with self._database.read() as connection:
            result: T = query(connection, id)
            return result


def _under_names_of_today(connection: Connection, dataset_id: int, found: Sequence[StoredAnswer]) -> list[StoredAnswer]:
    """Answers as they are told: a label that was renamed since has its new name."""
    names = renames(connection, dataset_id)
    return [replace(answer, task=renamed(answer.task, names)) for answer in found] if names else list(found)


def _evaluations(connection: Connection, dataset_id: int, *, newest_only: bool) -> list[StoredMetrics]:
    """Evaluations, newest first; what was measured of a class stands under its label's name of today."""
    found, names = training_log.list_metrics(connection, dataset_id, newest_only), renames(connection, dataset_id)
    if not names:
        return found
    return [replace(one, metrics=renamed_metrics(one.metrics, names)) for one in found]
