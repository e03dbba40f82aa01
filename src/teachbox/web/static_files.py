"""The page's own files, as they travel: its modules as few programs, everything compressed, comments left out."""

from __future__ import annotations

import gzip
import hashlib
import json
import mimetypes
from collections import OrderedDict
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from teachbox.web.combined import START, combine, without_comments
from teachbox.web.parts import FOR_EVER

ENTRY = "app.js"
_KEPT = 4
"""So many states of the programs stay in memory: a page that was opened before a change goes on with its own."""


@dataclass(frozen=True)
class _Content:
    plain: bytes
    packed: bytes
    etag: str
    media_type: str

    @staticmethod
    def of(name: str, plain: bytes) -> _Content:
        media_type = "text/javascript" if name.endswith(".js") else mimetypes.guess_type(name)[0]
        etag = f'"{_digest(plain)}"'
        return _Content(plain, gzip.compress(plain, 9, mtime=0), etag, media_type or "application/octet-stream")


class PageFiles:
    """An ASGI app over the files of a folder, with an `index.html` that runs `app.js` among them.

    `/NAME` is a file as it is now: a browser asks each time whether it changed. `/HASH/NAME` is a program made of the
    modules; it never changes, and its address says which state of all modules it is of.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self._programs: OrderedDict[str, dict[str, _Content]] = OrderedDict()
        self._state: tuple[object, str] = (None, "")
        self._lock = Lock()

    def index(self, request: Request, project: dict[str, Any] | None = None) -> Response:
        """The page, with what it would else ask for first."""
        at = f'src="static/{self.prepare()}/{START}"'
        html = self._file("index.html").plain.decode().replace(f'src="static/{ENTRY}"', at)
        if project is not None:
            # In ASCII, and nothing in it ends the element.
            told = json.dumps(project, allow_nan=False).replace("<", "\\u003c")
            html = html.replace("</head>", f'  <script type="application/json" id="project">{told}</script>\n  </head>')
        return _response(request, _Content.of("index.html", html.encode()), "no-cache")

    def modules(self, request: Request) -> Response:
        """The page as it is written: it loads each module by itself."""
        return _response(request, self._file("index.html"), "no-cache")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        if request.method not in ("GET", "HEAD"):
            raise HTTPException(405)
        path = str(scope["path"]).removeprefix(str(scope.get("root_path", ""))).lstrip("/")
        state, _, name = path.partition("/")
        program = self._programs.get(state, {}).get(name)
        response = (
            _response(request, program, FOR_EVER) if program else _response(request, self._file(path), "no-cache")
        )
        await response(scope, receive, send)

    def prepare(self) -> str:
        """The state that the modules are in; its programs are at hand from now on. Raises `PageError`."""
        files = sorted(self._folder.rglob("*.js"))
        seen = [(file, file.stat().st_mtime_ns) for file in files]
        with self._lock:
            if self._state[0] != seen:
                sources = {file.relative_to(self._folder).as_posix(): file.read_text("utf-8") for file in files}
                programs = {name: _Content.of(name, text.encode()) for name, text in combine(sources, ENTRY).items()}
                state = _digest("".join(name + programs[name].etag for name in sorted(programs)).encode())
                self._programs[state] = programs
                self._programs.move_to_end(state)
                while len(self._programs) > _KEPT:
                    self._programs.popitem(last=False)
                self._state = (seen, state)
            return self._state[1]

    def _file(self, path: str) -> _Content:
        file = (self._folder / path).resolve()
        try:
            if not file.is_relative_to(self._folder):
                raise HTTPException(404)
            return _read(file, file.stat().st_mtime_ns)
        except (OSError, ValueError) as error:
            raise HTTPException(404) from error


def _response(request: Request, content: _Content, kept: str) -> Response:
    headers = {"Cache-Control": kept, "ETag": content.etag, "Vary": "Accept-Encoding"}
    if content.etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    if "gzip" in request.headers.get("accept-encoding", ""):
        headers["Content-Encoding"] = "gzip"
        return Response(content.packed, headers=headers, media_type=content.media_type)
    return Response(content.plain, headers=headers, media_type=content.media_type)


@lru_cache(maxsize=256)
def _read(file: Path, mtime_ns: int) -> _Content:
    """The file as it was at `mtime_ns`."""
    plain = file.read_bytes()
    if file.suffix == ".js":
        plain = without_comments(plain.decode()).encode()
    return _Content.of(file.name, plain)


def _digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=12).hexdigest()
