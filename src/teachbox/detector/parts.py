"""Each part of a detector from its own message of the config; what is not built is refused by name."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from keras import ops

from teachbox.config.protos import (
    anchor_generator_pb2,
    box_coder_pb2,
    losses_pb2,
    matcher_pb2,
    post_processing_pb2,
    region_similarity_calculator_pb2,
)
from teachbox.detector import losses, similarity
from teachbox.detector.anchors import SSDAnchorGenerator, ssd_box_specs
from teachbox.detector.box_coding import FasterRCNNBoxCoder
from teachbox.detector.matching import ArgMaxMatcher
from teachbox.detector.mining import HardExampleMiner
from teachbox.detector.nms import BatchNonMaxSuppression
from teachbox.detector.postprocess import SCORE_CONVERTERS, PostProcessor
from teachbox.detector.refuse import not_built, refuse_others
from teachbox.errors import ConfigError


def build_anchor_generator(config: anchor_generator_pb2.AnchorGenerator) -> SSDAnchorGenerator:
    """Anchors from an `AnchorGenerator` message."""
    kind = config.WhichOneof("anchor_generator_oneof")
    if kind != "ssd_anchor_generator":
        raise not_built("anchor_generator", kind, "ssd_anchor_generator is")
    message = config.ssd_anchor_generator
    where = "anchor_generator.ssd_anchor_generator"
    if message.scales and len(message.scales) != message.num_layers:
        raise ConfigError(f"{len(message.scales)} scales for {message.num_layers} layers", where=where)
    for name in ("height_stride", "width_stride", "height_offset", "width_offset"):
        if len(getattr(message, name)) not in (0, message.num_layers):
            found = f"{len(getattr(message, name))} values of {name} for {message.num_layers} layers"
            raise ConfigError(f"{found}; give one a layer, or none", where=where)
    for what in ("stride", "offset"):
        if len(getattr(message, f"height_{what}")) != len(getattr(message, f"width_{what}")):
            raise ConfigError(f"height_{what} and width_{what} go together; give both, or none", where=where)
    specs = ssd_box_specs(
        message.num_layers,
        min_scale=message.min_scale,
        max_scale=message.max_scale,
        scales=list(message.scales),
        aspect_ratios=list(message.aspect_ratios),
        interpolated_scale_aspect_ratio=message.interpolated_scale_aspect_ratio,
        reduce_boxes_in_lowest_layer=message.reduce_boxes_in_lowest_layer,
    )
    return SSDAnchorGenerator(
        specs,
        base_size=(message.base_anchor_height, message.base_anchor_width),
        strides=list(zip(message.height_stride, message.width_stride, strict=True)),
        offsets=list(zip(message.height_offset, message.width_offset, strict=True)),
    )


def build_box_coder(config: box_coder_pb2.BoxCoder) -> FasterRCNNBoxCoder:
    """A box coder from a `BoxCoder` message."""
    kind = config.WhichOneof("box_coder_oneof")
    if kind != "faster_rcnn_box_coder":
        raise not_built("box_coder", kind, "faster_rcnn_box_coder is")
    coder = config.faster_rcnn_box_coder
    return FasterRCNNBoxCoder((coder.y_scale, coder.x_scale, coder.height_scale, coder.width_scale))


def build_matcher(config: matcher_pb2.Matcher) -> ArgMaxMatcher:
    """A matcher from a `Matcher` message."""
    kind = config.WhichOneof("matcher_oneof")
    if kind != "argmax_matcher":
        raise not_built("matcher", kind, "argmax_matcher is")
    message = config.argmax_matcher
    ignore = message.ignore_thresholds
    return ArgMaxMatcher(
        None if ignore else message.matched_threshold,
        None if ignore else message.unmatched_threshold,
        negatives_lower_than_unmatched=message.negatives_lower_than_unmatched,
        force_match_for_each_row=message.force_match_for_each_row,
    )


def build_similarity(config: region_similarity_calculator_pb2.RegionSimilarityCalculator) -> Callable[[Any, Any], Any]:
    """A similarity of boxes from a `RegionSimilarityCalculator` message."""
    kind = config.WhichOneof("region_similarity")
    if kind == "thresholded_iou_similarity":
        threshold = config.thresholded_iou_similarity.iou_threshold
        # A ground-truth box that is no background has the score 1.
        return lambda a, b: similarity.thresholded_iou(a, b, ops.ones_like(a[..., 0]), iou_threshold=threshold)
    found: dict[str | None, Callable[[Any, Any], Any]] = {
        "iou_similarity": similarity.iou,
        "ioa_similarity": similarity.ioa,
        "neg_sq_dist_similarity": similarity.negative_squared_distance,
    }
    if kind not in found:
        raise not_built("similarity_calculator", kind, "iou_similarity is")
    return found[kind]


def build_localization_loss(config: losses_pb2.LocalizationLoss) -> Callable[[Any, Any, Any], Any]:
    """A loss of box codes from a `LocalizationLoss` message."""
    kind = config.WhichOneof("localization_loss")
    if kind != "weighted_smooth_l1":
        raise not_built("loss.localization_loss", kind, "weighted_smooth_l1 is")
    return partial(losses.smooth_l1, delta=config.weighted_smooth_l1.delta)


def build_classification_loss(config: losses_pb2.ClassificationLoss) -> Callable[[Any, Any, Any], Any]:
    """A loss of class logits from a `ClassificationLoss` message."""
    kind = config.WhichOneof("classification_loss")
    if kind == "weighted_sigmoid":
        return losses.weighted_sigmoid
    if kind == "weighted_sigmoid_focal":
        options = config.weighted_sigmoid_focal
        alpha = options.alpha if options.HasField("alpha") else None
        return partial(losses.sigmoid_focal, gamma=options.gamma, alpha=alpha)
    if kind == "weighted_softmax":
        return partial(losses.weighted_softmax, logit_scale=config.weighted_softmax.logit_scale)
    built = "weighted_sigmoid, weighted_sigmoid_focal and weighted_softmax are"
    raise not_built("loss.classification_loss", kind, built)


def build_miner(loss: losses_pb2.Loss) -> HardExampleMiner:
    """The hard example miner of a `Loss` message that has one."""
    options = loss.hard_example_miner
    return HardExampleMiner(
        num_hard_examples=options.num_hard_examples or None,
        iou_threshold=options.iou_threshold,
        loss_type=losses_pb2.HardExampleMiner.LossType.Name(options.loss_type).lower(),  # type: ignore[arg-type]
        classification_weight=loss.classification_weight,
        localization_weight=loss.localization_weight,
        max_negatives_per_positive=options.max_negatives_per_positive or None,
        min_negatives_per_image=options.min_negatives_per_image,
    )


def build_postprocessor(config: post_processing_pb2.PostProcessing, *, has_background: bool) -> PostProcessor:
    """Score conversion and suppression from a `PostProcessing` message."""
    nms = config.batch_non_max_suppression
    refuse_others(config, "post_processing", "batch_non_max_suppression score_converter logit_scale")
    refuse_others(
        nms,
        "post_processing.batch_non_max_suppression",
        "score_threshold iou_threshold max_detections_per_class max_total_detections change_coordinate_frame "
        # How and where it is computed, not what is kept.
        "use_static_shapes use_cpu_nms use_hard_nms",
    )
    converter = SCORE_CONVERTERS[post_processing_pb2.PostProcessing.ScoreConverter.Name(config.score_converter)]
    scale = config.logit_scale
    return PostProcessor(
        BatchNonMaxSuppression(
            score_threshold=nms.score_threshold,
            iou_threshold=nms.iou_threshold,
            max_detections_per_class=nms.max_detections_per_class,
            max_total_detections=nms.max_total_detections,
        ),
        converter if scale == 1.0 else lambda logits: converter(logits / scale),
        has_background=has_background,
        change_coordinate_frame=nms.change_coordinate_frame,
    )
