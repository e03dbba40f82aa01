"""Single parts against the numbers of the original implementation's own functions."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from google.protobuf import text_format

from teachbox.config.protos import (
    anchor_generator_pb2,
    box_coder_pb2,
    losses_pb2,
    matcher_pb2,
    region_similarity_calculator_pb2,
)
from teachbox.errors import ConfigError

pytestmark = pytest.mark.tf

# The stored numbers have nine digits; float32 arithmetic in another order keeps six.
CLOSE = {"rtol": 2e-5, "atol": 2e-6}


@pytest.fixture(scope="module")
def functions(oracles) -> Any:
    return lambda name: json.loads((oracles / "functions" / f"{name}.json").read_text())


def array(value: Any) -> np.ndarray:
    return np.array(value, np.float32)


def test_anchors(functions):
    from teachbox.detector.build.anchors import build_anchor_generator

    compared = 0
    for case in functions("anchors")["cases"]:
        message = text_format.Parse(case["config"], anchor_generator_pb2.AnchorGenerator())
        generate = build_anchor_generator(message)
        assert generate.anchors_per_location == case["num_anchors_per_location"]
        shapes = [tuple(shape) for shape in case["feature_map_shapes"]]
        found = generate(shapes, (case["image_height"], case["image_width"]))
        start = 0
        for layer in case["anchors_per_feature_map"]:
            rows = found[start : start + layer["num_anchors"]]
            start += layer["num_anchors"]
            np.testing.assert_allclose(
                rows[layer.get("indices", slice(None))], array(layer["values"]), rtol=2e-6, atol=1e-6
            )
        assert start == len(found)
        compared += 1
    assert compared == 13


def test_box_coders(functions):
    from teachbox.detector.box_coding import FasterRCNNBoxCoder
    from teachbox.detector.build.matching import build_box_coder

    compared = 0
    for case in functions("box_coders")["cases"]:
        if case["name"] == "keypoint":
            continue
        if case["name"] == "faster_rcnn_no_scales":  # built by hand there, from no config
            coder = FasterRCNNBoxCoder()
        else:
            coder = build_box_coder(text_format.Parse(case["config"], box_coder_pb2.BoxCoder()))
        anchors = array(case["anchors"])
        assert coder.code_size == case["code_size"]
        np.testing.assert_allclose(coder.encode(array(case["boxes"]), anchors), array(case["encoded"]), **CLOSE)
        np.testing.assert_allclose(coder.decode(array(case["codes"]), anchors), array(case["decoded"]), **CLOSE)
        compared += 1
    assert compared == 7


def test_keypoint_box_coder(functions):
    from teachbox.detector.build.matching import build_box_coder, build_keypoint_box_coder

    case = next(case for case in functions("box_coders")["cases"] if case["name"] == "keypoint")
    message = text_format.Parse(case["config"], box_coder_pb2.BoxCoder())
    with pytest.raises(ConfigError, match="keypoint_box_coder is not built"):  # as the coder of boxes alone
        build_box_coder(message)
    coder = build_keypoint_box_coder(message.keypoint_box_coder)
    anchors = array(case["anchors"])
    assert coder.code_size == case["code_size"]
    encoded = coder.encode(array(case["boxes"]), array(case["keypoints"]), anchors)
    np.testing.assert_allclose(encoded, array(case["encoded"]), **CLOSE)
    boxes, keypoints = coder.decode(array(case["codes"]), anchors)
    np.testing.assert_allclose(boxes, array(case["decoded"]), **CLOSE)
    np.testing.assert_allclose(keypoints, array(case["decoded_keypoints"]), **CLOSE)


def test_matchers(functions):
    from teachbox.detector.build.matching import build_matcher

    for case in functions("matchers")["cases"]:
        message = text_format.Parse(case["config"], matcher_pb2.Matcher())
        similarity = array(case["similarity"])
        if similarity.size == 0:  # an image without boxes is the target assigner's business, tested below
            continue
        valid = np.array([case["valid_rows"] or [True] * len(similarity)])
        found = build_matcher(message)(similarity[None], valid)
        np.testing.assert_array_equal(np.asarray(found)[0], case["match_results"], err_msg=str(case["config"]))


def test_similarities(functions):
    from teachbox.detector.build.matching import build_similarity

    stored = functions("region_similarity")
    for case in stored["cases"]:
        config = region_similarity_calculator_pb2.RegionSimilarityCalculator()
        compare = build_similarity(text_format.Parse(case["config"], config))
        found = np.asarray(compare(array(stored["boxes_a"]), array(stored["boxes_b"])))
        if "thresholded" in case["config"]:
            # The boxes have scores there; those of a detector's ground truth all have the score 1.
            found = found * array(stored["scores_a"])[:, None]
        np.testing.assert_allclose(found, array(case["similarity"]), **CLOSE)


def test_losses(functions):
    from teachbox.detector.build.losses import build_classification_loss, build_localization_loss

    stored = functions("losses")
    inputs = {name: array(value) for name, value in stored["inputs"].items()}
    inputs["box_weights repeated over the last axis"] = np.repeat(inputs["box_weights"][..., None], 4, axis=-1)
    for case in stored["cases"]:
        if case["kind"] == "localization":
            loss = build_localization_loss(text_format.Parse(case["config"], losses_pb2.LocalizationLoss()))
        else:
            loss = build_classification_loss(text_format.Parse(case["config"], losses_pb2.ClassificationLoss()))
        weights = inputs[case["weights"]]
        # The original can leave out whole images, and whole classes; here their weights say so.
        if case.get("losses_mask"):
            weights = weights * array(case["losses_mask"])[:, None]
        if case.get("extra"):
            weights = weights * np.isin(np.arange(weights.shape[-1]), case["extra"]["class_indices"])
        found = loss(inputs[case["prediction"]], inputs[case["target"]], weights)
        expected = array(case["output"])
        if "weighted_iou" in case["config"]:  # flat there
            expected = expected.reshape(weights.shape)
        np.testing.assert_allclose(found, expected, **CLOSE, err_msg=case["config"])
    assert len(stored["cases"]) == 36


def test_hard_example_miner(functions):
    from teachbox.detector.build.losses import build_miner

    stored = functions("hard_example_miner")
    for case in stored["cases"]:
        loss = losses_pb2.Loss()
        text_format.Parse(case["config"], loss.hard_example_miner)
        loss.classification_weight = case["classification_weight"]
        loss.localization_weight = case["localization_weight"]
        location, classification = build_miner(loss)(
            array(stored["location_losses"]),
            array(stored["classification_losses"]),
            array(stored["decoded_boxes"]),
            np.array(stored["match_results"], np.int32) if case["use_match"] else None,
        )
        assert float(location) == pytest.approx(case["location_loss"], rel=1e-5), case["config"]
        assert float(classification) == pytest.approx(case["classification_loss"], rel=1e-5), case["config"]


def test_non_max_suppression(functions):
    from teachbox.detector.nms import BatchNonMaxSuppression

    stored = functions("nms")
    scores = array(stored["scores"])
    compared = 0
    for case in stored["cases"]:
        args = dict(case["args"])
        boxes = array(stored[case["boxes"]])
        suppress = BatchNonMaxSuppression(
            args["score_thresh"],
            args["iou_thresh"],
            args.get("max_size_per_class", 1),
            args.get("max_total_size", args.get("max_size_per_class", 1) * scores.shape[1]),
            soft_sigma=args.get("soft_nms_sigma", 0.0),
            class_agnostic="max_classes_per_detection" in args,
        )
        window = args.get("clip_window")
        kept = suppress(
            boxes.reshape(1, len(scores), -1, 4),
            scores[None],
            None if window is None else array([window]),
            args.get("change_coordinate_frame", False),
        )
        count = int(kept.count[0])
        assert count == case["num_valid"], case["name"]
        np.testing.assert_allclose(kept.scores[0][:count], array(case["out_scores"])[:count], **CLOSE)
        np.testing.assert_allclose(kept.boxes[0][:count], array(case["out_boxes"])[:count], **CLOSE)
        np.testing.assert_array_equal(kept.classes[0][:count], array(case["out_classes"])[:count])
        rows = boxes.reshape(len(scores), -1, 4)
        column = np.asarray(kept.classes[0][:count], np.int32) if rows.shape[1] > 1 else 0
        if window is None:
            np.testing.assert_allclose(rows[np.asarray(kept.anchors[0][:count]), column], kept.boxes[0][:count])
        compared += 1
    assert compared == 10


@pytest.fixture(scope="module")
def assignment(functions):
    """The stored numbers, and their ground truth as a padded batch: boxes, classes, weights, counts."""
    stored = functions("target_assignment")
    images, rows = len(stored["groundtruth"]), 3
    boxes, classes = np.zeros((images, rows, 4), np.float32), np.zeros((images, rows), np.int32)
    weights, counts = np.zeros((images, rows), np.float32), np.zeros(images, np.int32)
    for image, truth in enumerate(stored["groundtruth"]):
        count = counts[image] = len(truth["boxes"])
        if count:
            boxes[image, :count] = truth["boxes"]
            classes[image, :count] = array(truth["classes_with_background"]).argmax(axis=1) - 1
            weights[image, :count] = truth["weights"]
    return stored, (boxes, classes, weights, counts)


def assert_targets(found: Any, case: Any) -> None:
    np.testing.assert_array_equal(found.match, case["match"])
    np.testing.assert_allclose(found.classes, array(case["class_targets"]))
    np.testing.assert_allclose(found.class_weights, array(case["class_weights"]))
    np.testing.assert_allclose(found.codes, array(case["box_targets"]), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found.code_weights, array(case["box_weights"]))


def test_target_assignment(assignment):
    from teachbox.detector.box_coding import FasterRCNNBoxCoder
    from teachbox.detector.matching import ArgMaxMatcher
    from teachbox.detector.similarity import iou
    from teachbox.detector.targets import TargetAssigner

    stored, (boxes, classes, weights, counts) = assignment
    forced = ArgMaxMatcher(0.5, 0.5, force_match_for_each_row=True)
    unforced = ArgMaxMatcher(0.5, 0.1, negatives_lower_than_unmatched=False)
    matchers = {
        "ssd": forced,
        "ssd_neg_weight_0.25": forced,
        "proposal": ArgMaxMatcher(0.7, 0.3, force_match_for_each_row=True),
        "detection": ArgMaxMatcher(0.5),
        "fastrcnn": unforced,
    }
    assert [case["assigner"] for case in stored["cases"]] == list(matchers)
    for case in stored["cases"]:
        name = case["assigner"]
        of_objects = name == "proposal"  # one class: an object
        assign = TargetAssigner(
            iou,
            matchers[name],
            FasterRCNNBoxCoder() if name == "fastrcnn" else FasterRCNNBoxCoder((10.0, 10.0, 5.0, 5.0)),
            num_classes=1 if of_objects else 4,
            unmatched_class=(0.0,) if of_objects else tuple(stored["unmatched_class_label"]),
            negative_class_weight=0.25 if "0.25" in name else 1.0,
        )
        known = np.zeros_like(classes) if of_objects else classes
        assert_targets(assign(array(stored["anchors"]), boxes, known, weights, counts), case)


@pytest.mark.parametrize("place", range(4))
def test_assignment_by_confidence(assignment, place):
    from teachbox.detector.box_coding import FasterRCNNBoxCoder
    from teachbox.detector.matching import ArgMaxMatcher
    from teachbox.detector.similarity import iou
    from teachbox.detector.targets import TargetAssigner

    stored, (boxes, classes, weights, counts) = assignment
    case = stored["confidence_cases"][place]
    confidences = np.zeros((*classes.shape, 4), np.float32)
    for image, rows in enumerate(case["confidences"]):
        if rows:
            confidences[image, : len(rows)] = array(rows)[:, 1:]
    assign = TargetAssigner(
        iou,
        ArgMaxMatcher(0.5, 0.5, force_match_for_each_row=True),
        FasterRCNNBoxCoder((10.0, 10.0, 5.0, 5.0)),
        num_classes=4,
        unmatched_class=tuple(stored["unmatched_class_label"]),
        implicit_weight=case["implicit_class_weight"],
    )
    found = assign(array(stored["anchors"]), boxes, classes, weights, counts, class_scores=confidences)
    assert_targets(found, case)
    if place % 2 == 0:  # 1 for the class of each box: what classes alone say
        assert_targets(assign(array(stored["anchors"]), boxes, classes, weights, counts), case)
    without = TargetAssigner(
        iou,
        ArgMaxMatcher(0.5, 0.5, force_match_for_each_row=True),
        FasterRCNNBoxCoder((10.0, 10.0, 5.0, 5.0)),
        num_classes=4,
        unmatched_class=(0.0,) * 4,
        implicit_weight=case["implicit_class_weight"],
    )(array(stored["anchors"]), boxes, classes, weights, counts, class_scores=confidences)
    np.testing.assert_allclose(without.classes, found.classes[..., 1:])
    np.testing.assert_allclose(without.class_weights, found.class_weights[..., 1:])
