"""What a config's `Hyperparams` message says about layers, as plain arguments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras

from teachbox.config.protos import hyperparams_pb2
from teachbox.detector.build.refuse import not_built, refuse_others
from teachbox.detector.hyperparams import BatchNormOptions, ConvHyperparams
from teachbox.errors import ConfigError


def build_hyperparams(message: hyperparams_pb2.Hyperparams, *, freeze_batchnorm: bool = False) -> ConvHyperparams:
    """Read a `Hyperparams` message. Raises `ConfigError` for a choice that is not built."""
    refuse_others(message, "conv_hyperparams", "regularizer initializer activation batch_norm")
    batch_norm = None
    if message.HasField("batch_norm"):
        options = message.batch_norm
        train = options.train and not freeze_batchnorm
        batch_norm = BatchNormOptions(options.decay, options.center, options.scale, options.epsilon, train)
    regularizer = message.regularizer.WhichOneof("regularizer_oneof")
    if regularizer not in (None, "l2_regularizer"):
        raise not_built("conv_hyperparams.regularizer", regularizer, "l2_regularizer is")
    l2_weight = message.regularizer.l2_regularizer.weight if regularizer else 0.0
    return ConvHyperparams(_initializer(message.initializer), _activation(message), l2_weight, batch_norm)


def _activation(message: hyperparams_pb2.Hyperparams) -> Callable[[Any], Any] | None:
    name = hyperparams_pb2.Hyperparams.Activation.Name(message.activation)
    return {"NONE": None, "RELU": keras.ops.relu, "RELU_6": keras.ops.relu6, "SWISH": keras.ops.silu}[name]


def _initializer(message: hyperparams_pb2.Initializer) -> Callable[[], Any]:
    kind = message.WhichOneof("initializer_oneof")
    if kind in ("truncated_normal_initializer", "random_normal_initializer"):
        options = getattr(message, kind)
        make = keras.initializers.TruncatedNormal if kind.startswith("truncated") else keras.initializers.RandomNormal
        return lambda: make(mean=options.mean, stddev=options.stddev)
    if kind == "variance_scaling_initializer":
        options = message.variance_scaling_initializer
        mode = hyperparams_pb2.VarianceScalingInitializer.Mode.Name(options.mode).lower()
        distribution = "uniform" if options.uniform else "truncated_normal"
        return lambda: keras.initializers.VarianceScaling(scale=options.factor, mode=mode, distribution=distribution)
    if kind is None:
        built = "name one, such as truncated_normal_initializer"
        raise ConfigError(f"there is no initializer; {built}", where="conv_hyperparams")
    built = "truncated_normal_initializer, random_normal_initializer and variance_scaling_initializer are"
    raise not_built("conv_hyperparams.initializer", kind, built)
