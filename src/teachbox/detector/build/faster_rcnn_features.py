"""Backbones of two-stage detectors from their message: one over the image, and one over each region."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import keras

from teachbox.config.protos import faster_rcnn_pb2
from teachbox.detector.build.hyperparams import build_hyperparams
from teachbox.detector.build.refuse import not_built, refuse_others
from teachbox.detector.features.inception_resnet_v2 import inception_resnet_hyperparams, over_image, over_region
from teachbox.detector.features.inception_v2 import MODULES, InceptionV2
from teachbox.detector.features.preprocessing import less_channel_means, to_unit_range
from teachbox.detector.features.pyramid import PyramidFeatures, TopDownPyramid, coarse_layers
from teachbox.detector.features.resnet_v1 import KERAS, SLIM, ResNetV1, resnet_hyperparams
from teachbox.detector.features.two_stages import DenseRegionFeatures, ImageFeatures, RegionFeatures
from teachbox.detector.hyperparams import BatchNormOptions, ConvHyperparams
from teachbox.errors import ConfigError

Features = tuple[Any, Any]
"""Layers: images → a list of feature maps, and crops of these → features of a region."""
_FIRST, _SECOND = "FirstStageFeatureExtractor", "SecondStageFeatureExtractor"
_LAYERS = (50, 101, 152)
# The backbone's outputs of the levels 2 to 5, whose strides are 4 to 32; further levels stand on the last.
_LAST_OF_BACKBONE = 5
_WHERE = "model.faster_rcnn.feature_extractor"


def build_features(config: faster_rcnn_pb2.FasterRcnn) -> Features:
    """The backbone that `config.feature_extractor` names."""
    message = config.feature_extractor
    if message.type not in FEATURE_EXTRACTORS:
        built = ", ".join(FEATURE_EXTRACTORS)
        raise not_built(f"{_WHERE}.type", repr(message.type), f"of these, one is: {built}")
    return FEATURE_EXTRACTORS[message.type](message)


def count_of_maps(message: faster_rcnn_pb2.FasterRcnnFeatureExtractor) -> int:
    """How many feature maps of the image there are."""
    return message.fpn.max_level - message.fpn.min_level + 1 if message.type.endswith("_fpn_keras") else 1


def _read(message: faster_rcnn_pb2.FasterRcnnFeatureExtractor, *strides: int, more: str = "") -> None:
    """Refuse what the extractor does not have, and another stride of its map than one of `strides`."""
    refuse_others(message, _WHERE, f"type first_stage_features_stride batch_norm_trainable {more}")
    if message.first_stage_features_stride not in strides:
        found = f"first_stage_features_stride {message.first_stage_features_stride}"
        named = " and ".join(map(str, strides))
        raise not_built(_WHERE, found, f"{named} {'is' if len(strides) == 1 else 'are'}")


def _trained_if(trained: bool, hyperparams: ConvHyperparams) -> ConvHyperparams:
    """The same with batch normalisation by moving averages in training too, unless `trained`."""
    return hyperparams if trained else hyperparams.frozen()


def _inception_v2(message: faster_rcnn_pb2.FasterRcnnFeatureExtractor) -> Features:
    _read(message, 16)
    hyperparams = ConvHyperparams(
        keras.initializers.GlorotUniform,
        keras.ops.relu,
        0.0,
        BatchNormOptions(decay=0.9997, center=True, scale=True, epsilon=0.001, train=message.batch_norm_trainable),
    )

    def backbone(stage: str, modules: tuple[str, ...]) -> InceptionV2:
        return InceptionV2(f"{stage}/InceptionV2", hyperparams, depth=lambda filters: filters, modules=modules)

    split = MODULES.index("Mixed_4e") + 1
    first, second = MODULES[:split], MODULES[split:]
    return (
        ImageFeatures(backbone(_FIRST, first), tap=first[-1], normalise=to_unit_range, name="image_features"),
        RegionFeatures(backbone(_SECOND, second), tap=second[-1], name="region_features"),
    )


def _inception_resnet_v2(message: faster_rcnn_pb2.FasterRcnnFeatureExtractor) -> Features:
    """The Keras model has the same layers, under other names."""
    _read(message, 16, 8)
    hyperparams = inception_resnet_hyperparams(train_batch_norm=message.batch_norm_trainable)
    first = over_image(f"{_FIRST}/InceptionResnetV2", hyperparams, stride=message.first_stage_features_stride)
    second = over_region(f"{_SECOND}/InceptionResnetV2", hyperparams)
    return (
        ImageFeatures(first, tap=first.tap, normalise=to_unit_range, name="image_features"),
        RegionFeatures(second, tap=second.tap, name="region_features"),
    )


def _resnet_v1(message: faster_rcnn_pb2.FasterRcnnFeatureExtractor, layers: int) -> Features:
    _read(message, 16, 8)
    hyperparams = _trained_if(message.batch_norm_trainable, resnet_hyperparams(SLIM, weight_decay=0.0))
    common: dict[str, Any] = {"layers": layers, "variant": SLIM}
    over_image = ResNetV1(
        f"{_FIRST}/resnet_v1_{layers}",
        hyperparams,
        last=3,
        output_stride=message.first_stage_features_stride,
        name="resnet_v1",
        **common,
    )
    over_region = ResNetV1(f"{_SECOND}/resnet_v1_{layers}", hyperparams, blocks=(4,), name="resnet_v1", **common)
    return (
        ImageFeatures(over_image, tap="block3", normalise=less_channel_means, name="image_features"),
        RegionFeatures(over_region, tap="block4", name="region_features"),
    )


def _resnet_v1_keras(message: faster_rcnn_pb2.FasterRcnnFeatureExtractor, layers: int) -> Features:
    _read(message, 16)
    hyperparams = _trained_if(message.batch_norm_trainable, resnet_hyperparams(KERAS, weight_decay=0.0))
    common: dict[str, Any] = {"layers": layers, "variant": KERAS, "name": "resnet_v1"}
    over_image = ResNetV1(f"resnet_v1_{layers}", hyperparams, blocks=(1, 2, 3), last=3, **common)
    over_region = ResNetV1(f"resnet_v1_{layers}", hyperparams, blocks=(4,), **common)
    return (
        ImageFeatures(over_image, tap="block3", normalise=less_channel_means, name="image_features"),
        RegionFeatures(over_region, tap="block4", name="region_features"),
    )


def _resnet_v1_pyramid(message: faster_rcnn_pb2.FasterRcnnFeatureExtractor, layers: int) -> Features:
    pyramid = "conv_hyperparams override_base_feature_extractor_hyperparams pad_to_multiple fpn"
    _read(message, 16, more=pyramid)
    least, most = message.fpn.min_level, message.fpn.max_level
    if not 2 <= least <= _LAST_OF_BACKBONE <= most:
        found = f"min_level is {least} and max_level is {most}"
        raise ConfigError(f"{found}; give 2 to 5, and 5 or more", where=f"{_WHERE}.fpn")
    if message.pad_to_multiple % 2**_LAST_OF_BACKBONE:
        found = f"pad_to_multiple is {message.pad_to_multiple}"
        raise ConfigError(f"{found}; each map must be twice the next: give a multiple of 32", where=_WHERE)
    own = build_hyperparams(message.conv_hyperparams, freeze_batchnorm=not message.batch_norm_trainable, kind="object")
    base = own
    if not message.override_base_feature_extractor_hyperparams:
        base = _trained_if(message.batch_norm_trainable, resnet_hyperparams(KERAS, weight_decay=0.0))
    filters = message.fpn.additional_layer_depth
    scopes = [f"bottom_up_block{level}" for level in range(_LAST_OF_BACKBONE, most)]
    taps = [f"block{level - 1}" for level in range(least, _LAST_OF_BACKBONE + 1)]
    image_features = PyramidFeatures(
        ResNetV1(f"resnet_v1_{layers}", base, layers=layers, variant=KERAS, name="resnet_v1"),
        TopDownPyramid("fpn", own, levels=len(taps), filters=filters, adds_smoothed=True, name="pyramid"),
        coarse_layers(scopes, own, filters=filters),
        taps=taps,
        preprocess=less_channel_means,
        pad_to_multiple=message.pad_to_multiple,
        private="",
        name="image_features",
    )
    return image_features, DenseRegionFeatures(own.batch_norm, name="region_features")


FEATURE_EXTRACTORS: dict[str, Callable[[faster_rcnn_pb2.FasterRcnnFeatureExtractor], Features]] = {
    "faster_rcnn_inception_v2": _inception_v2,
    "faster_rcnn_inception_resnet_v2": _inception_resnet_v2,
    "faster_rcnn_inception_resnet_v2_keras": _inception_resnet_v2,
    **{f"faster_rcnn_resnet{layers}": partial(_resnet_v1, layers=layers) for layers in _LAYERS},
    **{f"faster_rcnn_resnet{layers}_keras": partial(_resnet_v1_keras, layers=layers) for layers in _LAYERS},
    **{f"faster_rcnn_resnet{layers}_fpn_keras": partial(_resnet_v1_pyramid, layers=layers) for layers in _LAYERS},
}
"""`feature_extractor.type` → what builds it from its message; one file a backbone in `features/`."""
