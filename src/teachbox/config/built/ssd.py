"""Single-shot detectors."""

from __future__ import annotations

from teachbox.config.built import ssd_rules
from teachbox.config.built.ssd_types import BIFPNS, POOLING_PYRAMIDS, PYRAMIDS, TYPES
from teachbox.config.built.verdicts import ONE_OR_MORE, Rows, built, no_effect, only

_ANY_DEPTH = " ".join([*TYPES, *PYRAMIDS, "ssd_mobilenet_v1_ppn"])


ROWS = Rows(
    table={
        "model.ssd": built(
            "num_classes image_resizer feature_extractor box_coder matcher similarity_calculator box_predictor "
            "anchor_generator post_processing loss encode_background_as_zeros normalize_loss_by_num_matches "
            "normalize_loc_loss_by_codesize negative_class_weight freeze_batchnorm "
            "add_background_class use_confidences_as_targets implicit_example_weight"
        )
        | no_effect("inplace_batchnorm_update", "when moving averages of batch normalisation are written, not what"),
        "model.ssd.feature_extractor": built(
            "depth_multiplier min_depth conv_hyperparams override_base_feature_extractor_hyperparams num_layers "
            "use_depthwise use_explicit_padding pad_to_multiple fpn bifpn"
        )
        | {"type": only(*TYPES, *PYRAMIDS, *POOLING_PYRAMIDS, *BIFPNS)},
        "model.ssd.feature_extractor.fpn": built("min_level max_level additional_layer_depth"),
        "model.ssd.feature_extractor.bifpn": built("min_level max_level num_iterations num_filters")
        | {"combine_method": only("fast_attention", "weighted_sum", "sum")},
        "model.ssd.image_resizer": built(
            "fixed_shape_resizer keep_aspect_ratio_resizer identity_resizer conditional_shape_resizer "
            "pad_to_multiple_resizer"
        ),
        # Heads, anchors, targets
        "model.ssd.box_predictor": built("convolutional_box_predictor weight_shared_convolutional_box_predictor"),
        "model.ssd.anchor_generator": built(
            "ssd_anchor_generator multiscale_anchor_generator flexible_grid_anchor_generator"
        ),
        # Losses
        "model.ssd.loss": built(
            "localization_loss classification_loss hard_example_miner random_example_sampler classification_weight "
            "localization_weight"
        ),
        "model.ssd.loss.random_example_sampler": built("positive_sample_fraction"),
        # Detections
        "model.ssd.post_processing": built("batch_non_max_suppression score_converter logit_scale calibration_config"),
    },
    required={
        "model.ssd": "num_classes image_resizer feature_extractor box_coder matcher similarity_calculator "
        "box_predictor anchor_generator loss",
        "model.ssd.feature_extractor": "type conv_hyperparams",
        "model.ssd.feature_extractor.bifpn": "num_iterations num_filters",
        "model.ssd.image_resizer": "image_resizer_oneof",
        "model.ssd.box_coder": "box_coder_oneof",
        "model.ssd.matcher": "matcher_oneof",
        "model.ssd.similarity_calculator": "region_similarity",
        "model.ssd.box_predictor": "box_predictor_oneof",
        "model.ssd.anchor_generator": "anchor_generator_oneof",
        "model.ssd.loss": "localization_loss classification_loss",
        "model.ssd.loss.localization_loss": "localization_loss",
        "model.ssd.loss.classification_loss": "classification_loss",
    },
    ranges={
        "model.ssd": {"num_classes": ONE_OR_MORE},
        "model.ssd.feature_extractor": {
            "depth_multiplier": (0.01, None),
            "min_depth": ONE_OR_MORE,
            "num_layers": (1, 6),
            "pad_to_multiple": ONE_OR_MORE,
        },
        # A backbone has maps of the levels 2 to 5; further ones stand on the last.
        "model.ssd.feature_extractor.fpn": {
            "min_level": (2, 5),
            "max_level": (5, None),
            "additional_layer_depth": ONE_OR_MORE,
        },
        "model.ssd.feature_extractor.bifpn": {
            "min_level": (1, 5),
            "max_level": (6, None),
            "num_iterations": ONE_OR_MORE,
            "num_filters": ONE_OR_MORE,
        },
    },
    of_types={
        "model.ssd.feature_extractor.fpn": "*_fpn *_fpn_keras",
        "model.ssd.feature_extractor.bifpn": "*_bifpn_keras",
        "model.ssd.feature_extractor.depth_multiplier": _ANY_DEPTH,
        "model.ssd.feature_extractor.override_base_feature_extractor_hyperparams": " ".join(
            [*TYPES, *PYRAMIDS, *POOLING_PYRAMIDS]
        ),
        "model.ssd.feature_extractor.num_layers": " ".join(TYPES),
        "model.ssd.feature_extractor.use_depthwise": "ssd_mobilenet_v? ssd_mobilenet_v?_keras ssd_mobilenet_v?_fpn* "
        "ssd_mobilenet_v3* ssd_inception_v2",
        # Below the second level the slim library's pyramids would add maps that are shifted against each other.
        "model.ssd.feature_extractor.use_explicit_padding": " ".join(
            [*TYPES, "ssd_mobilenet_v1_fpn_keras", "ssd_mobilenet_v2_fpn_keras", "ssd_mobilenet_v1_ppn"]
        ),
    },
    rules={"model.ssd": ssd_rules.RULES},
    needed_by_type={"ssd_inception_v2": "override_base_feature_extractor_hyperparams"},
)
