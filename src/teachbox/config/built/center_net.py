"""Detectors of boxes by their centres."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from teachbox.config.built.verdicts import NOT_NEGATIVE, ONE_OR_MORE, SHARE, Rows, built, no_effect, only

TYPES = {
    "resnet_v1_50_fpn": 32,
    "resnet_v1_101_fpn": 32,
    "resnet_v2_50": 32,
    "resnet_v2_101": 32,
    "mobilenet_v2_fpn": 32,
    "mobilenet_v2_fpn_sep_conv": 32,
    "hourglass_10": 8,
    "hourglass_20": 16,
    "hourglass_32": 32,
    "hourglass_52": 128,
    "hourglass_104": 128,
}
"""Feature extractors, and what the sides of their images are multiples of: what they halve, they double again."""
HEADS = (
    "object_center_params.center_head_params",
    "object_detection_task.scale_head_params",
    "object_detection_task.offset_head_params",
)
LAYERS: dict[str, tuple[float, float | None]] = {"num_filters": ONE_OR_MORE, "kernel_sizes": ONE_OR_MORE}


def _of_the_images(config: Any) -> Iterator[tuple[str, str]]:
    """That all are of one size, which the feature extractor can halve and double."""
    kind = config.image_resizer.WhichOneof("image_resizer_oneof")
    multiple = TYPES.get(config.feature_extractor.type)
    if kind is None or multiple is None:
        return
    resizer = getattr(config.image_resizer, kind)
    sides = {"fixed_shape_resizer": ("height", "width"), "keep_aspect_ratio_resizer": ("max_dimension",)}.get(kind, ())
    for name in sides:
        side = getattr(resizer, name)
        if side % multiple:
            found = f"{kind}.{name} is {side}"
            yield "image_resizer", f"{found}; {config.feature_extractor.type} needs a multiple of {multiple}"


def _of_the_channels(extractor: Any) -> Iterator[tuple[str, str]]:
    """That there is a number for each, or none."""
    for name in ("channel_means", "channel_stds"):
        values = getattr(extractor, name)
        if len(values) not in (0, 3):
            yield name, f"{name} has {len(values)} values; give one a channel, 3"
    if any(value <= 0 for value in extractor.channel_stds):
        yield "channel_stds", "channel_stds must be above 0"


ROWS = Rows(
    table={
        "model.center_net": built(
            "num_classes feature_extractor image_resizer use_depthwise object_detection_task object_center_params"
        )
        | no_effect("compute_heatmap_sparse", "how heat maps are drawn, not what is in them"),
        "model.center_net.feature_extractor": built(
            "channel_means channel_stds bgr_ordering depth_multiplier use_separable_conv"
        )
        | {"type": only(*TYPES), "upsampling_interpolation": only("nearest", "bilinear")},
        "model.center_net.image_resizer": built("fixed_shape_resizer keep_aspect_ratio_resizer"),
        "model.center_net.image_resizer.fixed_shape_resizer": built("height width resize_method"),
        # A CenterNet has its heat maps laid for one size of image.
        "model.center_net.image_resizer.keep_aspect_ratio_resizer": built(
            "min_dimension max_dimension resize_method per_channel_pad_value"
        )
        | {"pad_to_max_dimension": only("true")},
        "model.center_net.object_detection_task": built(
            "task_loss_weight offset_loss_weight scale_loss_weight localization_loss scale_head_params "
            "offset_head_params"
        ),
        # Sizes and offsets are weighed by value.
        "model.center_net.object_detection_task.localization_loss": built("l1_localization_loss"),
        "model.center_net.object_center_params": built(
            "object_center_loss_weight classification_loss heatmap_bias_init min_box_overlap_iou max_box_predictions "
            "center_head_params"
        ),
        # Heat maps are weighed by place and class.
        "model.center_net.object_center_params.classification_loss": built(
            "penalty_reduced_logistic_focal_loss weighted_sigmoid weighted_sigmoid_focal bootstrapped_sigmoid"
        ),
    }
    | {f"model.center_net.{head}": built("num_filters kernel_sizes") for head in HEADS},
    required={
        "model.center_net": "num_classes feature_extractor image_resizer object_detection_task object_center_params",
        "model.center_net.feature_extractor": "type",
        "model.center_net.image_resizer": "image_resizer_oneof",
        "model.center_net.image_resizer.keep_aspect_ratio_resizer": "pad_to_max_dimension",
        "model.center_net.object_detection_task": "localization_loss",
        "model.center_net.object_detection_task.localization_loss": "localization_loss",
        "model.center_net.object_center_params": "classification_loss",
        "model.center_net.object_center_params.classification_loss": "classification_loss",
    },
    ranges={
        "model.center_net": {"num_classes": ONE_OR_MORE},
        "model.center_net.feature_extractor": {"depth_multiplier": (0.01, None)},
        "model.center_net.object_detection_task": {
            "task_loss_weight": NOT_NEGATIVE,
            "offset_loss_weight": NOT_NEGATIVE,
            "scale_loss_weight": NOT_NEGATIVE,
        },
        "model.center_net.object_center_params": {
            "object_center_loss_weight": NOT_NEGATIVE,
            "min_box_overlap_iou": SHARE,
            "max_box_predictions": ONE_OR_MORE,
        },
        **{f"model.center_net.{head}": LAYERS for head in HEADS},
    },
    same_length={f"model.center_net.{head}": [("num_filters", "kernel_sizes")] for head in HEADS},
    of_types={
        f"model.center_net.feature_extractor.{name}": "mobilenet_v2_fpn mobilenet_v2_fpn_sep_conv"
        for name in ("depth_multiplier", "use_separable_conv", "upsampling_interpolation")
    },
    rules={
        "model.center_net": [_of_the_images],
        "model.center_net.feature_extractor": [_of_the_channels],
    },
)
