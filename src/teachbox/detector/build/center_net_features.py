"""CenterNet's feature extractors from their message."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from teachbox.config.protos import center_net_pb2
from teachbox.detector.build.refuse import not_built, refuse_others
from teachbox.detector.features.center_features import CenterFeatures, TransposedPath, UpwardPath
from teachbox.detector.features.hourglass import HOURGLASSES, HourglassSize, StackedHourglasses
from teachbox.detector.features.mobilenet_v1 import mobilenet_hyperparams
from teachbox.detector.features.mobilenet_v2 import LAST_FILTERS, MobileNetV2, divisible
from teachbox.detector.features.preprocessing import less_channel_means, normalised, reversed_channels, to_unit_range
from teachbox.detector.features.resnet_v1 import KERAS_APPLICATION, ResNetV1, resnet_hyperparams
from teachbox.detector.features.resnet_v2 import ResNetV2
from teachbox.errors import ConfigError

WHERE = "model.center_net.feature_extractor"
Message = center_net_pb2.CenterNetFeatureExtractor
Step = Callable[[Any], Any]


def build_center_features(message: Message) -> Any:
    """The feature extractor that `message` describes."""
    if message.type not in _TYPES:
        raise not_built(WHERE, message.type or "without a type it", f"{', '.join(_TYPES)} are")
    return _TYPES[message.type](message)


def _preprocessing(message: Message, *steps: Step) -> Step:
    """What the config says of channels, then what the backbone wants."""
    means, deviations = tuple(message.channel_means), tuple(message.channel_stds)
    for name, values in (("channel_means", means), ("channel_stds", deviations)):
        if len(values) not in (0, 3):
            raise ConfigError(f"{len(values)} values; give 3, or none", where=f"{WHERE}.{name}")

    def preprocess(images: Any) -> Any:
        if message.bgr_ordering:
            images = reversed_channels(images)
        if means or deviations:
            images = normalised(images, means or (0.0,) * 3, deviations or (1.0,) * 3)
        for step in steps:
            images = step(images)
        return images

    return preprocess


def _resnet_v1_fpn(layers: int, message: Message) -> CenterFeatures:
    refuse_others(message, WHERE, "type channel_means channel_stds bgr_ordering")
    hyperparams = resnet_hyperparams(KERAS_APPLICATION)
    return CenterFeatures(
        ResNetV1(f"resnet_v1_{layers}", hyperparams, layers=layers, variant=KERAS_APPLICATION, name="resnet_v1"),
        UpwardPath((256, 256, 128, 64), name="upward"),
        taps=[f"block{number}" for number in range(1, 5)],
        preprocess=_preprocessing(message, less_channel_means, reversed_channels),
        name="feature_extractor",
    )


def _resnet_v2(layers: int, message: Message) -> CenterFeatures:
    refuse_others(message, WHERE, "type channel_means channel_stds bgr_ordering")
    return CenterFeatures(
        ResNetV2(layers=layers, name="resnet_v2"),
        TransposedPath((256, 128, 64), name="upward"),
        taps=["block4"],
        preprocess=_preprocessing(message, to_unit_range),
        name="feature_extractor",
    )


def _mobilenet_v2_fpn(message: Message) -> CenterFeatures:
    refuse_others(
        message,
        WHERE,
        "type channel_means channel_stds bgr_ordering depth_multiplier use_separable_conv upsampling_interpolation",
    )
    multiplier = message.depth_multiplier
    return CenterFeatures(
        MobileNetV2(
            "MobilenetV2",
            mobilenet_hyperparams().without_regularizer(),
            depth=lambda filters: divisible(filters * multiplier),
            # A wider Keras model has as many in its last layer as the published one.
            last_filters=divisible(LAST_FILTERS * min(multiplier, 1.0)),
            name="mobilenet_v2",
        ),
        UpwardPath(
            (64, 64, 32, 24),
            separable=message.use_separable_conv or message.type.endswith("_sep_conv"),
            interpolation=message.upsampling_interpolation,
            name="upward",
        ),
        taps=["layer_4", "layer_7", "layer_11", "layer_19"],
        preprocess=_preprocessing(message, to_unit_range),
        name="feature_extractor",
    )


def _hourglass(size: HourglassSize, message: Message) -> StackedHourglasses:
    refuse_others(message, WHERE, "type channel_means channel_stds bgr_ordering")
    return StackedHourglasses(size, preprocess=_preprocessing(message), name="feature_extractor")


_TYPES: dict[str, Callable[[Message], Any]] = {
    "resnet_v1_50_fpn": partial(_resnet_v1_fpn, 50),
    "resnet_v1_101_fpn": partial(_resnet_v1_fpn, 101),
    "resnet_v2_50": partial(_resnet_v2, 50),
    "resnet_v2_101": partial(_resnet_v2, 101),
    "mobilenet_v2_fpn": _mobilenet_v2_fpn,
    "mobilenet_v2_fpn_sep_conv": _mobilenet_v2_fpn,
    **{f"hourglass_{layers}": partial(_hourglass, size) for layers, size in HOURGLASSES.items()},
}
"""`feature_extractor.type` → what builds it."""
