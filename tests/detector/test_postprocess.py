"""Decoded boxes and logits to detections, against the original's post-processing."""

from __future__ import annotations

import json

import numpy as np
import pytest
from google.protobuf import text_format

from teachbox.config.protos import post_processing_pb2
from teachbox.errors import ConfigError

pytestmark = pytest.mark.tf


def cases(oracles):
    return json.loads((oracles / "functions" / "nms.json").read_text())["batch"]


def test_every_case_is_met(oracles):
    from teachbox.detector.build.postprocess import build_postprocessor

    stored = cases(oracles)
    boxes = np.array(stored["boxes"], np.float32)
    logits = np.array(stored["scores_or_logits"], np.float32)
    met = []
    for case in stored["cases"]:
        message = text_format.Parse(case["config"], post_processing_pb2.PostProcessing())
        process = build_postprocessor(message, has_background=False)
        window = np.array(case["clip_window"], np.float32)
        count = None if case["num_valid_boxes"] is None else np.array(case["num_valid_boxes"], np.int32)
        # A window from the corner is the true shape of an image of one by one.
        found = process(boxes, logits, np.concatenate([window[:, 2:], np.full((2, 1), 3)], axis=1), (1, 1), count)
        name = case["name"]
        np.testing.assert_array_equal(found["num_detections"], case["num_detections"], err_msg=name)
        for image, count in enumerate(case["num_detections"]):
            for key in ("detection_boxes", "detection_scores", "detection_classes"):
                expected = np.array(case[key][image], np.float32)[:count]
                np.testing.assert_allclose(found[key][image][:count], expected, rtol=2e-5, atol=2e-6, err_msg=name)
        met.append(name)
    assert len(met) == 17
    assert "combined" in met


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "needs change_coordinate_frame: false"),
        ("change_coordinate_frame: false soft_nms_sigma: 0.5", "and soft_nms_sigma exclude each other"),
        (
            "change_coordinate_frame: false use_class_agnostic_nms: true",
            "and use_class_agnostic_nms exclude each other",
        ),
    ],
)
def test_what_combined_suppression_cannot_do(text, words):
    from teachbox.detector.build.postprocess import build_postprocessor

    message = post_processing_pb2.PostProcessing()
    text_format.Parse(f"batch_non_max_suppression {{ use_combined_nms: true {text} }}", message)
    with pytest.raises(ConfigError, match=words):
        build_postprocessor(message, has_background=False)


def test_combined_suppression_cuts_boxes_to_the_image_and_drops_none():
    from teachbox.detector.nms import BatchNonMaxSuppression

    boxes = np.array([[[[-0.5, 0.25, 0.5, 1.5]], [[1.25, 0.0, 1.5, 0.5]]]], np.float32)
    scores = np.array([[[0.75], [0.5]]], np.float32)
    kept = BatchNonMaxSuppression(0.1, 0.5, 5, 3, combined=True)(
        boxes, scores, np.array([[0, 0, 0.1, 0.1]], np.float32)
    )
    np.testing.assert_allclose(kept.boxes, [[[0, 0.25, 0.5, 1], [1, 0, 1, 0.5], [0, 0, 0, 0]]])
    assert (np.asarray(kept.scores).tolist(), np.asarray(kept.anchors).tolist()) == ([[0.75, 0.5, 0]], [[0, 1, 0]])
    assert np.asarray(kept.count).tolist() == [2]


def test_boxes_are_normalized_by_the_part_that_is_no_padding():
    from teachbox.detector.nms import BatchNonMaxSuppression
    from teachbox.detector.postprocess import PostProcessor

    process = PostProcessor(BatchNonMaxSuppression(0.1, 0.5, 5, 5), lambda logits: logits, has_background=True)
    boxes = np.array([[[0.0, 0.25, 0.5, 0.5], [0.6, 0.6, 0.9, 0.9]]], np.float32)
    scores = np.array([[[0.9, 0.2, 0.8], [0.9, 0.7, 0.1]]], np.float32)
    found = process(boxes, scores, np.array([[50, 50, 3]], np.int32), (100, 100))
    # The second box lies in the padding; the background's column is none of the classes.
    assert found["num_detections"].numpy().tolist() == [2.0]
    np.testing.assert_allclose(found["detection_boxes"][0, :2], [[0, 0.5, 1, 1]] * 2)
    np.testing.assert_allclose(found["detection_scores"][0, :2], [0.8, 0.2])
    assert found["detection_classes"][0, :2].numpy().tolist() == [1.0, 0.0]
    np.testing.assert_allclose(found["detection_multiclass_scores"][0, 0], scores[0, 0])
