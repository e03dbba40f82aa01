"""Two-stage detectors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from teachbox.config.built.detections import ROWS as DETECTIONS
from teachbox.config.built.matching import ROWS_LOOKED_UP
from teachbox.config.built.verdicts import NOT_NEGATIVE, ONE_OR_MORE, SHARE, Rows, built, no_effect, only

SHAPES = "in which shapes it is computed, not what; a smaller minibatch of an image stays smaller"
RESNETS = tuple(f"faster_rcnn_resnet{layers}" for layers in (50, 101, 152))
PYRAMIDS = tuple(f"{resnet}_fpn_keras" for resnet in RESNETS)
INCEPTION_RESNETS = ("faster_rcnn_inception_resnet_v2", "faster_rcnn_inception_resnet_v2_keras")
FEATURES = (
    "faster_rcnn_inception_v2",
    *INCEPTION_RESNETS,
    *RESNETS,
    *(f"{resnet}_keras" for resnet in RESNETS),
    *PYRAMIDS,
)
ONE_STRIDE = tuple(set(FEATURES) - {*RESNETS, *INCEPTION_RESNETS})
NO_MASKS = "there are no masks: number_of_stages is 1 or 2"


CROPS = ("initial_crop_size", "maxpool_kernel_size", "maxpool_stride")


def _of_the_second_stage(config: Any) -> Iterator[tuple[str, str]]:
    """What a second stage needs, and what its sizes have to be."""
    if config.number_of_stages == 1:
        return
    head = config.second_stage_box_predictor.WhichOneof("box_predictor_oneof")
    if head is None:
        yield "second_stage_box_predictor", "it has no second_stage_box_predictor; or write number_of_stages: 1"
    if head == "mask_rcnn_box_predictor":
        for name in CROPS:
            if getattr(config, name) < 1:
                yield name, f"{name} is {getattr(config, name)}; it must be at least 1"
        if config.maxpool_kernel_size > config.initial_crop_size > 0:
            sizes = f"maxpool_kernel_size {config.maxpool_kernel_size} is above initial_crop_size"
            yield "maxpool_kernel_size", f"{sizes} {config.initial_crop_size}"
    if head == "rfcn_box_predictor":
        yield from _of_rfcn(config)
    too_many = config.second_stage_batch_size > config.first_stage_max_proposals > 0
    if too_many and not config.HasField("hard_example_miner"):
        sizes = f"second_stage_batch_size {config.second_stage_batch_size} is above first_stage_max_proposals"
        yield "second_stage_batch_size", f"{sizes} {config.first_stage_max_proposals}"


def _of_rfcn(config: Any) -> Iterator[tuple[str, str]]:
    """That a crop falls into parts, and no other crops are asked for."""
    predictor = config.second_stage_box_predictor.rfcn_box_predictor
    for side in ("height", "width"):
        crop, bins = getattr(predictor, f"crop_{side}"), getattr(predictor, f"num_spatial_bins_{side}")
        if bins > 0 and crop % bins:
            found = f"crop_{side} {crop} is no multiple of num_spatial_bins_{side} {bins}"
            yield f"second_stage_box_predictor.rfcn_box_predictor.crop_{side}", found
    for name in CROPS:
        if config.HasField(name):
            yield name, f"{name} has no meaning with rfcn_box_predictor, which has crop_height and crop_width"
    if config.feature_extractor.type.endswith("_keras"):
        found = f"rfcn_box_predictor is not built for {config.feature_extractor.type}"
        yield "second_stage_box_predictor", f"{found}; built for those that are not of Keras"


def _of_the_stride(extractor: Any) -> Iterator[tuple[str, str]]:
    """That the backbone can make the first stage's map as fine as that."""
    if extractor.type in ONE_STRIDE and extractor.first_stage_features_stride == 8:
        found = f"first_stage_features_stride 8 is not built for {extractor.type}"
        yield "first_stage_features_stride", f"{found}; built: 16"


def _of_the_pyramid(extractor: Any) -> Iterator[tuple[str, str]]:
    """What a feature pyramid cannot do without."""
    if extractor.type not in PYRAMIDS:
        return
    if not extractor.HasField("conv_hyperparams"):
        yield "type", f"{extractor.type} has no conv_hyperparams"
    if extractor.pad_to_multiple % 32:
        found = f"pad_to_multiple is {extractor.pad_to_multiple}"
        yield "pad_to_multiple", f"{found}; each map must be twice the next: give a multiple of 32"


def _of_the_anchors(config: Any) -> Iterator[tuple[str, str]]:
    """That there are some, on as many feature maps as the feature extractor has."""
    kind = config.first_stage_anchor_generator.WhichOneof("anchor_generator_oneof")
    grid = config.first_stage_anchor_generator.grid_anchor_generator
    if kind == "grid_anchor_generator" and not (grid.scales and grid.aspect_ratios):
        yield "first_stage_anchor_generator", "grid_anchor_generator has no scales or no aspect_ratios"
    levels = config.first_stage_anchor_generator.multiscale_anchor_generator
    if kind == "multiscale_anchor_generator" and not levels.aspect_ratios:
        yield "first_stage_anchor_generator", "multiscale_anchor_generator has no aspect_ratios"
    drawn = levels.max_level - levels.min_level + 1 if kind == "multiscale_anchor_generator" else 1
    pyramid = config.feature_extractor.fpn
    maps = pyramid.max_level - pyramid.min_level + 1 if config.feature_extractor.type in PYRAMIDS else 1
    if kind is not None and drawn != maps:
        found = f"{config.feature_extractor.type} has {maps} feature maps, but there are anchors for {drawn}"
        yield "first_stage_anchor_generator", f"{found}: each map needs its own"


def _of_the_suppression(config: Any) -> Iterator[tuple[str, str]]:
    """That boxes in pixels are not cut to 0–1."""
    if config.second_stage_post_processing.batch_non_max_suppression.use_combined_nms:
        name = "second_stage_post_processing.batch_non_max_suppression.use_combined_nms"
        yield name, f"{name} is not built for two stages; leave it out"


ROWS = Rows(
    table={
        "model.faster_rcnn": built(
            "num_classes image_resizer feature_extractor first_stage_anchor_generator first_stage_atrous_rate "
            "first_stage_box_predictor_conv_hyperparams first_stage_box_predictor_kernel_size "
            "first_stage_box_predictor_depth first_stage_minibatch_size first_stage_positive_balance_fraction "
            "first_stage_nms_score_threshold first_stage_nms_iou_threshold first_stage_max_proposals "
            "first_stage_localization_loss_weight first_stage_objectness_loss_weight initial_crop_size "
            "maxpool_kernel_size maxpool_stride second_stage_box_predictor second_stage_batch_size "
            "second_stage_balance_fraction second_stage_post_processing second_stage_localization_loss_weight "
            "second_stage_classification_loss_weight second_stage_classification_loss hard_example_miner "
            "clip_anchors_to_image use_matmul_crop_and_resize"
        )
        | {"number_of_stages": only(2, 1)}
        | no_effect("use_matmul_gather_in_matcher", ROWS_LOOKED_UP)
        | no_effect(
            "use_static_shapes use_static_shapes_for_eval use_static_balanced_label_sampler "
            "use_partitioned_nms_in_first_stage",
            SHAPES,
        )
        | no_effect("second_stage_mask_prediction_loss_weight resize_masks", NO_MASKS),
        "model.faster_rcnn.image_resizer": built(
            "fixed_shape_resizer keep_aspect_ratio_resizer identity_resizer conditional_shape_resizer "
            "pad_to_multiple_resizer"
        ),
        "model.faster_rcnn.feature_extractor": built(
            "batch_norm_trainable conv_hyperparams override_base_feature_extractor_hyperparams pad_to_multiple fpn"
        )
        | {"type": only(*FEATURES), "first_stage_features_stride": only(16, 8)},
        "model.faster_rcnn.feature_extractor.fpn": built("min_level max_level additional_layer_depth"),
        # First stage
        "model.faster_rcnn.first_stage_anchor_generator": built("grid_anchor_generator multiscale_anchor_generator"),
        # A two-stage detector has its anchors in pixels.
        "model.faster_rcnn.first_stage_anchor_generator.multiscale_anchor_generator": built(
            "min_level max_level anchor_scale aspect_ratios scales_per_octave"
        )
        | {"normalize_coordinates": only("false")},
        "*.grid_anchor_generator": built(
            "height width height_stride width_stride height_offset width_offset scales aspect_ratios"
        ),
        "model.faster_rcnn.first_stage_box_predictor_conv_hyperparams": built("regularizer initializer batch_norm")
        | {"op": only("CONV")}
        | no_effect("activation", "it is ReLU 6 in the first stage, as in the original"),
        # Second stage
        "model.faster_rcnn.second_stage_box_predictor": built("mask_rcnn_box_predictor rfcn_box_predictor"),
        "*.rfcn_box_predictor": built(
            "conv_hyperparams num_spatial_bins_height num_spatial_bins_width depth crop_height crop_width"
        )
        | {"box_code_size": only(4)},
        "*.mask_rcnn_box_predictor": built(
            "fc_hyperparams use_dropout dropout_keep_probability share_box_across_classes"
        )
        | {"box_code_size": only(4)}
        | no_effect(
            "conv_hyperparams mask_prediction_conv_depth mask_height mask_width mask_prediction_num_conv_layers "
            "masks_are_class_agnostic convolve_then_upsample_masks",
            NO_MASKS,
        ),
        "*.fc_hyperparams": built("regularizer initializer")
        | {"op": only("FC")}
        | no_effect("activation", "the last layers have none, as in the original"),
        "model.faster_rcnn.second_stage_classification_loss": built(
            "weighted_softmax weighted_sigmoid weighted_sigmoid_focal weighted_logits_softmax"
        ),
        "model.faster_rcnn.hard_example_miner": built("num_hard_examples iou_threshold loss_type")
        | no_effect(
            "max_negatives_per_positive min_negatives_per_image",
            "the second stage's miner does not ask what a proposal matched, as in the original",
        ),
        "model.faster_rcnn.second_stage_post_processing": built(
            "batch_non_max_suppression score_converter logit_scale calibration_config"
        ),
        "model.faster_rcnn.second_stage_post_processing.batch_non_max_suppression": DETECTIONS.table[
            "*.batch_non_max_suppression"
        ]
        | no_effect("change_coordinate_frame", "detections are always normalized to the picture, as in the original"),
    },
    required={
        "model.faster_rcnn": "num_classes image_resizer feature_extractor first_stage_anchor_generator "
        "first_stage_box_predictor_conv_hyperparams",
        "model.faster_rcnn.feature_extractor": "type",
        "model.faster_rcnn.image_resizer": "image_resizer_oneof",
        "model.faster_rcnn.first_stage_anchor_generator": "anchor_generator_oneof",
        "model.faster_rcnn.first_stage_anchor_generator.multiscale_anchor_generator": "normalize_coordinates",
        "model.faster_rcnn.first_stage_box_predictor_conv_hyperparams": "initializer",
        "model.faster_rcnn.second_stage_box_predictor": "box_predictor_oneof",
        "*.mask_rcnn_box_predictor": "fc_hyperparams",
        "*.rfcn_box_predictor": "conv_hyperparams",
        "*.fc_hyperparams": "op initializer",
        "model.faster_rcnn.second_stage_classification_loss": "classification_loss",
    },
    ranges={
        "model.faster_rcnn": {
            "num_classes": ONE_OR_MORE,
            "first_stage_atrous_rate": ONE_OR_MORE,
            "first_stage_box_predictor_kernel_size": ONE_OR_MORE,
            "first_stage_box_predictor_depth": ONE_OR_MORE,
            "first_stage_minibatch_size": ONE_OR_MORE,
            "first_stage_positive_balance_fraction": SHARE,
            "first_stage_nms_iou_threshold": SHARE,
            "first_stage_max_proposals": ONE_OR_MORE,
            "first_stage_localization_loss_weight": NOT_NEGATIVE,
            "first_stage_objectness_loss_weight": NOT_NEGATIVE,
            "second_stage_batch_size": ONE_OR_MORE,
            "second_stage_balance_fraction": SHARE,
            "second_stage_localization_loss_weight": NOT_NEGATIVE,
            "second_stage_classification_loss_weight": NOT_NEGATIVE,
        },
        # A backbone has maps of the levels 2 to 5; further ones stand on the last.
        "model.faster_rcnn.feature_extractor": {"pad_to_multiple": ONE_OR_MORE},
        "model.faster_rcnn.feature_extractor.fpn": {
            "min_level": (2, 5),
            "max_level": (5, None),
            "additional_layer_depth": ONE_OR_MORE,
        },
        "*.grid_anchor_generator": {
            "height": ONE_OR_MORE,
            "width": ONE_OR_MORE,
            "height_stride": ONE_OR_MORE,
            "width_stride": ONE_OR_MORE,
        },
        "*.rfcn_box_predictor": {
            "num_spatial_bins_height": ONE_OR_MORE,
            "num_spatial_bins_width": ONE_OR_MORE,
            "depth": ONE_OR_MORE,
            "crop_height": ONE_OR_MORE,
            "crop_width": ONE_OR_MORE,
        },
        "*.mask_rcnn_box_predictor": {"dropout_keep_probability": (0.01, 1)},
    },
    rules={
        "model.faster_rcnn": [_of_the_second_stage, _of_the_anchors, _of_the_suppression],
        "model.faster_rcnn.feature_extractor": [_of_the_stride, _of_the_pyramid],
    },
    of_types={
        f"model.faster_rcnn.feature_extractor.{name}": "*_fpn_keras"
        for name in ("conv_hyperparams", "override_base_feature_extractor_hyperparams", "pad_to_multiple", "fpn")
    },
)
