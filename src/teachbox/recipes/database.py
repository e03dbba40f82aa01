"""db-out, db-in, stats: datasets in and out of the database, and what it holds."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Literal

from teachbox.annotation import ANSWERS, Answer, Task, check_answer
from teachbox.data.sources import JSONL, make_task, source_tasks
from teachbox.errors import DataError, StoreError
from teachbox.recipes.recipe import Arg, command
from teachbox.recipes.settings import DEFAULT_DB, db_address
from teachbox.store import Store
from teachbox.store.database import parse_address
from teachbox.store.transfer import json_line

DB_HELP = f"database: a file, or postgresql://user@host/name (default: that of the settings, else {DEFAULT_DB})"


@command(
    "db-out",
    dataset=Arg(help="name of the dataset"),
    file=Arg(help="JSONL file to write (default: standard output)"),
    answer=Arg("--answer", help="only these answers"),
    db=Arg("--db", help=DB_HELP),
)
def db_out(
    dataset: str,
    file: Path | None = None,
    answer: Literal["accept", "reject", "ignore"] | None = None,
    db: str | None = None,
) -> None:
    """Write the answers of a dataset as JSONL, one task a line: of several to one image, the newest."""
    with open_existing(db) as store:
        check_dataset(store, dataset)
        lines = (json_line(stored.task) for stored in store.iter_effective_answers(dataset, answer=answer))
        if file is None:
            sys.stdout.writelines(lines)
            return
        count = _write_whole(file, lines)
    print(f"wrote {count} answers of dataset {dataset} to {file}")


def _write_whole(file: Path, lines: Iterable[str]) -> int:
    """Write lines beside the file and rename: it is there whole, or as it was. Returns how many lines there were."""
    beside = file.with_name(f".{file.name}.part")
    count = 0
    with beside.open("w", encoding="utf-8") as out:
        for count, line in enumerate(lines, start=1):  # noqa: B007
            out.write(line)
    beside.replace(file)
    return count


@command(
    "db-in",
    dataset=Arg(help="name of the dataset; made if it does not exist"),
    file=Arg(help="JSONL file, one task a line, as db-out or Prodigy write it"),
    answer=Arg("--answer", help="for tasks that hold no answer"),
    db=Arg("--db", help=DB_HELP),
)
def db_in(
    dataset: str,
    file: Path,
    answer: Literal["accept", "reject", "ignore"] = "accept",
    db: str | None = None,
) -> None:
    """Add annotations from a JSONL file to a dataset; tasks without an `answer` get the one of --answer.

    All lines are added, or none. `path` (or `image`) names an image file; a relative one is looked for beside the
    JSONL file and in the working directory.
    """
    answers = list(read_answers(file, answer))
    with Store.open(db_address(db)) as store:
        store.add_dataset(dataset)
        store.add_answers(dataset, time.strftime("db-in %Y-%m-%d %H:%M:%S"), answers)
        counts = counts_text(Counter(task["answer"] for task in answers))
        print(f"added {len(answers)} answers to dataset {dataset} in {address_text(store)} ({counts})")


def read_answers(file: Path, default: Answer = "accept") -> Iterator[Task]:
    """The answered tasks of a JSONL file, with hashes, size, absolute path. Raises `DataError`."""
    if file.suffix.lower() not in JSONL:
        raise DataError(f"db-in reads {' or '.join(JSONL)} files, one task a line", where=str(file))
    for path, given in source_tasks(file):
        task = make_task(path, "image_manual", [], given=given)
        # The question that was put is part of the hash; what the file says about it stands.
        task["_task_hash"] = given.get("_task_hash", task["_task_hash"])
        task["answer"] = given.get("answer", default)
        try:
            check_answer(task)
        except DataError as error:
            raise DataError(error.message, where=f"{file}: {path}") from error
        yield task


@command("stats", dataset=Arg(help="name of a dataset (default: all)"), db=Arg("--db", help=DB_HELP))
def stats(dataset: str | None = None, db: str | None = None) -> None:
    """Say what the database holds: datasets and their answers; for one dataset also sessions, versions and metrics."""
    with open_existing(db) as store:
        if dataset is None:
            names = store.datasets()
            print(f"{len(names)} dataset{'' if len(names) == 1 else 's'} in {address_text(store)}")
            for name in names:
                print(f"  {name}: {counts_text(store.answer_counts(name))}")
            return
        check_dataset(store, dataset)
        print(f"dataset {dataset} in {address_text(store)}: {counts_text(store.answer_counts(dataset))}")
        for session, count in store.session_counts(dataset).items():
            print(f"  session {session}: {count}")
        runs, versions = store.runs(dataset), store.versions(dataset)
        print(f"  rounds of training: {len(runs)}")
        print(f"  versions: {len(versions)}" + (f", the newest {versions[-1].version}" if versions else ""))
        for name, value in sorted(store.last_metrics(dataset).items()):
            print(f"  {name}: {value:.4g}")


def address_text(store: Store) -> str:
    """Where the store is, as a person would write it: a path, or an address without its password."""
    return store.address.removeprefix("sqlite:///")


def counts_text(counts: Mapping[str, int]) -> str:
    """`18 accept, 3 reject, 2 ignore`."""
    return ", ".join(f"{counts[answer]} {answer}" for answer in ANSWERS)


def open_existing(db: str | None) -> Store:
    """The store where there is one already, at `db` or where the settings say: asking for answers makes none."""
    address = db_address(db)
    url = parse_address(address)
    if url.get_backend_name() == "sqlite" and not Path(str(url.database)).is_file():
        raise StoreError("there is no database here; --db names another", where=address)
    return Store.open(address)


def check_dataset(store: Store, dataset: str) -> None:
    names = store.datasets()
    if dataset not in names:
        raise StoreError(
            f"there is no dataset {dataset!r}; there is {', '.join(names) or 'none'}", where=address_text(store)
        )
