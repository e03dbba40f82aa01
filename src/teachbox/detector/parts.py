"""Each part of a detector from its own message of the config; what is not built is refused by name."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from keras import ops

from teachbox.config.protos import (
    anchor_generator_pb2,
    box_coder_pb2,
    calibration_pb2,
    flexible_grid_anchor_generator_pb2,
    grid_anchor_generator_pb2,
    keypoint_box_coder_pb2,
    losses_pb2,
    matcher_pb2,
    multiscale_anchor_generator_pb2,
    post_processing_pb2,
    region_similarity_calculator_pb2,
    ssd_anchor_generator_pb2,
)
from teachbox.detector import losses, similarity
from teachbox.detector.anchors import AnchorGenerator, SSDAnchorGenerator, ssd_box_specs
from teachbox.detector.box_coding import (
    BoxCoder,
    FasterRCNNBoxCoder,
    KeypointBoxCoder,
    MeanStddevBoxCoder,
    SquareBoxCoder,
)
from teachbox.detector.calibration import LinearInterpolation, by_column
from teachbox.detector.grid_anchors import Grid, GridAnchorGenerator, every_scale, pyramid_grids
from teachbox.detector.matching import ArgMaxMatcher, BipartiteMatcher
from teachbox.detector.mining import HardExampleMiner
from teachbox.detector.nms import BatchNonMaxSuppression
from teachbox.detector.postprocess import SCORE_CONVERTERS, PostProcessor
from teachbox.detector.refuse import not_built, refuse_others
from teachbox.errors import ConfigError


def build_anchor_generator(config: anchor_generator_pb2.AnchorGenerator) -> AnchorGenerator:
    """Anchors from an `AnchorGenerator` message."""
    kind = config.WhichOneof("anchor_generator_oneof")
    if kind == "ssd_anchor_generator":
        return _ssd_anchors(config.ssd_anchor_generator)
    if kind == "grid_anchor_generator":
        return _grid_anchors(config.grid_anchor_generator)
    if kind == "multiscale_anchor_generator":
        return _multiscale_anchors(config.multiscale_anchor_generator)
    if kind == "flexible_grid_anchor_generator":
        return _flexible_anchors(config.flexible_grid_anchor_generator)
    raise not_built("anchor_generator", kind, "ssd_anchor_generator is")


def _grid_anchors(message: grid_anchor_generator_pb2.GridAnchorGenerator) -> GridAnchorGenerator:
    specs = every_scale(list(message.scales), list(message.aspect_ratios))
    if not specs:
        raise ConfigError("no scales or no aspect_ratios", where="anchor_generator.grid_anchor_generator")
    grid = Grid(
        (message.height, message.width),
        specs,
        (message.height_stride, message.width_stride),
        (message.height_offset, message.width_offset),
    )
    return GridAnchorGenerator([grid], normalized=False)


def _multiscale_anchors(message: multiscale_anchor_generator_pb2.MultiscaleAnchorGenerator) -> GridAnchorGenerator:
    where = "anchor_generator.multiscale_anchor_generator"
    if message.min_level > message.max_level:
        raise ConfigError(f"min_level {message.min_level} is above max_level {message.max_level}", where=where)
    if message.scales_per_octave < 1:
        raise ConfigError(f"scales_per_octave is {message.scales_per_octave}; it must be at least 1", where=where)
    if not message.aspect_ratios:
        raise ConfigError("no aspect_ratios", where=where)
    grids = pyramid_grids(
        message.min_level,
        message.max_level,
        anchor_scale=message.anchor_scale,
        aspect_ratios=list(message.aspect_ratios),
        scales_per_octave=message.scales_per_octave,
    )
    return GridAnchorGenerator(grids, normalized=message.normalize_coordinates)


def _flexible_anchors(
    message: flexible_grid_anchor_generator_pb2.FlexibleGridAnchorGenerator,
) -> GridAnchorGenerator:
    if not message.anchor_grid:
        raise ConfigError("no anchor_grid", where="anchor_generator.flexible_grid_anchor_generator")
    grids = []
    for number, row in enumerate(message.anchor_grid):
        sizes, ratios = list(row.base_sizes), list(row.aspect_ratios)
        where = f"anchor_generator.flexible_grid_anchor_generator.anchor_grid[{number}]"
        if not sizes or len(sizes) != len(ratios):
            raise ConfigError(f"{len(sizes)} base_sizes for {len(ratios)} aspect_ratios; give pairs", where=where)
        if not (row.height_stride and row.width_stride):
            raise ConfigError("no height_stride or width_stride; both must be at least 1", where=where)
        specs = tuple(zip(sizes, ratios, strict=True))
        offset = (row.height_offset, row.width_offset)
        grids.append(Grid((1.0, 1.0), specs, (row.height_stride, row.width_stride), offset))
    return GridAnchorGenerator(grids, normalized=message.normalize_coordinates)


def _ssd_anchors(message: ssd_anchor_generator_pb2.SsdAnchorGenerator) -> SSDAnchorGenerator:
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


def build_box_coder(config: box_coder_pb2.BoxCoder) -> BoxCoder:
    """A box coder from a `BoxCoder` message."""
    kind = config.WhichOneof("box_coder_oneof")
    if kind == "faster_rcnn_box_coder":
        coder = config.faster_rcnn_box_coder
        return FasterRCNNBoxCoder((coder.y_scale, coder.x_scale, coder.height_scale, coder.width_scale))
    if kind == "mean_stddev_box_coder":
        return MeanStddevBoxCoder(config.mean_stddev_box_coder.stddev)
    if kind == "square_box_coder":
        square = config.square_box_coder
        return SquareBoxCoder((square.y_scale, square.x_scale, square.length_scale))
    # Keypoints have a coder of their own, below; a detector of boxes has none to encode.
    raise not_built("box_coder", kind, "faster_rcnn_box_coder, mean_stddev_box_coder and square_box_coder are")


def build_keypoint_box_coder(config: keypoint_box_coder_pb2.KeypointBoxCoder) -> KeypointBoxCoder:
    """A coder of boxes and keypoints from a `KeypointBoxCoder` message."""
    return KeypointBoxCoder(
        config.num_keypoints, (config.y_scale, config.x_scale, config.height_scale, config.width_scale)
    )


def build_matcher(config: matcher_pb2.Matcher) -> Callable[[Any, Any], Any]:
    """A matcher from a `Matcher` message."""
    kind = config.WhichOneof("matcher_oneof")
    if kind == "bipartite_matcher":
        return BipartiteMatcher()
    if kind != "argmax_matcher":
        raise not_built("matcher", kind, "argmax_matcher and bipartite_matcher are")
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
    """A loss of (prediction, target, weights) from a `LocalizationLoss` message: of any codes; of boxes only by
    weighted_iou and weighted_giou; and with weights for each value by l1_localization_loss."""
    kind = config.WhichOneof("localization_loss")
    if kind == "weighted_smooth_l1":
        return partial(losses.smooth_l1, delta=config.weighted_smooth_l1.delta)
    found: dict[str | None, Callable[[Any, Any, Any], Any]] = {
        "weighted_l2": losses.weighted_l2,
        "weighted_iou": losses.weighted_iou,
        "weighted_giou": losses.weighted_giou,
        "l1_localization_loss": losses.l1,
    }
    if kind not in found:
        raise not_built("loss.localization_loss", kind, "weighted_smooth_l1 is")
    return found[kind]


def build_classification_loss(config: losses_pb2.ClassificationLoss) -> Callable[[Any, Any, Any], Any]:
    """A loss of (logits, target, weights) from a `ClassificationLoss` message."""
    kind = config.WhichOneof("classification_loss")
    if kind == "weighted_sigmoid":
        return losses.weighted_sigmoid
    if kind == "weighted_sigmoid_focal":
        options = config.weighted_sigmoid_focal
        alpha = options.alpha if options.HasField("alpha") else None
        return partial(losses.sigmoid_focal, gamma=options.gamma, alpha=alpha)
    if kind == "weighted_softmax":
        return partial(losses.weighted_softmax, logit_scale=config.weighted_softmax.logit_scale)
    if kind == "weighted_logits_softmax":
        return partial(losses.weighted_logits_softmax, logit_scale=config.weighted_logits_softmax.logit_scale)
    if kind == "bootstrapped_sigmoid":
        bootstrap = config.bootstrapped_sigmoid
        return partial(losses.bootstrapped_sigmoid, alpha=bootstrap.alpha, hard=bootstrap.hard_bootstrap)
    if kind == "weighted_dice_classification_loss":
        squared = config.weighted_dice_classification_loss.squared_normalization
        return partial(losses.weighted_dice, squared_normalization=squared)
    if kind == "penalty_reduced_logistic_focal_loss":
        focal = config.penalty_reduced_logistic_focal_loss
        return partial(losses.penalty_reduced_logistic_focal, alpha=focal.alpha, beta=focal.beta)
    raise not_built("loss.classification_loss", kind, "weighted_sigmoid is")


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


def _build_score_converter(config: post_processing_pb2.PostProcessing) -> Callable[[Any], Any]:
    """From logits [..., columns] to calibrated scores. A temperature divides logits; the others are of scores."""
    converter = SCORE_CONVERTERS[post_processing_pb2.PostProcessing.ScoreConverter.Name(config.score_converter)]
    scale, calibration = config.logit_scale, config.calibration_config
    kind = calibration.WhichOneof("calibrator")
    where = "post_processing.calibration_config"
    if kind == "temperature_scaling_calibration":
        temperature = calibration.temperature_scaling_calibration.scaler
        if temperature <= 0:
            raise ConfigError(f"scaler is {temperature:g}; it must be above 0", where=f"{where}.{kind}")
        scale *= temperature
    convert = converter if scale == 1.0 else lambda logits: converter(logits / scale)
    if kind == "function_approximation":
        calibrate: Callable[[Any], Any] = _interpolation(
            calibration.function_approximation.x_y_pairs, f"{where}.{kind}.x_y_pairs"
        )
    elif kind == "class_id_function_approximations":
        pairs = calibration.class_id_function_approximations.class_id_xy_pairs_map
        calibrate = by_column(
            {number: _interpolation(pairs[number], f"{where}.{kind}[{number}]") for number in sorted(pairs)}
        )
    elif kind == "temperature_scaling_calibration" or not config.HasField("calibration_config"):
        return convert
    else:
        # The original has no function for the sigmoid calibrations, either.
        built = "function_approximation, class_id_function_approximations and temperature_scaling_calibration are"
        raise not_built(where, kind, built)
    return lambda logits: calibrate(convert(logits))


def _interpolation(pairs: calibration_pb2.XYPairs, where: str) -> LinearInterpolation:
    try:
        return LinearInterpolation([(pair.x, pair.y) for pair in pairs.x_y_pair])
    except ValueError as error:
        raise ConfigError(f"x_y_pair: {error}", where=where) from error


def build_postprocessor(config: post_processing_pb2.PostProcessing, *, has_background: bool) -> PostProcessor:
    """Score conversion and suppression from a `PostProcessing` message."""
    nms = config.batch_non_max_suppression
    refuse_others(config, "post_processing", "batch_non_max_suppression score_converter logit_scale calibration_config")
    refuse_others(
        nms,
        "post_processing.batch_non_max_suppression",
        "score_threshold iou_threshold max_detections_per_class max_total_detections change_coordinate_frame "
        "use_hard_nms soft_nms_sigma use_class_agnostic_nms max_classes_per_detection "
        # How and where it is computed, not what is kept.
        "use_static_shapes use_cpu_nms",
    )
    where = "post_processing.batch_non_max_suppression"
    sigma = 0.0 if nms.use_hard_nms else nms.soft_nms_sigma
    if nms.max_classes_per_detection != 1:
        found = f"max_classes_per_detection {nms.max_classes_per_detection}"
        raise not_built(where, found, "1 is")
    if nms.use_class_agnostic_nms and sigma:
        raise not_built(where, "soft_nms_sigma with use_class_agnostic_nms", "each of them alone is")
    return PostProcessor(
        BatchNonMaxSuppression(
            score_threshold=nms.score_threshold,
            iou_threshold=nms.iou_threshold,
            max_detections_per_class=nms.max_detections_per_class,
            max_total_detections=nms.max_total_detections,
            soft_sigma=sigma,
            class_agnostic=nms.use_class_agnostic_nms,
        ),
        _build_score_converter(config),
        has_background=has_background,
        change_coordinate_frame=nms.change_coordinate_frame,
    )
