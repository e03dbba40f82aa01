"""Downloads from a real server: byte for byte, in one piece or many, and clear words where it cannot be."""

import json
import random
import re
import socket
import tempfile
from pathlib import Path

import pytest
from file_server import File, FileServer
from hypothesis import given, settings
from hypothesis import strategies as st

from teachbox.errors import DownloadError
from teachbox.zoo.download import Progress, download

CONTENT = random.Random(0).randbytes(20_000)
OTHER = random.Random(1).randbytes(15_000)


def fetched(server: FileServer, file: Path, path: str = "/a") -> list[Progress]:
    return list(download(server.address + path, file))


def stopped_at(server: FileServer, file: Path, count: int) -> None:
    """Leave a part of exactly `count` bytes beside `file`, as a connection does that breaks and does not come back."""
    server.cuts[:] = [count, count]
    with pytest.raises(DownloadError):
        fetched(server, file)
    assert file.with_name(f"{file.name}.part").stat().st_size == count
    server.asked.clear()
    server.cuts.clear()


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_file_in_one_piece(server, tmp_path):
    server.files["/a"] = File(CONTENT)
    steps = fetched(server, tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == CONTENT
    assert names(tmp_path) == {"a"}
    assert steps[0] == (0, 20_000)
    assert steps[-1] == (20_000, 20_000)
    assert steps == sorted(steps)
    assert server.ranges_asked == [None]


def test_an_empty_file(server, tmp_path):
    server.files["/a"] = File(b"")
    assert fetched(server, tmp_path / "a") == [(0, 0)]
    assert (tmp_path / "a").read_bytes() == b""


def test_a_file_of_unknown_size(server, tmp_path):
    server.files["/a"] = File(CONTENT, says_length=False)
    assert fetched(server, tmp_path / "a")[-1] == (20_000, None)
    assert (tmp_path / "a").read_bytes() == CONTENT


def test_a_connection_that_breaks_is_taken_up_again(server, tmp_path):
    server.files["/a"] = File(CONTENT)
    server.cuts = [7_000, 7_001]
    fetched(server, tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == CONTENT
    assert server.ranges_asked == [None, "bytes=7000-", "bytes=7001-"]


@settings(deadline=None, max_examples=25)
@given(st.lists(st.integers(1, len(CONTENT) - 1), unique=True, max_size=4).map(sorted), st.data())
def test_whatever_the_bytes_at_which_it_breaks_or_stops(cuts, data):
    stop = data.draw(st.integers(0, len(CONTENT)))
    with FileServer() as server, tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "a")
        server.files["/a"] = File(CONTENT)
        server.cuts = list(cuts)
        steps = download(server.address + "/a", file)
        for progress in steps:
            if progress.done >= stop:
                break
        steps.close()  # as when the process is stopped here
        part = Path(folder, "a.part")
        assert not file.exists()
        # A part that is empty is none.
        came = part.read_bytes() if part.exists() else b""
        here = len(came)
        assert came == CONTENT[:here]
        assert part.exists() == (here > 0)
        seen = len(server.asked)
        server.cuts = [cut for cut in server.cuts if cut > here]
        fetched(server, file)
        assert file.read_bytes() == CONTENT
        assert names(Path(folder)) == {"a"}
        later = server.ranges_asked[seen:]
        assert later[:1] == ([] if here == len(CONTENT) else [f"bytes={here}-" if here else None])


@pytest.mark.parametrize("position", [1, 2, 8_191, 8_192, 8_193, 19_999])
def test_a_part_is_gone_on_with(server, tmp_path, position):
    server.files["/a"] = File(CONTENT)
    stopped_at(server, tmp_path / "a", position)
    assert fetched(server, tmp_path / "a")[0] == (position, 20_000)
    assert (tmp_path / "a").read_bytes() == CONTENT
    assert server.ranges_asked == [f"bytes={position}-"]


def test_a_part_that_is_whole_is_not_asked_for(server, tmp_path):
    server.files["/a"] = File(CONTENT)
    stopped_at(server, tmp_path / "a", 19_999)
    with (tmp_path / "a.part").open("ab") as part:
        part.write(CONTENT[-1:])
    assert fetched(server, tmp_path / "a") == [(20_000, 20_000)]
    assert (tmp_path / "a").read_bytes() == CONTENT
    assert server.asked == []


@pytest.mark.parametrize(
    ("file", "asked"),
    [
        # A server without ranges sends all of it.
        (File(CONTENT, ranges=False), ["bytes=5000-"]),
        # Another file: the server looks at the ETag …
        (File(OTHER, etag='"two"'), ["bytes=5000-"]),
        # … or sends the rest of it all the same, and says which it is,
        (File(OTHER, etag='"two"', minds_if_range=False), ["bytes=5000-", None]),
        # … or says nothing, and only the size gives it away,
        (File(OTHER, etag=None, minds_if_range=False), ["bytes=5000-", None]),
        # … or has not even so many bytes.
        (File(OTHER[:4_000], etag=None, minds_if_range=False), ["bytes=5000-", None]),
    ],
    ids=["no ranges", "if-range", "etag", "size", "shorter"],
)
def test_it_starts_anew(server, tmp_path, file, asked):
    server.files["/a"] = File(CONTENT)
    stopped_at(server, tmp_path / "a", 5_000)
    server.files["/a"] = file
    fetched(server, tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == file.content
    assert names(tmp_path) == {"a"}
    assert server.ranges_asked == asked


def test_the_date_stands_for_a_weak_etag(server, tmp_path):
    day, next_day = "Wed, 11 Jul 2018 00:00:00 GMT", "Thu, 12 Jul 2018 00:00:00 GMT"
    server.files["/a"] = File(CONTENT, etag='W/"one"', modified=day)
    stopped_at(server, tmp_path / "a", 5_000)
    server.cuts = [6_000]
    fetched(server, tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == CONTENT
    assert server.ranges_asked == ["bytes=5000-", "bytes=6000-"]
    server.files["/b"] = File(CONTENT, etag=None, modified=day)
    server.cuts = [300, 300]
    with pytest.raises(DownloadError):
        fetched(server, tmp_path / "b", "/b")
    server.files["/b"] = File(OTHER + CONTENT[15_000:], etag=None, modified=next_day)
    fetched(server, tmp_path / "b", "/b")
    assert (tmp_path / "b").read_bytes() == OTHER + CONTENT[15_000:]


def test_a_part_of_another_address_is_not_gone_on_with(server, tmp_path):
    server.files["/a"] = server.files["/b"] = File(CONTENT)
    stopped_at(server, tmp_path / "a", 5_000)
    fetched(server, tmp_path / "a", "/b")
    assert (tmp_path / "a").read_bytes() == CONTENT
    assert server.asked == [("/b", None)]


@pytest.mark.parametrize("note", [None, "", "{}", "[1]", json.dumps({"address": 1})])
def test_a_part_of_which_nothing_is_known_is_not_gone_on_with(server, tmp_path, note):
    server.files["/a"] = File(CONTENT)
    stopped_at(server, tmp_path / "a", 5_000)
    (tmp_path / "a.part.json").unlink()
    if note is not None:
        (tmp_path / "a.part.json").write_text(note)
    fetched(server, tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == CONTENT
    assert server.ranges_asked == [None]


def test_a_server_that_gets_no_farther_is_given_up(server, tmp_path):
    server.files["/a"] = File(CONTENT, ranges=False)
    server.cuts = [5_000, 5_000, 5_000]
    with pytest.raises(DownloadError, match=r"/a: the connection broke \(.*\); 5000 bytes are kept; run it again"):
        fetched(server, tmp_path / "a")
    assert server.ranges_asked == [None, "bytes=5000-"]
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize(
    ("file", "says"),
    [
        (None, "there is no such file (HTTP 404)"),
        (File(b"", status=410), "there is no such file (HTTP 410)"),
        (File(b"", status=503), "the server answers 503 Service Unavailable"),
        (File(b"", status=403), "the server answers 403 Forbidden"),
        (File(b"", status=206), "the server answers 206 Partial Content"),
        (
            File(b"<html>", kind="text/html; charset=utf-8"),
            "answers with a web page, not a file: a login or a proxy may be in between",
        ),
    ],
)
def test_answers_that_are_no_file(server, tmp_path, file, says):
    if file is not None:
        server.files["/a"] = file
    with pytest.raises(DownloadError) as error:
        fetched(server, tmp_path / "a")
    assert str(error.value) == f"{server.address}/a: {says}"
    assert not (tmp_path / "a").exists()


def test_what_has_come_outlives_a_server_in_trouble(server, tmp_path):
    server.files["/a"] = File(CONTENT)
    stopped_at(server, tmp_path / "a", 5_000)
    server.files["/a"] = File(CONTENT, status=503, ranges=False)
    with pytest.raises(DownloadError, match="503"):
        fetched(server, tmp_path / "a")
    assert (tmp_path / "a.part").read_bytes() == CONTENT[:5_000]


def test_nobody_there(tmp_path):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{closed.getsockname()[1]}/a"
    with pytest.raises(DownloadError, match=re.escape(address) + r": cannot be reached \(.*refused.*\)"):
        list(download(address, tmp_path / "a"))
    assert names(tmp_path) == set()


@pytest.mark.parametrize("address", ["http://[1/a", "ftp://127.0.0.1/a", "http:///a"])
def test_what_is_no_address(tmp_path, address):
    with pytest.raises(DownloadError, match=r"cannot be (reached|fetched)"):
        list(download(address, tmp_path / "a"))


def test_more_than_the_disk_holds(server, tmp_path):
    server.files["/a"] = File(CONTENT, claims=10**18)
    with pytest.raises(DownloadError, match=r"a\.part: the disk is too full: 10{12}\.0 MB are needed, .* MB are free"):
        fetched(server, tmp_path / "a")
    assert names(tmp_path) == set()
