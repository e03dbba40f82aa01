"""A trained detector as the Object Detection API's exporters lay it: SavedModel, checkpoint, pipeline.config.

| a detector of TensorFlow 1                         | of TensorFlow 2                            |
| `saved_model/`                                     | `saved_model/`, which can be called too    |
| `model.ckpt.index`, `model.ckpt.data-…`, `checkpoint` | `checkpoint/ckpt-0.index` and so on, `checkpoint/checkpoint` |
| `pipeline.config`                                  | `pipeline.config`                          |
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tensorflow as tf

from teachbox.config.load import Pipeline
from teachbox.data.resizers import Resizer
from teachbox.detector.detector import Detector
from teachbox.detector.names import CheckpointKind, kind_of
from teachbox.detector.written import write_checkpoint
from teachbox.errors import ExportError
from teachbox.training.graphs import ServingModule
from teachbox.training.signatures import MORE_OUTPUTS, Detect, InputType, detection_functions, traced

_INPUT: dict[CheckpointKind, str] = {"graph": "inputs", "object": "input_tensor"}
"""What the exporters call the input of `serving_default`."""


class CallableModule(ServingModule):
    """What is saved: the variables, and a call, which is `serving_default` too."""

    def __init__(self, variables: Mapping[str, tf.Variable], detect: Detect, input_type: InputType, name: str) -> None:
        super().__init__(variables)
        self.__call__ = traced(detect, input_type, name)


def export(
    detector: Detector, resizer: Resizer, pipeline: Pipeline, folder: Path, *, input_type: InputType, step: int
) -> None:
    """Write all of it into `folder`, where it appears when all is written. Keras' backend has to be TensorFlow.

    `serving_default` takes inputs of `input_type`; what it returns is float32, classes count from 1. Raises
    `ExportError` where `folder` holds something or cannot be written.
    """
    folder = folder.absolute()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ExportError("it holds something already; name a new folder", where=str(folder))
    beside = folder.with_name(f".{folder.name}.part")
    try:
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir(parents=True)
        _write_saved_model(detector, resizer, beside / "saved_model", input_type)
        _write_checkpoint(detector, beside, step)
        (beside / "pipeline.config").write_text(pipeline.text, encoding="utf-8")
        # A folder that is there stays the same one: somebody may stand in it.
        folder.mkdir(exist_ok=True)
        for part in beside.iterdir():
            part.replace(folder / part.name)
    except (OSError, tf.errors.OpError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error.message).splitlines()[0]
        raise ExportError(f"cannot be written ({reason})", where=str(folder)) from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _write_saved_model(detector: Detector, resizer: Resizer, folder: Path, input_type: InputType) -> None:
    named = detector.checkpoint_variables()
    variables: dict[str, Any] = {name: variable.value for name, variable in named.items()}
    detect = detection_functions(detector, resizer, MORE_OUTPUTS)[input_type]
    module = CallableModule(variables, detect, input_type, _INPUT[kind_of(named)])
    tf.saved_model.save(module, str(folder), signatures=module.__call__.get_concrete_function())


def _write_checkpoint(detector: Detector, folder: Path, step: int) -> None:
    values = {name: variable.numpy() for name, variable in detector.checkpoint_variables().items()}
    name = "model.ckpt"
    if kind_of(values) == "object":
        folder, name = folder / "checkpoint", "ckpt-0"
        folder.mkdir()
    write_checkpoint(folder / name, values, step=step)
    lines = [f'{field}: "{name}"\n' for field in ("model_checkpoint_path", "all_model_checkpoint_paths")]
    (folder / "checkpoint").write_text("".join(lines))
