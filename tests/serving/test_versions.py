"""Which folders are versions, and which of them are wanted."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teachbox.serving.versions import (
    All,
    Latest,
    Specific,
    aspired_versions,
    find_versions,
    fingerprint,
    parse_version,
)


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("1", 1),
        ("00000123", 123),
        ("1700000000", 1700000000),
        ("9223372036854775807", 2**63 - 1),
        ("9223372036854775808", None),
        ("temp-1700000000", None),
        ("1.tmp", None),
        ("-1", None),
        ("", None),
        ("١٢", None),
    ],
)
def test_names(name, version):
    assert parse_version(name) == version


def test_only_numbered_folders_count(tmp_path: Path):
    for name in ("3", "0007", "temp-9", "variables", ".10"):
        (tmp_path / name).mkdir()
    (tmp_path / "11").write_text("a file")
    assert find_versions(tmp_path) == {3: tmp_path / "3", 7: tmp_path / "0007"}


def test_empty_and_missing(tmp_path: Path):
    assert find_versions(tmp_path) == {}
    with pytest.raises(FileNotFoundError):
        find_versions(tmp_path / "missing")


def test_duplicate_is_warned_of(tmp_path: Path, caplog):
    (tmp_path / "007").mkdir()
    (tmp_path / "7").mkdir()
    assert find_versions(tmp_path) == {7: tmp_path / "007"}
    assert "Duplicate version" in caplog.text


def test_policies():
    found = {n: Path(str(n)) for n in (1, 5, 3)}
    assert list(aspired_versions(found, Latest())) == [5]
    assert list(aspired_versions(found, Latest(2))) == [5, 3]
    assert list(aspired_versions(found, All())) == [5, 3, 1]
    assert list(aspired_versions(found, Specific(frozenset({1, 4})))) == [1]
    assert aspired_versions({}, Latest()) == {}


@given(st.sets(st.integers(0, 2**63 - 1)), st.integers(1, 5))
def test_latest_takes_the_greatest(numbers, count):
    wanted = aspired_versions({n: Path("v") for n in numbers}, Latest(count))
    assert len(wanted) == min(count, len(numbers))
    assert all(w > other for w in wanted for other in numbers - set(wanted))


def test_fingerprint_tells_a_change(tmp_path: Path):
    (tmp_path / "variables").mkdir()
    part = tmp_path / "variables" / "data"
    part.write_bytes(b"1234")
    before = fingerprint(tmp_path)
    assert fingerprint(tmp_path) == before
    part.write_bytes(b"12345")
    assert fingerprint(tmp_path) != before
