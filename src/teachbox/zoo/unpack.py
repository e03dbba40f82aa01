"""A tar.gz archive into a folder: regular files alone, none outside of it, and none of a damaged archive."""

from __future__ import annotations

import gzip
import shutil
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from teachbox.errors import DownloadError

_BLOCK = 1 << 20


@contextmanager
def unpacked(archive: Path, folder: Path) -> Iterator[Path]:
    """The files of `archive` in `folder`, which is made for them and is gone afterwards.

    Gives the folder that holds them: the only one in the archive, if there is only one. Rename it to keep them. Raises
    `DownloadError` for what is no such archive, is damaged, or holds links or paths that lead out of it.
    """
    shutil.rmtree(folder, ignore_errors=True)
    try:
        folder.mkdir()
        _extract(archive, folder)
        inside = list(folder.iterdir())
        yield inside[0] if len(inside) == 1 and inside[0].is_dir() else folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _extract(archive: Path, folder: Path) -> None:
    try:
        with gzip.open(archive) as stream:
            with tarfile.open(fileobj=stream, mode="r|") as tar:
                for member in tar:
                    if not (member.isfile() or member.isdir()):
                        raise DownloadError(
                            f"holds {member.name!r}, which is neither file nor folder; nothing of it is kept",
                            where=str(archive),
                        )
                    tar.extract(member, folder, filter="data")
            # The checksum of all that was read stands at the very end.
            while stream.read(_BLOCK):
                pass
    except tarfile.FilterError as error:
        raise DownloadError(f"{error}; nothing of it is kept", where=str(archive)) from error
    except (tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise DownloadError(f"is no tar.gz archive, or a damaged one ({error})", where=str(archive)) from error
