"""A detector with the weights of a checkpoint, to be evaluated or exported."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

from teachbox.config.load import Pipeline
from teachbox.config.protos.eval_pb2 import EvalConfig
from teachbox.data.resizers import Resizer, build_resizer
from teachbox.detector.build import build_detector
from teachbox.detector.detector import Detector
from teachbox.detector.weights import restore
from teachbox.errors import CheckpointError
from teachbox.training import checkpoints
from teachbox.training.evaluate import Evaluator
from teachbox.training.losses import follow_regularization

log = logging.getLogger(__name__)


def restored_evaluator(
    pipeline: Pipeline, labels: Mapping[int, str], checkpoint: Path, config: EvalConfig
) -> tuple[Evaluator, Path]:
    """An evaluator of the detector that `pipeline` describes, and the prefix of the checkpoint that it was given.

    Raises as `restored_detector`.
    """
    detector, resizer, prefix = restored_detector(pipeline, checkpoint)
    readers = pipeline.message.eval_input_reader or [pipeline.message.train_input_reader]
    return Evaluator(detector, resizer, labels, readers[0].max_number_of_boxes, config), prefix


def restored_detector(pipeline: Pipeline, checkpoint: Path) -> tuple[Detector, Resizer, Path]:
    """The detector that `pipeline` describes, its resizer, and the prefix of the checkpoint that it was given.

    `checkpoint`: a prefix such as `model.ckpt-400`, or a folder, of which the latest is taken. Every variable of the
    detector has to be in it. Raises `CheckpointError`, and `ConfigError` as `build_detector`.
    """
    prefix = checkpoint_prefix(checkpoint)
    model = pipeline.message.model
    resizer = build_resizer(getattr(model, model.WhichOneof("model") or "").image_resizer)
    detector = build_detector(model)
    follow_regularization(detector, pipeline.message.train_config)
    try:
        restore(detector.checkpoint_variables(), prefix, checkpoint_type="full")
    except CheckpointError as error:
        raise CheckpointError(
            f"it does not hold the whole detector of {pipeline.where} ({error.message})", where=str(prefix)
        ) from error
    return detector, resizer, prefix


def checkpoint_prefix(given: Path) -> Path:
    """The checkpoint that is meant: `given`, or the latest in the folder that it is. Raises `CheckpointError`."""
    if given.with_name(f"{given.name}.index").is_file():
        return given
    if not given.is_dir():
        raise CheckpointError(
            f"there is no {given.name}.index; name a checkpoint, such as model.ckpt-400, or a folder of them",
            where=str(given),
        )
    found = checkpoints.latest(given)
    if found is None:
        raise CheckpointError("there is no checkpoint in this folder", where=str(given))
    return found
