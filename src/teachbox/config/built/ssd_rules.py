"""What the parts of a single-shot detector have to agree on: functions of its message, to fields and what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from teachbox.config.built import pyramid_sizes, resizers
from teachbox.config.built.ssd_types import BIFPNS, POOLING_PYRAMIDS, PYRAMIDS, TYPES

Wrong = Iterator[tuple[str, str]]

_POOLED_MAPS = 6
_CODE_SIZES = {"square_box_coder": 3}


def feature_maps(extractor: Any) -> int | None:
    """How many feature maps an `SsdFeatureExtractor` message asks for; None of a type that is not built."""
    if extractor.type in [*BIFPNS, *PYRAMIDS]:
        levels = extractor.bifpn if extractor.type in BIFPNS else extractor.fpn
        return int(levels.max_level - levels.min_level + 1)
    if extractor.type in POOLING_PYRAMIDS:
        return _POOLED_MAPS
    return int(extractor.num_layers) if extractor.type in TYPES else None


def anchors_per_location(generator: Any) -> list[int]:
    """For each feature map that an `AnchorGenerator` message is for, how many anchors there are to a cell."""
    kind = generator.WhichOneof("anchor_generator_oneof")
    message: Any = getattr(generator, kind) if kind else None
    if kind == "ssd_anchor_generator":
        every = len(message.aspect_ratios) + (message.interpolated_scale_aspect_ratio > 0)
        lowest = 3 if message.reduce_boxes_in_lowest_layer else every
        return [lowest, *[every] * (message.num_layers - 1)]
    if kind == "multiscale_anchor_generator":
        levels = max(message.max_level - message.min_level + 1, 0)
        return [message.scales_per_octave * len(message.aspect_ratios)] * levels
    if kind == "flexible_grid_anchor_generator":
        return [len(row.base_sizes) for row in message.anchor_grid]
    return []


def of_the_maps(ssd: Any) -> Wrong:
    """That there are anchors for as many feature maps as the feature extractor has."""
    found, maps = len(anchors_per_location(ssd.anchor_generator)), feature_maps(ssd.feature_extractor)
    if found and maps is not None and found != maps:
        text = f"anchors for {found} feature maps, but the feature extractor has {maps}"
        yield "anchor_generator", f"{text}; make their num_layers, or their levels, equal"


def of_the_box_codes(ssd: Any) -> Wrong:
    """That the predictor has as many numbers to a box as the coder."""
    kind, coder = ssd.box_predictor.WhichOneof("box_predictor_oneof"), ssd.box_coder.WhichOneof("box_coder_oneof")
    if kind is None or coder is None:
        return
    found, wanted = getattr(ssd.box_predictor, kind).box_code_size, _CODE_SIZES.get(coder, 4)
    if found != wanted:
        text = f"box_code_size is {found}, but the box coder has {wanted} numbers to a box; write {wanted}"
        yield f"box_predictor.{kind}.box_code_size", text


def of_the_shared_predictor(ssd: Any) -> Wrong:
    """What convolutions need that all feature maps share."""
    kind = "weight_shared_convolutional_box_predictor"
    if ssd.box_predictor.WhichOneof("box_predictor_oneof") != kind:
        return
    message, where = ssd.box_predictor.weight_shared_convolutional_box_predictor, f"box_predictor.{kind}"
    anchors = anchors_per_location(ssd.anchor_generator)
    if len(set(anchors)) > 1:
        found = f"its convolutions are shared, but feature maps have {anchors} anchors to a cell"
        yield where, f"{found}; give all the same number"
    if message.use_depthwise and message.kernel_size == 1:
        yield f"{where}.kernel_size", "kernel_size is 1, which use_depthwise leaves nothing to do; give 3"
    activations = message.conv_hyperparams.DESCRIPTOR.enum_types_by_name["Activation"].values_by_number
    activation = activations[message.conv_hyperparams.activation].name
    slim = not ssd.feature_extractor.type.endswith("_keras")
    if slim and activation != "RELU_6" and message.num_layers_before_predictor:
        # The original does not look at what the config says here.
        found = f"activation {activation} is not built for {ssd.feature_extractor.type}; RELU_6 is"
        yield f"{where}.conv_hyperparams.activation", found


def of_the_predictor(ssd: Any) -> Wrong:
    """That the layers before a Keras model's predictor can have a depth."""
    message = ssd.box_predictor.convolutional_box_predictor
    if ssd.feature_extractor.type.endswith("_keras") and message.min_depth > message.max_depth:
        text = f"min_depth {message.min_depth} is above max_depth {message.max_depth}"
        yield "box_predictor.convolutional_box_predictor.min_depth", text


def of_the_losses(ssd: Any) -> Wrong:
    """That a loss of whole classes is not chosen from by anchor, and that there is something to draw."""
    fraction = ssd.loss.random_example_sampler.positive_sample_fraction
    if not 0 < fraction <= 1:
        found = f"positive_sample_fraction is {fraction:g}; it must be above 0, and at most 1"
        yield "loss.random_example_sampler.positive_sample_fraction", found
    kind = ssd.loss.classification_loss.WhichOneof("classification_loss")
    if kind == "weighted_dice_classification_loss" and ssd.loss.HasField("hard_example_miner"):
        yield "loss", f"{kind} is of whole classes, hard_example_miner chooses by anchor; leave one out"


def of_the_confidences(ssd: Any) -> Wrong:
    """That a weight of what nothing is said about is one that counts."""
    if ssd.implicit_example_weight < 0:
        yield "implicit_example_weight", f"implicit_example_weight is {ssd.implicit_example_weight:g}; at least 0"
    if ssd.implicit_example_weight != 1 and not ssd.use_confidences_as_targets:
        yield (
            "implicit_example_weight",
            "implicit_example_weight has no meaning without use_confidences_as_targets: true",
        )


def of_any_size(ssd: Any) -> Wrong:
    """That a detector whose images may be of any size is one whose maps may be, too."""
    kind = ssd.image_resizer.WhichOneof("image_resizer_oneof")
    if kind is None or resizers.size_of_all(ssd.image_resizer) is not None:
        return
    if ssd.feature_extractor.type in [*BIFPNS, *POOLING_PYRAMIDS]:
        found = f"{kind} leaves images of any size, and {ssd.feature_extractor.type} is built for one"
        yield "image_resizer", f"{found}; use fixed_shape_resizer, or keep_aspect_ratio_resizer that pads"


def of_the_backbone(ssd: Any) -> Wrong:
    """What some backbones need."""
    extractor = ssd.feature_extractor
    if extractor.type in BIFPNS and not extractor.HasField("bifpn"):
        yield "feature_extractor.type", f"{extractor.type} needs a bifpn, with num_iterations and num_filters"
    if extractor.type == "ssd_inception_v2" and extractor.conv_hyperparams.WhichOneof("normalizer_oneof") is None:
        yield "feature_extractor.conv_hyperparams", f"{extractor.type} needs a batch_norm"
    if extractor.type == "ssd_mobilenet_v1_fpn_keras" and extractor.use_depthwise and extractor.depth_multiplier != 1:
        found = f"{extractor.type} with use_depthwise and a depth_multiplier of {extractor.depth_multiplier:g}"
        yield "feature_extractor.depth_multiplier", f"{found} is not built; with one of them, it is"


RULES: list[Callable[[Any], Wrong]] = [
    of_the_backbone,
    pyramid_sizes.rule,
    of_the_maps,
    of_the_box_codes,
    of_the_shared_predictor,
    of_the_predictor,
    of_the_losses,
    of_the_confidences,
    of_any_size,
]
