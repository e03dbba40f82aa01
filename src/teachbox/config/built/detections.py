"""Post-processing: suppression, score conversion, calibration."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from teachbox.config.built.verdicts import NOT_NEGATIVE, ONE_OR_MORE, SHARE, Rows, built, no_effect, only


def of_temperature(message: Any) -> Iterator[tuple[str, str]]:
    """That logits can be divided by it."""
    if message.scaler <= 0:
        yield "scaler", f"scaler is {message.scaler:g}; it must be above 0"


def of_points(message: Any) -> Iterator[tuple[str, str]]:
    """That a function goes through them."""
    points = [pair.x for pair in message.x_y_pair]
    if len(points) < 2 or any(after <= before for before, after in pairwise(points)):
        yield "x_y_pair", "not two or more points, each x above the one before"


def of_combined(message: Any) -> Iterator[tuple[str, str]]:
    """What TensorFlow's combined suppression cannot do."""
    if not message.use_combined_nms:
        return
    if message.change_coordinate_frame:
        yield "use_combined_nms", "use_combined_nms needs change_coordinate_frame: false"
    if message.soft_nms_sigma > 0 and not message.use_hard_nms:
        yield "use_combined_nms", "use_combined_nms and soft_nms_sigma exclude each other; leave one of them out"
    if message.use_class_agnostic_nms:
        yield (
            "use_combined_nms",
            "use_combined_nms and use_class_agnostic_nms exclude each other; leave one of them out",
        )


_POINTS = built("x_y_pair") | no_effect("training_data_type", "says what the pairs were fitted on")

ROWS = Rows(
    table={
        "*.calibration_config": built(
            "function_approximation class_id_function_approximations temperature_scaling_calibration"
        ),
        "*.function_approximation": built("x_y_pairs"),
        "*.class_id_function_approximations": built("class_id_xy_pairs_map"),
        "*.class_id_xy_pairs_map": built("key value"),
        "*.x_y_pairs": _POINTS,
        "*.class_id_xy_pairs_map.value": _POINTS,
        "*.x_y_pair": built("x y"),
        "*.temperature_scaling_calibration": built("scaler"),
        "*.batch_non_max_suppression": built(
            "score_threshold iou_threshold max_detections_per_class max_total_detections change_coordinate_frame "
            "use_hard_nms soft_nms_sigma use_class_agnostic_nms use_combined_nms"
        )
        | {"max_classes_per_detection": only(1)}
        | no_effect("use_static_shapes use_cpu_nms", "where and in which shapes it is computed, not what is kept"),
    },
    required={
        "*.calibration_config": "calibrator",
        "*.function_approximation": "x_y_pairs",
        "*.temperature_scaling_calibration": "scaler",
    },
    ranges={
        "*.batch_non_max_suppression": {
            "iou_threshold": SHARE,
            "soft_nms_sigma": NOT_NEGATIVE,
            "max_detections_per_class": ONE_OR_MORE,
            "max_total_detections": ONE_OR_MORE,
        },
    },
    rules={
        "*.temperature_scaling_calibration": [of_temperature],
        "*.batch_non_max_suppression": [of_combined],
        "*.x_y_pairs": [of_points],
        "*.class_id_xy_pairs_map.value": [of_points],
    },
)
