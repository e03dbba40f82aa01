"""Backbones of two-stage detectors from their message: one over the image, and one over each region."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import keras

from teachbox.config.protos import faster_rcnn_pb2
from teachbox.detector.build.refuse import not_built, refuse_others
from teachbox.detector.features.inception_v2 import MODULES, InceptionV2
from teachbox.detector.features.preprocessing import less_channel_means, to_unit_range
from teachbox.detector.features.resnet_v1 import SLIM, ResNetV1, resnet_hyperparams
from teachbox.detector.features.two_stages import ImageFeatures, RegionFeatures
from teachbox.detector.hyperparams import BatchNormOptions, ConvHyperparams

Features = tuple[Any, Any]
"""Layers: images → a list of feature maps, and crops of these → features of a region."""
_FIRST, _SECOND = "FirstStageFeatureExtractor", "SecondStageFeatureExtractor"
_WHERE = "model.faster_rcnn.feature_extractor"


def build_features(config: faster_rcnn_pb2.FasterRcnn) -> Features:
    """The backbone that `config.feature_extractor` names."""
    message = config.feature_extractor
    if message.type not in FEATURE_EXTRACTORS:
        built = ", ".join(FEATURE_EXTRACTORS)
        raise not_built(f"{_WHERE}.type", repr(message.type), f"of these, one is: {built}")
    return FEATURE_EXTRACTORS[message.type](message)


def _read(message: faster_rcnn_pb2.FasterRcnnFeatureExtractor, *strides: int) -> None:
    """Refuse what the extractor does not have, and another stride of its map than one of `strides`."""
    refuse_others(message, _WHERE, "type first_stage_features_stride batch_norm_trainable")
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


FEATURE_EXTRACTORS: dict[str, Callable[[faster_rcnn_pb2.FasterRcnnFeatureExtractor], Features]] = {
    "faster_rcnn_inception_v2": _inception_v2,
    **{f"faster_rcnn_resnet{layers}": partial(_resnet_v1, layers=layers) for layers in (50, 101, 152)},
}
"""`feature_extractor.type` → what builds it from its message; one file a backbone in `features/`."""
