"""EfficientDet's feature extractors from their message."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import cast

from teachbox.detector.build.backbones import WHERE, Message
from teachbox.detector.build.hyperparams import build_hyperparams
from teachbox.detector.build.refuse import not_built, refuse_others
from teachbox.detector.features.bifpn import BiFPN, BiFPNFeatures, Combination
from teachbox.detector.features.efficientnet import LEVELS, SCALES, EfficientNet, efficientnet_hyperparams
from teachbox.detector.features.preprocessing import standardized
from teachbox.errors import ConfigError

_METHODS = ("fast_attention", "weighted_sum", "sum")


def _bifpn(message: Message, *, freeze_batchnorm: bool, version: int) -> BiFPNFeatures:
    refuse_others(message, WHERE, "type min_depth conv_hyperparams bifpn pad_to_multiple")
    options, where = message.bifpn, f"{WHERE}.bifpn"
    least, most = options.min_level, options.max_level
    if not LEVELS[0] <= least <= LEVELS[1] < most:
        found = f"min_level is {least} and max_level is {most}"
        raise ConfigError(f"{found}; give {LEVELS[0]} to {LEVELS[1]}, and {LEVELS[1] + 1} or more", where=where)
    if options.num_iterations < 1 or options.num_filters < 1:
        raise ConfigError("num_iterations and num_filters are needed, both at least 1", where=where)
    if options.combine_method not in _METHODS:
        # Of `attention` the original takes each weight for the only one, which makes it a sum.
        raise not_built(f"{where}.combine_method", repr(options.combine_method), ", ".join(_METHODS) + " are")
    own = build_hyperparams(message.conv_hyperparams, freeze_batchnorm=freeze_batchnorm, kind="object")
    backbone = efficientnet_hyperparams()
    return BiFPNFeatures(
        EfficientNet(
            backbone.frozen() if freeze_batchnorm else backbone,
            version=version,
            levels=tuple(range(least, LEVELS[1] + 1)),
            name="efficientnet",
        ),
        BiFPN(
            own,
            least=least,
            given=LEVELS[1],
            most=most,
            iterations=options.num_iterations,
            filters=max(options.num_filters, message.min_depth),
            method=cast(Combination, options.combine_method),
            name="bifpn",
        ),
        preprocess=standardized,
        pad_to_multiple=message.pad_to_multiple,
        name="feature_extractor",
    )


BIFPNS: dict[str, Callable[..., BiFPNFeatures]] = {
    f"ssd_efficientnet-b{version}_bifpn_keras": partial(_bifpn, version=version) for version in range(len(SCALES))
}
"""`feature_extractor.type` → what builds it from its message."""
