"""Single-shot detectors whose images have the sizes that they have: a graph that learns these when it runs finds, and
costs, what a detector of one size does."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import text_format

from teachbox.config.protos import model_pb2, pipeline_pb2
from teachbox.detector.build import build_detector
from teachbox.errors import ConfigError

pytestmark = pytest.mark.tf

STRIDES = " ".join(f"height_stride: {2**level} width_stride: {2**level}" for level in range(4, 10))
SMALL = "score_threshold: 1e-3 iou_threshold: 0.6 max_detections_per_class: 20 max_total_detections: 30"
CHANGES = {
    "as it is": "",
    "strides": f"anchor_generator {{ ssd_anchor_generator {{ {STRIDES} }} }}",
    "soft": f"post_processing {{ batch_non_max_suppression {{ {SMALL} soft_nms_sigma: 0.5 }} }}",
    "class-agnostic": f"post_processing {{ batch_non_max_suppression {{ {SMALL} use_class_agnostic_nms: true }} }}",
    "drawn": "loss { random_example_sampler { positive_sample_fraction: 0.25 } }",
    "few hard examples": "loss { hard_example_miner { num_hard_examples: 50 } }",
}


@pytest.fixture
def config(oracles) -> Any:
    """A single-shot detector of two classes, small."""
    text = (oracles / "ssd_mobilenet_v1_075" / "pipeline.config").read_text()
    message = text_format.Parse(text, pipeline_pb2.TrainEvalPipelineConfig()).model.ssd
    message.num_classes = 2
    message.feature_extractor.depth_multiplier = 0.25
    return message


def with_sizes(config: Any, resizer: str) -> Any:
    """The detector, each variable's values drawn by its name, so that what it says depends on what it sees."""
    config.image_resizer.Clear()
    text_format.Parse(resizer, config.image_resizer)
    detector = build_detector(model_pb2.DetectionModel(ssd=config))
    for name, variable in detector.checkpoint_variables().items():
        if len(variable.shape) > 1:
            random = np.random.RandomState(zlib.crc32(name.encode()))
            # A depthwise kernel has the shape [h, w, channels, 1].
            inputs = np.prod(variable.shape[: 2 if variable.shape[-1] == 1 else -1])
            variable.assign(random.normal(0, np.sqrt(2 / inputs), variable.shape))
    if detector.sampler is not None:
        detector.sampler.order = lambda candidates: (
            tf.cast(tf.range(tf.shape(candidates)[1]), tf.float32) + tf.zeros(tf.shape(candidates))
        )
    return detector


TRUTH = {
    "boxes": tf.constant([[[0.1, 0.1, 0.5, 0.6], [0.2, 0.3, 0.9, 0.8]]] * 2),
    "classes": tf.constant([[1, 0], [0, 1]]),
    "weights": tf.ones((2, 2)),
    "num_boxes": tf.constant([2, 1]),
}


def graph_of(detector: Any, *sides: int | None) -> Any:
    @tf.function(input_signature=[tf.TensorSpec([None, *sides, 3]), tf.TensorSpec([None, 3], tf.int32)])
    def run(images: tf.Tensor, true_shape: tf.Tensor) -> Any:
        predictions = detector(detector.preprocess(images), true_shape, training=False)
        found = detector.postprocess(predictions, true_shape)
        names = ("detection_boxes", "detection_scores", "detection_classes", "num_detections")
        # The losses are of two images.
        losses = detector.loss(predictions, TRUTH)
        return {**{name: found[name] for name in names}, **losses, "anchors": predictions["anchors"]}

    return run


@pytest.mark.parametrize("change", CHANGES)
def test_they_find_and_cost_what_one_of_that_size_does(config: Any, change: str) -> None:
    if change == "strides":
        config.anchor_generator.ssd_anchor_generator.ClearField("height_stride")
        config.anchor_generator.ssd_anchor_generator.ClearField("width_stride")
    if change == "drawn":
        config.loss.ClearField("hard_example_miner")
    text_format.Merge(CHANGES[change], config)
    any_size = graph_of(with_sizes(config, "identity_resizer {}"), None, None)
    for height, width in ((96, 128), (120, 70)):
        fixed = with_sizes(config, f"fixed_shape_resizer {{ height: {height} width: {width} }}")
        images = np.random.default_rng(height).uniform(0, 255, (2, height, width, 3)).astype(np.float32)
        true_shape = tf.constant([[height, width, 3]] * 2)
        expected, found = graph_of(fixed, height, width)(images, true_shape), any_size(images, true_shape)
        assert np.ptp(expected["detection_scores"]) > 0.05
        assert expected["num_detections"].numpy().min() > 5
        for name, values in expected.items():
            np.testing.assert_allclose(found[name], values, rtol=1e-4, atol=1e-4, err_msg=name)


def test_what_a_batch_pads_is_padding_as_where_images_are_padded_to_a_square(config: Any) -> None:
    loose = with_sizes(config, "keep_aspect_ratio_resizer { min_dimension: 90 max_dimension: 128 }")
    square = with_sizes(
        config, "keep_aspect_ratio_resizer { min_dimension: 90 max_dimension: 128 pad_to_max_dimension: true }"
    )
    images = np.random.default_rng(1).uniform(0, 255, (2, 128, 128, 3)).astype(np.float32)
    true_shape = tf.constant([[128, 96, 3], [90, 128, 3]])
    expected, found = graph_of(square, 128, 128)(images, true_shape), graph_of(loose, None, None)(images, true_shape)
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-4, atol=1e-4, err_msg=name)


@pytest.mark.parametrize("resizer", ["identity_resizer {}", "pad_to_multiple_resizer { multiple: 32 }"])
def test_a_pyramid_of_any_size(oracles, resizer: str) -> None:
    text = (oracles / "ssd_mobilenet_v1_fpn" / "pipeline.config").read_text()
    message = text_format.Parse(text, pipeline_pb2.TrainEvalPipelineConfig()).model.ssd
    message.num_classes = 2
    message.feature_extractor.depth_multiplier = 0.25
    message.feature_extractor.fpn.additional_layer_depth = 16
    message.box_predictor.weight_shared_convolutional_box_predictor.depth = 16
    message.feature_extractor.pad_to_multiple = 32
    any_size = graph_of(with_sizes(message, resizer), None, None)
    fixed = graph_of(with_sizes(message, "fixed_shape_resizer { height: 96 width: 160 }"), 96, 160)
    images = np.random.default_rng(2).uniform(0, 255, (2, 96, 160, 3)).astype(np.float32)
    expected, found = (run(images, tf.constant([[96, 160, 3]] * 2)) for run in (fixed, any_size))
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-4, atol=1e-4, err_msg=name)
    message.feature_extractor.pad_to_multiple = 1
    if resizer.startswith("identity"):
        with pytest.raises(ConfigError, match="leaves images of any size, whose maps may not be twice each other"):
            with_sizes(message, resizer)
    else:
        with_sizes(message, resizer)
