"""Feature maps for CenterNet: one, a quarter of the image's size, of all levels of a backbone (arXiv 1904.07850)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras import ops

from teachbox.detector.hyperparams import BatchNormOptions, ConvHyperparams
from teachbox.detector.layers import BatchNorm, ConvBlock, Shape, apply_in_order, build_in_order, shape_behind
from teachbox.detector.names import NamedVariables, numbered

STRIDE = 4
"""Pixels of an image to one of its feature map, along a side."""


def keras_hyperparams() -> ConvHyperparams:
    """What Keras has where nothing is said, with ReLU."""
    batch_norm = BatchNormOptions(decay=0.99, center=True, scale=True, epsilon=1e-3, train=True)
    return ConvHyperparams(keras.initializers.GlorotUniform, ops.relu, 0.0, batch_norm, use_bias=True)


class UpwardPath(keras.layers.Layer):
    """Takes maps fine to coarse, each twice the size of the next, and gives one of the finest's size.

    From the coarsest on, what is there is enlarged, a 1×1 convolution of the next finer map is added, and a 3×3
    convolution makes of the sum what goes on. `filters` are those of the 1×1 convolutions, coarse to fine: of the
    coarsest map, then of each other.
    """

    def __init__(
        self, filters: Sequence[int], *, separable: bool = False, interpolation: str = "nearest", **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        smooth = keras_hyperparams()
        plain = ConvHyperparams(smooth.make_initializer, None, 0.0, None)
        self.top, *self.projections = (
            ConvBlock(f"projection_{index}", plain, kernel_size=1, filters=number)
            for index, number in enumerate(filters)
        )
        following = [*filters[2:], filters[-1]]
        self.smoothings = [
            ConvBlock(f"smoothing_{index}", smooth, kernel_size=3, filters=number, separable=separable)
            for index, number in enumerate(following)
        ]
        self.enlarge = keras.layers.UpSampling2D(2, interpolation=interpolation)

    def build(self, input_shape: Sequence[Shape]) -> None:
        *finer, coarsest = input_shape
        self.top.build(coarsest)
        for projection, smoothing, shape in zip(self.projections, self.smoothings, reversed(finer), strict=True):
            build_in_order([projection, smoothing], shape)

    def compute_output_shape(self, input_shape: Sequence[Shape]) -> Shape:
        return (*input_shape[0][:-1], self.smoothings[-1].conv.filters)

    def call(self, feature_maps: Sequence[Any], training: bool = False) -> Any:
        *finer, coarsest = feature_maps
        x = self.top(coarsest)
        for projection, smoothing, feature_map in zip(self.projections, self.smoothings, reversed(finer), strict=True):
            x = smoothing(self.enlarge(x) + projection(feature_map), training=training)
        return x

    @property
    def keras_layers(self) -> list[Any]:
        """The layers with variables in the order of a Keras model."""
        pairs = zip(self.projections, self.smoothings, strict=True)
        return [
            self.top.conv,
            *(layer for pair in pairs for layer in (pair[0].conv, *pair[1].weighted_layers)),
        ]


class Transposed(keras.layers.Layer):
    """A transposed 3×3 convolution that doubles a map's sides, batch normalisation, ReLU."""

    def __init__(self, name: str, filters: int) -> None:
        super().__init__(name=name)
        options = keras_hyperparams()
        assert options.batch_norm is not None
        self.conv = keras.layers.Conv2DTranspose(
            filters, 3, strides=2, padding="same", kernel_initializer=options.initializer(), name="conv"
        )
        self.batch_norm = BatchNorm(options.batch_norm, name="batch_norm")

    def build(self, input_shape: Shape) -> None:
        self.conv.build(input_shape)
        self.batch_norm.build(self.compute_output_shape(input_shape))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return tuple(self.conv.compute_output_shape(input_shape))

    def call(self, x: Any, training: bool = False) -> Any:
        return ops.relu(self.batch_norm(self.conv(x), training=training))

    @property
    def weighted_layers(self) -> list[Any]:
        """The layers that have variables, in the order in which they are applied."""
        return [self.conv, self.batch_norm]


class TransposedPath(keras.layers.Layer):
    """Takes one map, in a list, and doubles its sides for each of `filters`: a 3×3 convolution, then a transposed one,
    of as many filters."""

    def __init__(self, filters: Sequence[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.steps: list[ConvBlock | Transposed] = []
        for index, number in enumerate(filters):
            self.steps.append(ConvBlock(f"conv_{index}", keras_hyperparams(), kernel_size=3, filters=number))
            self.steps.append(Transposed(f"transposed_{index}", number))

    def build(self, input_shape: Sequence[Shape]) -> None:
        build_in_order(self.steps, input_shape[0])

    def compute_output_shape(self, input_shape: Sequence[Shape]) -> Shape:
        return shape_behind(self.steps, input_shape[0])

    def call(self, feature_maps: Sequence[Any], training: bool = False) -> Any:
        return apply_in_order(self.steps, feature_maps[0], training)

    @property
    def keras_layers(self) -> list[Any]:
        """The layers with variables in the order of a Keras model."""
        return [layer for step in self.steps for layer in step.weighted_layers]


class CenterFeatures(keras.layers.Layer):
    """The backbone's outputs `taps`, fine to coarse, through an `upward` path: `call` gives one map, in a list.

    Images are [B, H, W, 3], both sides multiples of `size_multiple`.
    """

    size_multiple = 32
    num_maps = 1

    def __init__(
        self,
        backbone: Any,
        upward: UpwardPath | TransposedPath,
        *,
        taps: Sequence[str],
        preprocess: Callable[[Any], Any],
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.backbone, self.upward, self.taps = backbone, upward, list(taps)
        self.preprocess = preprocess

    def build(self, input_shape: Shape) -> None:
        self.backbone.build(input_shape)
        shapes = [self.backbone.out_shapes[name] for name in self.taps]
        self.upward.build(shapes)
        self.out_shape = self.upward.compute_output_shape(shapes)

    def compute_output_shape(self, input_shape: Shape) -> list[Shape]:
        return [self.out_shape]

    def call(self, images: Any, training: bool = False) -> list[Any]:
        outputs = self.backbone(images, training=training)
        return [self.upward([outputs[name] for name in self.taps], training=training)]

    def object_variables(self, path: str) -> NamedVariables:
        """The variables that an object-based checkpoint keeps under `path`."""
        names = self.backbone.object_variables(f"{path}/_base_model")
        # The first of the layers there is the backbone as a whole.
        upward = numbered(f"{path}/_feature_extractor_model", self.upward.keras_layers, first=1)
        return names | upward
