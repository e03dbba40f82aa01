"""Feature extractors of single-shot detectors from their message."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from teachbox.config.protos import ssd_pb2
from teachbox.detector.build import backbones
from teachbox.detector.build.backbones import WHERE, Message
from teachbox.detector.build.bifpn_features import BIFPNS
from teachbox.detector.build.hyperparams import build_hyperparams
from teachbox.detector.build.pooling_pyramid_features import POOLING_PYRAMIDS
from teachbox.detector.build.pyramid_features import PYRAMIDS
from teachbox.detector.build.refuse import not_built, refuse_others
from teachbox.detector.features.extra_layers import EXTRA_FILTERS, ExtraLayers
from teachbox.detector.features.mobilenet_v3 import LARGE, SMALL
from teachbox.detector.features.ssd_features import SSDFeatures
from teachbox.errors import ConfigError


def build_feature_extractor(config: ssd_pb2.Ssd) -> Any:
    """What `config.feature_extractor` names."""
    message = config.feature_extractor
    if message.type not in FEATURE_EXTRACTORS:
        raise not_built(f"{WHERE}.type", repr(message.type), f"of these, one is: {', '.join(FEATURE_EXTRACTORS)}")
    return FEATURE_EXTRACTORS[message.type](message, freeze_batchnorm=config.freeze_batchnorm)


def _ssd_features(
    build_backbone: Callable[..., Any],
    scope: str,
    taps: tuple[str, str],
    message: Message,
    *,
    freeze_batchnorm: bool,
) -> SSDFeatures:
    """`taps` are the outputs of the backbone that are feature maps; extra layers stand on the last."""
    kind = backbones.kind_of(message)
    refuse_others(
        message,
        WHERE,
        "type depth_multiplier min_depth conv_hyperparams override_base_feature_extractor_hyperparams num_layers "
        "use_depthwise use_explicit_padding pad_to_multiple",
    )
    if not 1 <= message.num_layers <= 6:
        raise ConfigError(f"num_layers is {message.num_layers}; there are 1 to 6", where=WHERE)
    own = build_hyperparams(message.conv_hyperparams, freeze_batchnorm=freeze_batchnorm, kind=kind)
    backbone = build_backbone(scope, message, own, freeze_batchnorm=freeze_batchnorm)
    extras = ExtraLayers(
        f"{scope}/{taps[-1]}",
        own,
        filters=EXTRA_FILTERS[: max(message.num_layers - len(taps), 0)],
        depth=backbones.depth_of(message),
        use_depthwise=message.use_depthwise,
        depthwise_hyperparams=own.with_keras_kernels() if kind == "object" else None,
        padding=backbones.padding_of(message),
        name="extras",
    )
    return SSDFeatures(
        backbone,
        extras,
        taps=taps,
        num_layers=message.num_layers,
        pad_to_multiple=message.pad_to_multiple,
        name="feature_extractor",
    )


_V1 = partial(
    _ssd_features,
    backbones.mobilenet_v1,
    "FeatureExtractor/MobilenetV1",
    ("Conv2d_11_pointwise", "Conv2d_13_pointwise"),
)
# The first feature map is what the fourteenth residual expands, before it halves the map.
_V2 = partial(
    _ssd_features, backbones.mobilenet_v2, "FeatureExtractor/MobilenetV2", ("layer_15/expansion_output", "layer_19")
)
FEATURE_EXTRACTORS: dict[str, Callable[..., Any]] = {
    "ssd_mobilenet_v1": _V1,
    "ssd_mobilenet_v1_keras": _V1,
    "ssd_mobilenet_v2": _V2,
    "ssd_mobilenet_v2_keras": _V2,
    "ssd_mobilenet_v3_large": partial(
        _ssd_features,
        partial(backbones.mobilenet_v3, variant=LARGE),
        "FeatureExtractor/MobilenetV3",
        ("layer_14/expansion_output", "layer_17"),
    ),
    "ssd_mobilenet_v3_small": partial(
        _ssd_features,
        partial(backbones.mobilenet_v3, variant=SMALL),
        "FeatureExtractor/MobilenetV3",
        ("layer_10/expansion_output", "layer_13"),
    ),
    "ssd_inception_v2": partial(
        _ssd_features, backbones.inception_v2, "FeatureExtractor/InceptionV2", ("Mixed_4c", "Mixed_5c")
    ),
    **PYRAMIDS,
    **POOLING_PYRAMIDS,
    **BIFPNS,
}
"""`feature_extractor.type` → what builds it from its message."""
