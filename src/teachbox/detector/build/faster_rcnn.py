"""Faster R-CNN and R-FCN from their message."""

from __future__ import annotations

from dataclasses import replace

import keras

from teachbox.config.built.resizers import channels_of
from teachbox.config.protos import box_predictor_pb2, faster_rcnn_pb2, losses_pb2, post_processing_pb2
from teachbox.detector import similarity
from teachbox.detector.box_classifier import BoxClassifier, BoxClassifierLosses
from teachbox.detector.box_coding import FasterRCNNBoxCoder
from teachbox.detector.box_head import BoxHead
from teachbox.detector.build.anchors import build_anchor_generator
from teachbox.detector.build.faster_rcnn_features import build_features, count_of_maps
from teachbox.detector.build.hyperparams import build_hyperparams
from teachbox.detector.build.losses import build_classification_loss, build_miner
from teachbox.detector.build.postprocess import build_postprocessor
from teachbox.detector.build.refuse import not_built
from teachbox.detector.faster_rcnn import FasterRCNN
from teachbox.detector.heads import ConvolutionalBoxPredictor
from teachbox.detector.layers import ConvBlock
from teachbox.detector.losses import weighted_softmax
from teachbox.detector.matching import ArgMaxMatcher
from teachbox.detector.names import CheckpointKind, checkpoint_kind
from teachbox.detector.nms import BatchNonMaxSuppression
from teachbox.detector.position_sensitive import PositionSensitiveRegions
from teachbox.detector.regions import CroppedRegions
from teachbox.detector.rpn import RegionProposalNetwork, RPNLosses
from teachbox.detector.samplers import BalancedSampler
from teachbox.detector.targets import TargetAssigner
from teachbox.errors import ConfigError

_BOX_CODER_SCALES = (10.0, 10.0, 5.0, 5.0)
"""The original has these, and the thresholds of the two matchers, in its code: no config says otherwise."""
_OBJECT_IOU, _NO_OBJECT_IOU = 0.7, 0.3
_DETECTION_IOU = 0.5


def build_faster_rcnn(config: faster_rcnn_pb2.FasterRcnn) -> FasterRCNN:
    """The two-stage detector that `config` describes, its variables made."""
    if config.number_of_stages not in (1, 2):
        raise not_built("model.faster_rcnn", f"number_of_stages {config.number_of_stages}", "1 and 2 are")
    kind = checkpoint_kind(config.feature_extractor.type)
    image_features, region_features = build_features(config)
    detector = FasterRCNN(
        num_classes=config.num_classes,
        feature_extractor=image_features,
        rpn=_region_proposal_network(config, kind),
        box_classifier=_box_classifier(config, region_features, kind) if config.number_of_stages == 2 else None,
        kind=kind,
        name="faster_rcnn",
    )
    detector.build((None, None, None, channels_of(config.image_resizer)))
    return detector


def _region_proposal_network(config: faster_rcnn_pb2.FasterRcnn, kind: CheckpointKind) -> RegionProposalNetwork:
    hyperparams = build_hyperparams(config.first_stage_box_predictor_conv_hyperparams, kind=kind)
    anchor_generator = build_anchor_generator(config.first_stage_anchor_generator, always_inside=True)
    found, wanted = len(anchor_generator.anchors_per_location), count_of_maps(config.feature_extractor)
    if found != wanted:
        where = "model.faster_rcnn.first_stage_anchor_generator"
        raise ConfigError(f"anchors for {found} feature maps, but there are {wanted}", where=where)
    return RegionProposalNetwork(
        conv=ConvBlock(
            "Conv",
            # Whatever the config says, as in the original.
            replace(hyperparams, activation=keras.ops.relu6),
            kernel_size=config.first_stage_box_predictor_kernel_size,
            filters=config.first_stage_box_predictor_depth,
            dilation=config.first_stage_atrous_rate,
        ),
        box_predictor=ConvolutionalBoxPredictor(
            hyperparams,
            num_classes=1,
            anchors_per_location=anchor_generator.anchors_per_location,
            scopes=("FirstStageBoxPredictor",) if kind == "graph" else (),
            name="box_predictor",
        ),
        anchor_generator=anchor_generator,
        target_assigner=TargetAssigner(
            similarity.iou,
            ArgMaxMatcher(_OBJECT_IOU, _NO_OBJECT_IOU, force_match_for_each_row=True),
            FasterRCNNBoxCoder(_BOX_CODER_SCALES),
            num_classes=1,
            unmatched_class=(0.0,),
        ),
        sampler=BalancedSampler(config.first_stage_positive_balance_fraction),
        losses=RPNLosses(
            minibatch_size=config.first_stage_minibatch_size,
            localization_weight=config.first_stage_localization_loss_weight,
            objectness_weight=config.first_stage_objectness_loss_weight,
        ),
        suppress=BatchNonMaxSuppression(
            score_threshold=config.first_stage_nms_score_threshold,
            iou_threshold=config.first_stage_nms_iou_threshold,
            max_detections_per_class=config.first_stage_max_proposals,
            max_total_detections=config.first_stage_max_proposals,
            class_agnostic=True,  # there is one class: an object
        ),
        clip_anchors_in_training=config.clip_anchors_to_image,
        name="rpn",
    )


def _box_classifier(
    config: faster_rcnn_pb2.FasterRcnn, region_features: keras.layers.Layer, kind: CheckpointKind
) -> BoxClassifier:
    mined = config.HasField("hard_example_miner")
    if config.second_stage_batch_size > config.first_stage_max_proposals and not mined:
        found = f"second_stage_batch_size {config.second_stage_batch_size} is above first_stage_max_proposals"
        raise ConfigError(f"{found} {config.first_stage_max_proposals}", where="model.faster_rcnn")
    loss = config.second_stage_classification_loss
    miner = None
    if mined:
        miner = build_miner(
            losses_pb2.Loss(
                hard_example_miner=config.hard_example_miner,
                classification_weight=config.second_stage_classification_loss_weight,
                localization_weight=config.second_stage_localization_loss_weight,
            )
        )
    post_processing = post_processing_pb2.PostProcessing()
    post_processing.CopyFrom(config.second_stage_post_processing)
    # Whatever the config says, as in the original.
    post_processing.batch_non_max_suppression.change_coordinate_frame = True
    return BoxClassifier(
        regions=_regions(config, region_features, kind),
        target_assigner=TargetAssigner(
            similarity.iou,
            ArgMaxMatcher(_DETECTION_IOU),
            FasterRCNNBoxCoder(_BOX_CODER_SCALES),
            num_classes=config.num_classes,
            unmatched_class=(1.0, *([0.0] * config.num_classes)),
        ),
        sampler=BalancedSampler(config.second_stage_balance_fraction),
        losses=BoxClassifierLosses(
            batch_size=config.second_stage_batch_size,
            classification=build_classification_loss(loss)
            if loss.WhichOneof("classification_loss")
            else weighted_softmax,
            localization_weight=config.second_stage_localization_loss_weight,
            classification_weight=config.second_stage_classification_loss_weight,
            miner=miner,
        ),
        postprocessor=build_postprocessor(post_processing, has_background=True),
        name="box_classifier",
    )


def _regions(
    config: faster_rcnn_pb2.FasterRcnn, features: keras.layers.Layer, kind: CheckpointKind
) -> keras.layers.Layer:
    predictor = config.second_stage_box_predictor
    head = predictor.WhichOneof("box_predictor_oneof")
    if head == "mask_rcnn_box_predictor":
        return CroppedRegions(
            features=features,
            head=_box_head(predictor.mask_rcnn_box_predictor, config.num_classes, kind),
            crop_size=config.initial_crop_size,
            pool_size=config.maxpool_kernel_size,
            pool_stride=config.maxpool_stride,
            keeps_border=config.use_matmul_crop_and_resize,
            name="regions",
        )
    if head == "rfcn_box_predictor" and kind == "graph":
        return _position_sensitive(predictor.rfcn_box_predictor, config.num_classes, features)
    where = "model.faster_rcnn.second_stage_box_predictor"
    built = "mask_rcnn_box_predictor is" if kind == "object" else "mask_rcnn_box_predictor and rfcn_box_predictor are"
    raise not_built(where, head, built)


def _box_head(message: box_predictor_pb2.MaskRCNNBoxPredictor, num_classes: int, kind: CheckpointKind) -> BoxHead:
    return BoxHead(
        build_hyperparams(message.fc_hyperparams, op="FC", kind=kind),
        num_classes=num_classes,
        box_code_size=message.box_code_size,
        share_box_across_classes=message.share_box_across_classes,
        dropout_rate=1.0 - message.dropout_keep_probability if message.use_dropout else 0.0,
        name="head",
    )


def _position_sensitive(
    message: box_predictor_pb2.RfcnBoxPredictor, num_classes: int, features: keras.layers.Layer
) -> PositionSensitiveRegions:
    bins = (message.num_spatial_bins_height, message.num_spatial_bins_width)
    crop_size = (message.crop_height, message.crop_width)
    for side, parts in zip(crop_size, bins, strict=True):
        if side % parts:
            raise ConfigError(f"a crop of {side} cannot be cut into {parts} parts", where="rfcn_box_predictor")
    return PositionSensitiveRegions(
        build_hyperparams(message.conv_hyperparams),
        features=features,
        num_classes=num_classes,
        box_code_size=message.box_code_size,
        depth=message.depth,
        bins=bins,
        crop_size=crop_size,
        name="regions",
    )
