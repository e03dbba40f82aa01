"""Which versions of a model lie under its base path, and which of them should be served."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from pathlib import Path

log = logging.getLogger(__name__)

_LARGEST = 2**63 - 1


@dataclass(frozen=True)
class Latest:
    """The newest `count` versions."""

    count: int = 1


@dataclass(frozen=True)
class All:
    """Every version that is there."""


@dataclass(frozen=True)
class Specific:
    """These versions, as far as they are there."""

    versions: frozenset[int]


Policy = Latest | All | Specific


def parse_version(name: str) -> int | None:
    """The version that a folder name stands for: plain digits, leading zeros are fine; else None."""
    if not (name.isascii() and name.isdigit()):
        return None
    number = int(name)
    return number if number <= _LARGEST else None


def find_versions(base_path: Path) -> dict[int, Path]:
    """The version folders under `base_path`; other names (half-written `temp-…`) are not looked at.

    OSError if the base path cannot be listed.
    """
    found: dict[int, Path] = {}
    with os.scandir(base_path) as entries:
        for entry in sorted(entries, key=lambda e: e.name):
            version = parse_version(entry.name)
            if version is None or not entry.is_dir():
                continue
            if version in found:
                log.warning("Duplicate version directories detected under %s: version %d is %s, not %s",
                            base_path, version, found[version].name, entry.name)  # fmt: skip
                continue
            found[version] = Path(entry.path)
    return found


def aspired_versions(found: dict[int, Path], policy: Policy) -> dict[int, Path]:
    """Those of `found` that `policy` asks for, newest first."""
    newest_first = sorted(found, reverse=True)
    match policy:
        case Latest(count):
            wanted = newest_first[:count]
        case All():
            wanted = newest_first
        case Specific(versions):
            wanted = [v for v in newest_first if v in versions]
    return {version: found[version] for version in wanted}


def fingerprint(folder: Path) -> frozenset[tuple[str, int, int]]:
    """What tells whether anything under `folder` changed: name, size and time of each file."""
    files = set()
    for parent, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(parent, name)
            try:
                stat = os.stat(path)
            except FileNotFoundError:
                continue  # it went away while we looked: the next look tells
            files.add((path, stat.st_size, stat.st_mtime_ns))
    return frozenset(files)
