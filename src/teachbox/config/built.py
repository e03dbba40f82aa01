"""What of a pipeline.config is built here: a table, field by field. Who builds a part adds its fields.

A row's name is the path of a block, without row numbers; `*` stands for any path, and the longest name that
fits a block counts. A field that its row does not list is refused, unless it says what leaving it out would
say: the default of the schema.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Built:
    """Read and followed; only with one of `values` where there are any, and in at most `rows` rows."""

    values: tuple[Any, ...] = ()
    rows: int | None = None


@dataclass(frozen=True)
class NoEffect:
    """Accepted, and listed by `teachbox config check`: it changes nothing here, for this reason."""

    reason: str


Verdict = Built | NoEffect


def built(names: str) -> dict[str, Verdict]:
    return dict.fromkeys(names.split(), Built())


def no_effect(names: str, reason: str) -> dict[str, Verdict]:
    return dict.fromkeys(names.split(), NoEffect(reason))


def only(*values: Any) -> Built:
    return Built(values)


ANCHORWISE = "losses are always kept by anchor until they are added up"
ROWS_LOOKED_UP = "how rows are looked up on a TPU, not which"
ONE_PROCESS = "one process trains: there are no other replicas to wait for"
OWN_INPUT = "how files are read; training draws full batches from the answers, evaluation reads a record once"
OWN_ROUNDS = "the command line says how long a round is, how much is evaluated, and when"
CROP = "min_object_covered min_aspect_ratio max_aspect_ratio min_area max_area overlap_thresh clip_boxes random_coef"
PADDED = "min_padded_size_ratio max_padded_size_ratio"

TABLE: dict[str, dict[str, Verdict]] = {
    "": built("model train_config train_input_reader eval_config") | {"eval_input_reader": Built(rows=1)},
    "model": built("ssd"),
    "model.ssd": built(
        "num_classes image_resizer feature_extractor box_coder matcher similarity_calculator box_predictor "
        "anchor_generator post_processing loss encode_background_as_zeros normalize_loss_by_num_matches "
        "normalize_loc_loss_by_codesize negative_class_weight freeze_batchnorm"
    )
    | no_effect("inplace_batchnorm_update", "when moving averages of batch normalisation are written, not what"),
    "model.ssd.feature_extractor": built(
        "depth_multiplier min_depth conv_hyperparams override_base_feature_extractor_hyperparams num_layers "
        "use_depthwise"
    )
    | {"type": only("ssd_mobilenet_v1", "ssd_mobilenet_v2", "ssd_inception_v2")},
    "model.ssd.image_resizer": built("fixed_shape_resizer keep_aspect_ratio_resizer"),
    "*.fixed_shape_resizer": built("height width resize_method"),
    "*.keep_aspect_ratio_resizer": built(
        "min_dimension max_dimension resize_method pad_to_max_dimension per_channel_pad_value"
    ),
    # A single-shot detector has its anchors laid for one size of image.
    "model.ssd.image_resizer.keep_aspect_ratio_resizer": built(
        "min_dimension max_dimension resize_method per_channel_pad_value"
    )
    | {"pad_to_max_dimension": only("true")},
    # Layers
    "*.conv_hyperparams": built("regularizer initializer batch_norm")
    | {"op": only("CONV"), "activation": only("NONE", "RELU", "RELU_6")},
    "*.regularizer": built("l2_regularizer"),
    "*.l2_regularizer": built("weight"),
    "*.initializer": built("truncated_normal_initializer variance_scaling_initializer random_normal_initializer"),
    "*.truncated_normal_initializer": built("mean stddev"),
    "*.variance_scaling_initializer": built("factor uniform mode"),
    "*.random_normal_initializer": built("mean stddev"),
    "*.batch_norm": built("decay center scale epsilon train"),
    # Heads, anchors, targets
    "model.ssd.box_predictor": built("convolutional_box_predictor"),
    "*.convolutional_box_predictor": built(
        "conv_hyperparams min_depth max_depth num_layers_before_predictor use_dropout "
        "dropout_keep_probability kernel_size class_prediction_bias_init apply_sigmoid_to_scores use_depthwise "
        "box_encodings_clip_range"
    )
    | {"box_code_size": only(4, 3)},
    "*.box_encodings_clip_range": built("min max"),
    "model.ssd.anchor_generator": built(
        "ssd_anchor_generator multiscale_anchor_generator flexible_grid_anchor_generator"
    ),
    "*.ssd_anchor_generator": built(
        "num_layers min_scale max_scale scales aspect_ratios interpolated_scale_aspect_ratio "
        "reduce_boxes_in_lowest_layer base_anchor_height base_anchor_width height_stride width_stride "
        "height_offset width_offset"
    ),
    # A single-shot detector has normalized anchors.
    "*.multiscale_anchor_generator": built("min_level max_level anchor_scale aspect_ratios scales_per_octave")
    | {"normalize_coordinates": only("true")},
    "*.flexible_grid_anchor_generator": built("anchor_grid") | {"normalize_coordinates": only("true")},
    "*.flexible_grid_anchor_generator.anchor_grid": built(
        "base_sizes aspect_ratios height_stride width_stride height_offset width_offset"
    ),
    "*.box_coder": built("faster_rcnn_box_coder mean_stddev_box_coder square_box_coder"),
    "*.faster_rcnn_box_coder": built("y_scale x_scale height_scale width_scale"),
    "*.mean_stddev_box_coder": built("stddev"),
    "*.square_box_coder": built("y_scale x_scale length_scale"),
    "*.matcher": built("argmax_matcher bipartite_matcher"),
    "*.bipartite_matcher": no_effect("use_matmul_gather", ROWS_LOOKED_UP),
    "*.argmax_matcher": built(
        "matched_threshold unmatched_threshold ignore_thresholds negatives_lower_than_unmatched "
        "force_match_for_each_row"
    )
    | no_effect("use_matmul_gather", ROWS_LOOKED_UP),
    "*.similarity_calculator": built("iou_similarity ioa_similarity neg_sq_dist_similarity thresholded_iou_similarity"),
    "*.thresholded_iou_similarity": built("iou_threshold"),
    # Losses
    "model.ssd.loss": built(
        "localization_loss classification_loss hard_example_miner classification_weight localization_weight"
    ),
    # Box codes are weighed by anchor: weighted_iou and weighted_giou are of boxes, l1_localization_loss of values.
    "*.localization_loss": built("weighted_smooth_l1 weighted_l2"),
    "*.weighted_l2": no_effect("anchorwise_output", ANCHORWISE),
    "*.weighted_smooth_l1": built("delta") | no_effect("anchorwise_output", ANCHORWISE),
    "*.classification_loss": built(
        "weighted_sigmoid weighted_sigmoid_focal weighted_softmax weighted_logits_softmax bootstrapped_sigmoid "
        "weighted_dice_classification_loss penalty_reduced_logistic_focal_loss"
    ),
    "*.weighted_sigmoid": no_effect("anchorwise_output", ANCHORWISE),
    "*.weighted_sigmoid_focal": built("gamma alpha") | no_effect("anchorwise_output", ANCHORWISE),
    "*.weighted_softmax": built("logit_scale") | no_effect("anchorwise_output", ANCHORWISE),
    "*.weighted_logits_softmax": built("logit_scale") | no_effect("anchorwise_output", ANCHORWISE),
    "*.bootstrapped_sigmoid": built("alpha hard_bootstrap") | no_effect("anchorwise_output", ANCHORWISE),
    "*.weighted_dice_classification_loss": built("squared_normalization"),
    "*.penalty_reduced_logistic_focal_loss": built("alpha beta"),
    "*.hard_example_miner": built(
        "num_hard_examples iou_threshold loss_type max_negatives_per_positive min_negatives_per_image"
    ),
    # Detections
    "model.ssd.post_processing": built("batch_non_max_suppression score_converter logit_scale calibration_config"),
    "*.calibration_config": built("function_approximation temperature_scaling_calibration"),
    "*.function_approximation": built("x_y_pairs"),
    "*.function_approximation.x_y_pairs": built("x_y_pair")
    | no_effect("training_data_type", "says what the pairs were fitted on"),
    "*.function_approximation.x_y_pairs.x_y_pair": built("x y"),
    "*.temperature_scaling_calibration": built("scaler"),
    "*.batch_non_max_suppression": built(
        "score_threshold iou_threshold max_detections_per_class max_total_detections change_coordinate_frame "
        "use_hard_nms soft_nms_sigma use_class_agnostic_nms"
    )
    | {"max_classes_per_detection": only(1)}
    | no_effect("use_static_shapes use_cpu_nms", "where and in which shapes it is computed, not what is kept"),
    # Training
    "train_config": built(
        "batch_size data_augmentation_options optimizer gradient_clipping_by_norm fine_tune_checkpoint "
        "from_detection_checkpoint"
    )
    | {
        "fine_tune_checkpoint_type": only("", "detection", "classification", "full"),
        "fine_tune_checkpoint_version": only("V1"),
    }
    | no_effect("sync_replicas startup_delay_steps replicas_to_aggregate", ONE_PROCESS)
    | no_effect("num_steps", OWN_ROUNDS)
    | no_effect("keep_checkpoint_every_n_hours", "--max-checkpoints-num says how many checkpoints are kept")
    | no_effect("load_all_detection_checkpoint_vars", "everything that fits is restored, and what does not is named")
    | no_effect("run_fine_tune_checkpoint_dummy_computation", "the detector has its variables before it is restored")
    | no_effect("batch_queue_capacity num_batch_queue_threads prefetch_queue_capacity", OWN_INPUT)
    | no_effect("max_number_of_boxes", "the one of train_input_reader counts, as in the original")
    | no_effect("unpad_groundtruth_tensors", "rows that fill up a batch never count")
    | no_effect("retain_original_images", "says what the original kept in memory"),
    "train_config.data_augmentation_options": built(
        "normalize_image subtract_channel_mean adjust_gamma rgb_to_gray random_rgb_to_gray random_pixel_value_scale "
        "random_adjust_brightness random_adjust_contrast random_adjust_hue random_adjust_saturation "
        "random_distort_color random_horizontal_flip random_vertical_flip random_rotation90 random_image_scale "
        "resize_image random_resize_method random_downscale_to_target_pixels "
        "scale_boxes_to_pixel_coordinates random_jitter_boxes drop_label_probabilistically remap_labels "
        "random_black_patches random_jpeg_quality random_patch_gaussian random_crop_image "
        "random_crop_to_aspect_ratio random_square_crop_by_scale random_scale_crop_and_pad_to_square "
        "random_pad_image random_absolute_pad_image random_crop_pad_image ssd_random_crop ssd_random_crop_pad "
        "ssd_random_crop_fixed_aspect_ratio ssd_random_crop_pad_fixed_aspect_ratio"
    ),
    "*.normalize_image": built("original_minval original_maxval target_minval target_maxval"),
    "*.subtract_channel_mean": built("means"),
    "*.adjust_gamma": built("gamma gain"),
    "*.random_rgb_to_gray": built("probability"),
    "*.random_pixel_value_scale": built("minval maxval"),
    "*.random_adjust_brightness": built("max_delta"),
    "*.random_adjust_contrast": built("min_delta max_delta"),
    "*.random_adjust_hue": built("max_delta"),
    "*.random_adjust_saturation": built("min_delta max_delta"),
    "*.random_distort_color": {"color_ordering": only(0, 1)},
    "*.random_horizontal_flip": built("probability"),
    "*.random_vertical_flip": built("probability"),
    "*.random_rotation90": built("probability"),
    "*.random_image_scale": built("min_scale_ratio max_scale_ratio"),
    "*.resize_image": built("new_height new_width method"),
    "*.random_resize_method": built("target_height target_width"),
    "*.random_downscale_to_target_pixels": built("random_coef min_target_pixels max_target_pixels"),
    "*.random_jitter_boxes": built("ratio jitter_mode"),
    "*.drop_label_probabilistically": built("label drop_probability"),
    "*.remap_labels": built("original_labels new_label"),
    "*.random_black_patches": built("max_black_patches probability size_to_image_ratio"),
    "*.random_jpeg_quality": built("random_coef min_jpeg_quality max_jpeg_quality"),
    "*.random_patch_gaussian": built(
        "random_coef min_patch_size max_patch_size min_gaussian_stddev max_gaussian_stddev"
    ),
    "*.random_crop_image": built(CROP),
    "*.random_crop_pad_image": built(f"{CROP} {PADDED} pad_color"),
    "*.random_crop_to_aspect_ratio": built("aspect_ratio overlap_thresh clip_boxes"),
    "*.random_square_crop_by_scale": built("max_border scale_min scale_max num_scales"),
    "*.random_scale_crop_and_pad_to_square": built("output_size scale_min scale_max"),
    "*.random_pad_image": built("min_image_height min_image_width max_image_height max_image_width pad_color"),
    "*.random_absolute_pad_image": built("max_height_padding max_width_padding pad_color"),
    "*.ssd_random_crop": built("operations"),
    "*.ssd_random_crop.operations": built(CROP),
    "*.ssd_random_crop_pad": built("operations"),
    "*.ssd_random_crop_pad.operations": built(f"{CROP} {PADDED} pad_color_r pad_color_g pad_color_b"),
    "*.ssd_random_crop_fixed_aspect_ratio": built("operations aspect_ratio"),
    "*.ssd_random_crop_fixed_aspect_ratio.operations": built(
        "min_object_covered min_area max_area overlap_thresh clip_boxes random_coef"
    ),
    "*.ssd_random_crop_pad_fixed_aspect_ratio": built(f"operations aspect_ratio {PADDED}"),
    "*.ssd_random_crop_pad_fixed_aspect_ratio.operations": built(CROP),
    "train_config.optimizer": built(
        "rms_prop_optimizer momentum_optimizer adam_optimizer use_moving_average moving_average_decay"
    ),
    "*.rms_prop_optimizer": built("learning_rate momentum_optimizer_value decay epsilon"),
    "*.momentum_optimizer": built("learning_rate momentum_optimizer_value"),
    "*.adam_optimizer": built("learning_rate epsilon"),
    "*_optimizer.learning_rate": built(
        "constant_learning_rate exponential_decay_learning_rate manual_step_learning_rate cosine_decay_learning_rate"
    ),
    "*.constant_learning_rate": built("learning_rate"),
    "*.exponential_decay_learning_rate": built(
        "initial_learning_rate decay_steps decay_factor staircase burnin_learning_rate burnin_steps min_learning_rate"
    ),
    "*.manual_step_learning_rate": built("initial_learning_rate schedule warmup"),
    "*.manual_step_learning_rate.schedule": built("step learning_rate"),
    "*.cosine_decay_learning_rate": built(
        "learning_rate_base total_steps warmup_learning_rate warmup_steps hold_base_rate_steps"
    ),
    # Records
    "*_input_reader": built("label_map_path max_number_of_boxes use_display_name tf_record_input_reader")
    | {"input_type": only("INPUT_DEFAULT", "TF_EXAMPLE")}
    | no_effect("name", "only a name")
    | no_effect("include_source_id", "every example keeps the id of its image")
    | no_effect("mask_type", "how masks are stored; none are loaded")
    | no_effect(
        "shuffle shuffle_buffer_size filenames_shuffle_buffer_size num_epochs num_readers "
        "num_parallel_batches num_prefetch_batches queue_capacity min_after_dequeue read_block_length "
        "prefetch_size num_parallel_map_calls drop_remainder",
        OWN_INPUT,
    ),
    "*.tf_record_input_reader": built("input_path"),
    # Evaluation
    "eval_config": built(
        "num_visualizations min_score_threshold max_num_boxes_to_visualize recall_lower_bound recall_upper_bound "
        "include_metrics_per_category all_metrics_per_category"
    )
    | {
        "metrics_set": only(
            "coco_detection_metrics",
            "pascal_voc_detection_metrics",
            "weighted_pascal_voc_detection_metrics",
            "oid_V2_detection_metrics",
            "oid_challenge_detection_metrics",
            "precision_at_recall_detection_metrics",
        )
    }
    | no_effect("batch_size", "how many images are computed at once, not what comes out")
    | no_effect("num_examples eval_interval_secs max_evals", OWN_ROUNDS)
    | no_effect("use_moving_averages", "what is published is evaluated: averages if train_config.optimizer keeps them")
    | no_effect("retain_original_images", "says what the original kept in memory"),
}

# What cannot be left out: in a block that is there, each field or one of each oneof.
REQUIRED: dict[str, str] = {
    "": "model train_config",
    "model": "model",
    "model.ssd": "num_classes image_resizer feature_extractor box_coder matcher similarity_calculator "
    "box_predictor anchor_generator loss",
    "model.ssd.feature_extractor": "type conv_hyperparams",
    "*.convolutional_box_predictor": "conv_hyperparams",
    "*.conv_hyperparams": "initializer",
    "*.initializer": "initializer_oneof",
    "model.ssd.image_resizer": "image_resizer_oneof",
    "model.ssd.image_resizer.keep_aspect_ratio_resizer": "pad_to_max_dimension",
    "model.ssd.box_coder": "box_coder_oneof",
    "model.ssd.matcher": "matcher_oneof",
    "model.ssd.similarity_calculator": "region_similarity",
    "model.ssd.box_predictor": "box_predictor_oneof",
    "model.ssd.anchor_generator": "anchor_generator_oneof",
    "*.flexible_grid_anchor_generator.anchor_grid": "height_stride width_stride",
    "model.ssd.loss": "localization_loss classification_loss",
    "model.ssd.loss.localization_loss": "localization_loss",
    "model.ssd.loss.classification_loss": "classification_loss",
    "*.bootstrapped_sigmoid": "alpha",
    "*.calibration_config": "calibrator",
    "*.function_approximation": "x_y_pairs",
    "*.temperature_scaling_calibration": "scaler",
    "*.penalty_reduced_logistic_focal_loss": "alpha beta",
    "train_config": "optimizer",
    "train_config.optimizer": "optimizer",
    "train_config.data_augmentation_options": "preprocessing_step",
    "*.normalize_image": "original_maxval",
    "*.subtract_channel_mean": "means",
    "*.resize_image": "new_height new_width",
    "*.random_resize_method": "target_height target_width",
    "*.drop_label_probabilistically": "label",
    "*.remap_labels": "new_label",
    "*_optimizer": "learning_rate",
    "*_optimizer.learning_rate": "learning_rate",
}

ONE_OR_MORE = (1, None)
NOT_NEGATIVE = (0, None)
SHARE = (0, 1)
CROP_RANGES: dict[str, tuple[float, float | None]] = {
    "min_object_covered": SHARE,
    "overlap_thresh": SHARE,
    "random_coef": SHARE,
    "max_area": SHARE,
}

# The least and the most that a number may be.
RANGES: dict[str, dict[str, tuple[float, float | None]]] = {
    "model.ssd": {"num_classes": ONE_OR_MORE},
    "model.ssd.feature_extractor": {"depth_multiplier": (0.01, None), "min_depth": ONE_OR_MORE},
    "*.fixed_shape_resizer": {"height": ONE_OR_MORE, "width": ONE_OR_MORE},
    "*.keep_aspect_ratio_resizer": {"min_dimension": ONE_OR_MORE, "max_dimension": ONE_OR_MORE},
    "*.convolutional_box_predictor": {"kernel_size": ONE_OR_MORE, "dropout_keep_probability": (0.01, 1)},
    "*.ssd_anchor_generator": {"num_layers": ONE_OR_MORE},
    "*.multiscale_anchor_generator": {"min_level": ONE_OR_MORE, "scales_per_octave": ONE_OR_MORE},
    "*.flexible_grid_anchor_generator.anchor_grid": {"height_stride": ONE_OR_MORE, "width_stride": ONE_OR_MORE},
    "*.argmax_matcher": {"matched_threshold": SHARE, "unmatched_threshold": SHARE},
    "*.mean_stddev_box_coder": {"stddev": (1e-6, None)},
    "*.bootstrapped_sigmoid": {"alpha": SHARE},
    "*.batch_non_max_suppression": {
        "iou_threshold": SHARE,
        "soft_nms_sigma": NOT_NEGATIVE,
        "max_detections_per_class": ONE_OR_MORE,
        "max_total_detections": ONE_OR_MORE,
    },
    "*.batch_norm": {"decay": SHARE},
    "train_config": {"batch_size": ONE_OR_MORE, "gradient_clipping_by_norm": NOT_NEGATIVE},
    "*.random_horizontal_flip": {"probability": SHARE},
    "*.random_vertical_flip": {"probability": SHARE},
    "*.random_rotation90": {"probability": SHARE},
    "*.random_rgb_to_gray": {"probability": SHARE},
    "*.random_adjust_brightness": {"max_delta": SHARE},
    "*.random_adjust_hue": {"max_delta": SHARE},
    "*.resize_image": {"new_height": ONE_OR_MORE, "new_width": ONE_OR_MORE},
    "*.random_resize_method": {"target_height": ONE_OR_MORE, "target_width": ONE_OR_MORE},
    "*.random_jitter_boxes": {"ratio": SHARE},
    "*.drop_label_probabilistically": {"label": ONE_OR_MORE, "drop_probability": SHARE},
    "*.remap_labels": {"original_labels": ONE_OR_MORE, "new_label": ONE_OR_MORE},
    "*.random_black_patches": {"probability": SHARE, "size_to_image_ratio": SHARE},
    "*.random_jpeg_quality": {"random_coef": SHARE, "min_jpeg_quality": (0, 100), "max_jpeg_quality": (0, 100)},
    "*.adjust_gamma": {"gamma": NOT_NEGATIVE},
    "*.random_pixel_value_scale": {"minval": NOT_NEGATIVE},
    "*.random_adjust_contrast": {"min_delta": NOT_NEGATIVE},
    "*.random_adjust_saturation": {"min_delta": NOT_NEGATIVE},
    "*.random_downscale_to_target_pixels": {"random_coef": SHARE, "min_target_pixels": ONE_OR_MORE},
    "*.random_patch_gaussian": {
        "random_coef": SHARE,
        "min_patch_size": ONE_OR_MORE,
        "min_gaussian_stddev": NOT_NEGATIVE,
    },
    "*.random_crop_image": CROP_RANGES,
    "*.random_crop_pad_image": CROP_RANGES | {"min_padded_size_ratio": NOT_NEGATIVE},
    "*.random_crop_to_aspect_ratio": {"overlap_thresh": SHARE},
    "*.random_square_crop_by_scale": {"max_border": ONE_OR_MORE, "num_scales": ONE_OR_MORE},
    "*.random_scale_crop_and_pad_to_square": {"output_size": ONE_OR_MORE},
    "*.random_absolute_pad_image": {"max_height_padding": NOT_NEGATIVE, "max_width_padding": NOT_NEGATIVE},
    "*.ssd_random_crop.operations": CROP_RANGES,
    "*.ssd_random_crop_pad.operations": CROP_RANGES | {"min_padded_size_ratio": NOT_NEGATIVE},
    "*.ssd_random_crop_fixed_aspect_ratio.operations": CROP_RANGES,
    "*.ssd_random_crop_pad_fixed_aspect_ratio": {"min_padded_size_ratio": NOT_NEGATIVE},
    "*.ssd_random_crop_pad_fixed_aspect_ratio.operations": CROP_RANGES,
    "train_config.optimizer": {"moving_average_decay": SHARE},
    "*.constant_learning_rate": {"learning_rate": NOT_NEGATIVE},
    "*.exponential_decay_learning_rate": {"initial_learning_rate": NOT_NEGATIVE, "decay_steps": ONE_OR_MORE},
    "*.manual_step_learning_rate": {"initial_learning_rate": NOT_NEGATIVE},
    "*.manual_step_learning_rate.schedule": {"learning_rate": NOT_NEGATIVE},
    "*.cosine_decay_learning_rate": {
        "learning_rate_base": NOT_NEGATIVE,
        "warmup_learning_rate": NOT_NEGATIVE,
    },
    "*_input_reader": {"max_number_of_boxes": ONE_OR_MORE},
    "eval_config": {"recall_lower_bound": SHARE, "recall_upper_bound": SHARE},
}

# Lists that go together, row by row.
SAME_LENGTH: dict[str, list[tuple[str, str]]] = {
    "*.ssd_anchor_generator": [("height_stride", "width_stride"), ("height_offset", "width_offset")],
    "*.flexible_grid_anchor_generator.anchor_grid": [("base_sizes", "aspect_ratios")],
}

# What a feature extractor of a type needs to be true; the original refuses it otherwise too.
NEEDED_BY_TYPE: dict[str, str] = {"ssd_inception_v2": "override_base_feature_extractor_hyperparams"}

CROP_ORDER = [("min_aspect_ratio", "max_aspect_ratio"), ("min_area", "max_area")]

# A number that cannot be above another.
NOT_ABOVE: dict[str, list[tuple[str, str]]] = {
    "*.normalize_image": [("original_minval", "original_maxval"), ("target_minval", "target_maxval")],
    "*.random_pixel_value_scale": [("minval", "maxval")],
    "*.random_adjust_contrast": [("min_delta", "max_delta")],
    "*.random_adjust_saturation": [("min_delta", "max_delta")],
    "*.random_image_scale": [("min_scale_ratio", "max_scale_ratio")],
    "*.random_downscale_to_target_pixels": [("min_target_pixels", "max_target_pixels")],
    "*.random_jpeg_quality": [("min_jpeg_quality", "max_jpeg_quality")],
    "*.random_patch_gaussian": [
        ("min_patch_size", "max_patch_size"),
        ("min_gaussian_stddev", "max_gaussian_stddev"),
    ],
    "*.random_crop_image": CROP_ORDER,
    "*.random_crop_pad_image": CROP_ORDER,
    "*.ssd_random_crop.operations": CROP_ORDER,
    "*.ssd_random_crop_pad.operations": CROP_ORDER,
    "*.ssd_random_crop_fixed_aspect_ratio.operations": [("min_area", "max_area")],
    "*.ssd_random_crop_pad_fixed_aspect_ratio.operations": CROP_ORDER,
    "*.random_square_crop_by_scale": [("scale_min", "scale_max")],
    "*.random_scale_crop_and_pad_to_square": [("scale_min", "scale_max")],
    "*.keep_aspect_ratio_resizer": [("min_dimension", "max_dimension")],
    "*.argmax_matcher": [("unmatched_threshold", "matched_threshold")],
    "*.ssd_anchor_generator": [("min_scale", "max_scale")],
    "*.multiscale_anchor_generator": [("min_level", "max_level")],
    "eval_config": [("recall_lower_bound", "recall_upper_bound")],
}
