"""From the `model` message of a pipeline.config to a detector: reads the config, hands each part plain arguments."""

from __future__ import annotations

from functools import partial
from typing import Any

from teachbox.config.protos import losses_pb2, model_pb2, post_processing_pb2, ssd_pb2
from teachbox.detector import losses as loss_functions
from teachbox.detector.anchors import SSDAnchorGenerator, ssd_box_specs
from teachbox.detector.box_coding import FasterRCNNBoxCoder
from teachbox.detector.features.ssd_mobilenet_v1 import SSDMobileNetV1, mobilenet_hyperparams
from teachbox.detector.heads import ConvolutionalBoxPredictor
from teachbox.detector.hyperparams import build_hyperparams
from teachbox.detector.matching import ArgMaxMatcher
from teachbox.detector.mining import HardExampleMiner
from teachbox.detector.nms import BatchNonMaxSuppression
from teachbox.detector.postprocess import SCORE_CONVERTERS, PostProcessor
from teachbox.detector.similarity import iou
from teachbox.detector.ssd import SSD, SSDLosses
from teachbox.detector.targets import TargetAssigner
from teachbox.errors import ConfigError


def build_detector(model: model_pb2.DetectionModel) -> SSD:
    """Build the detector that `model` describes, its variables made. Raises `ConfigError` for a part that is not built."""
    kind = model.WhichOneof("model")
    if kind != "ssd":
        raise ConfigError(f"model.{kind} is not built; model.ssd is", where="model")
    return _build_ssd(model.ssd)


def _build_ssd(config: ssd_pb2.Ssd) -> SSD:
    box_coder = _box_coder(config)
    anchor_generator = _anchor_generator(config)
    unmatched = _unmatched_class(config)
    height, width = _image_size(config)
    detector = SSD(
        num_classes=config.num_classes,
        feature_extractor=_feature_extractor(config),
        box_predictor=_box_predictor(config, anchor_generator.anchors_per_location),
        anchor_generator=anchor_generator,
        target_assigner=TargetAssigner(
            iou,
            _matcher(config),
            box_coder,
            num_classes=config.num_classes,
            unmatched_class=unmatched,
            negative_class_weight=config.negative_class_weight,
        ),
        box_coder=box_coder,
        losses=_losses(config),
        postprocessor=_postprocessor(config.post_processing, has_background=config.add_background_class),
        name="ssd",
    )
    return detector.build_for(height, width)


def _refuse(where: str, found: object, built: str) -> ConfigError:
    return ConfigError(f"{found} is not built; {built}", where=where)


def _image_size(config: ssd_pb2.Ssd) -> tuple[int, int]:
    resizer = config.image_resizer
    kind = resizer.WhichOneof("image_resizer_oneof")
    if kind == "fixed_shape_resizer":
        return resizer.fixed_shape_resizer.height, resizer.fixed_shape_resizer.width
    if kind == "keep_aspect_ratio_resizer":
        size = resizer.keep_aspect_ratio_resizer.max_dimension
        return size, size
    raise _refuse("model.ssd.image_resizer", kind, "fixed_shape_resizer and keep_aspect_ratio_resizer are")


def _feature_extractor(config: ssd_pb2.Ssd) -> SSDMobileNetV1:
    message = config.feature_extractor
    if message.type != "ssd_mobilenet_v1":
        raise _refuse("model.ssd.feature_extractor.type", repr(message.type), "'ssd_mobilenet_v1' is")
    own = build_hyperparams(message.conv_hyperparams, freeze_batchnorm=config.freeze_batchnorm)
    # Without the override the backbone keeps the settings that it was published with; the extra layers take the config's.
    base = own if message.override_base_feature_extractor_hyperparams else mobilenet_hyperparams()
    return SSDMobileNetV1(
        base.frozen() if config.freeze_batchnorm else base,
        extra_hyperparams=own,
        depth_multiplier=message.depth_multiplier,
        min_depth=message.min_depth,
        name="feature_extractor",
    )


def _anchor_generator(config: ssd_pb2.Ssd) -> SSDAnchorGenerator:
    kind = config.anchor_generator.WhichOneof("anchor_generator_oneof")
    if kind != "ssd_anchor_generator":
        raise _refuse("model.ssd.anchor_generator", kind, "ssd_anchor_generator is")
    message = config.anchor_generator.ssd_anchor_generator
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


def _box_predictor(config: ssd_pb2.Ssd, anchors_per_location: list[int]) -> ConvolutionalBoxPredictor:
    kind = config.box_predictor.WhichOneof("box_predictor_oneof")
    if kind != "convolutional_box_predictor":
        raise _refuse("model.ssd.box_predictor", kind, "convolutional_box_predictor is")
    message = config.box_predictor.convolutional_box_predictor
    if message.use_depthwise:
        raise _refuse(
            "model.ssd.box_predictor.convolutional_box_predictor", "use_depthwise", "plain convolutions are"
        )
    return ConvolutionalBoxPredictor(
        build_hyperparams(message.conv_hyperparams, freeze_batchnorm=config.freeze_batchnorm),
        num_classes=config.num_classes,
        anchors_per_location=anchors_per_location,
        add_background_class=config.add_background_class,
        kernel_size=message.kernel_size,
        box_code_size=message.box_code_size,
        min_depth=message.min_depth,
        max_depth=message.max_depth,
        num_layers_before_predictor=message.num_layers_before_predictor,
        dropout_rate=1.0 - message.dropout_keep_probability if message.use_dropout else 0.0,
        class_prediction_bias_init=message.class_prediction_bias_init,
        apply_sigmoid_to_scores=message.apply_sigmoid_to_scores,
        name="box_predictor",
    )


def _box_coder(config: ssd_pb2.Ssd) -> FasterRCNNBoxCoder:
    kind = config.box_coder.WhichOneof("box_coder_oneof")
    if kind != "faster_rcnn_box_coder":
        raise _refuse("model.ssd.box_coder", kind, "faster_rcnn_box_coder is")
    coder = config.box_coder.faster_rcnn_box_coder
    return FasterRCNNBoxCoder((coder.y_scale, coder.x_scale, coder.height_scale, coder.width_scale))


def _matcher(config: ssd_pb2.Ssd) -> ArgMaxMatcher:
    kind = config.matcher.WhichOneof("matcher_oneof")
    if kind != "argmax_matcher":
        raise _refuse("model.ssd.matcher", kind, "argmax_matcher is")
    message = config.matcher.argmax_matcher
    ignore = message.ignore_thresholds
    return ArgMaxMatcher(
        None if ignore else message.matched_threshold,
        None if ignore else message.unmatched_threshold,
        negatives_lower_than_unmatched=message.negatives_lower_than_unmatched,
        force_match_for_each_row=message.force_match_for_each_row,
    )


def _unmatched_class(config: ssd_pb2.Ssd) -> tuple[float, ...]:
    background = (
        () if not config.add_background_class else (0.0 if config.encode_background_as_zeros else 1.0,)
    )
    return (*background, *([0.0] * config.num_classes))


def _losses(config: ssd_pb2.Ssd) -> SSDLosses:
    message = config.loss
    where = "model.ssd.loss"
    localization_kind = message.localization_loss.WhichOneof("localization_loss")
    if localization_kind != "weighted_smooth_l1":
        raise _refuse(f"{where}.localization_loss", localization_kind, "weighted_smooth_l1 is")
    localization = partial(loss_functions.smooth_l1, delta=message.localization_loss.weighted_smooth_l1.delta)
    return SSDLosses(
        localization=localization,
        classification=_classification_loss(message.classification_loss, where),
        localization_weight=message.localization_weight,
        classification_weight=message.classification_weight,
        normalize_by_num_matches=config.normalize_loss_by_num_matches,
        normalize_localization_by_code_size=config.normalize_loc_loss_by_codesize,
        miner=_miner(message) if message.HasField("hard_example_miner") else None,
    )


def _classification_loss(message: losses_pb2.ClassificationLoss, where: str) -> Any:
    kind = message.WhichOneof("classification_loss")
    if kind == "weighted_sigmoid":
        return loss_functions.weighted_sigmoid
    if kind == "weighted_sigmoid_focal":
        options = message.weighted_sigmoid_focal
        alpha = options.alpha if options.HasField("alpha") else None
        return partial(loss_functions.sigmoid_focal, gamma=options.gamma, alpha=alpha)
    if kind == "weighted_softmax":
        return partial(loss_functions.weighted_softmax, logit_scale=message.weighted_softmax.logit_scale)
    built = "weighted_sigmoid, weighted_sigmoid_focal and weighted_softmax are"
    raise _refuse(f"{where}.classification_loss", kind, built)


def _miner(message: losses_pb2.Loss) -> HardExampleMiner:
    options = message.hard_example_miner
    return HardExampleMiner(
        num_hard_examples=options.num_hard_examples or None,
        iou_threshold=options.iou_threshold,
        loss_type=losses_pb2.HardExampleMiner.LossType.Name(options.loss_type).lower(),  # type: ignore[arg-type]
        classification_weight=message.classification_weight,
        localization_weight=message.localization_weight,
        max_negatives_per_positive=options.max_negatives_per_positive or None,
        min_negatives_per_image=options.min_negatives_per_image,
    )


def _postprocessor(message: post_processing_pb2.PostProcessing, *, has_background: bool) -> PostProcessor:
    nms = message.batch_non_max_suppression
    converter = post_processing_pb2.PostProcessing.ScoreConverter.Name(message.score_converter)
    convert = SCORE_CONVERTERS[converter]
    if message.logit_scale != 1.0:
        scale = message.logit_scale
        unscaled = convert
        convert = lambda logits: unscaled(logits / scale)  # noqa: E731
    return PostProcessor(
        BatchNonMaxSuppression(
            score_threshold=nms.score_threshold,
            iou_threshold=nms.iou_threshold,
            max_detections_per_class=nms.max_detections_per_class,
            max_total_detections=nms.max_total_detections,
        ),
        convert,
        has_background=has_background,
    )
