"""Each choice of a part works inside a whole detector: it is supported, builds, learns and detects."""

from __future__ import annotations

import numpy as np
import pytest
from google.protobuf import text_format

from teachbox.config.load import parse_pipeline
from teachbox.config.supported import examine

pytestmark = pytest.mark.tf

CHOICES = {
    "multiscale_anchors": "anchor_generator { multiscale_anchor_generator { min_level: 4 max_level: 5 "
    "aspect_ratios: [1, 2] } }",
    "flexible_anchors": "anchor_generator { flexible_grid_anchor_generator {"
    + "anchor_grid { base_sizes: [30, 50] aspect_ratios: [1, 2] height_stride: 16 width_stride: 16 }" * 2
    + "} }",
    "mean_stddev": "box_coder { mean_stddev_box_coder { stddev: 0.1 } }",
    "square": "box_coder { square_box_coder { } } box_predictor { convolutional_box_predictor { box_code_size: 3 } }",
    "weighted_l2": "loss { localization_loss { weighted_l2 { } } }",
    "weighted_logits_softmax": "loss { classification_loss { weighted_logits_softmax { } } }",
    "bootstrapped": "loss { classification_loss { bootstrapped_sigmoid { alpha: 0.8 } } }",
    "dice": "loss { classification_loss { weighted_dice_classification_loss { } } }",
    "penalty_reduced": "loss { classification_loss { penalty_reduced_logistic_focal_loss { alpha: 2 beta: 4 } } }",
    "random_sampler": "loss { random_example_sampler { positive_sample_fraction: 0.25 } }",
    "bipartite": "matcher { bipartite_matcher { } }",
    "soft_nms": "post_processing { batch_non_max_suppression { soft_nms_sigma: 0.5 } }",
    "calibration": "post_processing { calibration_config { function_approximation { x_y_pairs {"
    "x_y_pair { x: 0 y: 0.1 } x_y_pair { x: 1 y: 0.8 } } } } }",
    "class_agnostic_nms": "post_processing { batch_non_max_suppression { use_class_agnostic_nms: true } }",
}


@pytest.mark.parametrize("change", CHOICES.values(), ids=CHOICES)
def test_a_detector_with_it_learns_and_detects(oracles, change):
    import tensorflow as tf

    from teachbox.detector.build import build_detector

    text = (oracles / "ssd_mobilenet_v1_075" / "pipeline.config").read_text()
    model = parse_pipeline(text).message.model
    model.ssd.feature_extractor.depth_multiplier = 0.25
    model.ssd.image_resizer.fixed_shape_resizer.height = model.ssd.image_resizer.fixed_shape_resizer.width = 96
    # Two feature maps instead of six: no choice asks for more, and each layer costs time.
    model.ssd.feature_extractor.num_layers = model.ssd.anchor_generator.ssd_anchor_generator.num_layers = 2
    model.ssd.loss.ClearField("hard_example_miner")
    text_format.Merge(change, model.ssd)
    whole = parse_pipeline(text).message
    whole.model.CopyFrom(model)
    assert not examine(parse_pipeline(text_format.MessageToString(whole))).refused
    detector = build_detector(model)
    images = np.random.default_rng(0).uniform(-1, 1, (2, 96, 96, 3)).astype(np.float32)
    truth = {
        "boxes": np.array([[[0.1, 0.1, 0.6, 0.5], [0.5, 0.4, 0.9, 0.9]], [[0, 0, 0, 0]] * 2], np.float32),
        "classes": np.array([[0, 2], [0, 0]]),
        "weights": np.array([[1, 1], [0, 0]], np.float32),
        "num_boxes": np.array([2, 0]),
    }

    @tf.function
    def step(images):
        with tf.GradientTape() as tape:
            losses = detector.loss(detector(images, training=True), truth)
            total = sum(losses.values())
        return losses, tape.gradient(total, detector.trainable_variables)

    losses, gradients = step(images)
    assert all(np.isfinite(loss) and loss > 0 for loss in losses.values())
    assert all(np.isfinite(gradient).all() for gradient in gradients)

    @tf.function
    def detect(images):
        return detector.postprocess(detector(images), np.array([[96, 96, 3]] * 2))

    found = detect(images)
    assert found["detection_boxes"].shape == (2, 100, 4)
    assert (found["num_detections"].numpy() > 0).all()
    assert all(np.isfinite(value).all() for value in found.values())
