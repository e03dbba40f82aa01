"""Where images come from: a folder, one image, a JSONL file of tasks, or an address that fsspec opens. No
TensorFlow here.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

import fsspec

from teachbox import images
from teachbox.annotation import Task, input_hash, task_hash
from teachbox.errors import DataError, SourceError
from teachbox.images import SUFFIXES, UprightImage

JSONL = (".jsonl", ".ndjson")
_WANTED = f"a folder of images ({', '.join(SUFFIXES)}), one image, or a .jsonl file of tasks"
_SECONDS = 30.0


def image_files(source: str | os.PathLike[str]) -> Iterator[str]:
    """Absolute paths or addresses of the images of `source`, as `source_tasks` finds them."""
    return (path for path, _ in source_tasks(source))


def source_tasks(source: str | os.PathLike[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Path or address of each image, and what a line of JSONL says beside it (`spans`, `meta`, …).

    Folders are walked as far as asked, sorted by name, with the folders in them; names that begin with a dot
    are left out. Raises `SourceError` at once where the source is missing or has no image, `DataError` later
    for a bad line of JSONL.
    """
    text = os.fspath(source)
    found = _remote(text) if "://" in text else _local(Path(text).expanduser())
    first = next(found, None)
    if first is None:
        raise SourceError(f"no image there; expected {_WANTED}", where=text)
    return chain([first], found)


def _local(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    if path.is_dir():
        return ((file, {}) for file in _walk(path.resolve(), set()))
    if not path.exists():
        raise SourceError(f"there is nothing; expected {_WANTED}", where=str(path))
    if path.suffix.lower() in JSONL:
        return _jsonl(str(path), str(path.resolve().parent))
    if path.suffix.lower() in SUFFIXES:
        return iter([(str(path.resolve()), {})])
    raise SourceError(f"neither folder, image nor tasks; expected {_WANTED}", where=str(path))


def _walk(folder: Path, above: set[Path]) -> Iterator[str]:
    """Images under the folder by name; `above` holds the folders on the way here, so that links in a circle
    end.
    """
    try:
        with os.scandir(folder) as scan:
            entries = sorted(scan, key=lambda entry: entry.name)
    except OSError as error:
        raise SourceError(f"the folder cannot be read ({error.strerror})", where=str(folder)) from error
    above = above | {folder.resolve()}
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            if Path(entry.path).resolve() not in above:
                yield from _walk(Path(entry.path), above)
        elif entry.name.lower().endswith(SUFFIXES) and entry.is_file():
            yield entry.path


def _remote(address: str) -> Iterator[tuple[str, dict[str, Any]]]:
    lowered = address.lower()
    if lowered.endswith(JSONL):
        return _jsonl(address, address.rpartition("/")[0])
    if lowered.endswith(SUFFIXES):
        return iter([(address, {})])
    try:
        files, folder = fsspec.core.url_to_fs(address)
        if not files.exists(folder):
            raise SourceError(f"there is nothing; expected {_WANTED}", where=address)
        names = sorted(files.find(folder))
    except (OSError, ImportError, ValueError) as error:
        raise SourceError(f"cannot be listed ({error})", where=address) from error
    return ((files.unstrip_protocol(name), {}) for name in names if _is_shown_image(name, folder))


def _is_shown_image(name: str, folder: str) -> bool:
    inside = name.removeprefix(folder).strip("/")
    return inside.lower().endswith(SUFFIXES) and not any(part.startswith(".") for part in inside.split("/"))


def _jsonl(address: str, folder: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Tasks of a JSONL file; a relative path in it is looked up beside the file, then from the working
    directory.
    """
    try:
        with fsspec.open(address, "rt", encoding="utf-8-sig") as file:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    yield _jsonl_task(line, folder, f"{address}:{number}")
    except (OSError, ImportError, ValueError) as error:
        raise SourceError(f"cannot be read ({error})", where=address) from error


def _jsonl_task(line: str, folder: str, where: str) -> tuple[str, dict[str, Any]]:
    try:
        task = json.loads(line)
    except json.JSONDecodeError as error:
        raise DataError(f"not a line of JSON ({error.msg})", where=where) from error
    # An answered task of ours keeps the address of its page in `image` and the file in `path`.
    image = (task.get("path") or task.get("image")) if isinstance(task, dict) else None
    if not isinstance(image, str) or not image:
        raise DataError('a task must be an object with "image", the path or address of an image', where=where)
    if image.startswith("data:"):
        raise DataError("the image is inlined as base64; save it as a file and give its path", where=where)
    rest = {key: value for key, value in task.items() if key not in ("image", "path")}
    if "://" in image or os.path.isabs(image):
        return image, rest
    if "://" in folder:
        return f"{folder}/{image}", rest
    beside = Path(folder, image)
    return str(beside if beside.exists() else Path(image).resolve()), rest


def read_bytes(path: str) -> bytes:
    """Bytes of a file or address. Raises `DataError`, also for an address that needs a package that is not
    installed.
    """
    if path.lower().startswith(("http://", "https://")):
        return _download(path)
    try:
        if "://" not in path:
            return Path(path).read_bytes()
        with fsspec.open(path, "rb") as file:
            content: bytes = file.read()
            return content
    except (OSError, ImportError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise DataError(f"the image cannot be read ({reason})", where=path) from error


def _download(address: str) -> bytes:
    import httpx

    try:
        return httpx.get(address, follow_redirects=True, timeout=_SECONDS).raise_for_status().content
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise DataError(f"the image cannot be fetched ({error})", where=address) from error


def read_image(path: str) -> UprightImage:
    """The image at a path or address, upright. Raises `DataError`."""
    return images.upright(read_bytes(path), where=path)


def make_task(path: str, view_id: str, labels: Iterable[str], *, given: Mapping[str, Any] | None = None) -> Task:
    """The task of one image, without predictions: `given` adds what its source says (`spans`, `meta`, …).

    Raises `DataError` for an image that cannot be read to its end: report it and go on with the next.
    """
    content = read_bytes(path)
    image = images.open_upright(content, where=path)
    hashed = input_hash(content)
    given = dict(given or {})
    meta = given.get("meta")
    return {
        "spans": [],
        **given,
        "image": f"/image/{hashed}",
        "path": path,
        "width": image.width,
        "height": image.height,
        "meta": {**(meta if isinstance(meta, Mapping) else {}), "file": path.rstrip("/").rpartition("/")[2]},
        "_input_hash": hashed,
        "_task_hash": task_hash(hashed, view_id, labels),
        "_view_id": view_id,
    }
