"""Score conversion, calibration and suppression from their messages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from teachbox.config.built.detections import of_combined, of_points, of_temperature
from teachbox.config.protos import calibration_pb2, post_processing_pb2
from teachbox.detector.build.refuse import not_built, refuse_disagreements, refuse_others
from teachbox.detector.calibration import LinearInterpolation, by_column
from teachbox.detector.nms import BatchNonMaxSuppression
from teachbox.detector.postprocess import SCORE_CONVERTERS, PostProcessor


def build_postprocessor(config: post_processing_pb2.PostProcessing, *, has_background: bool) -> PostProcessor:
    """Score conversion and suppression from a `PostProcessing` message."""
    nms = config.batch_non_max_suppression
    refuse_others(config, "post_processing", "batch_non_max_suppression score_converter logit_scale calibration_config")
    refuse_others(
        nms,
        "post_processing.batch_non_max_suppression",
        "score_threshold iou_threshold max_detections_per_class max_total_detections change_coordinate_frame "
        "use_hard_nms soft_nms_sigma use_class_agnostic_nms max_classes_per_detection "
        # How and where it is computed, not what is kept; but combined, boxes are cut otherwise.
        "use_static_shapes use_cpu_nms use_combined_nms",
    )
    refuse_disagreements(nms, "post_processing.batch_non_max_suppression", of_combined)
    where = "post_processing.batch_non_max_suppression"
    sigma = 0.0 if nms.use_hard_nms else nms.soft_nms_sigma
    if nms.max_classes_per_detection != 1:
        found = f"max_classes_per_detection {nms.max_classes_per_detection}"
        raise not_built(where, found, "1 is")
    return PostProcessor(
        BatchNonMaxSuppression(
            score_threshold=nms.score_threshold,
            iou_threshold=nms.iou_threshold,
            max_detections_per_class=nms.max_detections_per_class,
            max_total_detections=nms.max_total_detections,
            soft_sigma=sigma,
            class_agnostic=nms.use_class_agnostic_nms,
            combined=nms.use_combined_nms,
        ),
        _build_score_converter(config),
        has_background=has_background,
        change_coordinate_frame=nms.change_coordinate_frame,
    )


def _build_score_converter(config: post_processing_pb2.PostProcessing) -> Callable[[Any], Any]:
    """From logits [..., columns] to calibrated scores. A temperature divides logits; the others are of scores."""
    converter = SCORE_CONVERTERS[post_processing_pb2.PostProcessing.ScoreConverter.Name(config.score_converter)]
    scale, calibration = config.logit_scale, config.calibration_config
    kind = calibration.WhichOneof("calibrator")
    where = "post_processing.calibration_config"
    if kind == "temperature_scaling_calibration":
        refuse_disagreements(calibration.temperature_scaling_calibration, f"{where}.{kind}", of_temperature)
        scale *= calibration.temperature_scaling_calibration.scaler
    convert = converter if scale == 1.0 else lambda logits: converter(logits / scale)
    if kind == "function_approximation":
        calibrate: Callable[[Any], Any] = _interpolation(
            calibration.function_approximation.x_y_pairs, f"{where}.{kind}.x_y_pairs"
        )
    elif kind == "class_id_function_approximations":
        pairs = calibration.class_id_function_approximations.class_id_xy_pairs_map
        calibrate = by_column(
            {number: _interpolation(pairs[number], f"{where}.{kind}[{number}]") for number in sorted(pairs)}
        )
    elif kind == "temperature_scaling_calibration" or not config.HasField("calibration_config"):
        return convert
    else:
        # The original has no function for the sigmoid calibrations, either.
        built = "function_approximation, class_id_function_approximations and temperature_scaling_calibration are"
        raise not_built(where, kind, built)
    return lambda logits: calibrate(convert(logits))


def _interpolation(pairs: calibration_pb2.XYPairs, where: str) -> LinearInterpolation:
    refuse_disagreements(pairs, where, of_points)
    return LinearInterpolation([(pair.x, pair.y) for pair in pairs.x_y_pair])
