"""Feature extractors with a feature pyramid from their message."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from teachbox.config.built.pyramid_sizes import LAST_OF_BACKBONE
from teachbox.detector.build import backbones
from teachbox.detector.build.backbones import WHERE, Message
from teachbox.detector.build.hyperparams import build_hyperparams
from teachbox.detector.build.refuse import not_built, refuse_others
from teachbox.detector.features.mobilenet_v1 import SEPARABLE, SEPARABLE_NARROW
from teachbox.detector.features.mobilenet_v2 import LAST_FILTERS
from teachbox.detector.features.preprocessing import less_channel_means, to_unit_range
from teachbox.detector.features.pyramid import PyramidFeatures, TopDownPyramid, coarse_layers
from teachbox.detector.features.resnet_v1 import KERAS, SLIM_PYRAMID
from teachbox.errors import ConfigError

Levels = dict[int, str]
"""The backbone's outputs of the levels 2 to 5, whose strides are 4 to 32; further levels stand on the last."""


def _pyramid(
    build_backbone: Callable[..., Any],
    scope: str,
    levels: Levels,
    name_coarse: Callable[[int, int], str],
    preprocess: Callable[[Any], Any],
    message: Message,
    *,
    freeze_batchnorm: bool,
    options: str = "use_depthwise use_explicit_padding",
) -> PyramidFeatures:
    """`name_coarse` goes from a level beyond the backbone's, and the last of the backbone's, to the name in a graph
    checkpoint; `options` are what not every extractor has."""
    kind = backbones.kind_of(message)
    refuse_others(
        message,
        WHERE,
        "type depth_multiplier min_depth conv_hyperparams override_base_feature_extractor_hyperparams fpn "
        f"pad_to_multiple {options}",
    )
    least, most = message.fpn.min_level, message.fpn.max_level
    if not 2 <= least <= LAST_OF_BACKBONE <= most:
        found = f"min_level is {least} and max_level is {most}"
        raise ConfigError(f"{found}; give 2 to 5, and 5 or more", where=f"{WHERE}.fpn")
    padding = backbones.padding_of(message)
    if padding == "fixed" and kind == "graph":
        # The original would add maps that are shifted against each other.
        raise not_built(f"{WHERE}.use_explicit_padding", f"for {message.type} it", "for the `_keras` types it is")
    own = build_hyperparams(message.conv_hyperparams, freeze_batchnorm=freeze_batchnorm, kind=kind)
    common: dict[str, Any] = {
        "filters": backbones.depth_of(message)(message.fpn.additional_layer_depth),
        "separable": message.use_depthwise,
        "pointwise_hyperparams": own.with_keras_kernels() if kind == "object" else None,
        "padding": padding,
    }
    taps = [levels[level] for level in range(least, LAST_OF_BACKBONE + 1)]
    beyond = range(LAST_OF_BACKBONE + 1, most + 1)
    return PyramidFeatures(
        build_backbone(scope, message, own, freeze_batchnorm=freeze_batchnorm),
        TopDownPyramid(f"{scope}/fpn", own, levels=len(taps), adds_smoothed=kind == "object", name="pyramid", **common),
        coarse_layers([f"{scope}/fpn/{name_coarse(level, LAST_OF_BACKBONE)}" for level in beyond], own, **common),
        taps=taps,
        preprocess=preprocess,
        pad_to_multiple=message.pad_to_multiple,
        name="feature_extractor",
    )


def _mobilenet_v1(scope: str, message: Message, *arguments: Any, **options: Any) -> Any:
    separable = SEPARABLE_NARROW if message.use_depthwise else SEPARABLE
    return backbones.mobilenet_v1(scope, message, *arguments, separable=separable, **options)


def _mobilenet_v2(scope: str, message: Message, *arguments: Any, **options: Any) -> Any:
    narrow = message.use_depthwise and backbones.kind_of(message) == "graph"
    return backbones.mobilenet_v2(scope, message, *arguments, last_filters=256 if narrow else LAST_FILTERS, **options)


_V1 = partial(
    _pyramid,
    _mobilenet_v1,
    "FeatureExtractor/MobilenetV1",
    {2: "Conv2d_3_pointwise", 3: "Conv2d_5_pointwise", 4: "Conv2d_11_pointwise", 5: "Conv2d_13_pointwise"},
    lambda level, last: f"bottom_up_Conv2d_{level - last + 13}",
    to_unit_range,
)
_V2 = partial(
    _pyramid,
    _mobilenet_v2,
    "FeatureExtractor/MobilenetV2",
    {2: "layer_4", 3: "layer_7", 4: "layer_14", 5: "layer_19"},
    lambda level, last: f"bottom_up_Conv2d_{level - last + 19}",
    to_unit_range,
)
PYRAMIDS: dict[str, Callable[..., PyramidFeatures]] = {
    "ssd_mobilenet_v1_fpn": _V1,
    "ssd_mobilenet_v1_fpn_keras": _V1,
    "ssd_mobilenet_v2_fpn": _V2,
    "ssd_mobilenet_v2_fpn_keras": _V2,
}
"""`feature_extractor.type` → what builds it from its message."""

for _layers in (50, 101, 152):
    for _variant, _ending in ((SLIM_PYRAMID, ""), (KERAS, "_keras")):
        PYRAMIDS[f"ssd_resnet{_layers}_v1_fpn{_ending}"] = partial(
            _pyramid,
            partial(backbones.resnet_v1, layers=_layers, variant=_variant),
            f"FeatureExtractor/resnet_v1_{_layers}",
            {2: "block1", 3: "block2", 4: "block3", 5: "block4"},
            lambda level, _: f"bottom_up_block{level - 1}",
            less_channel_means,
            options="",
        )
