"""An HTTP server for files that can do ranges, or not, and that can break off, change its mind, or wait."""

from __future__ import annotations

import contextlib
import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast


@dataclass
class File:
    """A file on the server and how it is sent."""

    content: bytes
    etag: str | None = '"one"'
    modified: str | None = None
    ranges: bool = True
    minds_if_range: bool = True
    says_length: bool = True
    claims: int | None = None
    """A size that is not the true one."""
    kind: str = "application/gzip"
    status: int = 200


@dataclass
class FileServer:
    """`files` by path; `asked` keeps path and Range header of each request.

    Each of `cuts` breaks one answer off after so many bytes of the file, counted from its beginning. With `wait_at`, an
    answer stops there until `go_on` is set, and sets `waiting`.
    """

    files: dict[str, File] = field(default_factory=dict)
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    cuts: list[int] = field(default_factory=list)
    wait_at: int | None = None
    waiting: threading.Event = field(default_factory=threading.Event)
    go_on: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> FileServer:
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._http.daemon_threads = True
        cast(Any, self._http).site = self
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.go_on.set()
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}"

    @property
    def ranges_asked(self) -> list[str | None]:
        return [asked for _, asked in self.asked]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        site: FileServer = cast(Any, self.server).site
        asked = self.headers.get("Range")
        site.asked.append((self.path, asked))
        file = site.files.get(self.path)
        self.close_connection = True
        if file is None:
            self.send_error(404)
            return
        start = self._start(file, asked)
        if start is not None and start >= len(file.content):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(file.content)}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self._send(site, file, start)

    def _start(self, file: File, asked: str | None) -> int | None:
        """Where the answer begins, if a part of the file is asked for and can be sent."""
        condition = self.headers.get("If-Range")
        unchanged = condition is None or not file.minds_if_range or condition in (file.etag, file.modified)
        found = re.fullmatch(r"bytes=(\d+)-", asked or "")
        return int(found[1]) if found and file.ranges and unchanged else None

    def _send(self, site: FileServer, file: File, start: int | None) -> None:
        size = len(file.content)
        self.send_response(file.status if start is None else 206)
        for name, value in (("ETag", file.etag), ("Last-Modified", file.modified), ("Content-Type", file.kind)):
            if value is not None:
                self.send_header(name, value)
        if start is not None:
            self.send_header("Content-Range", f"bytes {start}-{size - 1}/{size}")
        if file.says_length:
            self.send_header("Content-Length", str(file.claims or size - (start or 0)))
        self.send_header("Connection", "close")
        self.end_headers()
        end = site.cuts.pop(0) if site.cuts else size
        first = start or 0
        if site.wait_at is not None and first < site.wait_at:
            self.wfile.write(file.content[first : site.wait_at])
            self.wfile.flush()
            first = site.wait_at
            site.waiting.set()
            site.go_on.wait()
        with contextlib.suppress(ConnectionError):  # whoever asked may have gone
            self.wfile.write(file.content[first:end])

    def log_message(self, format: str, *args: object) -> None:
        pass
