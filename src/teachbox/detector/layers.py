"""Convolution, batch normalisation, activation: the block that every backbone is made of, with its checkpoint names."""

from __future__ import annotations

from typing import Any

import keras

from teachbox.detector.hyperparams import BatchNormOptions, ConvHyperparams
from teachbox.detector.native import batch_norm_inference, batch_norm_training

NamedVariables = dict[str, keras.Variable]


class BatchNorm(keras.layers.Layer):
    """Batch normalisation over [B, H, W, C] with an unbiased moving variance, as TensorFlow's kernel has it."""

    def __init__(self, options: BatchNormOptions, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.options = options

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        shape = (input_shape[-1],)
        # Frozen statistics leave scale and offset trainable, as in the original.
        self.gamma = self.add_weight(name="gamma", shape=shape, initializer="ones", trainable=self.options.scale)
        self.beta = self.add_weight(name="beta", shape=shape, initializer="zeros", trainable=self.options.center)
        self.moving_mean = self.add_weight(name="moving_mean", shape=shape, initializer="zeros", trainable=False)
        self.moving_variance = self.add_weight(name="moving_variance", shape=shape, initializer="ones", trainable=False)

    def call(self, x: Any, training: bool = False) -> Any:
        epsilon = self.options.epsilon
        if not (training and self.options.train):
            return batch_norm_inference(x, self.gamma, self.beta, self.moving_mean, self.moving_variance, epsilon)
        y, mean, variance = batch_norm_training(x, self.gamma, self.beta, epsilon)
        decay = self.options.decay
        self.moving_mean.assign(self.moving_mean * decay + mean * (1.0 - decay))
        self.moving_variance.assign(self.moving_variance * decay + variance * (1.0 - decay))
        return y

    def named_variables(self, scope: str) -> NamedVariables:
        names: NamedVariables = {
            f"{scope}/moving_mean": self.moving_mean,
            f"{scope}/moving_variance": self.moving_variance,
        }
        if self.options.scale:
            names[f"{scope}/gamma"] = self.gamma
        if self.options.center:
            names[f"{scope}/beta"] = self.beta
        return names


class ConvBlock(keras.layers.Layer):
    """A convolution (or depthwise convolution), batch normalisation where configured, activation.

    `scope` is the block's name in a checkpoint, such as `MobilenetV1/Conv2d_0`.
    """

    def __init__(
        self,
        scope: str,
        hyperparams: ConvHyperparams,
        *,
        kernel_size: int,
        filters: int | None,
        strides: int = 1,
        depthwise: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=scope.replace("/", "_"), **kwargs)
        self.scope = scope
        self.depthwise = depthwise
        use_bias = hyperparams.batch_norm is None
        common: dict[str, Any] = {"strides": strides, "padding": "same", "use_bias": use_bias, "name": "conv"}
        if depthwise:
            self.conv = keras.layers.DepthwiseConv2D(
                kernel_size,
                depthwise_initializer=hyperparams.make_initializer(),
                depthwise_regularizer=hyperparams.regularizer(),
                **common,
            )
        else:
            self.conv = keras.layers.Conv2D(
                filters,
                kernel_size,
                kernel_initializer=hyperparams.make_initializer(),
                kernel_regularizer=hyperparams.regularizer(),
                **common,
            )
        self.batch_norm = (
            None if hyperparams.batch_norm is None else BatchNorm(hyperparams.batch_norm, name="batch_norm")
        )
        self.activation = hyperparams.activation

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self.conv.build(input_shape)
        if self.batch_norm is not None:
            self.batch_norm.build(self.conv.compute_output_shape(input_shape))

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return tuple(self.conv.compute_output_shape(input_shape))

    def call(self, x: Any, training: bool = False) -> Any:
        x = self.conv(x)
        if self.batch_norm is not None:
            x = self.batch_norm(x, training=training)
        return x if self.activation is None else self.activation(x)

    def named_variables(self) -> NamedVariables:
        names: NamedVariables = {
            f"{self.scope}/{'depthwise_weights' if self.depthwise else 'weights'}": self.conv.kernel
        }
        if self.conv.use_bias:
            names[f"{self.scope}/biases"] = self.conv.bias
        if self.batch_norm is not None:
            names |= self.batch_norm.named_variables(f"{self.scope}/BatchNorm")
        return names
