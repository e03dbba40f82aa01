"""The page's own files, as they travel: compressed, and programs without their comments."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

_COMMENT = re.compile(r"^[ \t]*/\*\*(?:(?!\*/).)*\*/[ \t]*$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class _Content:
    plain: bytes
    packed: bytes
    etag: str
    media_type: str


class PageFiles:
    """An ASGI app over the files of a folder. A browser asks each time, so that page and program are of one version."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        if request.method not in ("GET", "HEAD"):
            raise HTTPException(405)
        content = self._content(str(scope["path"]).removeprefix(str(scope.get("root_path", ""))).lstrip("/"))
        headers = {"Cache-Control": "no-cache", "ETag": content.etag, "Vary": "Accept-Encoding"}
        if content.etag in request.headers.get("if-none-match", ""):
            response = Response(status_code=304, headers=headers)
        elif "gzip" in request.headers.get("accept-encoding", ""):
            headers["Content-Encoding"] = "gzip"
            response = Response(content.packed, headers=headers, media_type=content.media_type)
        else:
            response = Response(content.plain, headers=headers, media_type=content.media_type)
        await response(scope, receive, send)

    def _content(self, path: str) -> _Content:
        file = (self._folder / path).resolve()
        try:
            if not file.is_relative_to(self._folder):
                raise HTTPException(404)
            return _read(file, file.stat().st_mtime_ns)
        except (OSError, ValueError) as error:
            raise HTTPException(404) from error


@lru_cache(maxsize=256)
def _read(file: Path, mtime_ns: int) -> _Content:
    """The file as it was at `mtime_ns`."""
    content = file.read_bytes()
    if file.suffix == ".js":
        content = without_comments(content.decode()).encode()
    media_type = "text/javascript" if file.suffix == ".js" else mimetypes.guess_type(file.name)[0]
    etag = hashlib.blake2b(content, digest_size=12).hexdigest()
    return _Content(content, gzip.compress(content, 9), f'"{etag}"', media_type or "application/octet-stream")


def without_comments(program: str) -> str:
    """A program without its `/** */` comments; every line keeps its number, for who looks for an error."""
    return _COMMENT.sub(lambda comment: "\n" * comment[0].count("\n"), program)
