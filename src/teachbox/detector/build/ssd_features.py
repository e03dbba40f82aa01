"""Backbones of single-shot detectors from their message."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from teachbox.config.protos import ssd_pb2
from teachbox.detector.build.hyperparams import build_hyperparams
from teachbox.detector.build.refuse import not_built, refuse_others
from teachbox.detector.features.ssd_inception_v2 import SSDInceptionV2
from teachbox.detector.features.ssd_mobilenet_v1 import SSDMobileNetV1, mobilenet_hyperparams
from teachbox.detector.features.ssd_mobilenet_v2 import SSDMobileNetV2
from teachbox.errors import ConfigError


def build_feature_extractor(config: ssd_pb2.Ssd) -> Any:
    """The backbone that `config.feature_extractor` names."""
    message = config.feature_extractor
    if message.type not in FEATURE_EXTRACTORS:
        built = ", ".join(FEATURE_EXTRACTORS)
        raise not_built("model.ssd.feature_extractor.type", repr(message.type), f"of these, one is: {built}")
    return FEATURE_EXTRACTORS[message.type](message, freeze_batchnorm=config.freeze_batchnorm)


def _ssd_mobilenet(
    backbone: Callable[..., Any], message: ssd_pb2.SsdFeatureExtractor, *, freeze_batchnorm: bool
) -> Any:
    where = "model.ssd.feature_extractor"
    refuse_others(
        message,
        where,
        "type depth_multiplier min_depth conv_hyperparams override_base_feature_extractor_hyperparams num_layers "
        "use_depthwise",
    )
    if not 1 <= message.num_layers <= 6:
        raise ConfigError(f"num_layers is {message.num_layers}; there are 1 to 6", where=where)
    own = build_hyperparams(message.conv_hyperparams, freeze_batchnorm=freeze_batchnorm)
    # Without the override the backbone keeps the settings it was published with; the extra layers take the config's.
    base = own if message.override_base_feature_extractor_hyperparams else mobilenet_hyperparams()
    return backbone(
        base.frozen() if freeze_batchnorm else base,
        extra_hyperparams=own,
        num_layers=message.num_layers,
        depth_multiplier=message.depth_multiplier,
        min_depth=message.min_depth,
        use_depthwise=message.use_depthwise,
        name="feature_extractor",
    )


def _ssd_inception_v2(message: ssd_pb2.SsdFeatureExtractor, *, freeze_batchnorm: bool) -> SSDInceptionV2:
    where = "model.ssd.feature_extractor"
    refuse_others(
        message,
        where,
        "type depth_multiplier min_depth conv_hyperparams override_base_feature_extractor_hyperparams num_layers "
        "use_depthwise",
    )
    if not message.override_base_feature_extractor_hyperparams:
        raise not_built(
            where, "ssd_inception_v2 without override_base_feature_extractor_hyperparams: true", "with it, it is"
        )
    own = build_hyperparams(message.conv_hyperparams, freeze_batchnorm=freeze_batchnorm)
    if own.batch_norm is None:
        raise ConfigError("ssd_inception_v2 needs a batch_norm", where=f"{where}.conv_hyperparams")
    return SSDInceptionV2(
        own,
        num_layers=message.num_layers,
        depth_multiplier=message.depth_multiplier,
        min_depth=message.min_depth,
        use_depthwise=message.use_depthwise,
        name="feature_extractor",
    )


FEATURE_EXTRACTORS: dict[str, Callable[..., Any]] = {
    "ssd_mobilenet_v1": partial(_ssd_mobilenet, SSDMobileNetV1),
    "ssd_mobilenet_v2": partial(_ssd_mobilenet, SSDMobileNetV2),
    "ssd_inception_v2": _ssd_inception_v2,
}
"""`feature_extractor.type` → what builds it from its message; one file a backbone in `features/`."""
