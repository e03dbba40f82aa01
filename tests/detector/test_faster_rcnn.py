"""The two-stage detector as a whole: sizes, options, what training uses. Its numbers are for the oracles to say."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from two_stages import ANCHORS_A_CELL, PROPOSALS, SAMPLED, build, small_config

pytestmark = pytest.mark.tf

FOUND = ("detection_boxes", "detection_scores", "detection_classes", "num_detections")


@pytest.fixture(scope="module")
def detector() -> Any:
    return build(small_config())


def images(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).uniform(-1, 1, (*shape, 3)).astype(np.float32)


def shapes(*sizes: tuple[int, int]) -> np.ndarray:
    return np.array([(*size, 3) for size in sizes], np.int32)


def truth(*boxes: list[list[float]], rows: int = 3) -> dict[str, np.ndarray]:
    """The boxes of each image, all of class 1 but the first."""
    padded = np.zeros((len(boxes), rows, 4), np.float32)
    for image, own in enumerate(boxes):
        padded[image, : len(own)] = np.reshape(own, (-1, 4))
    counts = np.array([len(own) for own in boxes], np.int32)
    present = np.arange(rows) < counts[:, None]
    classes = np.tile(np.minimum(np.arange(rows), 1), (len(boxes), 1)).astype(np.int32)
    return {"boxes": padded, "classes": classes, "weights": present.astype(np.float32), "num_boxes": counts}


BOXES = [[0.1, 0.1, 0.6, 0.5], [0.5, 0.4, 0.95, 0.9]]


# Sizes


def test_one_trace_serves_images_of_all_sizes(detector):
    import tensorflow as tf

    traces = []

    @tf.function(input_signature=[tf.TensorSpec([None, None, None, 3]), tf.TensorSpec([None, 3], tf.int32)])
    def detect(pictures, true_shape):
        traces.append(True)
        return detector.postprocess(detector(pictures, true_shape), true_shape)

    for height, width in ((64, 96), (96, 64), (33, 150)):
        picture, shape = images(1, height, width), shapes((height, width))
        found = detect(picture, shape)
        known = detector.postprocess(detector(picture, shape), shape)
        for name in FOUND:
            np.testing.assert_allclose(found[name], known[name], atol=1e-5, err_msg=name)
    assert len(traces) == 1
    assert found["detection_boxes"].shape == (1, 10, 4)


def test_anchors_for_sizes_known_only_later(detector):
    import tensorflow as tf

    generator = detector.rpn.anchor_generator
    known = generator([(5, 7)], (80, 112))
    assert isinstance(known, np.ndarray)
    assert known.shape == (5 * 7 * ANCHORS_A_CELL, 4)
    later = tf.function(lambda size, image: generator([(size[0], size[1])], (image[0], image[1])))
    np.testing.assert_array_equal(later(tf.constant([5, 7]), tf.constant([80, 112])), known)


def test_a_picture_in_a_padded_image_keeps_to_itself(detector):
    # The picture takes the upper left 48 × 64 of what is padded to 64 × 96.
    picture = np.zeros((1, 64, 96, 3), np.float32)
    picture[:, :48, :64] = images(1, 48, 64)
    predictions = detector(picture, shapes((48, 64)))
    proposals = np.asarray(predictions["proposal_boxes"])[0]
    assert proposals[:, [0, 2]].max() <= 48
    assert proposals[:, [1, 3]].max() <= 64
    found = detector.postprocess(predictions, shapes((48, 64)))
    boxes = np.asarray(found["detection_boxes"])[0, : int(found["num_detections"][0])]
    assert len(boxes)
    assert (boxes >= 0).all()
    assert (boxes <= 1).all()
    whole = np.asarray(detector.postprocess(predictions, shapes((64, 96)))["detection_boxes"])[0]
    # The same boxes, told of the picture instead of the padded image.
    np.testing.assert_allclose(boxes[0], np.minimum(whole[0] * np.tile([64 / 48, 96 / 64], 2), 1), atol=1e-5)


# Training


def test_what_training_uses(detector):
    predictions = detector(images(2, 64, 96), shapes((64, 96), (64, 96)), truth(BOXES, []), training=True)
    anchors, usable = np.asarray(predictions["anchors"]), np.asarray(predictions["usable_anchors"])
    drawn = detector.rpn.anchor_generator([(4, 6)], (64, 96))
    inside = (drawn[:, :2] >= 0).all(1) & (drawn[:, 2] <= 64) & (drawn[:, 3] <= 96)
    np.testing.assert_array_equal(usable, inside)
    assert 0 < usable.sum() < len(usable)
    assert (anchors.min(0) >= 0).all()
    assert (anchors.max(0) <= [64, 96, 64, 96]).all()
    assert predictions["proposal_boxes"].shape == (2, SAMPLED, 4)
    assert detector(images(1, 64, 96), shapes((64, 96)))["proposal_boxes"].shape == (1, PROPOSALS, 4)
    assert np.asarray(detector(images(1, 64, 96), shapes((64, 96)))["usable_anchors"]).all()


def test_training_needs_the_ground_truth(detector):
    with pytest.raises(ValueError, match="training needs the ground truth"):
        detector(images(1, 64, 64), shapes((64, 64)), training=True)


def test_an_image_without_boxes_teaches_what_is_none(detector):
    picture, shape, nothing = images(1, 64, 96), shapes((64, 96)), truth([])
    losses = detector.loss(detector(picture, shape, nothing, training=True), nothing)
    losses = {name: float(loss) for name, loss in losses.items()}
    assert losses["Loss/RPNLoss/localization_loss"] == losses["Loss/BoxClassifierLoss/localization_loss"] == 0
    assert losses["Loss/RPNLoss/objectness_loss"] > 0
    assert losses["Loss/BoxClassifierLoss/classification_loss"] > 0


def test_losses_are_means_over_images(detector):
    """With everything sampled, a batch of two costs the mean of what each costs alone."""
    pictures, shape, both = images(2, 64, 96), shapes((64, 96), (64, 96)), truth(BOXES, BOXES[1:])

    def losses(rows: slice) -> np.ndarray:
        own = {name: values[rows] for name, values in both.items()}
        found = detector.loss(detector(pictures[rows], shape[rows]), own)
        return np.array([float(found[name]) for name in sorted(found)])

    detector.rpn.sampler.order = lambda candidates: np.zeros(candidates.shape, np.float32)
    alone = (losses(slice(0, 1)) + losses(slice(1, 2))) / 2
    np.testing.assert_allclose(losses(slice(0, 2)), alone, rtol=1e-4)


# Options

HEAD = "second_stage_box_predictor { mask_rcnn_box_predictor { %s } }"
RFCN = """second_stage_box_predictor { rfcn_box_predictor { depth: 32 crop_height: 6 crop_width: 6 %s
    conv_hyperparams { regularizer { l2_regularizer { } }
    initializer { truncated_normal_initializer { stddev: 0.01 } } } } }"""
CHOICES = {
    "as it is": "",
    "share_box_across_classes": HEAD % "share_box_across_classes: true",
    "dropout": HEAD % "use_dropout: true dropout_keep_probability: 0.8",
    "sigmoid": "second_stage_classification_loss { weighted_sigmoid { } } "
    "second_stage_post_processing { score_converter: SIGMOID }",
    "focal": "second_stage_classification_loss { weighted_sigmoid_focal { gamma: 2 alpha: 0.25 } }",
    "hard_example_miner": "hard_example_miner { num_hard_examples: 4 iou_threshold: 0.9 }",
    "clip_anchors_to_image": "clip_anchors_to_image: true",
    "atrous_rate": "first_stage_atrous_rate: 2",
    "batch_norm_trainable": "feature_extractor { batch_norm_trainable: true }",
    "batch_norm in the first stage": "first_stage_box_predictor_conv_hyperparams { batch_norm { } }",
    "class_agnostic_nms": "second_stage_post_processing { batch_non_max_suppression { use_class_agnostic_nms: true } }",
    "rfcn": RFCN % "",
    "matmul crops": "use_matmul_crop_and_resize: true",
    "one stage": "number_of_stages: 1",
}


@pytest.mark.parametrize("change", CHOICES.values(), ids=CHOICES)
def test_a_detector_with_it_learns_and_detects(change):
    import tensorflow as tf

    detector = build(small_config(change))
    pictures, shape, boxes = images(2, 64, 96), shapes((64, 96), (60, 90)), truth(BOXES, [])

    moving = [variable for name, variable in detector.checkpoint_variables().items() if "moving_" in name]
    before = [variable.numpy() for variable in moving]
    with tf.GradientTape() as tape:
        losses = detector.loss(detector(pictures, shape, boxes, training=True), boxes)
        total = sum(losses.values())
    gradients = tape.gradient(total, [variable.value for variable in detector.trainable_variables])
    assert all(np.isfinite(loss) for loss in losses.values())
    assert sum(losses.values()) > 0
    assert all(gradient is not None and np.isfinite(gradient).all() for gradient in gradients)
    trained = any((variable.numpy() != old).any() for variable, old in zip(moving, before, strict=True))
    assert trained == ("batch_norm" in change)
    found = detector.postprocess(detector(pictures, shape), shape)
    assert all(np.isfinite(found[name]).all() for name in FOUND)
    assert (found["num_detections"].numpy() > 0).all()
    assert set(losses) == {
        "Loss/RPNLoss/localization_loss",
        "Loss/RPNLoss/objectness_loss",
        *(
            ("Loss/BoxClassifierLoss/localization_loss", "Loss/BoxClassifierLoss/classification_loss")
            * ("number_of_stages: 1" not in change)
        ),
    }


def test_the_miner_looks_at_every_image():
    """Without sampling, of each image the hardest proposals count; the original's loop ends after the first image."""
    from teachbox.detector.faster_rcnn import in_pixels

    config = small_config("hard_example_miner { num_hard_examples: 1 iou_threshold: 1.0 loss_type: CLASSIFICATION }")
    detector = build(config)
    pictures, shape, boxes = images(2, 64, 96), shapes((64, 96), (64, 96)), truth(BOXES, BOXES)
    predictions = detector(pictures, shape, boxes, training=True)
    assert predictions["proposal_boxes"].shape == (2, PROPOSALS, 4)
    losses = detector.loss(predictions, boxes)

    name, hardest = "Loss/BoxClassifierLoss/classification_loss", 0.0
    for image in range(2):
        own = {key: values[image : image + 1] for key, values in boxes.items()}
        stage = ("proposal_boxes", "num_proposals", "refined_box_encodings", "class_predictions_with_background")
        rows = {key: predictions[key][image : image + 1] for key in stage}
        hardest += float(detector.box_classifier.loss(rows, in_pixels(own, (64, 96)))[name])
    assert hardest > 0
    np.testing.assert_allclose(losses[name], hardest / 2, rtol=1e-5)


def test_a_first_stage_alone_detects_its_proposals():
    detector = build(small_config("number_of_stages: 1"))
    assert not any(name.startswith("SecondStage") for name in detector.checkpoint_variables())
    shape = shapes((64, 96))
    found = detector.postprocess(detector(images(1, 64, 96), shape), shape)
    boxes = np.asarray(found["detection_boxes"])[0, : int(found["num_detections"][0])]
    scores = np.asarray(found["detection_scores"])[0]
    assert found["detection_boxes"].shape == (1, PROPOSALS, 4)
    assert (boxes >= 0).all()
    assert (boxes <= 1).all()
    assert (np.diff(scores) <= 0).all()
    assert not np.asarray(found["detection_classes"]).any()


def test_resnet_with_a_finer_map():
    """What the first stage does not compute is not trained, but stands in checkpoints."""
    detector = build(small_config("feature_extractor { type: 'faster_rcnn_resnet50' first_stage_features_stride: 8 }"))
    shape = shapes((64, 96))
    predictions = detector(images(1, 64, 96), shape)
    assert predictions["feature_maps"][0].shape == (1, 8, 12, 1024)
    assert predictions["box_classifier_features"].shape == (PROPOSALS, 2, 2, 2048)
    names = {id(variable): name for name, variable in detector.checkpoint_variables().items()}
    unused = "FirstStageFeatureExtractor/resnet_v1_50/block4"
    assert any(name.startswith(unused) for name in names.values())
    assert not any(names[id(variable)].startswith(unused) for variable in detector.trainable_variables)


# Feature pyramids

PYRAMID = """
feature_extractor { type: 'faster_rcnn_resnet50_fpn_keras' batch_norm_trainable: true
    fpn { min_level: 3 max_level: 6 additional_layer_depth: 16 }
    conv_hyperparams { batch_norm { scale: true } regularizer { l2_regularizer { } }
        initializer { truncated_normal_initializer { stddev: 0.03 } } } }
first_stage_anchor_generator { multiscale_anchor_generator { min_level: 3 max_level: 6 normalize_coordinates: false
    aspect_ratios: [1, 2] scales_per_octave: 1 } }
"""


@pytest.fixture(scope="module")
def pyramid() -> Any:
    return build(small_config(PYRAMID))


def test_a_pyramid_serves_images_of_all_sizes(pyramid):
    """Images are padded to the next multiple of 32: a map has as many cells as that has strides, each with anchors."""
    import tensorflow as tf

    @tf.function(input_signature=[tf.TensorSpec([None, None, None, 3]), tf.TensorSpec([None, 3], tf.int32)])
    def detect(pictures, true_shape):
        predictions = pyramid(pictures, true_shape)
        return predictions["anchors"], pyramid.postprocess(predictions, true_shape)

    for height, width, cells in ((64, 96, 8 * 12 + 4 * 6 + 2 * 3 + 1 * 2), (40, 33, 8 * 8 + 4 * 4 + 2 * 2 + 1)):
        picture, shape = images(1, height, width), shapes((height, width))
        anchors, found = detect(picture, shape)
        predictions = pyramid(picture, shape)
        known = pyramid.postprocess(predictions, shape)
        assert anchors.shape == (2 * cells, 4)
        assert predictions["box_classifier_features"].shape == (PROPOSALS, 1, 1, 1024)
        for name in FOUND:
            np.testing.assert_allclose(found[name], known[name], atol=1e-4, err_msg=name)


def test_a_pyramid_learns(pyramid):
    import tensorflow as tf

    pictures, shape, boxes = images(2, 64, 96), shapes((64, 96), (60, 90)), truth(BOXES, [])
    with tf.GradientTape() as tape:
        losses = pyramid.loss(pyramid(pictures, shape, boxes, training=True), boxes)
        total = sum(losses.values())
    gradients = tape.gradient(total, [variable.value for variable in pyramid.trainable_variables])
    assert np.isfinite(total)
    without = [
        name
        for name, variable in pyramid.checkpoint_variables().items()
        for trained, gradient in zip(pyramid.trainable_variables, gradients, strict=True)
        if trained is variable and gradient is None
    ]
    # The finest level of the pyramid begins above the backbone's first.
    assert not without


def test_names_of_a_pyramid(pyramid):
    names = {name: tuple(variable.shape) for name, variable in pyramid.checkpoint_variables().items()}
    first, second = (f"model/_feature_extractor_for_{stage}_features" for stage in ("proposal", "box_classifier"))
    assert names[f"{first}/classification_backbone/layer_with_weights-0/kernel"] == (7, 7, 3, 64)
    assert names[f"{first}/fpn_features_generator/top_layers/0/kernel"] == (1, 1, 2048, 16)
    assert names[f"{first}/coarse_feature_layers/0/0/kernel"] == (3, 3, 16, 16)
    assert names[f"{second}/layer_with_weights-0/kernel"] == (2 * 2 * 16, 1024)
    assert names[f"{second}/layer_with_weights-1/gamma"] == (1024,)
    assert names[f"{second}/layer_with_weights-2/bias"] == (1024,)
    heads = "model/_first_stage_box_predictor/_prediction_heads"
    assert names[f"{heads}/box_encodings/3/_box_encoder_layers/0/bias"] == (2 * 4,)
    assert names["model/_mask_rcnn_box_predictor/_class_prediction_head/_class_predictor_layers/1/kernel"] == (1024, 3)
    assert len(names) == len(pyramid.variables) - 2  # the samplers' seeds


# Names and refusals


def test_public_names(detector):
    shapes = {name: tuple(variable.shape) for name, variable in detector.checkpoint_variables().items()}
    assert shapes["FirstStageFeatureExtractor/InceptionV2/Mixed_4e/Branch_3/Conv2d_0b_1x1/weights"] == (1, 1, 576, 96)
    assert shapes["Conv/weights"] == (3, 3, 576, 32)
    assert shapes["FirstStageBoxPredictor/BoxEncodingPredictor/weights"] == (1, 1, 32, 4 * ANCHORS_A_CELL)
    assert shapes["SecondStageFeatureExtractor/InceptionV2/Mixed_5c/Branch_0/Conv2d_0a_1x1/weights"] == (
        1,
        1,
        1024,
        352,
    )
    assert shapes["SecondStageBoxPredictor/BoxEncodingPredictor/weights"] == (1024, 8)
    assert shapes["SecondStageBoxPredictor/ClassPredictor/biases"] == (3,)
    assert len(shapes) == len({id(variable) for variable in detector.checkpoint_variables().values()})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("number_of_stages: 3", "number_of_stages 3 is not built; 1 and 2 are"),
        ("feature_extractor { type: 'faster_rcnn_nas' }", "'faster_rcnn_nas' is not built; of these, one is: "),
        ("feature_extractor { first_stage_features_stride: 8 }", "first_stage_features_stride 8 is not built; 16 is"),
        ("second_stage_batch_size: 13", "second_stage_batch_size 13 is above first_stage_max_proposals 12"),
        (
            "second_stage_box_predictor { mask_rcnn_box_predictor { fc_hyperparams { op: CONV } } }",
            "op is CONV; write FC",
        ),
        (
            "second_stage_box_predictor { convolutional_box_predictor { } }",
            "convolutional_box_predictor is not built; mask_rcnn_box_predictor",
        ),
        (
            "feature_extractor { type: 'faster_rcnn_resnet50_keras' } " + RFCN % "",
            "rfcn_box_predictor is not built; mask_rcnn_box_predictor is",
        ),
        (
            PYRAMID + "feature_extractor { pad_to_multiple: 16 }",
            "pad_to_multiple is 16; each map must be twice the next: give a multiple of 32",
        ),
        (
            PYRAMID + "feature_extractor { fpn { max_level: 7 } }",
            "anchors for 4 feature maps, but there are 5",
        ),
        (RFCN % "num_spatial_bins_width: 4", "a crop of 6 cannot be cut into 4 parts"),
    ],
)
def test_what_is_not_built_is_refused(change: str, words: str):
    from teachbox.errors import ConfigError

    with pytest.raises(ConfigError) as caught:
        build(small_config(change))
    assert words in str(caught.value)
