"""From the `model` message of a pipeline.config to a detector: reads the config, hands each part plain arguments."""

from __future__ import annotations

from teachbox.config.protos import model_pb2, ssd_pb2
from teachbox.detector.features.ssd_mobilenet_v1 import SSDMobileNetV1, mobilenet_hyperparams
from teachbox.detector.heads import ConvolutionalBoxPredictor
from teachbox.detector.hyperparams import build_hyperparams
from teachbox.detector.parts import (
    build_anchor_generator,
    build_box_coder,
    build_classification_loss,
    build_localization_loss,
    build_matcher,
    build_miner,
    build_postprocessor,
    build_similarity,
    not_built,
)
from teachbox.detector.ssd import SSD, SSDLosses
from teachbox.detector.targets import TargetAssigner


def build_detector(model: model_pb2.DetectionModel) -> SSD:
    """The detector that `model` describes, its variables made. Raises `ConfigError` for a part that is not built."""
    kind = model.WhichOneof("model")
    if kind != "ssd":
        raise not_built("model", f"model.{kind}", "model.ssd is")
    return _build_ssd(model.ssd)


def _build_ssd(config: ssd_pb2.Ssd) -> SSD:
    box_coder = build_box_coder(config.box_coder)
    anchor_generator = build_anchor_generator(config.anchor_generator)
    unmatched = _unmatched_class(config)
    height, width = _image_size(config)
    detector = SSD(
        num_classes=config.num_classes,
        feature_extractor=_feature_extractor(config),
        box_predictor=_box_predictor(config, anchor_generator.anchors_per_location),
        anchor_generator=anchor_generator,
        target_assigner=TargetAssigner(
            build_similarity(config.similarity_calculator),
            build_matcher(config.matcher),
            box_coder,
            num_classes=config.num_classes,
            unmatched_class=unmatched,
            negative_class_weight=config.negative_class_weight,
        ),
        box_coder=box_coder,
        losses=_losses(config),
        postprocessor=build_postprocessor(config.post_processing, has_background=config.add_background_class),
        name="ssd",
    )
    return detector.build_for(height, width)


def _image_size(config: ssd_pb2.Ssd) -> tuple[int, int]:
    resizer = config.image_resizer
    kind = resizer.WhichOneof("image_resizer_oneof")
    if kind == "fixed_shape_resizer":
        return resizer.fixed_shape_resizer.height, resizer.fixed_shape_resizer.width
    if kind == "keep_aspect_ratio_resizer":
        size = resizer.keep_aspect_ratio_resizer.max_dimension
        return size, size
    raise not_built("model.ssd.image_resizer", kind, "fixed_shape_resizer and keep_aspect_ratio_resizer are")


def _feature_extractor(config: ssd_pb2.Ssd) -> SSDMobileNetV1:
    message = config.feature_extractor
    if message.type != "ssd_mobilenet_v1":
        raise not_built("model.ssd.feature_extractor.type", repr(message.type), "'ssd_mobilenet_v1' is")
    own = build_hyperparams(message.conv_hyperparams, freeze_batchnorm=config.freeze_batchnorm)
    # Without the override the backbone keeps the settings it was published with; the extra layers take the config's.
    base = own if message.override_base_feature_extractor_hyperparams else mobilenet_hyperparams()
    return SSDMobileNetV1(
        base.frozen() if config.freeze_batchnorm else base,
        extra_hyperparams=own,
        depth_multiplier=message.depth_multiplier,
        min_depth=message.min_depth,
        name="feature_extractor",
    )


def _box_predictor(config: ssd_pb2.Ssd, anchors_per_location: list[int]) -> ConvolutionalBoxPredictor:
    kind = config.box_predictor.WhichOneof("box_predictor_oneof")
    if kind != "convolutional_box_predictor":
        raise not_built("model.ssd.box_predictor", kind, "convolutional_box_predictor is")
    message = config.box_predictor.convolutional_box_predictor
    if message.use_depthwise:
        raise not_built(
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


def _unmatched_class(config: ssd_pb2.Ssd) -> tuple[float, ...]:
    background: tuple[float, ...] = ()
    if config.add_background_class:
        background = (0.0 if config.encode_background_as_zeros else 1.0,)
    return (*background, *([0.0] * config.num_classes))


def _losses(config: ssd_pb2.Ssd) -> SSDLosses:
    message = config.loss
    return SSDLosses(
        localization=build_localization_loss(message.localization_loss),
        classification=build_classification_loss(message.classification_loss),
        localization_weight=message.localization_weight,
        classification_weight=message.classification_weight,
        normalize_by_num_matches=config.normalize_loss_by_num_matches,
        normalize_localization_by_code_size=config.normalize_loc_loss_by_codesize,
        miner=build_miner(message) if message.HasField("hard_example_miner") else None,
    )
