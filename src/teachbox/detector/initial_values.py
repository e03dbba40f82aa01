"""Initial values of kernels, drawn where that is quick.

JAX compiles an initializer for every shape, half a second each: a detector of sixty layers would be half a minute in
the making. There NumPy draws, of the same distribution.
"""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np

_CUT = 2.0
"""Where a truncated normal distribution ends, in standard deviations; and its own deviation, of the whole one's."""
_CUT_DEVIATION = 0.87962566103423978


def drawn_quickly(initializer: Any) -> Any:
    """`initializer` itself, or on JAX one of the same distribution that NumPy draws.

    Of Keras' random initializers those that configs can name are known: normal, truncated normal, variance scaling.
    """
    return DrawnByNumPy(initializer) if keras.backend.backend() == "jax" else initializer


class DrawnByNumPy(keras.initializers.Initializer):
    """Values of the distribution of `like`; they follow from the seed of `keras.utils.set_random_seed`."""

    def __init__(self, like: keras.initializers.Initializer) -> None:
        self.like = like

    def __call__(self, shape: tuple[int, ...], dtype: Any = None) -> Any:
        random = np.random.default_rng(np.random.randint(2**31, size=4))
        values = _draw(self.like, shape, random)
        return keras.ops.convert_to_tensor(values, dtype=dtype)

    def get_config(self) -> dict[str, Any]:
        return {"like": keras.initializers.serialize(self.like)}


def _draw(like: Any, shape: tuple[int, ...], random: np.random.Generator) -> np.ndarray:
    if isinstance(like, keras.initializers.VarianceScaling):
        fan_in, fan_out = _fans(shape)
        fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[like.mode]
        variance = like.scale / max(1.0, fan)
        if like.distribution == "uniform":
            limit = math.sqrt(3.0 * variance)
            return random.uniform(-limit, limit, shape)
        if like.distribution == "truncated_normal":
            return _truncated(shape, random) * (math.sqrt(variance) / _CUT_DEVIATION)
        return random.normal(0.0, math.sqrt(variance), shape)
    if isinstance(like, keras.initializers.TruncatedNormal):
        return like.mean + like.stddev * _truncated(shape, random)
    if isinstance(like, keras.initializers.RandomNormal):
        return random.normal(like.mean, like.stddev, shape)
    raise TypeError(f"{type(like).__name__} is none of the initializers that NumPy draws")


def _truncated(shape: tuple[int, ...], random: np.random.Generator) -> np.ndarray:
    """Standard normal values, those beyond `_CUT` drawn again."""
    values = random.standard_normal(shape)
    while (outside := np.abs(values) > _CUT).any():
        values[outside] = random.standard_normal(int(outside.sum()))
    return values


def _fans(shape: tuple[int, ...]) -> tuple[float, float]:
    """Inputs and outputs of a kernel [..., in, out]."""
    if len(shape) < 2:
        return float(math.prod(shape)), float(math.prod(shape))
    area = math.prod(shape[:-2])
    return float(shape[-2] * area), float(shape[-1] * area)
