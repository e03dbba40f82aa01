"""Backbones from the message of a single-shot detector's feature extractor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from teachbox.config.protos import ssd_pb2
from teachbox.detector.build.refuse import not_built
from teachbox.detector.features.inception_v2 import InceptionV2
from teachbox.detector.features.mobilenet_v1 import SEPARABLE, MobileNetV1, mobilenet_hyperparams
from teachbox.detector.features.mobilenet_v2 import LAST_FILTERS, MobileNetV2, divisible
from teachbox.detector.features.mobilenet_v3 import MobileNetV3, MobileNetV3Variant
from teachbox.detector.features.resnet_v1 import ResNetV1, ResNetVariant, resnet_hyperparams
from teachbox.detector.hyperparams import ConvHyperparams
from teachbox.detector.layers import Padding
from teachbox.detector.names import CheckpointKind, checkpoint_kind

WHERE = "model.ssd.feature_extractor"
Message = ssd_pb2.SsdFeatureExtractor


def kind_of(message: Message) -> CheckpointKind:
    """Of which kind the checkpoints of the type are that `message` names."""
    return checkpoint_kind(message.type)


def depth_of(message: Message) -> Callable[[int], int]:
    """From the published number of filters to that which `message` asks for."""
    multiplier, least = message.depth_multiplier, message.min_depth
    return lambda filters: max(int(filters * multiplier), least)


def padding_of(message: Message) -> Padding:
    return "fixed" if message.use_explicit_padding else "same"


def _base(
    message: Message, own: ConvHyperparams, published: ConvHyperparams, *, freeze_batchnorm: bool
) -> ConvHyperparams:
    """Without the override the backbone keeps the settings it was published with; other layers take the config's."""
    if message.override_base_feature_extractor_hyperparams:
        return own
    return published.frozen() if freeze_batchnorm else published


def mobilenet_v1(
    scope: str,
    message: Message,
    own: ConvHyperparams,
    *,
    freeze_batchnorm: bool,
    separable: Sequence[tuple[int, int]] = SEPARABLE,
    last: str | None = None,
) -> MobileNetV1:
    """MobileNet v1, in use up to the layer `last`; `own` are the config's hyperparameters."""
    depth = depth_of(message)
    if kind_of(message) == "object" and message.depth_multiplier != 1.0:
        # The original multiplies what Keras has multiplied already.
        once, multiplier = depth, message.depth_multiplier
        depth = lambda filters: once(int(filters * multiplier))  # noqa: E731
    base = _base(message, own, mobilenet_hyperparams(), freeze_batchnorm=freeze_batchnorm)
    padding = padding_of(message)
    return MobileNetV1(scope, base, depth=depth, separable=separable, padding=padding, last=last, name="mobilenet_v1")


def mobilenet_v2(
    scope: str,
    message: Message,
    own: ConvHyperparams,
    *,
    freeze_batchnorm: bool,
    last_filters: int = LAST_FILTERS,
) -> MobileNetV2:
    """MobileNet v2; `own` are the config's hyperparameters, `last_filters` those of the last layer as published."""
    depth, graph = _divisible_depth(message), kind_of(message) == "graph"
    base = _base(message, own, mobilenet_hyperparams(), freeze_batchnorm=freeze_batchnorm)
    depthwise = base
    if graph:
        base, depthwise = _of_slim_blocks(message, base)
    return MobileNetV2(
        scope,
        base,
        depthwise_hyperparams=depthwise,
        depth=depth,
        # A wider Keras model has as many in its last layer as the published one.
        last_filters=depth(last_filters) if graph or message.depth_multiplier < 1 else last_filters,
        padding=padding_of(message),
        name="mobilenet_v2",
    )


def mobilenet_v3(
    scope: str, message: Message, own: ConvHyperparams, *, freeze_batchnorm: bool, variant: MobileNetV3Variant
) -> MobileNetV3:
    """MobileNet v3, large or small; `own` are the config's hyperparameters."""
    base = _base(message, own, mobilenet_hyperparams(), freeze_batchnorm=freeze_batchnorm)
    base, depthwise = _of_slim_blocks(message, base)
    return MobileNetV3(
        scope,
        base,
        variant=variant,
        depthwise_hyperparams=depthwise,
        depth=_divisible_depth(message),
        padding=padding_of(message),
        name="mobilenet_v3",
    )


def _divisible_depth(message: Message) -> Callable[[int], int]:
    """From the published number of filters to that which `message` asks for, a multiple of 8."""
    multiplier, least = message.depth_multiplier, message.min_depth
    return lambda filters: divisible(filters * multiplier, least)


def _of_slim_blocks(message: Message, base: ConvHyperparams) -> tuple[ConvHyperparams, ConvHyperparams]:
    """How the slim library's inverted residuals take `base`, and how their depthwise convolutions do.

    They choose their activation, and that they are normalised, with scale and offset, for themselves. As published,
    depthwise kernels are not regularised.
    """
    published = mobilenet_hyperparams()
    normalised = base.batch_norm or published.batch_norm
    assert normalised is not None
    base = replace(
        base, activation=published.activation, batch_norm=replace(normalised, center=True, scale=True), use_bias=None
    )
    overridden = message.override_base_feature_extractor_hyperparams
    return base, base if overridden else base.without_regularizer()


def inception_v2(scope: str, message: Message, own: ConvHyperparams, *, freeze_batchnorm: bool) -> InceptionV2:
    """Inception v2; `own` are the config's hyperparameters, and the only ones it is built with."""
    if not message.override_base_feature_extractor_hyperparams:
        found = f"{message.type} without override_base_feature_extractor_hyperparams: true"
        raise not_built(WHERE, found, "with it, it is")
    return InceptionV2(scope, own, depth=depth_of(message), name="inception_v2")


def resnet_v1(
    scope: str,
    message: Message,
    own: ConvHyperparams,
    *,
    freeze_batchnorm: bool,
    layers: int,
    variant: ResNetVariant,
    last: int = 4,
) -> ResNetV1:
    """ResNet v1 with 50, 101 or 152 `layers`, in use up to the block `last`; `own` are the config's hyperparameters."""
    published = resnet_hyperparams(variant)
    base = _base(message, own, published, freeze_batchnorm=freeze_batchnorm)
    if variant.slim and base.batch_norm is not None and published.batch_norm is not None:
        # Of the normalisation, the slim library's ResNet lets a config say only whether it is trained.
        base = replace(base, batch_norm=replace(published.batch_norm, train=base.batch_norm.train))
    return ResNetV1(scope, base, layers=layers, variant=variant, last=last, depth=depth_of(message), name="resnet_v1")
