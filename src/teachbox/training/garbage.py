"""What may go: old versions, old records, and the half-written folders of processes that died."""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
import socket
from collections.abc import Callable
from pathlib import Path

log = logging.getLogger(__name__)

MARK = Path("assets.extra") / "teachbox.json"
"""In a version that Teachbox made, and in no other; see `publish`."""
VERSION_PATTERN = r"(\d+)"
RECORD_PATTERN = r"(\d+)_train\.record"
_TEMPORARY = re.compile(r"temp-(?P<host>.+)-(?P<process>\d+)-[^-]+")


def is_complete(version: Path) -> bool:
    """Whether a folder holds a whole SavedModel."""
    return (version / "saved_model.pb").is_file() and (version / "variables" / "variables.index").is_file()


def is_ours(version: Path) -> bool:
    """Whether Teachbox made this version, and it is whole."""
    return is_complete(version) and read_mark(version) is not None


def read_mark(version: Path) -> dict | None:
    """What `publish` wrote about a version, None where it did not make it."""
    try:
        mark = json.loads((version / MARK).read_text())
    except (OSError, ValueError):
        return None
    return mark if isinstance(mark, dict) and mark.get("made_by") == "teachbox" else None


def collect_garbage(
    folder: Path, keep: int, pattern: str = VERSION_PATTERN, *, may_go: Callable[[Path], bool] | None = None
) -> list[Path]:
    """Delete all but the `keep` newest entries of `folder` (never the newest one), and return what went.

    An entry counts where its whole name matches `pattern`, whose first group is its number, and `may_go` says that it
    is complete and ours; by default that is `is_ours` for folders, and every file. Leftovers of dead processes go too.
    """
    judge = may_go or (lambda entry: entry.is_file() or is_ours(entry))
    numbered = []
    for entry in _entries(folder):
        match = re.fullmatch(pattern, entry.name)
        if match and judge(entry):
            numbered.append((int(match.group(1)), entry))
    numbered.sort()
    gone = [entry for _, entry in numbered[: -max(keep, 1)]]
    for entry in gone:
        _remove(entry)
    return gone + remove_leftovers(folder)


def temporary_name(what: str) -> str:
    """Name of a folder that this process is about to write; `what` has no dash."""
    return f"temp-{socket.gethostname()}-{os.getpid()}-{what}"


def remove_leftovers(folder: Path) -> list[Path]:
    """Delete the temporary folders of processes of this machine that are no more, and return them.

    Call it only while this process writes nothing there: one of its own number belongs to a process before it.
    """
    gone = []
    for entry in _entries(folder):
        match = _TEMPORARY.fullmatch(entry.name)
        if not match or match["host"] != socket.gethostname():
            continue
        process = int(match["process"])
        if process == os.getpid() or not _is_alive(process):
            shutil.rmtree(entry, ignore_errors=True)
            gone.append(entry)
    return gone


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except FileNotFoundError:
        return []


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _remove(entry: Path) -> None:
    try:
        if entry.is_file():
            entry.unlink()
            return
        # Under a temporary name first: a folder that is half deleted must not look like a version.
        hidden = entry.with_name(temporary_name(entry.name))
        entry.rename(hidden)
        shutil.rmtree(hidden)
    except OSError as error:
        log.warning("%s: cannot be deleted (%s)", entry, error.strerror or error)
