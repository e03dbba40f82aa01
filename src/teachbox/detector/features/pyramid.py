"""A feature pyramid on a backbone (arXiv 1612.03144): coarse maps tell fine ones what they have seen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import keras
from keras import ops

from teachbox.detector.features.preprocessing import padded_to_multiple
from teachbox.detector.hyperparams import ConvHyperparams
from teachbox.detector.layers import ConvBlock, Padding, Shape, build_in_order
from teachbox.detector.names import NamedVariables, listed, names_of


def coarse_layers(
    scopes: Sequence[str],
    hyperparams: ConvHyperparams,
    *,
    filters: int,
    separable: bool = False,
    pointwise_hyperparams: ConvHyperparams | None = None,
    padding: Padding = "same",
) -> list[ConvBlock]:
    """One 3×3 convolution of stride 2 for each level beyond the backbone's."""
    return [
        ConvBlock(
            scope,
            hyperparams,
            kernel_size=3,
            filters=filters,
            strides=2,
            separable=separable,
            pointwise=pointwise_hyperparams,
            padding=padding,
        )
        for scope in scopes
    ]


class TopDownPyramid(keras.layers.Layer):
    """Takes `levels` maps, each twice the size of the next, and gives as many of `filters` channels: to each, projected
    by a 1×1 convolution, the enlarged next one is added, and a 3×3 convolution smooths the sum.

    What is added is the next one's sum, as in the paper, or what was made of it where `adds_smoothed` (the original's
    Keras models). With the padding `fixed` the enlarged map is cut where it is larger.
    """

    def __init__(
        self,
        scope: str,
        hyperparams: ConvHyperparams,
        *,
        levels: int,
        filters: int,
        adds_smoothed: bool = False,
        separable: bool = False,
        pointwise_hyperparams: ConvHyperparams | None = None,
        padding: Padding = "same",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.adds_smoothed = adds_smoothed
        self.cut = padding == "fixed"
        plain = replace(hyperparams, batch_norm=None, activation=None)
        self.projections = [
            ConvBlock(f"{scope}/projection_{level}", plain, kernel_size=1, filters=filters, use_bias=True)
            for level in range(1, levels + 1)
        ]
        self.smoothings = [
            ConvBlock(
                f"{scope}/smoothing_{level}",
                hyperparams,
                kernel_size=3,
                filters=filters,
                separable=separable,
                pointwise=pointwise_hyperparams,
                padding=padding,
            )
            for level in range(1, levels)
        ]
        self.enlarge = keras.layers.UpSampling2D(2, interpolation="nearest")

    def build(self, input_shape: Sequence[Shape]) -> None:
        shapes = [build_in_order([block], shape) for block, shape in zip(self.projections, input_shape, strict=True)]
        for block, shape in zip(self.smoothings, shapes, strict=False):
            block.build(shape)
        self.out_shapes = shapes

    def call(self, feature_maps: Sequence[Any], training: bool = False) -> list[Any]:
        *finer, last = (block(x, training=training) for block, x in zip(self.projections, feature_maps, strict=True))
        outputs, coarse = [last], last
        for x, smoothing in zip(reversed(finer), reversed(self.smoothings), strict=True):
            coarse = self.enlarge(coarse)
            if self.cut:
                coarse = coarse[:, : ops.shape(x)[1], : ops.shape(x)[2]]
            coarse = coarse + x
            outputs.insert(0, smoothing(coarse, training=training))
            if self.adds_smoothed:
                coarse = outputs[0]
        return outputs

    def named_variables(self) -> NamedVariables:
        return names_of([*self.projections, *self.smoothings])

    def object_variables(self, path: str) -> NamedVariables:
        """The variables that an object-based checkpoint keeps under `path`, by lists that begin at the coarse end."""
        *finer, last = self.projections
        names = listed(f"{path}/top_layers", [last.conv])
        for index, (projection, smoothing) in enumerate(zip(reversed(finer), reversed(self.smoothings), strict=True)):
            names |= listed(f"{path}/residual_blocks/{index}", [projection.conv])
            names |= listed(f"{path}/conv_layers/{index}", smoothing.listed_layers)
        return names


class PyramidFeatures(keras.layers.Layer):
    """Feature maps of images [B, H, W, 3], fine to coarse: the backbone's outputs `taps` through a pyramid, then what
    the `coarse` layers make of its last."""

    def __init__(
        self,
        backbone: Any,
        pyramid: TopDownPyramid,
        coarse: Sequence[ConvBlock],
        *,
        taps: Sequence[str],
        preprocess: Callable[[Any], Any],
        pad_to_multiple: int = 1,
        private: str = "_",
        **kwargs: Any,
    ) -> None:
        """`private`: what the names of a pyramid and its coarse layers begin with in an object-based checkpoint."""
        super().__init__(**kwargs)
        self.backbone, self.pyramid, self.coarse = backbone, pyramid, list(coarse)
        self.private = private
        self.taps = list(taps)
        self.num_layers = len(self.taps) + len(self.coarse)
        self.preprocess = preprocess
        self.pad_to_multiple = pad_to_multiple

    def build(self, input_shape: Shape) -> None:
        self.backbone.build(input_shape)
        self.pyramid.build([self.backbone.out_shapes[name] for name in self.taps])
        build_in_order(self.coarse, self.pyramid.out_shapes[-1])

    def compute_output_shape(self, input_shape: Shape) -> list[Shape]:
        shapes = [*self.pyramid.out_shapes]
        for block in self.coarse:
            shapes.append(block.compute_output_shape(shapes[-1]))
        return shapes

    def call(self, images: Any, training: bool = False) -> list[Any]:
        outputs = self.backbone(padded_to_multiple(images, self.pad_to_multiple), training=training)
        feature_maps = self.pyramid([outputs[name] for name in self.taps], training=training)
        for block in self.coarse:
            feature_maps.append(block(feature_maps[-1], training=training))
        return feature_maps

    def named_variables(self) -> NamedVariables:
        return names_of([self.backbone, self.pyramid, *self.coarse])

    def object_variables(self, path: str) -> NamedVariables:
        """The variables that an object-based checkpoint keeps under `path`."""
        names = self.backbone.object_variables(f"{path}/classification_backbone")
        names |= self.pyramid.object_variables(f"{path}/{self.private}fpn_features_generator")
        for index, block in enumerate(self.coarse):
            names |= listed(f"{path}/{self.private}coarse_feature_layers/{index}", block.listed_layers)
        return names
