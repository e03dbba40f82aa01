"""Restoring public checkpoints by variable name, and saying what was taken and what was left."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from teachbox.errors import CheckpointError

log = logging.getLogger(__name__)

CheckpointType = Literal["detection", "classification", "full"]
_EXTRACTOR = "FeatureExtractor/"


@dataclass(frozen=True)
class RestoreReport:
    """What a restore did, by public variable name."""

    taken: list[str] = field(default_factory=list)
    left: dict[str, str] = field(default_factory=dict)
    """Variables of the detector that kept their values, and why."""
    unused: list[str] = field(default_factory=list)
    """Variables of the checkpoint that nothing asked for."""

    def __str__(self) -> str:
        text = f"{len(self.taken)} variables taken"
        if self.left:
            reasons = "; ".join(f"{name} ({why})" for name, why in list(self.left.items())[:4])
            text += f", {len(self.left)} left: {reasons}" + (" …" if len(self.left) > 4 else "")
        return text


def read_checkpoint(prefix: str | Path) -> dict[str, np.ndarray]:
    """All arrays of the TensorFlow checkpoint `prefix` (such as `model.ckpt`) by variable name.

    Raises `CheckpointError` where there is none or it cannot be read.
    """
    import tensorflow as tf

    prefix = str(prefix)
    if not Path(f"{prefix}.index").exists():
        raise CheckpointError(
            "no such checkpoint: there is no file ending in .index beside it; give the prefix, such as …/model.ckpt",
            where=prefix,
        )
    try:
        reader = tf.train.load_checkpoint(prefix)
        return {
            name: reader.get_tensor(name)
            for name, dtype in reader.get_variable_to_dtype_map().items()
            if dtype != tf.string
        }
    except (tf.errors.OpError, ValueError, RuntimeError) as error:
        raise CheckpointError(f"cannot be read: {str(error).splitlines()[0]}", where=prefix) from error


def restore(
    variables: Mapping[str, Any], prefix: str | Path, *, checkpoint_type: CheckpointType = "detection"
) -> RestoreReport:
    """Give `variables` (by public name) the values that the checkpoint `prefix` holds.

    `detection` takes what fits and leaves the rest (the class predictor of another number of classes); `classification`
    takes the backbone alone, whose names have no `FeatureExtractor/` there; `full` takes everything or raises.
    Raises `CheckpointError` where nothing fits; then every variable has the value it had.
    """
    arrays = read_checkpoint(prefix)
    report = RestoreReport()
    fitting: dict[str, np.ndarray] = {}
    used: set[str] = set()
    for name, variable in variables.items():
        if checkpoint_type == "classification":
            if not name.startswith(_EXTRACTOR):
                report.left[name] = "not part of the backbone"
                continue
            source = name.removeprefix(_EXTRACTOR)
        else:
            source = name
        array = arrays.get(source)
        if array is None:
            report.left[name] = "not in the checkpoint"
        elif tuple(array.shape) != tuple(variable.shape):
            report.left[name] = f"shape {tuple(array.shape)} there, {tuple(variable.shape)} here"
        else:
            fitting[name] = array
            used.add(source)
    report.unused.extend(sorted(set(arrays) - used - {"global_step"}))
    if not fitting:
        raise CheckpointError(
            f"nothing in it fits this detector as fine_tune_checkpoint_type {checkpoint_type!r}; "
            f"it holds names such as {', '.join(sorted(arrays)[:2]) or 'none'}",
            where=str(prefix),
        )
    if checkpoint_type == "full" and report.left:
        name, why = next(iter(report.left.items()))
        raise CheckpointError(f"type `full` wants every variable, but {name}: {why}", where=str(prefix))
    for name, array in fitting.items():
        variables[name].assign(array)
        report.taken.append(name)
    log.info("%s: %s", prefix, report)
    return report
