"""Garbage: by hand, as a property, and what must never go."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teachbox.training.garbage import MARK, RECORD_PATTERN, collect_garbage, remove_leftovers, temporary_name


def version(folder: Path, name: str, *, complete: bool = True, ours: bool = True) -> Path:
    path = folder / name
    (path / "variables").mkdir(parents=True)
    (path / "saved_model.pb").write_bytes(b"graph")
    if complete:
        (path / "variables" / "variables.index").write_bytes(b"index")
    if ours:
        (path / MARK).parent.mkdir()
        (path / MARK).write_text(json.dumps({"made_by": "teachbox"}))
    return path


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_keeps_the_newest_by_number_not_by_name(tmp_path: Path) -> None:
    for name in ("9", "10", "100", "99"):
        version(tmp_path, name)
    gone = collect_garbage(tmp_path, 2)
    assert sorted(path.name for path in gone) == ["10", "9"]
    assert names(tmp_path) == ["100", "99"]


def test_works_under_a_path_with_temp_in_it(tmp_path: Path) -> None:
    folder = tmp_path / "temp" / "temp-export"
    folder.mkdir(parents=True)
    for name in ("1", "2", "3"):
        version(folder, name)
    collect_garbage(folder, 1)
    assert names(folder) == ["3"]


def test_half_written_and_foreign_versions_neither_count_nor_go(tmp_path: Path) -> None:
    version(tmp_path, "1")
    version(tmp_path, "2")
    version(tmp_path, "3", complete=False)
    version(tmp_path, "4", ours=False)
    (tmp_path / "notes.txt").write_text("keep me")
    collect_garbage(tmp_path, 1)
    assert names(tmp_path) == ["2", "3", "4", "notes.txt"]


def test_the_newest_never_goes(tmp_path: Path) -> None:
    version(tmp_path, "5")
    assert collect_garbage(tmp_path, 0) == []
    assert names(tmp_path) == ["5"]


def test_records(tmp_path: Path) -> None:
    for name in ("7_train.record", "8_train.record", "11_train.record", "train.record", "9_train.record.bak"):
        (tmp_path / name).write_text("")
    collect_garbage(tmp_path, 2, RECORD_PATTERN)
    assert names(tmp_path) == ["11_train.record", "8_train.record", "9_train.record.bak", "train.record"]


def test_leftovers_go_only_where_their_process_is_dead(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as alive:
        dead = subprocess.Popen([sys.executable, "-c", ""])
        dead.wait()
        host = socket.gethostname()
        for process in (alive.pid, dead.pid, os.getpid()):
            (tmp_path / f"temp-{host}-{process}-17").mkdir()
        (tmp_path / f"temp-not{host}-{dead.pid}-17").mkdir()
        (tmp_path / "temp-mine").mkdir()
        gone = remove_leftovers(tmp_path)
        assert {path.name for path in gone} == {f"temp-{host}-{dead.pid}-17", temporary_name("17")}
        assert names(tmp_path) == sorted([f"temp-{host}-{alive.pid}-17", f"temp-not{host}-{dead.pid}-17", "temp-mine"])
        alive.communicate(b"\n", timeout=20)


def test_a_missing_folder_is_empty(tmp_path: Path) -> None:
    assert collect_garbage(tmp_path / "none", 5) == []


@given(numbers=st.sets(st.integers(0, 10**12), max_size=12), keep=st.integers(0, 12))
def test_exactly_the_largest_numbers_stay(
    tmp_path_factory: pytest.TempPathFactory, numbers: set[int], keep: int
) -> None:
    folder = tmp_path_factory.mktemp("records")
    for number in numbers:
        (folder / f"{number}_train.record").write_text("")
    collect_garbage(folder, keep, RECORD_PATTERN)
    left = sorted(int(name.split("_")[0]) for name in names(folder))
    assert left == sorted(numbers)[len(numbers) - min(max(keep, 1), len(numbers)) :]
