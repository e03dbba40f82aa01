"""Learning rate by step: the four schedules of a pipeline.config. No TensorFlow here; the loop feeds the rate."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

from teachbox.config.protos import optimizer_pb2
from teachbox.errors import ConfigError

Schedule = Callable[[int], float]
"""Step, counted from 0 over the whole life of a model, to learning rate."""


def build_schedule(config: optimizer_pb2.LearningRate) -> Schedule:
    """The schedule that `config` asks for. Raises `ConfigError` where it contradicts itself."""
    which = config.WhichOneof("learning_rate")
    if which == "constant_learning_rate":
        rate = config.constant_learning_rate.learning_rate
        return lambda step: rate
    if which == "exponential_decay_learning_rate":
        return exponential_decay(config.exponential_decay_learning_rate)
    if which == "manual_step_learning_rate":
        return manual_step(config.manual_step_learning_rate)
    if which == "cosine_decay_learning_rate":
        return cosine_decay(config.cosine_decay_learning_rate)
    raise ConfigError(
        "the optimizer has no learning rate; give it one of constant_, exponential_decay_, manual_step_ or "
        "cosine_decay_learning_rate",
        where="train_config.optimizer",
    )


def exponential_decay(config: optimizer_pb2.ExponentialDecayLearningRate) -> Schedule:
    """A constant burn-in rate, then decay by a factor every `decay_steps`, never under the minimum."""
    if config.decay_steps == 0:
        raise ConfigError("decay_steps is 0; it must be 1 or more", where="exponential_decay_learning_rate")
    burn_in = config.burnin_learning_rate or config.initial_learning_rate

    def rate(step: int) -> float:
        if step < config.burnin_steps:
            return max(burn_in, config.min_learning_rate)
        periods = (step - config.burnin_steps) / config.decay_steps
        exponent = math.floor(periods) if config.staircase else periods
        return max(config.initial_learning_rate * config.decay_factor**exponent, config.min_learning_rate)

    return rate


def manual_step(config: optimizer_pb2.ManualStepLearningRate) -> Schedule:
    """Steps at given boundaries; with warm-up, the first rate climbs in a line to the second."""
    boundaries = [entry.step for entry in config.schedule]
    rates = [config.initial_learning_rate, *(entry.learning_rate for entry in config.schedule)]
    if any(later <= earlier for earlier, later in itertools.pairwise(boundaries)):
        raise ConfigError(f"the steps {boundaries} do not rise; they must", where="manual_step_learning_rate")
    climbs = config.warmup and bool(boundaries) and boundaries[0] > 0

    def rate(step: int) -> float:
        if climbs and step < boundaries[0]:
            return rates[0] + (rates[1] - rates[0]) * step / boundaries[0]
        return rates[sum(step >= boundary for boundary in boundaries)]

    return rate


def cosine_decay(config: optimizer_pb2.CosineDecayLearningRate) -> Schedule:
    """A linear warm-up, the base rate held for a while, half a cosine down to 0, and 0 from then on."""
    if config.total_steps < config.warmup_steps + config.hold_base_rate_steps:
        raise ConfigError(
            f"total_steps {config.total_steps} is less than warmup_steps {config.warmup_steps} and "
            f"hold_base_rate_steps {config.hold_base_rate_steps} together",
            where="cosine_decay_learning_rate",
        )
    if config.warmup_steps and config.learning_rate_base < config.warmup_learning_rate:
        raise ConfigError(
            f"learning_rate_base {config.learning_rate_base:g} is under warmup_learning_rate "
            f"{config.warmup_learning_rate:g}; a warm-up climbs",
            where="cosine_decay_learning_rate",
        )
    start = config.warmup_steps + config.hold_base_rate_steps
    slope = (config.learning_rate_base - config.warmup_learning_rate) / max(config.warmup_steps, 1)

    def rate(step: int) -> float:
        if step < config.warmup_steps:
            return config.warmup_learning_rate + slope * step
        if step > config.total_steps:
            return 0.0
        if step <= start:
            return config.learning_rate_base
        done = (step - start) / (config.total_steps - start)
        return 0.5 * config.learning_rate_base * (1 + math.cos(math.pi * done))

    return rate
