"""The three optimizers of a pipeline.config, with the original's arithmetic.

Keras' Adam computes what the original's did. Keras' RMSprop starts its mean square at 0, where the original started at
1 (a first step of `g / sqrt(epsilon)` against `g / sqrt(0.9 + epsilon)`: they differ much in short rounds). Keras' SGD
keeps the learning rate inside the momentum, where the original multiplied it in afterwards, so that a changed rate
acts at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras

from teachbox.config.protos import optimizer_pb2
from teachbox.errors import ConfigError
from teachbox.training.schedules import Schedule, build_schedule


class MeanSquareFromOne(keras.optimizers.RMSprop):
    """RMSProp whose mean square starts at 1; `epsilon` stands inside the root."""

    def build(self, var_list: Sequence[keras.Variable]) -> None:
        if self.built:
            return
        super().build(var_list)
        for velocity in self._velocities:
            velocity.assign(keras.ops.ones(velocity.shape))


class Momentum(keras.optimizers.SGD):
    """Momentum whose sum of gradients holds no learning rate: `m = momentum · m + g`, `variable -= rate · m`."""

    def update_step(self, gradient: Any, variable: keras.Variable, learning_rate: Any) -> None:
        rate = keras.ops.cast(learning_rate, variable.dtype)
        gradient = keras.ops.cast(gradient, variable.dtype)
        if not self.momentums:
            self.assign_sub(variable, gradient * rate)
            return
        total = self.momentums[self._get_variable_index(variable)]
        self.assign(total, total * keras.ops.cast(self.momentum, variable.dtype) + gradient)
        self.assign_sub(variable, total * rate)


def build_optimizer(config: optimizer_pb2.Optimizer) -> tuple[keras.optimizers.Optimizer, Schedule]:
    """The optimizer that `config` asks for, and its learning rate by step.

    The optimizer's own rate is a variable: whoever steps sets `optimizer.learning_rate = schedule(step)` before.
    Raises `ConfigError` where no optimizer is named.
    """
    which = config.WhichOneof("optimizer")
    if which == "rms_prop_optimizer":
        rms = config.rms_prop_optimizer
        return _build(
            MeanSquareFromOne,
            rms.learning_rate,
            rho=rms.decay,
            momentum=rms.momentum_optimizer_value,
            epsilon=rms.epsilon,
        )
    if which == "momentum_optimizer":
        momentum = config.momentum_optimizer
        return _build(Momentum, momentum.learning_rate, momentum=momentum.momentum_optimizer_value)
    if which == "adam_optimizer":
        adam = config.adam_optimizer
        return _build(keras.optimizers.Adam, adam.learning_rate, epsilon=adam.epsilon)
    raise ConfigError(
        "no optimizer; name one of rms_prop_optimizer, momentum_optimizer, adam_optimizer",
        where="train_config.optimizer",
    )


def _build(
    kind: Callable[..., keras.optimizers.Optimizer], rate: optimizer_pb2.LearningRate, **arguments: float
) -> tuple[keras.optimizers.Optimizer, Schedule]:
    schedule = build_schedule(rate)
    return kind(learning_rate=schedule(0), **arguments), schedule


# How a checkpoint of the original calls an optimizer's variables, after the name of the variable that they belong to.
_SLOTS = {
    MeanSquareFromOne: (("_velocities", "RMSProp"), ("_momentums", "RMSProp_1")),
    Momentum: (("momentums", "Momentum"),),
    keras.optimizers.Adam: (("_momentums", "Adam"), ("_velocities", "Adam_1")),
}


def slot_variables(
    optimizer: keras.optimizers.Optimizer, names: Sequence[str], variables: Sequence[keras.Variable]
) -> dict[str, keras.Variable]:
    """Checkpoint name → variable of a built optimizer, for `variables` called `names`; its step count comes along."""
    found: dict[str, keras.Variable] = {"global_step": optimizer.iterations}
    slots_of = next(slots for kind, slots in _SLOTS.items() if isinstance(optimizer, kind))
    for attribute, slot in slots_of:
        slots = getattr(optimizer, attribute)
        if slots:
            for name, variable in zip(names, variables, strict=True):
                found[f"{name}/{slot}"] = slots[optimizer._get_variable_index(variable)]
    return found


class MovingAverages:
    """Exponential moving averages of variables, for evaluation and publishing.

    The decay of update n (from 1) is `min(decay, (1 + n) / (10 + n))`: with the usual 0.9999 alone, a model published
    after 20 steps would be 99.8 % the one from before them.
    """

    def __init__(self, variables: Sequence[keras.Variable], decay: float) -> None:
        self.decay = decay
        self.variables = list(variables)
        self.averages = [
            keras.Variable(keras.ops.copy(variable.value), trainable=False, name=f"average_{place}")
            for place, variable in enumerate(self.variables)
        ]
        self.updates = keras.Variable(0.0, dtype="float32", trainable=False, name="average_updates")

    def update(self) -> None:
        """Take the variables' values in; call it once after each optimizer step (works inside a compiled step)."""
        self.updates.assign_add(1.0)
        decay = keras.ops.minimum(self.decay, (1.0 + self.updates) / (10.0 + self.updates))
        for average, variable in zip(self.averages, self.variables, strict=True):
            average.assign(average + (1.0 - decay) * (variable - average))

    def restart(self) -> None:
        """Begin anew from the variables as they are."""
        self.updates.assign(0.0)
        for average, variable in zip(self.averages, self.variables, strict=True):
            average.assign(variable.value)
