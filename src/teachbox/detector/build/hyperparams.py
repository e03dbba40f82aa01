"""What a config's `Hyperparams` message says about layers, as plain arguments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras

from teachbox.config.protos import hyperparams_pb2
from teachbox.detector.build.refuse import not_built, refuse_others
from teachbox.detector.hyperparams import BatchNormOptions, ConvHyperparams
from teachbox.detector.names import CheckpointKind
from teachbox.errors import ConfigError


def build_hyperparams(
    message: hyperparams_pb2.Hyperparams,
    *,
    freeze_batchnorm: bool = False,
    kind: CheckpointKind = "graph",
    op: str = "CONV",
) -> ConvHyperparams:
    """Read a `Hyperparams` message of layers of the kind `op`, of a model whose checkpoints are of the given `kind`.

    Raises `ConfigError` for a choice that is not built, or that models of this kind do not have.
    """
    where, read = "conv_hyperparams", "op regularizer initializer activation batch_norm"
    found = hyperparams_pb2.Hyperparams.Op.Name(message.op)
    if found != op:
        raise ConfigError(f"op is {found}; write {op}", where=where)
    if kind == "graph":
        for name in ("sync_batch_norm", "force_use_bias"):
            if message.HasField(name) and getattr(message, name):
                raise not_built(f"{where}.{name}", "in a model that is not of Keras it", "in the `_keras` types it is")
    refuse_others(message, where, f"{read} sync_batch_norm force_use_bias")
    normalizer = message.WhichOneof("normalizer_oneof")
    batch_norm, use_bias = None, None
    if normalizer is not None:
        options = getattr(message, normalizer)
        train = options.train and not freeze_batchnorm
        batch_norm = BatchNormOptions(
            options.decay,
            options.center,
            options.scale,
            options.epsilon,
            train,
            synchronized=normalizer == "sync_batch_norm",
        )
        if kind == "object":
            use_bias = message.force_use_bias or not options.center
    weights = {"l1_regularizer": 0.0, "l2_regularizer": 0.0}
    regularizer = message.regularizer.WhichOneof("regularizer_oneof")
    if regularizer is not None:
        weights[regularizer] = getattr(message.regularizer, regularizer).weight
    return ConvHyperparams(
        _initializer(message.initializer),
        _activation(message),
        weights["l2_regularizer"],
        batch_norm,
        l1_weight=weights["l1_regularizer"],
        use_bias=use_bias,
    )


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
