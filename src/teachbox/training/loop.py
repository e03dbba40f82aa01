"""The training loop: one `Step` out for each that a learner took."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass

from teachbox.data.batch_pipeline import Batch
from teachbox.errors import TrainingError
from teachbox.training.learner import GRADIENT_NORM, Learner


@dataclass(frozen=True)
class Step:
    """What came of one optimizer step."""

    step: int
    """How many there have been in the life of the model, this one included."""
    losses: dict[str, float]
    """The detector's, `Loss/regularization_loss` and `Loss/total_loss`, their sum; all from before the update."""
    learning_rate: float
    gradient_norm: float
    """Before clipping."""
    seconds: float
    """From the moment the batch was asked for."""


def train(learner: Learner, batches: Iterator[Batch], steps: int) -> Iterator[Step]:
    """Take `steps` optimizer steps, each on the next of `batches` (as many as it has pieces), and yield each.

    Raises `TrainingError` where a loss or a gradient is no finite number, or memory does not suffice; the learner is
    then as before the first.
    """
    before, first = learner.snapshot(), learner.step
    for _ in range(steps):
        started = time.perf_counter()
        try:
            values = learner.run(*itertools.islice(batches, learner.pieces))
            step = Step(
                learner.step,
                {name: value for name, value in values.items() if name != GRADIENT_NORM},
                float(learner.optimizer.learning_rate.value),
                values[GRADIENT_NORM],
                time.perf_counter() - started,
            )
            _check(step, first)
        except TrainingError:
            learner.restore(before)
            raise
        yield step


def _check(step: Step, first: int) -> None:
    """Raises `TrainingError` for a number that is none; `first`: where the weights go back to."""
    broken = [f"{name} is {value}" for name, value in step.losses.items() if not math.isfinite(value)]
    if broken or not math.isfinite(step.gradient_norm):
        what = ", ".join(broken) or f"the gradient's length is {step.gradient_norm}"
        raise TrainingError(
            f"{what} at step {step.step} (learning rate {step.learning_rate:g}); the weights are again those of step "
            f"{first}. A smaller learning_rate or a gradient_clipping_by_norm may help",
            where="train_config",
        )
