"""A checkpoint on disk, of either kind: what it holds, by the names that variables have here."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from teachbox.detector.names import GLOBAL_STEP, STEP, CheckpointKind
from teachbox.detector.object_graph import GRAPH_KEY, ObjectGraph, path_of
from teachbox.errors import CheckpointError


class StoredCheckpoint:
    """Keys, shapes and values of the TensorFlow checkpoint `prefix`, such as `model.ckpt` or `ckpt-0`."""

    def __init__(self, prefix: str | Path) -> None:
        """Raises `CheckpointError` where there is none or it cannot be read."""
        import tensorflow as tf

        self.prefix = str(prefix)
        if not Path(f"{self.prefix}.index").exists():
            raise CheckpointError(
                "no such checkpoint: there is no file ending in .index beside it; "
                "give the prefix, such as …/model.ckpt",
                where=self.prefix,
            )
        self._failures = (tf.errors.OpError, ValueError, RuntimeError)
        try:
            self._reader = tf.train.load_checkpoint(self.prefix)
            shapes, kinds = self._reader.get_variable_to_shape_map(), self._reader.get_variable_to_dtype_map()
            graph = ObjectGraph(self._reader.get_tensor(GRAPH_KEY)) if GRAPH_KEY in shapes else None
        except self._failures as error:
            raise self._unreadable(error) from error
        self._graph = graph
        self.shapes = {key: tuple(shape) for key, shape in shapes.items() if kinds[key] != tf.string}
        """Key → shape of every array."""
        self._texts = set(shapes) - set(self.shapes)

    @property
    def kind(self) -> CheckpointKind:
        """Of TensorFlow 1, by variable names, or of 2, by ways through objects."""
        return "graph" if self._graph is None else "object"

    def key(self, name: str) -> str | None:
        """Under which key the variable called `name` is stored; None if it is not."""
        if name in self.shapes:
            return name
        key = self._graph.key(name) if self._graph is not None else None
        return key if key in self.shapes else None

    def read(self, key: str) -> np.ndarray:
        """The array under `key`. Raises `CheckpointError` where the file is damaged."""
        try:
            return self._reader.get_tensor(key)
        except self._failures as error:
            raise self._unreadable(error) from error

    @property
    def step(self) -> int:
        """How many steps it was trained for; 0 where it does not say."""
        keys = (key for name in (GLOBAL_STEP, STEP) if (key := self.key(name)) is not None)
        return next((int(self.read(key)) for key in keys), 0)

    def text(self, key: str) -> str | None:
        """The text under `key`; None if there is none. Raises `CheckpointError` as `read`."""
        return bytes(self.read(key)).decode() if key in self._texts else None

    def _unreadable(self, error: Exception) -> CheckpointError:
        return CheckpointError(f"cannot be read: {str(error).splitlines()[0]}", where=self.prefix)


def read_checkpoint(prefix: str | Path) -> dict[str, np.ndarray]:
    """All arrays of the checkpoint `prefix` by name. Raises `CheckpointError` as `StoredCheckpoint`."""
    stored = StoredCheckpoint(prefix)
    return {path_of(key): stored.read(key) for key in stored.shapes}
