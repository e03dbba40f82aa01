"""What a config's `Hyperparams` message says about a layer, as plain arguments."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import keras


@dataclass(frozen=True)
class BatchNormOptions:
    """Options of a batch normalisation; `train` false means: by its moving averages in training too, which stay."""

    decay: float
    center: bool
    scale: bool
    epsilon: float
    train: bool
    trainable: bool = True
    """Whether scale and offset are trained, where there are any."""


@dataclass(frozen=True)
class ConvHyperparams:
    """How convolutions are initialised, regularised, normalised and activated."""

    make_initializer: Callable[[], Any]
    activation: Callable[[Any], Any] | None
    l2_weight: float
    batch_norm: BatchNormOptions | None

    def regularizer(self) -> Any:
        """scale · Σw² / 2, or None for a scale of 0."""
        return keras.regularizers.L2(self.l2_weight / 2) if self.l2_weight else None

    def frozen(self) -> ConvHyperparams:
        """The same with batch normalisation by moving averages in training too (`freeze_batchnorm`)."""
        return self if self.batch_norm is None else replace(self, batch_norm=replace(self.batch_norm, train=False))
