"""A detector that learns: one compiled step for the life of the process, whole or in pieces."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from teachbox.data.batch_pipeline import Batch
from teachbox.detector.detector import Detector
from teachbox.errors import TrainingError
from teachbox.training.backend import MEMORY_ERRORS, Values, compiled, is_out_of_memory, with_gradients
from teachbox.training.chosen import is_bias
from teachbox.training.losses import TOTAL, all_losses, global_norm, groundtruth
from teachbox.training.optimizers import MovingAverages, slot_variables
from teachbox.training.schedules import Schedule

GRADIENT_NORM = "gradient_norm"


class Learner:
    """A detector, its optimizer, and the compiled step that takes them forward."""

    def __init__(
        self,
        detector: Detector,
        optimizer: keras.optimizers.Optimizer,
        schedule: Schedule,
        batch: Mapping[str, tf.TensorSpec],
        *,
        pieces: int = 1,
        trained: Collection[str] | None = None,
        bias_factor: float = 0.0,
        clip_norm: float = 0.0,
        averages_decay: float | None = None,
    ) -> None:
        """`batch`: what a batch looks like (see `batch_spec`). With `averages_decay`, averages of the weights are kept.

        Only variables whose checkpoint names are in `trained` are changed, without it all that are trainable; averages
        of batch normalisation move in any case, as in the original. Gradients of biases are multiplied by `bias_factor`
        (0: left as they are). Then gradients, taken over all trained variables together, are shortened to `clip_norm`
        (0: left as long as they are): the original's estimator and its later loop did so too, only its oldest trainer
        clipped each by itself.

        With more than one of `pieces` a step takes so many batches, one after the other, as if they were one: losses
        and gradients are their means. Each piece is normalised by itself, its statistics as well as its losses, as the
        original's replicas did with their shares of a batch.
        """
        self.detector = detector
        self.optimizer = optimizer
        self.schedule = schedule
        self._clip_norm = clip_norm
        self._variables: dict[str, keras.Variable] = detector.checkpoint_variables()
        names = {id(variable): name for name, variable in self._variables.items()}
        chosen = [(names[id(variable)], variable) for variable in detector.trainable_variables]
        chosen = [(name, variable) for name, variable in chosen if trained is None or name in trained]
        self._trained: list[keras.Variable] = [variable for _, variable in chosen]
        self._trained_names = [name for name, _ in chosen]
        self._factors = [bias_factor if bias_factor and is_bias(name) else 1.0 for name in self._trained_names]
        optimizer.build(self._trained)
        self.averages = None if averages_decay is None else MovingAverages(self._trained, averages_decay)
        self.pieces = pieces
        self._sums = [_zeros_like(variable) for variable in self._trained] if pieces > 1 else []
        self.traces = 0
        """How often Python went through the step: where it is compiled, once, whatever is trained on."""
        self.batch = dict(batch)
        state = self._state()
        self._step = compiled(self._update, self.batch, state=state, changed=state)
        self._add = compiled(self._add_gradients, self.batch, state=state, changed=state)
        self._finish = compiled(self._apply_sums, {}, state=state, changed=state)

    @property
    def step(self) -> int:
        """Optimizer steps in the life of the model."""
        return int(self.optimizer.iterations.value)

    def run(self, *batches: Batch) -> dict[str, float]:
        """One optimizer step on `batches`, as many as the learner has pieces: losses and `gradient_norm`.

        Raises `TrainingError` where memory does not suffice.
        """
        if len(batches) != self.pieces:
            raise ValueError(f"{len(batches)} batches for a step in {self.pieces} pieces")
        return self._run(batches)

    def warm(self, batch: Batch) -> None:
        """Compile the step by running it once, and take back what it changed."""
        before = self.snapshot()
        try:
            self._run([batch])
        finally:
            self.restore(before)

    def _run(self, batches: Sequence[Batch]) -> dict[str, float]:
        self.optimizer.learning_rate = self.schedule(self.step)
        with self._memory_told():
            if self.pieces == 1:
                return _numbers(self._step(batches[0]))
            found = [_numbers(self._add(batch)) for batch in batches]
            means = {name: float(np.mean([losses[name] for losses in found])) for name in found[0]}
            return means | _numbers(self._finish({}))

    @contextlib.contextmanager
    def _memory_told(self) -> Iterator[None]:
        try:
            yield
        except MEMORY_ERRORS as error:
            if not is_out_of_memory(error):
                raise
            raise TrainingError(
                f"memory does not suffice for {self.batch['image'].shape[0]} images at once; --micro-batch with a "
                "smaller number takes the batch in pieces, image_resizer makes images smaller",
                where="train_config.batch_size",
            ) from error

    def _update(self, batch: Batch) -> Values:
        values, gradients = self._gradients(batch)
        return {**values, GRADIENT_NORM: self._descend(gradients)}

    def _add_gradients(self, batch: Batch) -> Values:
        values, gradients = self._gradients(batch)
        for so_far, gradient in zip(self._sums, gradients, strict=True):
            so_far.assign(so_far + gradient)
        return values

    def _apply_sums(self, _nothing: Batch) -> Values:
        norm = self._descend([so_far / self.pieces for so_far in self._sums])
        for so_far in self._sums:
            so_far.assign(keras.ops.zeros_like(so_far.value))
        return {GRADIENT_NORM: norm}

    def _gradients(self, batch: Batch) -> tuple[Values, list[Any]]:
        self.traces += 1
        images = self.detector.preprocess(batch["image"])

        def losses() -> Values:
            predictions = self.detector(images, batch["true_shape"], groundtruth(batch), training=True)
            return all_losses(self.detector, predictions, batch)

        return with_gradients(losses, TOTAL, self._trained, self.detector.variables)

    def _descend(self, gradients: list[Any]) -> Any:
        """Take the step that `gradients` tell to; returns their length before clipping."""
        gradients = [
            gradient if factor == 1.0 else gradient * factor
            for gradient, factor in zip(gradients, self._factors, strict=True)
        ]
        norm = global_norm(gradients)
        if self._clip_norm > 0:
            factor = self._clip_norm / keras.ops.maximum(norm, self._clip_norm)
            gradients = [gradient * factor for gradient in gradients]
        self.optimizer.apply(gradients, self._trained)
        if self.averages is not None:
            self.averages.update()
        return norm

    # ---- state

    def checkpoint_variables(self) -> dict[str, keras.Variable]:
        """Checkpoint name → variable: the detector's, the optimizer's, `global_step`.

        As in training checkpoints of the original, with moving averages the plain name of a trained variable is its
        average, and `<name>/ExponentialMovingAverage` the variable itself.
        """
        found = dict(self._variables) | slot_variables(self.optimizer, self._trained_names, self._trained)
        if self.averages is not None:
            for name, variable, average in zip(self._trained_names, self._trained, self.averages.averages, strict=True):
                found[f"{name}/ExponentialMovingAverage"] = variable
                found[name] = average
            found["ExponentialMovingAverage/updates"] = self.averages.updates
        return found

    def published(self) -> dict[str, np.ndarray]:
        """Checkpoint name → value of all that evaluation and publishing use: averages where they are kept."""
        variables = dict(self._variables)
        if self.averages is not None:
            variables |= dict(zip(self._trained_names, self.averages.averages, strict=True))
        return {name: variable.numpy() for name, variable in variables.items()}

    @contextlib.contextmanager
    def averaged(self) -> Iterator[None]:
        """Inside, the detector computes with the averages, where they are kept."""
        if self.averages is None:
            yield
            return
        own = [variable.numpy() for variable in self._trained]
        _assign(self._trained, [average.value for average in self.averages.averages])
        try:
            yield
        finally:
            _assign(self._trained, own)

    def snapshot(self) -> list[np.ndarray]:
        """All that a step changes, in memory."""
        return [variable.numpy() for variable in self._state()]

    def restore(self, snapshot: list[np.ndarray]) -> None:
        """Back to a `snapshot`."""
        _assign(self._state(), snapshot)

    def _state(self) -> list[keras.Variable]:
        own = [] if self.averages is None else [*self.averages.averages, self.averages.updates]
        return [*self.detector.variables, *self.optimizer.variables, *own, *self._sums]


def _numbers(values: Values) -> dict[str, float]:
    numbers = keras.ops.convert_to_numpy(keras.ops.stack(list(values.values())))
    return {name: float(number) for name, number in zip(values, numbers, strict=True)}


def _zeros_like(variable: keras.Variable) -> keras.Variable:
    return keras.Variable(np.zeros(variable.shape, variable.dtype), trainable=False, name="gradient_sum")


def _assign(variables: list[keras.Variable], values: list[Any]) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
