"""TFRecord files: order, globs, damage, and a write that fails."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teachbox.data.tfrecord import read_records, record_files, write_records
from teachbox.errors import DataError

pytestmark = pytest.mark.tf


@given(records=st.lists(st.binary(max_size=100), max_size=5))
def test_what_was_written_is_read(tmp_path_factory: pytest.TempPathFactory, records: list[bytes]) -> None:
    path = tmp_path_factory.mktemp("records") / "new folder" / "a.record"
    assert write_records(path, records) == len(records)
    assert list(read_records(path)) == records
    assert [file.name for file in path.parent.iterdir()] == ["a.record"]


def test_a_file_of_tensorflow_s_own_form(tmp_path: Path) -> None:
    write_records(tmp_path / "a", [b"abc"])
    content = (tmp_path / "a").read_bytes()
    # Length as uint64, its masked CRC-32C, the bytes, theirs.
    assert content[:8] == (3).to_bytes(8, "little")
    assert content[12:15] == b"abc"
    assert len(content) == 8 + 4 + 3 + 4


def test_shards_in_the_order_of_their_names(tmp_path: Path) -> None:
    for shard in (2, 0, 1):
        write_records(tmp_path / f"x.record-{shard:05d}-of-00003", [b"%d" % shard])
    write_records(tmp_path / "other.record", [b"other"])
    pattern = str(tmp_path / "x.record-?????-of-00003")
    assert list(read_records(pattern)) == [b"0", b"1", b"2"]
    assert list(read_records([tmp_path / "other.record", pattern])) == [b"other", b"0", b"1", b"2"]


def test_a_name_with_wildcard_signs_may_be_a_file(tmp_path: Path) -> None:
    write_records(tmp_path / "a[1].record", [b"1"])
    assert list(read_records(tmp_path / "a[1].record")) == [b"1"]


def test_files_that_are_missing_are_named_before_reading(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"gone\.record: no such TFRecord file"):
        read_records(tmp_path / "gone.record")
    with pytest.raises(DataError, match=r"gone-\?: no file matches"):
        read_records(tmp_path / "gone-?")
    with pytest.raises(DataError, match="no TFRecord file given"):
        record_files([])
    with pytest.raises(DataError, match="no such TFRecord file"):
        read_records(tmp_path)


def test_damaged_files_are_named(tmp_path: Path) -> None:
    path = tmp_path / "a.record"
    write_records(path, [b"first", b"second"])
    path.write_bytes(path.read_bytes()[:-3])
    records = read_records(path)
    assert next(records) == b"first"
    with pytest.raises(DataError, match=r"a\.record: damaged or no TFRecord file \(after 1 good"):
        next(records)
    path.write_text("path,xmin,ymin,xmax,ymax,label\n")
    with pytest.raises(DataError, match="damaged or no TFRecord file"):
        list(read_records(path))


def test_a_write_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "a.record"
    write_records(path, [b"old"])

    def failing() -> Iterator[bytes]:
        yield b"new"
        raise DataError("no more")

    with pytest.raises(DataError, match="no more"):
        write_records(path, failing())
    assert list(read_records(path)) == [b"old"]
    assert [file.name for file in tmp_path.iterdir()] == ["a.record"]


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot be written"):
        write_records(tmp_path / "file" / "a.record", [b"x"])
