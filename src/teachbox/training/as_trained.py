"""The configuration as the newest checkpoint was trained: the files that were given are left as they are.

In the model directory, `as_trained/` holds a label map with the labels of today, and the pipeline.config with as many
classes: for evaluation, export, and other tools of the Object Detection API.
"""

from __future__ import annotations

import logging
from pathlib import Path

from google.protobuf import text_format

from teachbox.config.label_map import dump_label_map
from teachbox.config.load import Pipeline
from teachbox.config.paths import resolve_path
from teachbox.labels import LabelMap

log = logging.getLogger(__name__)

FOLDER = "as_trained"
_SAYS = "# Written by Teachbox, and written anew when labels change.\n"


def write_as_trained(model_dir: Path, pipeline: Pipeline, labels: LabelMap) -> None:
    """Write both files, each whole or not at all; where they cannot be written, say so and go on."""
    folder = model_dir.absolute() / FOLDER
    message = type(pipeline.message)()
    message.CopyFrom(pipeline.message)
    # Paths lead from there where they led from the file that was given.
    readers = [message.train_input_reader, *message.eval_input_reader]
    for reader in readers:
        reader.label_map_path = str(folder / "label_map.pbtxt")
        paths = reader.tf_record_input_reader.input_path
        if paths:
            paths[:] = [_absolute(pipeline, path) for path in paths]
    if message.train_config.fine_tune_checkpoint:
        message.train_config.fine_tune_checkpoint = _absolute(pipeline, message.train_config.fine_tune_checkpoint)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _write(folder / "label_map.pbtxt", _SAYS + dump_label_map(labels))
        _write(folder / "pipeline.config", _SAYS + text_format.MessageToString(message, as_utf8=True))
    except OSError as error:
        log.error("%s cannot be written (%s)", folder, error.strerror)


def _absolute(pipeline: Pipeline, path: str) -> str:
    resolved = resolve_path(pipeline, path)
    return resolved if "://" in resolved or "PATH" in resolved else str(Path(resolved).absolute())


def _write(path: Path, text: str) -> None:
    beside = path.with_name(f".{path.name}.new")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)
