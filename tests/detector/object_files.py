"""Checkpoints as TensorFlow 2 writes them: `tf.train.Checkpoint` of objects that hold one another."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np


def write_objects(folder: Path, arrays: Mapping[str, np.ndarray]) -> Path:
    """Save `arrays`, each at the end of its way through objects, and return the prefix, `ckpt-1`."""
    tree: dict[str, Any] = {}
    for path, array in arrays.items():
        *ways, last = path.split("/")
        at = tree
        for name in ways:
            at = at.setdefault(name, {})
        at[last] = array
    return Path(_objects(tree).save(str(folder / "ckpt")))


def _objects(tree: Mapping[str, Any]) -> Any:
    """A trackable object; a name with `.S` in it becomes one with a slash, which is written so."""
    import tensorflow as tf

    children = {
        name.replace(".S", "/"): _objects(value) if isinstance(value, Mapping) else tf.Variable(value)
        for name, value in tree.items()
    }
    return tf.train.Checkpoint(**children)
