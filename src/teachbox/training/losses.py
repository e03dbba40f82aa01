"""The losses of a batch: the detector's, the regularization, and their sum."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

from teachbox.config.protos.train_pb2 import TrainConfig
from teachbox.data.batch_pipeline import Batch
from teachbox.detector.detector import Detector
from teachbox.training.backend import Values

REGULARIZATION = "Loss/regularization_loss"
TOTAL = "Loss/total_loss"
GROUND_TRUTH = ("boxes", "classes", "weights", "num_boxes", "class_scores")


def all_losses(detector: Detector, predictions: dict[str, Any], batch: Batch) -> Values:
    """The detector's losses of a batch, the regularization, and the sum of them all."""
    found = detector.loss(predictions, groundtruth(batch))
    losses = {name: keras.ops.cast(value, "float32") for name, value in found.items()}
    losses[REGULARIZATION] = sum(detector.losses, start=keras.ops.zeros(()))
    return {**losses, TOTAL: sum(losses.values())}


def follow_regularization(detector: Detector, config: TrainConfig) -> None:
    """Where `add_regularization_loss` is false, no weight costs anything from now on."""
    if not config.add_regularization_loss:
        for variable in detector.variables:
            variable.regularizer = None


def global_norm(tensors: Sequence[Any]) -> Any:
    """The length of all `tensors` taken together."""
    return keras.ops.sqrt(sum(keras.ops.sum(keras.ops.square(tensor)) for tensor in tensors))


def groundtruth(batch: Batch) -> Batch:
    """What of a batch the detector learns from."""
    return {name: batch[name] for name in GROUND_TRUTH if name in batch}
