"""Restoring public checkpoints by variable name, and saying what was taken and what was left."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from teachbox.detector.names import CheckpointKind, kind_of
from teachbox.detector.object_graph import path_of
from teachbox.detector.sources import CheckpointType, classifier_names, of_feature_extractor
from teachbox.detector.stored import StoredCheckpoint
from teachbox.errors import CheckpointError

log = logging.getLogger(__name__)

_COUNTERS = {"global_step", "save_counter", "step"}
_TENSORFLOW: dict[CheckpointKind, str] = {"graph": "TensorFlow 1", "object": "TensorFlow 2"}


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


def restore(
    variables: Mapping[str, Any],
    prefix: str | Path,
    *,
    checkpoint_type: CheckpointType = "detection",
    heads: bool = True,
) -> RestoreReport:
    """Give `variables` (by public name) the values that the checkpoint `prefix` holds.

    `detection` takes what fits and leaves the rest (the class predictor of another number of classes); without `heads`
    only the feature extractor is taken. `classification` takes the backbone alone, by the names that a classifier's
    checkpoint has; `full` takes everything or raises. Raises `CheckpointError` where nothing fits or a file is damaged;
    then every variable has the value it had.
    """
    stored = StoredCheckpoint(prefix)
    report = RestoreReport()
    sources = _sources(variables, checkpoint_type, heads, report)
    fitting: dict[str, str] = {}
    for name, source in sources.items():
        shape = tuple(variables[name].shape)
        key = stored.key(source)
        if key is None:
            report.left[name] = "not in the checkpoint"
        elif stored.shapes[key] != shape:
            report.left[name] = f"shape {stored.shapes[key]} there, {shape} here"
        else:
            fitting[name] = key
    unused = set(map(path_of, set(stored.shapes) - set(fitting.values()))) - _COUNTERS
    report.unused.extend(sorted(unused))
    if not fitting:
        raise CheckpointError(_nothing_fits(variables, stored, checkpoint_type), where=stored.prefix)
    if checkpoint_type == "full" and report.left:
        name, why = next(iter(report.left.items()))
        raise CheckpointError(f"type `full` wants every variable, but {name}: {why}", where=stored.prefix)
    values: dict[str, np.ndarray] = {name: stored.read(key) for name, key in fitting.items()}
    for name, value in values.items():
        variables[name].assign(value)
        report.taken.append(name)
    log.info("%s: %s", prefix, report)
    return report


def _sources(
    variables: Mapping[str, Any], checkpoint_type: CheckpointType, heads: bool, report: RestoreReport
) -> dict[str, str]:
    """Name here → name in the checkpoint, of what is asked for; the report is told of what is not."""
    if checkpoint_type == "classification":
        sources, left = classifier_names(variables), "not part of the backbone"
    else:
        wanted = (name for name in variables if heads or checkpoint_type == "full" or of_feature_extractor(name))
        sources, left = {name: name for name in wanted}, "not part of the feature extractor"
    report.left.update((name, left) for name in variables if name not in sources)
    return sources


def _nothing_fits(variables: Mapping[str, Any], stored: StoredCheckpoint, checkpoint_type: CheckpointType) -> str:
    if checkpoint_type == "classification" and not classifier_names(variables):
        return "this detector's backbone is no classifier's; use fine_tune_checkpoint_type 'detection'"
    text = f"nothing in it fits this detector as fine_tune_checkpoint_type {checkpoint_type!r}; "
    own = kind_of(variables)
    if stored.kind != own:
        text += (
            f"it is a checkpoint of {_TENSORFLOW[stored.kind]}, and this feature extractor's are of {_TENSORFLOW[own]} "
            f"(a type that ends in _keras, EfficientDet and CenterNet have TensorFlow 2's); "
        )
    some = ", ".join(sorted(map(path_of, stored.shapes))[:2])
    return text + f"it holds names such as {some or 'none'}"
