"""Feature extractors with a pooling pyramid from their message."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from teachbox.detector.build import backbones
from teachbox.detector.build.backbones import WHERE, Message
from teachbox.detector.build.hyperparams import build_hyperparams
from teachbox.detector.build.refuse import refuse_others
from teachbox.detector.features.pooling_pyramid import PoolingPyramidFeatures
from teachbox.detector.features.preprocessing import less_channel_means, to_unit_range
from teachbox.detector.features.resnet_v1 import SLIM_PYRAMID
from teachbox.detector.layers import ConvBlock

_READ = "type conv_hyperparams override_base_feature_extractor_hyperparams pad_to_multiple min_depth"
_BASE_FILTERS = 1024


def _mobilenet_v1(message: Message, *, freeze_batchnorm: bool) -> PoolingPyramidFeatures:
    refuse_others(message, WHERE, f"{_READ} depth_multiplier use_explicit_padding")
    own = build_hyperparams(message.conv_hyperparams, freeze_batchnorm=freeze_batchnorm)
    tap = "Conv2d_11_pointwise"
    backbone = backbones.mobilenet_v1(
        "FeatureExtractor/MobilenetV1", message, own, freeze_batchnorm=freeze_batchnorm, last=tap
    )
    return PoolingPyramidFeatures(
        backbone,
        None,
        tap=tap,
        preprocess=to_unit_range,
        pad_to_multiple=message.pad_to_multiple,
        name="feature_extractor",
    )


def _resnet_v1(message: Message, *, freeze_batchnorm: bool, layers: int) -> PoolingPyramidFeatures:
    refuse_others(message, WHERE, _READ)
    scope = f"FeatureExtractor/resnet_v1_{layers}"
    own = build_hyperparams(message.conv_hyperparams, freeze_batchnorm=freeze_batchnorm)
    backbone = backbones.resnet_v1(
        scope, message, own, freeze_batchnorm=freeze_batchnorm, layers=layers, variant=SLIM_PYRAMID, last=3
    )
    return PoolingPyramidFeatures(
        backbone,
        ConvBlock(f"{scope}/Base_Conv2d_1x1_{_BASE_FILTERS}", own, kernel_size=1, filters=_BASE_FILTERS),
        tap="block3",
        preprocess=less_channel_means,
        pad_to_multiple=message.pad_to_multiple,
        name="feature_extractor",
    )


POOLING_PYRAMIDS: dict[str, Callable[..., PoolingPyramidFeatures]] = {
    "ssd_mobilenet_v1_ppn": _mobilenet_v1,
    **{f"ssd_resnet{layers}_v1_ppn": partial(_resnet_v1, layers=layers) for layers in (50, 101, 152)},
}
"""`feature_extractor.type` → what builds it from its message."""
