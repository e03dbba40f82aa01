"""Versions in the export directory: the graph is exported once, a later version is the same graph with new variables.

A version is written beside, under a name that starts with `temp-`, and renamed into place: it is complete or not there.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from teachbox.errors import ExportError
from teachbox.training.garbage import MARK, is_complete, is_ours, read_mark, remove_leftovers, temporary_name
from teachbox.training.graphs import Exporter, variable_key

_GRAPH_KEY = "_CHECKPOINTABLE_OBJECT_GRAPH"
_PREFIX = Path("variables") / "variables"


@dataclass(frozen=True)
class Version:
    """A published version."""

    number: int
    path: Path
    step: int
    whole: bool
    """Whether the graph was exported for it, rather than taken from the version before."""
    seconds: float


class Publisher:
    """Writes the versions of one detector into one folder."""

    def __init__(
        self, folder: Path, variables: Mapping[str, keras.Variable], export_graph: Exporter, graph: str
    ) -> None:
        """`variables`: checkpoint name → variable, all that the graph reads. `graph`: fingerprint of what makes it."""
        self.folder = Path(folder)
        self._variables = dict(variables)
        self._export_graph = export_graph
        shapes = [f"{name} {tuple(variables[name].shape)}" for name in sorted(variables)]
        self.graph = hashlib.blake2b("\n".join([graph, *shapes]).encode(), digest_size=16).hexdigest()
        self._object_graph: tf.Tensor | None = None
        """What the SavedModel loader needs beside the variables' values; the same in each version of one graph."""

    def publish(
        self,
        *,
        step: int,
        lineage: str = "",
        values: Mapping[str, np.ndarray] | None = None,
        after: int = 0,
    ) -> Version:
        """Write the next version: the variables as they are, or as `values` (by checkpoint name) says.

        Its number is the time in unix seconds, and more than `after` and any in the folder. `step` and `lineage` are
        written down in it. Raises `ExportError` where it cannot be written; nothing of it stays then.
        """
        started = time.monotonic()
        number = max(int(time.time()), after + 1, max(numbers(self.folder), default=0) + 1)
        temporary = self.folder / temporary_name(str(number))
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            remove_leftovers(self.folder)
            source = self._graph_source()
            if source is None:
                self._export_graph(temporary)
                self._object_graph = None
            else:
                temporary.mkdir()
                _link(source / "saved_model.pb", temporary / "saved_model.pb")
            self._write_variables(temporary, source or temporary, values or {})
            mark = {
                "made_by": "teachbox",
                "step": step,
                "lineage": lineage,
                "graph": self.graph,
                "created": time.time(),
            }
            (temporary / MARK).parent.mkdir(exist_ok=True)
            (temporary / MARK).write_text(json.dumps(mark))
            _sync(temporary)
            number, path = self._rename(temporary, number)
        except (OSError, tf.errors.OpError) as error:
            raise ExportError(
                f"version {number} cannot be written ({_reason(error)})", where=str(self.folder)
            ) from error
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
        return Version(number, path, step, source is None, time.monotonic() - started)

    def newest(self) -> tuple[int, dict] | None:
        """Number of the newest version that Teachbox wrote here, and what is written down in it."""
        for number in reversed(numbers(self.folder)):
            path = self.folder / str(number)
            if is_ours(path):
                return number, read_mark(path) or {}
        return None

    def _graph_source(self) -> Path | None:
        """A version that holds this very graph."""
        found = self.newest()
        return self.folder / str(found[0]) if found and found[1].get("graph") == self.graph else None

    def _write_variables(self, version: Path, source: Path, values: Mapping[str, np.ndarray]) -> None:
        if self._object_graph is None:
            self._object_graph = self._read_object_graph(source)
        names = sorted(self._variables)
        tensors = [tf.constant(values[name] if name in values else self._variables[name].numpy()) for name in names]
        keys = [variable_key(place) for place in range(len(names))]
        beside = version / "writing"
        beside.mkdir()
        tf.raw_ops.SaveV2(
            prefix=str(beside / "variables"),
            tensor_names=[*keys, _GRAPH_KEY],
            shape_and_slices=[""] * (len(keys) + 1),
            tensors=[*tensors, self._object_graph],
        )
        shutil.rmtree(version / _PREFIX.parent, ignore_errors=True)
        beside.rename(version / _PREFIX.parent)
        # It names the variables by their checksum, and they are others now. Loaders do without it.
        (version / "fingerprint.pb").unlink(missing_ok=True)

    def _write_mark(self, version: Path, step: int, lineage: str) -> None:
        (version / MARK).parent.mkdir(exist_ok=True)
        mark = {"made_by": "teachbox", "step": step, "lineage": lineage, "graph": self.graph, "created": time.time()}
        (version / MARK).write_text(json.dumps(mark))

    def _read_object_graph(self, source: Path) -> tf.Tensor:
        reader = tf.train.load_checkpoint(str(source / _PREFIX))
        expected = {variable_key(place) for place in range(len(self._variables))} | {_GRAPH_KEY}
        found = set(reader.get_variable_to_shape_map())
        if found != expected:
            raise ExportError(
                f"its variables are not the detector's ({len(found ^ expected)} of {len(found | expected)} differ)",
                where=str(source),
            )
        return tf.constant(reader.get_tensor(_GRAPH_KEY))

    def _rename(self, temporary: Path, number: int) -> tuple[int, Path]:
        while True:
            path = self.folder / str(number)
            # A rename replaces an empty folder without a word.
            if not path.exists():
                try:
                    temporary.rename(path)
                    return number, path
                except OSError:
                    if not path.exists():
                        raise
            number += 1  # another process was quicker


def numbers(folder: Path) -> list[int]:
    """Every number that some entry of `folder` has for a name, complete or not, in rising order."""
    try:
        return sorted(int(entry.name) for entry in folder.iterdir() if entry.name.isascii() and entry.name.isdigit())
    except (FileNotFoundError, NotADirectoryError):
        return []


def complete_versions(folder: Path) -> list[int]:
    """Numbers of the versions in `folder` that are whole, whoever made them, in rising order."""
    return [number for number in numbers(folder) if is_complete(folder / str(number))]


def graph_fingerprint(*parts: bytes) -> str:
    """Fingerprint of all that makes the graph: `parts` (the model's config), our sources, TensorFlow's version."""
    digest = hashlib.blake2b(digest_size=16)
    package = Path(__file__).parents[1]
    files = ("data/decoding.py", "data/resizers.py", "training/graphs.py", "training/signatures.py")
    sources = [*(package / "detector").rglob("*.py"), *(package / file for file in files)]
    for part in [tf.__version__.encode(), *parts, *(source.read_bytes() for source in sorted(sources))]:
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # a file system without hard links
        shutil.copyfile(source, target)


def _sync(folder: Path) -> None:
    """Bring what was written to disk before the rename says that it is there."""
    for path in [*folder.rglob("*"), folder]:
        if path.is_file() and path.stat().st_nlink > 1:
            continue  # the linked graph is there already
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _reason(error: OSError | tf.errors.OpError) -> str:
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return str(error.message).splitlines()[0]
