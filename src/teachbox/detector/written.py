"""Writing a checkpoint of either kind, so that TensorFlow's own readers take it up."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from teachbox.detector.names import GLOBAL_STEP, STEP, kind_of
from teachbox.detector.object_graph import GRAPH_KEY, object_graph, value_key

_SAVE_COUNTER = "save_counter"
"""Of an object-based checkpoint: how often it was saved."""


def write_checkpoint(
    prefix: Path,
    model: Mapping[str, np.ndarray],
    *,
    step: int,
    others: Mapping[str, np.ndarray] | None = None,
    texts: Mapping[str, str] | None = None,
) -> None:
    """Write `prefix.index` and `prefix.data-…`: the variables of a `model` by their public names, and `global_step`.

    Names of an object-based checkpoint are ways, and become one: `tf.train.Checkpoint(model=…, step=…)` restores it.
    `others` and `texts` are kept by plain names beside. Raises `OSError` or TensorFlow's `OpError`.
    """
    import tensorflow as tf

    tensors: dict[str, Any] = {name: tf.constant(value) for name, value in (others or {}).items()}
    tensors |= {name: tf.constant(text) for name, text in (texts or {}).items()}
    tensors[GLOBAL_STEP] = tf.constant(step, tf.int64)
    if kind_of(model) == "graph":
        tensors |= {name: tf.constant(value) for name, value in model.items()}
    else:
        counters = {STEP: tf.constant(step, tf.int64), _SAVE_COUNTER: tf.constant(1, tf.int64)}
        objects = {path: tf.constant(value) for path, value in sorted(model.items())} | counters
        tensors |= {value_key(path): value for path, value in objects.items()}
        tensors[GRAPH_KEY] = tf.constant(object_graph(objects))
    names = sorted(tensors)
    tf.raw_ops.SaveV2(
        prefix=str(prefix),
        tensor_names=names,
        shape_and_slices=[""] * len(names),
        tensors=[tensors[name] for name in names],
    )
