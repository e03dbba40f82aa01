"""Two stages on a backbone of one convolution: the same numbers on every backend, in inference and in training.

`make test-backends` runs this on JAX and on PyTorch, where a real backbone takes minutes to compile.
"""

from __future__ import annotations

import zlib

import keras
import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import text_format

from teachbox.config.protos import faster_rcnn_pb2
from teachbox.data.batch_pipeline import batch_spec
from teachbox.detector.build.faster_rcnn import _box_classifier, _region_proposal_network
from teachbox.detector.faster_rcnn import FasterRCNN
from teachbox.detector.features.two_stages import ImageFeatures, RegionFeatures
from teachbox.detector.hyperparams import ConvHyperparams
from teachbox.detector.layers import ConvBlock
from teachbox.training.backend import compiled
from teachbox.training.learner import Learner
from teachbox.training.loop import Step, train
from teachbox.training.optimizers import Momentum

pytestmark = pytest.mark.tf

CONFIG = """
num_classes: 2
first_stage_anchor_generator { grid_anchor_generator {
    height: 32 width: 32 height_stride: 8 width_stride: 8 scales: [0.5, 1.0] aspect_ratios: [1.0, 2.0]
} }
first_stage_box_predictor_conv_hyperparams { initializer { truncated_normal_initializer { stddev: 0.01 } } }
first_stage_box_predictor_depth: 12
first_stage_max_proposals: 12
first_stage_minibatch_size: 16
second_stage_batch_size: 8
initial_crop_size: 4
maxpool_kernel_size: 2
maxpool_stride: 2
second_stage_box_predictor { mask_rcnn_box_predictor { fc_hyperparams {
    op: FC initializer { variance_scaling_initializer { } }
} } }
second_stage_post_processing {
    batch_non_max_suppression { iou_threshold: 0.6 max_detections_per_class: 6 max_total_detections: 8 }
    score_converter: SOFTMAX
}
"""
SPEC = batch_spec(2, 48, 64, 2)


class OneConvolution(keras.layers.Layer):
    """A backbone that is a convolution of as large a stride as its kernel."""

    def __init__(self, scope: str, side: int, filters: int) -> None:
        super().__init__()
        options = ConvHyperparams(keras.initializers.GlorotUniform, keras.ops.relu, 0.0, None)
        self.block = ConvBlock(scope, options, kernel_size=side, filters=filters, strides=side)

    def build(self, shape: tuple[int | None, ...]) -> None:
        self.block.build(shape)
        self.out_shapes = {"features": self.block.compute_output_shape(shape)}

    def call(self, x: object, training: bool = False) -> dict[str, object]:
        return {"features": self.block(x)}

    def named_variables(self) -> dict[str, keras.Variable]:
        return self.block.named_variables()


def thin() -> FasterRCNN:
    """The detector, each variable's values drawn by its name, and samplers that take rows as they come."""
    config = text_format.Parse(CONFIG, faster_rcnn_pb2.FasterRcnn())
    detector = FasterRCNN(
        num_classes=config.num_classes,
        feature_extractor=ImageFeatures(
            OneConvolution("Image", 8, 16), tap="features", normalise=lambda images: images / 127.5 - 1
        ),
        rpn=_region_proposal_network(config, "graph"),
        box_classifier=_box_classifier(
            config, RegionFeatures(OneConvolution("Region", 2, 16), tap="features"), "graph"
        ),
    )
    detector.build((None, None, None, 3))
    for name, variable in detector.checkpoint_variables().items():
        random = np.random.RandomState(zlib.crc32(name.encode()))
        variable.assign(random.normal(0, np.sqrt(1.5 / np.prod(variable.shape[:-1])), variable.shape))
    for sampler in (detector.rpn.sampler, detector.box_classifier.sampler):
        sampler.order = in_order
    return detector


def in_order(candidates: object) -> object:
    rows = keras.ops.arange(keras.ops.shape(candidates)[1], dtype="float32")
    return keras.ops.broadcast_to(rows, keras.ops.shape(candidates))


def batch() -> dict[str, tf.Tensor]:
    """Two noisy images, an object of each class in the first; the second is smaller than the batch, and empty."""
    pixels = np.random.RandomState(0).uniform(0, 90, (2, 48, 64, 3))
    pixels[0, 6:30, 8:40] += 150
    pixels[0, 30:44, 36:60, 0] += 120
    pixels[1, 40:] = 0
    given = {
        "image": pixels.astype(np.float32),
        "true_shape": np.array([[48, 64, 3], [40, 64, 3]], np.int32),
        "boxes": np.array([[[6 / 48, 8 / 64, 30 / 48, 40 / 64], [30 / 48, 36 / 64, 44 / 48, 60 / 64]], [[0] * 4] * 2]),
        "classes": np.array([[0, 1], [0, 0]], np.int32),
        "weights": np.array([[1, 1], [0, 0]], np.float32),
        "num_boxes": np.array([2, 0], np.int32),
    }
    return {name: tf.constant(value, SPEC[name].dtype) for name, value in given.items()}


def trained(detector: FasterRCNN, steps: int) -> tuple[Learner, list[Step]]:
    learner = Learner(detector, Momentum(momentum=0.9), lambda step: 0.01, SPEC, clip_norm=10.0)
    return learner, list(train(learner, iter([batch()] * steps), steps))


def detected(detector: FasterRCNN) -> dict[str, np.ndarray]:
    def run(given: dict[str, object]) -> dict[str, object]:
        predictions = detector(detector.preprocess(given["image"]), given["true_shape"], training=False)
        return detector.postprocess(predictions, given["true_shape"])

    found = compiled(run, SPEC, state=detector.variables)(batch())
    return {name: keras.ops.convert_to_numpy(value) for name, value in found.items()}


LOSSES = (
    "RPNLoss/localization_loss",
    "RPNLoss/objectness_loss",
    "BoxClassifierLoss/localization_loss",
    "BoxClassifierLoss/classification_loss",
)
# TensorFlow's: the losses of LOSSES and the length of the gradient.
FIRST_STEPS = (
    (0.33161, 2.15288, 0.475811, 3.06189, 11.6879),
    (0.322685, 1.78049, 0.468076, 2.47754, 9.71539),
    (0.308062, 1.22842, 0.439425, 1.62168, 8.20226),
    (0.29552, 0.731368, 0.0, 0.818152, 5.4185),
)
SCORES = (
    (0.894291, 0.8714, 0.836628, 0.826824, 0.825523, 0.809549, 0.279515, 0.260697),
    (0.583786, 0.562493, 0.561904, 0.561551, 0.559705, 0.550241, 0.437351, 0.424425),
)
BEST_BOXES = ((0.16745, 0.052208, 0.559961, 0.363749), (0.72902, 0.518247, 1.0, 0.818401))


def test_steps_are_those_of_tensorflow() -> None:
    """One compiled step; proposals, samples and crops follow the weights, so each loss holds the step before."""
    learner, steps = trained(thin(), 40)
    if keras.backend.backend() != "torch":  # which compiles nothing
        assert learner.traces == 1
    for step, expected in zip(steps, FIRST_STEPS, strict=False):
        found = [*(step.losses[f"Loss/{name}"] for name in LOSSES), step.gradient_norm]
        np.testing.assert_allclose(found, expected, rtol=1e-4, err_msg=f"step {step.step}")
    totals = [step.losses["Loss/total_loss"] for step in steps]
    assert np.mean(totals[-5:]) < 0.1 * totals[0]


def test_scores_of_all_classes_are_learned_in_place_of_classes() -> None:
    """The classification loss is a sum over classes of what is true of each: half of two truths costs half of both."""
    spec = batch_spec(2, 48, 64, 2, num_scores=2)
    learner = Learner(thin(), Momentum(momentum=0.9), lambda step: 0.01, spec)
    start = learner.snapshot()

    def losses(*rows: list[float]) -> list[float]:
        learner.restore(start)
        scores = tf.constant([rows, [[0.0, 0.0]] * 2])
        found = learner.run({**batch(), "class_scores": scores})
        return [found[f"Loss/{name}"] for name in LOSSES]

    apart, same, mixed = losses([1, 0], [0, 1]), losses([0, 1], [0, 1]), losses([0.5, 0.5], [0, 1])
    # Where each box is of one class, the numbers of the test above.
    np.testing.assert_allclose(apart, FIRST_STEPS[0][:4], rtol=1e-4)
    assert same[3] != pytest.approx(apart[3], rel=1e-3)
    assert mixed[3] == pytest.approx((same[3] + apart[3]) / 2, rel=1e-5)
    # What the first stage learns has no classes.
    np.testing.assert_allclose(mixed[:2], apart[:2], rtol=1e-6)


def test_detections_are_those_of_tensorflow() -> None:
    found = detected(thin())
    np.testing.assert_allclose(found["detection_scores"], SCORES, atol=1e-4)
    np.testing.assert_allclose(found["detection_boxes"][:, 0], BEST_BOXES, atol=1e-4)
    assert found["detection_classes"].tolist() == [[0, 0, 0, 0, 0, 0, 1, 1]] * 2
    assert found["num_detections"].tolist() == [8, 8]
