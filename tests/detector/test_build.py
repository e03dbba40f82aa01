"""From config to detector: what is said is built, and what is not built is refused by name."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from google.protobuf import text_format

from teachbox.config.protos import pipeline_pb2
from teachbox.errors import ConfigError

pytestmark = pytest.mark.tf


@pytest.fixture
def config(oracles) -> Any:
    """The whole of an oracle's config; a quarter of its depth, so that it is quickly made."""
    text = (oracles / "ssd_mobilenet_v1_075" / "pipeline.config").read_text()
    message = text_format.Parse(text, pipeline_pb2.TrainEvalPipelineConfig()).model.ssd
    message.feature_extractor.depth_multiplier = 0.25
    message.image_resizer.fixed_shape_resizer.height = message.image_resizer.fixed_shape_resizer.width = 96
    return message


def build(config: Any) -> Any:
    from teachbox.config.protos import model_pb2
    from teachbox.detector.build import build_detector

    return build_detector(model_pb2.DetectionModel(ssd=config))


def test_depth_multiplier_and_min_depth(config):
    config.feature_extractor.min_depth = 16
    shapes = {name: tuple(variable.shape) for name, variable in build(config).checkpoint_variables().items()}
    scope = "FeatureExtractor/MobilenetV1"
    assert shapes[f"{scope}/Conv2d_0/weights"] == (3, 3, 3, 16)  # 8 would be too few
    assert shapes[f"{scope}/Conv2d_1_depthwise/depthwise_weights"] == (3, 3, 16, 1)
    assert shapes[f"{scope}/Conv2d_13_pointwise/weights"] == (1, 1, 256, 256)
    assert shapes[f"{scope}/Conv2d_13_pointwise_1_Conv2d_5_1x1_16/weights"] == (1, 1, 64, 16)
    assert shapes["BoxPredictor_5/ClassPredictor/weights"] == (1, 1, 32, 24)


def test_depthwise_heads_have_the_public_names(config):
    predictor = config.box_predictor.convolutional_box_predictor
    predictor.use_depthwise, predictor.kernel_size = True, 3
    shapes = {name: tuple(variable.shape) for name, variable in build(config).checkpoint_variables().items()}
    scope = "BoxPredictor_0/ClassPredictor"
    assert shapes[f"{scope}_depthwise/depthwise_weights"] == (3, 3, 128, 1)
    assert shapes[f"{scope}_depthwise/BatchNorm/moving_variance"] == (128,)
    assert shapes[f"{scope}/weights"] == (1, 1, 128, 12)


def test_layers_before_the_predictor(config):
    predictor = config.box_predictor.convolutional_box_predictor
    predictor.num_layers_before_predictor, predictor.max_depth, predictor.min_depth = 2, 48, 8
    shapes = {name: tuple(variable.shape) for name, variable in build(config).checkpoint_variables().items()}
    assert shapes["BoxPredictor_0/Conv2d_0_1x1_48/weights"] == (1, 1, 128, 48)
    assert shapes["BoxPredictor_5/Conv2d_1_1x1_32/weights"] == (1, 1, 32, 32)
    assert shapes["BoxPredictor_0/ClassPredictor/weights"] == (1, 1, 48, 12)


def test_options_of_the_head(config):
    predictor = config.box_predictor.convolutional_box_predictor
    predictor.class_prediction_bias_init = -4.6
    predictor.apply_sigmoid_to_scores = True
    predictor.box_encodings_clip_range.min, predictor.box_encodings_clip_range.max = -0.001, 0.002
    predictor.use_dropout, predictor.dropout_keep_probability = True, 0.5
    detector = build(config)
    image = np.random.default_rng(0).uniform(-1, 1, (2, 96, 96, 3)).astype(np.float32)
    training = [detector(image, training=True) for _ in range(2)]
    codes = training[0]["box_encodings"].numpy()
    assert (codes.min(), codes.max()) == (np.float32(-0.001), np.float32(0.002))
    # Dropout differs from time to time, before the classes only.
    np.testing.assert_array_equal(codes, training[1]["box_encodings"])
    scores = [found["class_predictions_with_background"].numpy() for found in training]
    assert np.abs(scores[0] - scores[1]).max() > 0
    assert np.median(scores[0]) == pytest.approx(1 / (1 + np.exp(4.6)), rel=0.2)
    inference = [detector(image)["class_predictions_with_background"] for _ in range(2)]
    np.testing.assert_array_equal(*inference)


def test_fewer_layers(config):
    config.feature_extractor.num_layers = config.anchor_generator.ssd_anchor_generator.num_layers = 3
    found = build(config)(np.zeros((1, 96, 96, 3), np.float32))
    assert [tuple(map.shape[1:3]) for map in found["feature_maps"]] == [(6, 6), (3, 3), (2, 2)]
    assert found["box_encodings"].shape == (1, 6 * 6 * 3 + 3 * 3 * 6 + 2 * 2 * 6, 4)


def test_frozen_batch_normalisation_keeps_its_averages(config):
    config.freeze_batchnorm = True
    detector = build(config)
    image = np.random.default_rng(0).uniform(-1, 1, (2, 96, 96, 3)).astype(np.float32)
    before = {name: variable.numpy() for name, variable in detector.checkpoint_variables().items()}
    frozen = detector(image, training=True)
    for name, variable in detector.checkpoint_variables().items():
        np.testing.assert_array_equal(variable.numpy(), before[name], err_msg=name)
    np.testing.assert_allclose(frozen["box_encodings"], detector(image)["box_encodings"], rtol=1e-5, atol=1e-7)
    trainable = {id(variable) for variable in detector.trainable_variables}
    variables = detector.checkpoint_variables()
    assert id(variables["FeatureExtractor/MobilenetV1/Conv2d_0/BatchNorm/gamma"]) in trainable
    assert id(variables["FeatureExtractor/MobilenetV1/Conv2d_0/BatchNorm/moving_mean"]) not in trainable


def test_of_negatives_only_those_that_are_drawn_count(config):
    """All positives and, for each, as many negatives as the fraction says: the first ones here."""
    config.loss.ClearField("hard_example_miner")
    config.loss.random_example_sampler.positive_sample_fraction = 0.25
    detector = build(config)
    detector.sampler.order = lambda candidates: np.broadcast_to(
        np.arange(candidates.shape[1], dtype=np.float32), candidates.shape
    )
    image = np.random.default_rng(0).uniform(-1, 1, (1, 96, 96, 3)).astype(np.float32)
    truth = {
        "boxes": np.array([[[0.1, 0.1, 0.6, 0.5]]], np.float32),
        "classes": np.array([[1]]),
        "weights": np.ones((1, 1), np.float32),
        "num_boxes": np.array([1]),
    }
    found = detector(image)
    targets = detector.target_assigner(found["anchors"], *truth.values())
    match = np.asarray(targets.match[0])
    logits = found["class_predictions_with_background"]
    every = np.asarray(detector.loss_parts.classification(logits, targets.classes, targets.class_weights)).sum(-1)[0]
    positives = int((match >= 0).sum())
    negatives = np.flatnonzero(match == -1)[: 3 * positives]
    expected = (every[match >= 0].sum() + every[negatives].sum()) / positives * config.loss.classification_weight
    losses = detector.loss(found, truth)
    np.testing.assert_allclose(losses["Loss/classification_loss"], expected, rtol=1e-5)
    # Boxes have positives alone; and without positives nothing counts.
    sampler, detector.sampler = detector.sampler, None
    np.testing.assert_allclose(
        losses["Loss/localization_loss"], detector.loss(found, truth)["Loss/localization_loss"], rtol=1e-6
    )
    detector.sampler = sampler
    assert float(detector.loss(found, {**truth, "num_boxes": np.array([0])})["Loss/classification_loss"]) == 0


@pytest.mark.parametrize("loss", ["weighted_iou", "weighted_giou", "l1_localization_loss"])
def test_losses_of_boxes_compare_boxes_and_those_of_values_are_weighed_by_anchor(config, loss):
    config.loss.ClearField("hard_example_miner")
    config.loss.ClearField("localization_loss")
    getattr(config.loss.localization_loss, loss).SetInParent()
    config.normalize_loss_by_num_matches = config.normalize_loc_loss_by_codesize = False
    config.loss.localization_weight = 1.0
    detector = build(config)
    box = np.array([0.1, 0.2, 0.6, 0.7], np.float32)
    found = detector(np.zeros((1, 96, 96, 3), np.float32))
    codes = np.random.default_rng(1).normal(0, 1, found["box_encodings"].shape).astype(np.float32)
    weight = np.array([[0.5]], np.float32)
    truth = {"boxes": box[None, None], "classes": [[0]], "weights": weight, "num_boxes": [1]}
    truth = {name: np.asarray(value) for name, value in truth.items()}
    anchors = np.asarray(found["anchors"])
    targets = detector.target_assigner(anchors, *truth.values())
    matched = np.asarray(targets.match[0]) == 0
    boxes = np.asarray(detector.box_coder.decode(codes, anchors))[0, matched]
    shared = np.prod(np.maximum(np.minimum(boxes[:, 2:], box[2:]) - np.maximum(boxes[:, :2], box[:2]), 0), axis=1)
    union = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) + 0.25 - shared
    around = np.prod(np.maximum(boxes[:, 2:], box[2:]) - np.minimum(boxes[:, :2], box[:2]), axis=1)
    expected = {
        "weighted_iou": 1 - shared / union,
        "weighted_giou": 1 - shared / union + 1 - union / around,
        "l1_localization_loss": np.abs(codes[0, matched] - np.asarray(targets.codes)[0, matched]).sum(axis=1),
    }[loss]
    assert 0 < matched.sum() < len(anchors)
    loss = detector.loss({**found, "box_encodings": codes}, truth)["Loss/localization_loss"]
    np.testing.assert_allclose(loss, 0.5 * expected.sum(), rtol=1e-4)


def test_without_a_background_column(config):
    config.add_background_class = False
    detector = build(config)
    found = detector(np.zeros((1, 96, 96, 3), np.float32))
    assert found["class_predictions_with_background"].shape[-1] == 3
    targets = detector.target_assigner(
        found["anchors"], np.array([[[0, 0, 1, 1]]], np.float32), np.array([[2]]), np.ones((1, 1), np.float32), [1]
    )
    matched = np.asarray(targets.match[0]) == 0
    assert matched.any()
    np.testing.assert_array_equal(np.asarray(targets.classes[0])[matched], [[0, 0, 1]] * matched.sum())
    assert not np.asarray(targets.classes[0])[~matched].any()


@pytest.mark.parametrize(
    ("kind", "statistics"),
    [
        ("truncated_normal_initializer { mean: 0.5 stddev: 0.01 }", (0.5, 0.01, 0.02)),
        ("random_normal_initializer { mean: -0.5 stddev: 0.02 }", (-0.5, 0.02, 0.1)),
        ("variance_scaling_initializer { factor: 1.0 mode: FAN_IN uniform: true }", (0, 128**-0.5, (3 / 128) ** 0.5)),
    ],
)
def test_initialisers(config, kind, statistics):
    message = config.box_predictor.convolutional_box_predictor.conv_hyperparams.initializer
    message.Clear()
    text_format.Parse(kind, message)
    weights = build(config).checkpoint_variables()["BoxPredictor_0/BoxEncodingPredictor/weights"].numpy()
    mean, deviation, furthest = statistics
    assert weights.mean() == pytest.approx(mean, abs=deviation / 5)
    # A normal distribution cut at two deviations is narrower.
    assert weights.std() == pytest.approx(deviation * (0.88 if "truncated" in kind else 1), rel=0.08)
    assert np.abs(weights - mean).max() <= furthest


REFUSED = [
    ("feature_extractor { type: 'ssd_inception_v3' }", "model.ssd.feature_extractor.type: 'ssd_inception_v3'"),
    ("feature_extractor { fpn { } }", "model.ssd.feature_extractor.fpn"),
    ("feature_extractor { num_layers: 5 }", "make their num_layers, or their levels, equal"),
    ("feature_extractor { conv_hyperparams { group_norm { } } }", "conv_hyperparams.group_norm"),
    ("feature_extractor { conv_hyperparams { force_use_bias: true } }", "conv_hyperparams.force_use_bias"),
    ("feature_extractor { conv_hyperparams { sync_batch_norm { } } }", "conv_hyperparams.sync_batch_norm"),
    ("feature_extractor { type: 'ssd_mobilenet_v1_keras' fpn { } }", "model.ssd.feature_extractor.fpn"),
    ("box_predictor { mask_rcnn_box_predictor { } }", "box_predictor: mask_rcnn_box_predictor is not built"),
    (
        "box_predictor { convolutional_box_predictor { box_code_size: 10 } }",
        "box_code_size is 10, but the box coder has 4 numbers to a box; write 4",
    ),
    ("box_coder { square_box_coder { } }", "box_code_size is 4, but the box coder has 3 numbers to a box; write 3"),
    ("box_coder { keypoint_box_coder { } }", "keypoint_box_coder is not built"),
    ("anchor_generator { multiscale_anchor_generator { } }", "no aspect_ratios"),
    ("anchor_generator { multiscale_anchor_generator { aspect_ratios: 1 } }", "anchors for 5 feature maps"),
    ("anchor_generator { multiscale_anchor_generator { min_level: 8 } }", "min_level 8 is above max_level 7"),
    ("anchor_generator { multiscale_anchor_generator { scales_per_octave: 0 } }", "scales_per_octave is 0"),
    ("anchor_generator { grid_anchor_generator { } }", "no scales or no aspect_ratios"),
    ("anchor_generator { grid_anchor_generator { scales: 1 aspect_ratios: 1 } }", "they are in pixels"),
    ("anchor_generator { flexible_grid_anchor_generator { } }", "no anchor_grid"),
    ("anchor_generator { flexible_grid_anchor_generator { anchor_grid { base_sizes: 9 } } }", "1 base_sizes for 0"),
    (
        "anchor_generator { flexible_grid_anchor_generator { anchor_grid { base_sizes: 9 aspect_ratios: 1 } } }",
        "no height_stride or width_stride",
    ),
    ("anchor_generator { ssd_anchor_generator { scales: 0.5 } }", "1 scales for 6 layers"),
    ("anchor_generator { ssd_anchor_generator { height_stride: 16 } }", "1 values of height_stride for 6 layers"),
    ("loss { classification_loss { weighted_dice_classification_loss { } } }", "hard_example_miner chooses by anchor"),
    (
        "loss { random_example_sampler { positive_sample_fraction: 0 } }",
        "positive_sample_fraction is 0; it must be above",
    ),
    ("loss { expected_loss_weights: EXPECTED_SAMPLING }", "model.ssd.loss.expected_loss_weights"),
    ("loss { equalization_loss { weight: 1 } }", "model.ssd.loss.equalization_loss"),
    ("post_processing { batch_non_max_suppression { max_classes_per_detection: 2 } }", "max_classes_per_detection 2"),
    ("post_processing { batch_non_max_suppression { use_combined_nms: true } }", "use_combined_nms"),
    ("post_processing { calibration_config { } }", "post_processing.calibration_config"),
    ("post_processing { calibration_config { sigmoid_calibration { } } }", "sigmoid_calibration is not built"),
    ("post_processing { calibration_config { temperature_scaling_calibration { } } }", "scaler is 0"),
    ("post_processing { calibration_config { function_approximation { } } }", "x_y_pair: not two or more points"),
    ("explicit_background_class: true", "model.ssd.explicit_background_class"),
    ("return_raw_detections_during_predict: true", "model.ssd.return_raw_detections_during_predict"),
    ("return_raw_detections_during_predict: true", "model.ssd.return_raw_detections_during_predict"),
    ("mask_head_config { }", "model.ssd.mask_head_config"),
    ("num_classes: 0", "num_classes is 0"),
]


@pytest.mark.parametrize(("change", "words"), REFUSED, ids=[words for _, words in REFUSED])
def test_refused_by_name(config, change, words):
    text_format.Merge(change, config)
    with pytest.raises(ConfigError) as error:
        build(config)
    assert words in str(error.value)


def test_an_architecture_that_is_not_built_is_refused():
    from teachbox.config.protos import model_pb2
    from teachbox.detector.build import build_detector

    message = model_pb2.DetectionModel()
    message.experimental_model.SetInParent()
    with pytest.raises(ConfigError, match="experimental_model is not built"):
        build_detector(message)
