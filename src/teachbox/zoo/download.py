"""A file over HTTP that goes on where it stopped, and appears whole or not at all."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

import httpx

from teachbox.errors import DownloadError, Unreachable

_SECONDS = 30.0
_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")


class Progress(NamedTuple):
    """Bytes that are here, and of how many; None where the server does not say."""

    done: int
    size: int | None


@dataclass(frozen=True)
class _Source:
    """Which file the bytes are of: what a server must still say for more of them to fit."""

    address: str
    size: int | None
    etag: str | None
    modified: str | None


def download(address: str, file: Path) -> Iterator[Progress]:
    """Fetch `address` into `file`, telling how far it is.

    What has come stays beside it as FILE.part, and a later call goes on from there if the server can send a part of a
    file and still has that one (by ETag, date and size); otherwise it starts anew. A connection that breaks is taken up
    again as long as each attempt gets farther. Raises `DownloadError`, and `OSError` where the disk refuses.
    """
    part, note = file.with_name(f"{file.name}.part"), file.with_name(f"{file.name}.part.json")
    try:
        yield from _download(address, part, note)
        part.replace(file)
    finally:
        # However it ended, a part without a byte is nothing to go on from; one that came whole is no more here.
        with suppress(OSError):
            if not part.stat().st_size:
                part.unlink()
                note.unlink(missing_ok=True)
    note.unlink(missing_ok=True)


def _download(address: str, part: Path, note: Path) -> Iterator[Progress]:
    headers = {"Accept-Encoding": "identity"}  # ranges count the bytes as they are stored
    with (
        part.open("ab") as out,
        httpx.Client(follow_redirects=True, timeout=_SECONDS, headers=headers) as client,
    ):
        farthest = out.tell()
        while True:
            try:
                yield from _attempt(client, address, out, note)
                break
            except httpx.TransportError as error:
                out.flush()
                if out.tell() <= farthest:
                    raise _broken(error, out.tell(), address) from error
                farthest = out.tell()
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                raise DownloadError(f"cannot be fetched ({error})", where=address) from error


def _attempt(client: httpx.Client, address: str, out: BinaryIO, note: Path) -> Iterator[Progress]:
    """One request, or two where what is here turns out to be of another file."""
    known = _read(note)
    if known is None or known.address != address or (known.size is not None and out.tell() > known.size):
        _empty(out)
    have = out.tell()
    if known is not None and have and have == known.size:
        yield Progress(have, known.size)
        return
    with client.stream("GET", address, headers=_wanted(have, known)) as response:
        goes_on = bool(have) and known is not None and _goes_on(response, have, known)
        if not goes_on and not (have and response.status_code in (206, 416)):
            _check(response, address)
            _empty(out)
            known = _source(address, response)
            note.write_text(json.dumps(asdict(known)), encoding="utf-8")
            goes_on = True
        if goes_on and known is not None:
            yield from _receive(response, out, known)
            return
    _empty(out)
    yield from _attempt(client, address, out, note)


def _wanted(have: int, known: _Source | None) -> dict[str, str]:
    """The headers that ask for the bytes after the first `have`, if the file is still the same."""
    if not have or known is None:
        return {}
    # A weak ETag does not promise the same bytes, so HTTP forbids it here.
    strong = known.etag if known.etag and not known.etag.startswith("W/") else known.modified
    return {"Range": f"bytes={have}-", **({"If-Range": strong} if strong else {})}


def _goes_on(response: httpx.Response, have: int, known: _Source) -> bool:
    """Whether the answer holds the bytes after the first `have` of the file that we know."""
    found = _RANGE.fullmatch(response.headers.get("Content-Range", ""))
    if response.status_code != 206 or found is None or int(found[1]) != have:
        return False
    if known.size is not None and found[2] not in ("*", str(known.size)):
        return False
    new = _source(known.address, response)
    return all(
        before is None or now is None or before == now
        for before, now in ((known.etag, new.etag), (known.modified, new.modified))
    )


def _check(response: httpx.Response, address: str) -> None:
    if response.status_code in (404, 410):
        raise DownloadError(f"there is no such file (HTTP {response.status_code})", where=address)
    if response.status_code != 200:
        raise DownloadError(f"the server answers {response.status_code} {response.reason_phrase}", where=address)
    kind = response.headers.get("Content-Type", "")
    if kind.startswith("text/html"):
        raise DownloadError("answers with a web page, not a file: a login or a proxy may be in between", where=address)


def _receive(response: httpx.Response, out: BinaryIO, known: _Source) -> Iterator[Progress]:
    left = None if known.size is None else known.size - out.tell()
    free = shutil.disk_usage(Path(out.name).parent).free
    if left is not None and left > free:
        raise DownloadError(f"the disk is too full: {amount(left)} are needed, {amount(free)} are free", where=out.name)
    yield Progress(out.tell(), known.size)
    for chunk in response.iter_raw():
        out.write(chunk)
        yield Progress(out.tell(), known.size)
    if known.size is not None and out.tell() != known.size:
        raise httpx.RemoteProtocolError(f"{out.tell()} bytes came instead of {known.size}")


def _source(address: str, response: httpx.Response) -> _Source:
    length = response.headers.get("Content-Length", "")
    return _Source(
        address,
        int(length) if length.isdecimal() else None,
        response.headers.get("ETag"),
        response.headers.get("Last-Modified"),
    )


def _read(note: Path) -> _Source | None:
    try:
        return _Source(**json.loads(note.read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def _empty(out: BinaryIO) -> None:
    out.truncate(0)
    out.seek(0)


def _broken(error: httpx.TransportError, have: int, address: str) -> DownloadError:
    if isinstance(error, httpx.TimeoutException):
        reason = f"no answer within {_SECONDS:g} s"
    else:
        reason = str(error) or type(error).__name__
    if have:
        kept = f"{amount(have)} are kept; run it again to go on"
        return DownloadError(f"the connection broke ({reason}); {kept}", where=address)
    return Unreachable(f"cannot be reached ({reason})", where=address)


def amount(count: int) -> str:
    """Bytes as a person reads them: `12.3 MB`."""
    return f"{count / 1e6:.1f} MB" if count >= 1e5 else f"{count} bytes"
