"""Single-shot detectors from their message."""

from __future__ import annotations

from teachbox.config.built import ssd_rules
from teachbox.config.built.resizers import channels_of, size_of_all
from teachbox.config.protos import ssd_pb2
from teachbox.detector.build.anchors import build_anchor_generator
from teachbox.detector.build.box_predictors import build_box_predictor
from teachbox.detector.build.losses import build_classification_loss, build_localization_loss, build_miner
from teachbox.detector.build.matching import build_box_coder, build_matcher, build_similarity
from teachbox.detector.build.postprocess import build_postprocessor
from teachbox.detector.build.refuse import refuse_disagreements, refuse_others
from teachbox.detector.build.ssd_features import build_feature_extractor
from teachbox.detector.losses import l1_by_anchor
from teachbox.detector.names import checkpoint_kind
from teachbox.detector.samplers import BalancedSampler
from teachbox.detector.ssd import SSD, SSDLosses
from teachbox.detector.targets import TargetAssigner
from teachbox.errors import ConfigError

_SOME_SIDE = 256
"""Variables are made for images of this size where they may have any."""


def build_ssd(config: ssd_pb2.Ssd) -> SSD:
    """The single-shot detector that `config` describes, its variables made."""
    # `inplace_batchnorm_update` says when the original writes moving averages, not what.
    refuse_others(
        config,
        "model.ssd",
        "num_classes image_resizer feature_extractor box_coder matcher similarity_calculator box_predictor "
        "anchor_generator post_processing loss encode_background_as_zeros negative_class_weight "
        "normalize_loss_by_num_matches normalize_loc_loss_by_codesize freeze_batchnorm add_background_class "
        "inplace_batchnorm_update use_confidences_as_targets implicit_example_weight",
    )
    if config.num_classes < 1:
        raise ConfigError(f"num_classes is {config.num_classes}; there is at least 1", where="model.ssd")
    box_coder = build_box_coder(config.box_coder)
    anchor_generator = build_anchor_generator(config.anchor_generator)
    if not anchor_generator.normalized:
        found = "they are in pixels, and a single-shot detector compares them with normalized boxes"
        raise ConfigError(f"{found}; choose anchors with normalize_coordinates", where="model.ssd.anchor_generator")
    refuse_disagreements(config, "model.ssd", *ssd_rules.RULES)
    unmatched = _unmatched_class(config)
    height, width = size_of_all(config.image_resizer) or (_SOME_SIDE, _SOME_SIDE)
    feature_extractor = build_feature_extractor(config)
    kind = checkpoint_kind(config.feature_extractor.type)
    detector = SSD(
        num_classes=config.num_classes,
        feature_extractor=feature_extractor,
        box_predictor=build_box_predictor(
            config.box_predictor,
            num_classes=config.num_classes,
            anchors_per_location=anchor_generator.anchors_per_location,
            box_code_size=box_coder.code_size,
            add_background_class=config.add_background_class,
            freeze_batchnorm=config.freeze_batchnorm,
            kind=kind,
        ),
        anchor_generator=anchor_generator,
        target_assigner=TargetAssigner(
            build_similarity(config.similarity_calculator),
            build_matcher(config.matcher),
            box_coder,
            num_classes=config.num_classes,
            unmatched_class=unmatched,
            negative_class_weight=config.negative_class_weight,
            implicit_weight=config.implicit_example_weight if config.use_confidences_as_targets else None,
        ),
        box_coder=box_coder,
        losses=_losses(config),
        postprocessor=build_postprocessor(config.post_processing, has_background=config.add_background_class),
        sampler=_sampler(config),
        kind=kind,
        padding=_padding(config),
        name="ssd",
    )
    return detector.build_for(height, width, channels_of(config.image_resizer))


def _padding(config: ssd_pb2.Ssd) -> tuple[float, ...] | None:
    """What stands beyond the picture in a normalised image; None where a picture fills it."""
    if config.image_resizer.WhichOneof("image_resizer_oneof") == "fixed_shape_resizer":
        return None
    given = tuple(config.image_resizer.keep_aspect_ratio_resizer.per_channel_pad_value)
    return given or (0.0,) * channels_of(config.image_resizer)


def _unmatched_class(config: ssd_pb2.Ssd) -> tuple[float, ...]:
    background: tuple[float, ...] = ()
    if config.add_background_class:
        background = (0.0 if config.encode_background_as_zeros else 1.0,)
    return (*background, *([0.0] * config.num_classes))


def _sampler(config: ssd_pb2.Ssd) -> BalancedSampler | None:
    if not config.loss.HasField("random_example_sampler"):
        return None
    return BalancedSampler(config.loss.random_example_sampler.positive_sample_fraction)


_OF_BOXES = ("weighted_iou", "weighted_giou")
"""The original gives them box codes, which are none; here they compare the boxes that the codes stand for."""


def _losses(config: ssd_pb2.Ssd) -> SSDLosses:
    message = config.loss
    refuse_others(
        message,
        "model.ssd.loss",
        "localization_loss classification_loss classification_weight localization_weight hard_example_miner "
        "random_example_sampler",
    )
    kind = message.localization_loss.WhichOneof("localization_loss")
    by_anchor = l1_by_anchor if kind == "l1_localization_loss" else build_localization_loss(message.localization_loss)
    return SSDLosses(
        localization=by_anchor,
        classification=build_classification_loss(message.classification_loss),
        localization_weight=message.localization_weight,
        classification_weight=message.classification_weight,
        normalize_by_num_matches=config.normalize_loss_by_num_matches,
        normalize_localization_by_code_size=config.normalize_loc_loss_by_codesize,
        miner=build_miner(message) if message.HasField("hard_example_miner") else None,
        of_boxes=kind in _OF_BOXES,
    )
