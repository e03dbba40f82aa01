"""Convolution, batch normalisation, activation: the block that every backbone is made of, with its checkpoint names."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

import keras
from keras import ops

from teachbox.detector.hyperparams import BatchNormOptions, ConvHyperparams
from teachbox.detector.names import NamedVariables, graph_names
from teachbox.detector.native import batch_norm_inference, batch_norm_training

Shape = tuple[int | None, ...]
Padding = Literal["same", "valid", "fixed"]
"""`fixed`: before a stride, as much padding above and left as below and right, whatever the image's size."""


class BatchNorm(keras.layers.Layer):
    """Batch normalisation over [B, H, W, C] with an unbiased moving variance, as TensorFlow's kernel has it."""

    def __init__(self, options: BatchNormOptions, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.options = options

    def build(self, input_shape: Shape) -> None:
        shape = (input_shape[-1],)
        # Frozen statistics leave scale and offset trainable, as in the original, unless the family freezes them too.
        scale, center = (on and self.options.trainable for on in (self.options.scale, self.options.center))
        self.gamma = self.add_weight(name="gamma", shape=shape, initializer="ones", trainable=scale)
        self.beta = self.add_weight(name="beta", shape=shape, initializer="zeros", trainable=center)
        self.moving_mean = self.add_weight(name="moving_mean", shape=shape, initializer="zeros", trainable=False)
        self.moving_variance = self.add_weight(name="moving_variance", shape=shape, initializer="ones", trainable=False)

    def call(self, x: Any, training: bool = False) -> Any:
        epsilon = self.options.epsilon
        if not (training and self.options.train):
            return batch_norm_inference(x, self.gamma, self.beta, self.moving_mean, self.moving_variance, epsilon)
        y, mean, variance = batch_norm_training(x, self.gamma, self.beta, epsilon)
        if self.options.synchronized:
            count = ops.cast(ops.size(x) // ops.shape(x)[-1], variance.dtype)
            variance *= (count - 1.0) / count
        decay = self.options.decay
        self.moving_mean.assign(self.moving_mean * decay + mean * (1.0 - decay))
        self.moving_variance.assign(self.moving_variance * decay + variance * (1.0 - decay))
        return y

    def statistics_and_scales(self) -> NamedVariables:
        """The variables that a checkpoint holds, by the last part of their names."""
        found: NamedVariables = {"moving_mean": self.moving_mean, "moving_variance": self.moving_variance}
        if self.options.scale:
            found["gamma"] = self.gamma
        if self.options.center:
            found["beta"] = self.beta
        return found

    def named_variables(self, scope: str) -> NamedVariables:
        return {f"{scope}/{name}": variable for name, variable in self.statistics_and_scales().items()}


class ConvBlock(keras.layers.Layer):
    """A convolution (full, depthwise or separable), batch normalisation where configured, activation.

    `scope` is the block's name in a graph checkpoint, such as `MobilenetV1/Conv2d_0`. A depthwise convolution has no
    `filters`. A separable one is a depthwise and a 1×1 convolution with nothing between them; `multiplier` says how
    many channels the first makes of one, `pointwise` how the second's kernel starts and is regularised, if otherwise.
    """

    def __init__(
        self,
        scope: str,
        hyperparams: ConvHyperparams,
        *,
        kernel_size: int | tuple[int, int],
        filters: int | None,
        strides: int = 1,
        depthwise: bool = False,
        separable: bool = False,
        multiplier: int = 1,
        pointwise: ConvHyperparams | None = None,
        padding: Padding = "same",
        dilation: int = 1,
        use_bias: bool | None = None,
        bias_init: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=scope.replace("/", "_"), **kwargs)
        self.scope = scope
        self.padding = padding
        self.margin = _margin(kernel_size, dilation) if padding == "fixed" and strides > 1 else None
        common: dict[str, Any] = {
            "strides": strides,
            "padding": "same" if padding == "fixed" and self.margin is None else padding.replace("fixed", "valid"),
            "dilation_rate": dilation,
            "use_bias": hyperparams.has_bias if use_bias is None else use_bias,
            "bias_initializer": keras.initializers.Constant(bias_init),
            "bias_regularizer": hyperparams.bias_regularizer(),
            "name": "conv",
        }
        if depthwise or separable:
            common |= {
                "depth_multiplier": multiplier,
                "depthwise_initializer": hyperparams.initializer(),
                "depthwise_regularizer": hyperparams.regularizer(),
            }
        if depthwise:
            self.conv = keras.layers.DepthwiseConv2D(kernel_size, **common)
        elif separable:
            second = pointwise or hyperparams
            self.conv = keras.layers.SeparableConv2D(
                filters,
                kernel_size,
                pointwise_initializer=second.initializer(),
                pointwise_regularizer=second.regularizer(),
                **common,
            )
        else:
            self.conv = keras.layers.Conv2D(
                filters,
                kernel_size,
                kernel_initializer=hyperparams.initializer(),
                kernel_regularizer=hyperparams.regularizer(),
                **common,
            )
        self.batch_norm = (
            None if hyperparams.batch_norm is None else BatchNorm(hyperparams.batch_norm, name="batch_norm")
        )
        self.activation = hyperparams.activation

    @property
    def weighted_layers(self) -> list[Any]:
        """The layers that have variables, in the order in which they are applied."""
        return [self.conv] if self.batch_norm is None else [self.conv, self.batch_norm]

    @property
    def listed_layers(self) -> list[Any | None]:
        """The same as Keras models of the original hold them: padding where explicit, convolution, normalisation,
        activation. None stands for what has no variables."""
        return [*([None] if self.padding == "fixed" else []), self.conv, self.batch_norm, None]

    def _padded(self, shape: Shape) -> Shape:
        if self.margin is None:
            return shape
        batch, *sides, depth = shape
        return (batch, *(side and side + sum(margin) for side, margin in zip(sides, self.margin, strict=True)), depth)

    def build(self, input_shape: Shape) -> None:
        self.conv.build(self._padded(input_shape))
        if self.batch_norm is not None:
            self.batch_norm.build(self.compute_output_shape(input_shape))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return tuple(self.conv.compute_output_shape(self._padded(input_shape)))

    def call(self, x: Any, training: bool = False) -> Any:
        if self.margin is not None:
            x = ops.pad(x, [(0, 0), *self.margin, (0, 0)])
        x = self.conv(x)
        if self.batch_norm is not None:
            x = self.batch_norm(x, training=training)
        return x if self.activation is None else self.activation(x)

    def named_variables(self) -> NamedVariables:
        names = graph_names(self.scope, self.conv)
        if self.batch_norm is not None:
            names |= self.batch_norm.named_variables(f"{self.scope}/BatchNorm")
        return names


def build_in_order(layers: Iterable[Any], shape: Shape) -> Shape:
    """Build each of `layers` for what the one before it gives; returns the shape behind the last."""
    for layer in layers:
        layer.build(shape)
        shape = tuple(layer.compute_output_shape(shape))
    return shape


def shape_behind(layers: Iterable[Any], shape: Shape) -> Shape:
    """The shape that `layers`, one after the other, make of `shape`."""
    for layer in layers:
        shape = tuple(layer.compute_output_shape(shape))
    return shape


def apply_in_order(layers: Iterable[Any], x: Any, training: bool) -> Any:
    """`x` after all `layers`."""
    for layer in layers:
        x = layer(x, training=training)
    return x


def _margin(kernel_size: int | tuple[int, int], dilation: int) -> list[tuple[int, int]]:
    """Rows above and below, columns left and right, that keep the size at stride 1."""
    sides = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    spans = [(side - 1) * dilation for side in sides]
    return [(span // 2, span - span // 2) for span in spans]
