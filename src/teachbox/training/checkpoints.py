"""Checkpoints in the model directory: `model.ckpt-<step>` in TensorFlow's format, under the public variable names.

The model directory of a detector of TensorFlow 2 is one that `tf.train.Checkpoint(model=…, step=…)` restores from.

A checkpoint is written beside and renamed, its index last, and named in the file `checkpoint` only then: a process that
dies on the way leaves nothing that a restart would take.
"""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import keras
import tensorflow as tf

from teachbox.detector.names import GLOBAL_STEP
from teachbox.detector.stored import StoredCheckpoint
from teachbox.detector.written import write_checkpoint
from teachbox.errors import CheckpointError
from teachbox.training.garbage import remove_leftovers, temporary_name

log = logging.getLogger(__name__)

_STATE_KEY = "teachbox/state"
_NAMED = re.compile(r'^model_checkpoint_path: "(?P<name>[^"]+)"', re.MULTILINE)
_CHECKPOINT = re.compile(r"model\.ckpt-(\d+)")
_INDEX, _DATA = ".index", ".data-00000-of-00001"


@dataclass(frozen=True)
class State:
    """What a checkpoint knows beside its variables."""

    lineage: str = ""
    """Of all checkpoints and versions that came of one start from a fine-tune checkpoint, or from chance."""
    seen: int = 0
    """Id of the last answer in the store when the last finished round began."""
    version: int = 0
    """Number of the newest version that was published."""
    unusable: list[int] = field(default_factory=list)
    """Ids of answers that could not be used, and were reported."""
    classes: int = 0
    """How many the detector tells; 0 where a checkpoint does not say it."""


def save(
    folder: Path,
    variables: Mapping[str, keras.Variable],
    own: Collection[str],
    step: int,
    state: State,
    keep: int,
) -> Path:
    """Write `model.ckpt-<step>` and return its prefix; delete all but the `keep` newest.

    `own` are the names of the detector's variables; the others are the optimizer's.
    Raises `CheckpointError` where it cannot be written; the earlier ones are untouched then.
    """
    prefix = folder / f"model.ckpt-{step}"
    temporary = folder / temporary_name(f"checkpoint{step}")
    values = {name: variable.numpy() for name, variable in variables.items() if name != GLOBAL_STEP}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        remove_leftovers(folder)
        temporary.mkdir()
        write_checkpoint(
            temporary / "c",
            {name: values.pop(name) for name in own},
            step=step,
            others=values,
            texts={_STATE_KEY: json.dumps(asdict(state))},
        )
        for ending in (_DATA, _INDEX):
            with open(temporary / f"c{ending}", "rb") as file:
                os.fsync(file.fileno())
        # A checkpoint of this step may be there: without its index it is none while its data is replaced.
        Path(f"{prefix}{_INDEX}").unlink(missing_ok=True)
        for ending in (_DATA, _INDEX):
            (temporary / f"c{ending}").replace(f"{prefix}{ending}")
        steps = [*sorted(other for other in _steps(folder) if other != step), step][-max(keep, 1) :]
        _name(folder, temporary, steps)
        for other in set(_steps(folder)) - set(steps):
            for ending in (_INDEX, _DATA):
                (folder / f"model.ckpt-{other}{ending}").unlink(missing_ok=True)
    except (OSError, tf.errors.OpError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error.message).splitlines()[0]
        raise CheckpointError(f"cannot be written ({reason})", where=str(prefix)) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return prefix


def latest(folder: Path) -> Path | None:
    """Prefix of the checkpoint that `folder` names as its latest, or else of the one with the largest step; or None."""
    try:
        found = _NAMED.search((folder / "checkpoint").read_text())
    except OSError:
        found = None
    if found and (folder / (found["name"] + _INDEX)).is_file() and (folder / (found["name"] + _DATA)).is_file():
        return folder / found["name"]
    steps = _steps(folder)
    return folder / f"model.ckpt-{steps[-1]}" if steps else None


def restore(prefix: Path, variables: Mapping[str, keras.Variable], required: Mapping[str, keras.Variable]) -> State:
    """Give `variables` the values of the checkpoint, and return what else it knows.

    Those of `required` (the detector's own) must be there and fit, else `CheckpointError`; of the others, such as
    another optimizer's, what is missing stays as it is. Nothing is changed where it is refused.
    """
    stored = StoredCheckpoint(prefix)
    values, missing = {}, []
    for name, variable in variables.items():
        key = stored.key(name)
        if key is not None and stored.shapes[key] == tuple(variable.shape):
            values[name] = stored.read(key)
        elif name in required:
            here = f"here it has shape {tuple(variable.shape)}"
            raise CheckpointError(
                f"it is of another detector: {name} "
                + (f"is not in it; {here}" if key is None else f"has shape {stored.shapes[key]}, {here}")
                + ". Use another --model-dir, or the config that it was trained with",
                where=str(prefix),
            )
        else:
            missing.append(name)
    # An average that a checkpoint without averages does not hold begins as the variable itself.
    for name in missing:
        plain = name.removesuffix("/ExponentialMovingAverage")
        if plain != name and plain in values:
            values[name] = values[plain]
    for name, value in values.items():
        variables[name].assign(value)
    if missing:
        log.warning("%s: %d variables of the optimizer are not in it and start afresh", prefix, len(missing))
    return _state(stored)


def read_state(prefix: Path) -> State:
    """What a checkpoint knows beside its variables. Raises `CheckpointError` where it cannot be read."""
    return _state(StoredCheckpoint(prefix))


def _state(stored: StoredCheckpoint) -> State:
    state = json.loads(stored.text(_STATE_KEY) or "{}")
    return State(**{key: value for key, value in state.items() if key in State.__dataclass_fields__})


def _steps(folder: Path) -> list[int]:
    """Steps of the complete checkpoints in `folder`, in rising order."""
    found = []
    for index in folder.glob(f"model.ckpt-*{_INDEX}"):
        match = _CHECKPOINT.fullmatch(index.name.removesuffix(_INDEX))
        if match and index.with_name(index.name.removesuffix(_INDEX) + _DATA).is_file():
            found.append(int(match[1]))
    return sorted(found)


def _name(folder: Path, temporary: Path, steps: list[int]) -> None:
    """Write the file `checkpoint`, as TensorFlow reads it: the latest, and all of them."""
    lines = [f'model_checkpoint_path: "model.ckpt-{steps[-1]}"']
    lines += [f'all_model_checkpoint_paths: "model.ckpt-{step}"' for step in steps]
    beside = temporary / "checkpoint"
    beside.write_text("\n".join(lines) + "\n")
    beside.replace(folder / "checkpoint")
