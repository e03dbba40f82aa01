"""Backbones of two-stage detectors from their message: one over the image, and one over each region."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras

from teachbox.config.protos import faster_rcnn_pb2
from teachbox.detector.build.refuse import not_built, refuse_others
from teachbox.detector.features.inception_v2 import MODULES, InceptionV2
from teachbox.detector.features.preprocessing import to_unit_range
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


def _inception_v2(message: faster_rcnn_pb2.FasterRcnnFeatureExtractor) -> Features:
    refuse_others(message, _WHERE, "type first_stage_features_stride batch_norm_trainable")
    if message.first_stage_features_stride != 16:
        raise not_built(_WHERE, f"first_stage_features_stride {message.first_stage_features_stride}", "16 is")
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


FEATURE_EXTRACTORS: dict[str, Callable[[faster_rcnn_pb2.FasterRcnnFeatureExtractor], Features]] = {
    "faster_rcnn_inception_v2": _inception_v2,
}
"""`feature_extractor.type` → what builds it from its message; one file a backbone in `features/`."""
