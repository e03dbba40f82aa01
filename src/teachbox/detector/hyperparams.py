"""What a config's `Hyperparams` message says about a layer, as plain arguments."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import keras

from teachbox.detector.initial_values import drawn_quickly


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
    synchronized: bool = False
    """As it is computed over several replicas (`sync_batch_norm`): the moving variance is of the biased one."""


@dataclass(frozen=True)
class ConvHyperparams:
    """How convolutions are initialised, regularised, normalised and activated."""

    make_initializer: Callable[[], Any]
    activation: Callable[[Any], Any] | None
    l2_weight: float
    batch_norm: BatchNormOptions | None
    l1_weight: float = 0.0
    use_bias: bool | None = None
    """None: where there is no batch normalisation."""
    l2_weight_of_biases: float = 0.0

    @property
    def has_bias(self) -> bool:
        """Whether convolutions have biases where nothing else is said."""
        return self.batch_norm is None if self.use_bias is None else self.use_bias

    def initializer(self) -> Any:
        """A new initializer of one kernel."""
        return drawn_quickly(self.make_initializer())

    def regularizer(self) -> Any:
        """l1 · Σ|w| + l2 · Σw² / 2, or None where both weights are 0."""
        if not (self.l1_weight or self.l2_weight):
            return None
        return keras.regularizers.L1L2(l1=self.l1_weight, l2=self.l2_weight / 2)

    def bias_regularizer(self) -> Any:
        """The same of biases: of most networks, None."""
        return keras.regularizers.L2(self.l2_weight_of_biases / 2) if self.l2_weight_of_biases else None

    def without_regularizer(self) -> ConvHyperparams:
        """The same for kernels that nothing holds small."""
        return replace(self, l1_weight=0.0, l2_weight=0.0)

    def with_keras_kernels(self) -> ConvHyperparams:
        """The same for kernels whose options the original names by a word that Keras does not look at: they start as
        Keras starts them, and nothing holds them small."""
        return replace(self.without_regularizer(), make_initializer=keras.initializers.GlorotUniform)

    def frozen(self) -> ConvHyperparams:
        """The same with batch normalisation by moving averages in training too (`freeze_batchnorm`)."""
        return self if self.batch_norm is None else replace(self, batch_norm=replace(self.batch_norm, train=False))

    def unused(self) -> ConvHyperparams:
        """The same for layers that nothing depends on, whose normalisation therefore is not trained."""
        return self if self.batch_norm is None else replace(self, batch_norm=replace(self.batch_norm, trainable=False))
