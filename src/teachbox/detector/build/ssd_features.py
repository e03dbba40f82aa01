"""Backbones of single-shot detectors from their message."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from teachbox.config.protos import ssd_pb2
from teachbox.detector.build.hyperparams import build_hyperparams
from teachbox.detector.build.refuse import not_built, refuse_others
from teachbox.detector.features.extra_layers import EXTRA_FILTERS, ExtraLayers
from teachbox.detector.features.inception_v2 import InceptionV2
from teachbox.detector.features.mobilenet_v1 import MobileNetV1, mobilenet_hyperparams
from teachbox.detector.features.mobilenet_v2 import MobileNetV2, divisible
from teachbox.detector.features.ssd_features import SSDFeatures
from teachbox.detector.hyperparams import ConvHyperparams
from teachbox.errors import ConfigError

WHERE = "model.ssd.feature_extractor"


def build_feature_extractor(config: ssd_pb2.Ssd) -> Any:
    """The backbone that `config.feature_extractor` names."""
    message = config.feature_extractor
    if message.type not in FEATURE_EXTRACTORS:
        built = ", ".join(FEATURE_EXTRACTORS)
        raise not_built(f"{WHERE}.type", repr(message.type), f"of these, one is: {built}")
    return FEATURE_EXTRACTORS[message.type](message, freeze_batchnorm=config.freeze_batchnorm)


def _ssd_features(
    build_backbone: Callable[..., Any],
    scope: str,
    last: str,
    taps: tuple[str, ...],
    message: ssd_pb2.SsdFeatureExtractor,
    *,
    freeze_batchnorm: bool,
) -> SSDFeatures:
    refuse_others(
        message,
        WHERE,
        "type depth_multiplier min_depth conv_hyperparams override_base_feature_extractor_hyperparams num_layers "
        "use_depthwise",
    )
    if not 1 <= message.num_layers <= 6:
        raise ConfigError(f"num_layers is {message.num_layers}; there are 1 to 6", where=WHERE)
    own = build_hyperparams(message.conv_hyperparams, freeze_batchnorm=freeze_batchnorm)
    # Without the override the backbone keeps the settings it was published with; the extra layers take the config's.
    published = None if message.override_base_feature_extractor_hyperparams else mobilenet_hyperparams()
    if published is not None and freeze_batchnorm:
        published = published.frozen()
    depth = _depth(message)
    extras = ExtraLayers(
        f"{scope}/{last}",
        own,
        filters=EXTRA_FILTERS[: max(message.num_layers - len(taps), 0)],
        depth=depth,
        use_depthwise=message.use_depthwise,
        name="extras",
    )
    backbone = build_backbone(scope, message, own, published)
    return SSDFeatures(backbone, extras, taps=taps, num_layers=message.num_layers, name="feature_extractor")


def _depth(message: ssd_pb2.SsdFeatureExtractor) -> Callable[[int], int]:
    multiplier, least = message.depth_multiplier, message.min_depth
    return lambda filters: max(int(filters * multiplier), least)


def _mobilenet_v1(
    scope: str, message: ssd_pb2.SsdFeatureExtractor, own: ConvHyperparams, published: ConvHyperparams | None
) -> MobileNetV1:
    return MobileNetV1(scope, published or own, depth=_depth(message), name="mobilenet_v1")


def _mobilenet_v2(
    scope: str, message: ssd_pb2.SsdFeatureExtractor, own: ConvHyperparams, published: ConvHyperparams | None
) -> MobileNetV2:
    multiplier, least = message.depth_multiplier, message.min_depth
    return MobileNetV2(
        scope,
        published or own,
        # As published, depthwise kernels are not regularised.
        depthwise_hyperparams=published and published.without_regularizer(),
        depth=lambda filters: divisible(filters * multiplier, least),
        name="mobilenet_v2",
    )


def _inception_v2(
    scope: str, message: ssd_pb2.SsdFeatureExtractor, own: ConvHyperparams, published: ConvHyperparams | None
) -> InceptionV2:
    if published is not None:
        raise not_built(
            WHERE, f"{message.type} without override_base_feature_extractor_hyperparams: true", "with it, it is"
        )
    if own.batch_norm is None:
        raise ConfigError(f"{message.type} needs a batch_norm", where=f"{WHERE}.conv_hyperparams")
    return InceptionV2(scope, own, depth=_depth(message), name="inception_v2")


_V1 = ("Conv2d_13_pointwise", ("Conv2d_11_pointwise", "Conv2d_13_pointwise"))
# The first feature map is what the fourteenth residual expands, before it halves the map.
_V2 = ("layer_19", ("layer_15/expansion_output", "layer_19"))
FEATURE_EXTRACTORS: dict[str, Callable[..., Any]] = {
    "ssd_mobilenet_v1": partial(_ssd_features, _mobilenet_v1, "FeatureExtractor/MobilenetV1", *_V1),
    "ssd_mobilenet_v2": partial(_ssd_features, _mobilenet_v2, "FeatureExtractor/MobilenetV2", *_V2),
    "ssd_inception_v2": partial(
        _ssd_features, _inception_v2, "FeatureExtractor/InceptionV2", "Mixed_5c", ("Mixed_4c", "Mixed_5c")
    ),
}
"""`feature_extractor.type` → what builds it from its message."""
