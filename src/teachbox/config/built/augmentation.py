"""Data augmentation."""

from __future__ import annotations

from teachbox.config.built import augmentation_rules
from teachbox.config.built.verdicts import NOT_NEGATIVE, ONE_OR_MORE, SHARE, Rows, built, only

CROP = "min_object_covered min_aspect_ratio max_aspect_ratio min_area max_area overlap_thresh clip_boxes random_coef"
PADDED = "min_padded_size_ratio max_padded_size_ratio"
CROP_RANGES: dict[str, tuple[float, float | None]] = {
    "min_object_covered": SHARE,
    "overlap_thresh": SHARE,
    "random_coef": SHARE,
    "max_area": SHARE,
}
CROP_ORDER = [("min_aspect_ratio", "max_aspect_ratio"), ("min_area", "max_area")]

ROWS = Rows(
    table={
        "train_config.data_augmentation_options": built(
            "normalize_image subtract_channel_mean adjust_gamma rgb_to_gray random_rgb_to_gray "
            "random_pixel_value_scale "
            "random_adjust_brightness random_adjust_contrast random_adjust_hue random_adjust_saturation "
            "random_distort_color random_horizontal_flip random_vertical_flip random_rotation90 random_image_scale "
            "resize_image random_resize_method random_downscale_to_target_pixels "
            "random_self_concat_image autoaugment_image random_jitter_boxes drop_label_probabilistically remap_labels "
            "random_black_patches random_jpeg_quality random_patch_gaussian random_crop_image "
            "random_crop_to_aspect_ratio random_square_crop_by_scale random_scale_crop_and_pad_to_square "
            "random_pad_image random_absolute_pad_image random_crop_pad_image ssd_random_crop ssd_random_crop_pad "
            "ssd_random_crop_fixed_aspect_ratio ssd_random_crop_pad_fixed_aspect_ratio"
        )
        | built(
            "scale_boxes_to_pixel_coordinates",
            "as the last step: the others take boxes as parts of the image, which batches make of them again",
        )
        | built("convert_class_logits_to_softmax", "needs load_multiclass_scores"),
        "*.normalize_image": built("original_minval original_maxval target_minval target_maxval"),
        "*.subtract_channel_mean": built("means"),
        "*.adjust_gamma": built("gamma gain"),
        "*.random_rgb_to_gray": built("probability"),
        "*.random_pixel_value_scale": built("minval maxval"),
        "*.random_adjust_brightness": built("max_delta"),
        "*.random_adjust_contrast": built("min_delta max_delta"),
        "*.random_adjust_hue": built("max_delta"),
        "*.random_adjust_saturation": built("min_delta max_delta"),
        "*.convert_class_logits_to_softmax": built("temperature"),
        "*.random_distort_color": {"color_ordering": only(0, 1)},
        "*.random_horizontal_flip": built("probability"),
        "*.random_vertical_flip": built("probability"),
        "*.random_rotation90": built("probability"),
        "*.random_image_scale": built("min_scale_ratio max_scale_ratio"),
        "*.resize_image": built("new_height new_width method"),
        "*.random_resize_method": built("target_height target_width"),
        "*.random_downscale_to_target_pixels": built("random_coef min_target_pixels max_target_pixels"),
        "*.random_self_concat_image": built("concat_vertical_probability concat_horizontal_probability"),
        "*.autoaugment_image": {"policy_name": only("v0", "v1", "v2", "v3", "test")},
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
    },
    required={
        "train_config.data_augmentation_options": "preprocessing_step",
        "*.normalize_image": "original_maxval",
        "*.subtract_channel_mean": "means",
        "*.resize_image": "new_height new_width",
        "*.random_resize_method": "target_height target_width",
        "*.drop_label_probabilistically": "label",
        "*.remap_labels": "new_label",
    },
    ranges={
        "*.random_horizontal_flip": {"probability": SHARE},
        "*.random_vertical_flip": {"probability": SHARE},
        "*.random_rotation90": {"probability": SHARE},
        "*.random_rgb_to_gray": {"probability": SHARE},
        "*.random_adjust_brightness": {"max_delta": SHARE},
        "*.random_adjust_hue": {"max_delta": SHARE},
        "*.resize_image": {"new_height": ONE_OR_MORE, "new_width": ONE_OR_MORE},
        "*.random_resize_method": {"target_height": ONE_OR_MORE, "target_width": ONE_OR_MORE},
        "*.random_self_concat_image": {"concat_vertical_probability": SHARE, "concat_horizontal_probability": SHARE},
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
    },
    not_above={
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
    },
    rules=augmentation_rules.RULES,
)
