"""One model of the zoo into a project: downloaded, compared with the first time, unpacked, looked through."""

from __future__ import annotations

import fcntl
import glob
import hashlib
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from teachbox.errors import DownloadError, Unreachable
from teachbox.zoo.download import Progress, download
from teachbox.zoo.models import BASE, ZooModel
from teachbox.zoo.unpack import unpacked

SUMS = "SHA256SUMS"


@dataclass(frozen=True)
class Fetched:
    """A model's folder, and what of it a training starts from."""

    folder: Path
    checkpoint: Path | None
    """The prefix that `fine_tune_checkpoint` takes, such as `…/model.ckpt`."""
    config: Path | None
    new: bool
    """Whether it was fetched now, and not before."""


def model_folder(model: ZooModel, project: Path) -> Path:
    """Where `fetch` puts a model."""
    return project / "zoo" / model.name


def fetch(
    model: ZooModel,
    project: Path,
    base: str = BASE,
    on_progress: Callable[[Progress], None] = lambda progress: None,
) -> Fetched:
    """Put the model's files into PROJECT/zoo/NAME; if they are there, nothing is fetched.

    An archive PROJECT/zoo/NAME.tar.gz that is there is taken instead of a download. PROJECT/zoo/SHA256SUMS keeps the
    checksum of the first archive of each name. The folder appears when all is in it. Raises `DownloadError`.
    """
    folder = model_folder(model, project)
    archive = folder.with_name(f"{model.name}.tar.gz")
    try:
        if folder.is_dir() and any(folder.iterdir()):
            return _look(folder, new=False)
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _alone(folder.parent):
            if not archive.exists():
                for progress in download(model.address(base), archive):
                    on_progress(progress)
            _install(archive, folder)
        return _look(folder, new=True)
    except Unreachable as error:
        raise DownloadError(
            f"{error.message}; without a network, put the archive at {archive} yourself and run this again",
            where=error.where,
        ) from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise DownloadError(f"cannot be written ({reason})", where=str(error.filename or folder)) from error


def _install(archive: Path, folder: Path) -> None:
    """Turn the archive into the folder; one that cannot be used is deleted, one that found no room is not."""
    sums = folder.with_name(SUMS)
    try:
        with archive.open("rb") as content:
            found = hashlib.file_digest(content, "sha256").hexdigest()
        first = _known_sum(sums, archive.name)
        if first not in (None, found):
            raise DownloadError(
                f"is another file than at the first time: sha256 was {first} and is now {found}; if that is meant, "
                f"delete its line in {sums}",
                where=archive.name,
            )
        with unpacked(archive, folder.with_name(f".{folder.name}.part")) as inside:
            if first is None:
                with sums.open("a", encoding="utf-8") as lines:
                    lines.write(f"{found}  {archive.name}\n")
            inside.rename(folder)
    except DownloadError:
        archive.unlink()
        raise
    archive.unlink()


def _known_sum(sums: Path, name: str) -> str | None:
    """The checksum that was kept for an archive."""
    if not sums.exists():
        return None
    lines = (line.split(maxsplit=1) for line in sums.read_text(encoding="utf-8").splitlines())
    return next((line[0] for line in lines if line[1:] == [name]), None)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the folder against other processes that fetch into it."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise DownloadError("another process fetches into it; wait for that one", where=str(folder)) from error
        yield
    finally:
        os.close(handle)


def _look(folder: Path, *, new: bool) -> Fetched:
    config = next(iter(sorted(folder.rglob("pipeline.config"), key=lambda path: len(path.parts))), None)
    return Fetched(folder, _checkpoint(folder), config, new)


def _checkpoint(folder: Path) -> Path | None:
    """The checkpoint nearest to the top, of several there the one with the highest number."""
    prefixes = [
        index.with_suffix("")
        for index in folder.rglob("*.index")
        # A SavedModel has its variables in a file like that, under names of its own.
        if "saved_model" not in index.relative_to(folder).parts
        and any(index.parent.glob(f"{glob.escape(index.stem)}.data-*"))
    ]
    return min(prefixes, key=lambda prefix: (len(prefix.parts), -_number(prefix), prefix.name), default=None)


def _number(prefix: Path) -> int:
    found = re.search(r"-(\d+)$", prefix.name)
    return int(found[1]) if found else 0
