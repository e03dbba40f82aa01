"""teachbox export of each family: what it wrote detects what the detector detects, and is read by the public names."""

from __future__ import annotations

import re
import zlib
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import text_format
from PIL import Image
from project import CENTER_NET, FASTER_RCNN, Project
from test_export import STEP, exported

from teachbox.config.load import load_pipeline
from teachbox.config.protos import model_pb2
from teachbox.data.resizers import build_resizer
from teachbox.detector.build import build_detector
from teachbox.detector.weights import restore
from teachbox.training import checkpoints
from teachbox.training.checkpoints import State

pytestmark = pytest.mark.tf

R_FCN = """
faster_rcnn {
  feature_extractor { type: "faster_rcnn_resnet50" first_stage_features_stride: 16 }
  first_stage_box_predictor_conv_hyperparams { op: CONV }
  second_stage_box_predictor { rfcn_box_predictor {
    conv_hyperparams { op: CONV initializer { truncated_normal_initializer { stddev: 0.01 } } }
    crop_height: 6 crop_width: 6
  } }
}
"""
"""What of it is not as in the smallest detector of two stages."""
D0 = Path("sample_configs/configs_tf2/ssd_efficientdet_d0_512x512_coco17_tpu-8.config")
SCALES = {"BoxEncoding|refined_locations": 0.1, r"resnet_v1_\d+/conv1/": 0.02, "/conv3/": 0.3}
"""Boxes stay near their anchors; what a ResNet takes, pixels, is large, and what it adds up grows."""
COMPARED = 10
"""So many of the best detections: of the last ones, rounding decides which boxes suppress each other."""


def r_fcn() -> str:
    model = text_format.Parse(FASTER_RCNN, model_pb2.DetectionModel())
    for field in ("initial_crop_size", "maxpool_kernel_size", "maxpool_stride", "second_stage_box_predictor"):
        model.faster_rcnn.ClearField(field)
    return text_format.MessageToString(text_format.Merge(R_FCN, model))


def efficientdet(oracles: Path) -> str:
    model = load_pipeline(oracles / D0).message.model
    model.ssd.num_classes = 1
    sides = model.ssd.image_resizer.keep_aspect_ratio_resizer
    sides.min_dimension = sides.max_dimension = 128
    return text_format.MessageToString(model)


def drawn(name: str, shape: tuple[int, ...], random: np.random.Generator) -> np.ndarray | None:
    """For kernels, values that keep what passes through them as large as it was: scores that differ come of it."""
    if len(shape) < 2:
        return random.normal(0, 0.05, shape) if name.endswith(("bias", "biases")) else None
    fan_in = np.prod(shape[:2] if "depthwise" in name else shape[:-1])
    scale = next((scale for pattern, scale in SCALES.items() if re.search(pattern, name)), 1.0)
    return random.normal(0, scale * np.sqrt(2 / fan_in), shape)


def check(folder: Path, model: str) -> Path:
    """Export the detector, and compare; gives the prefix of the checkpoint that was written."""
    project = Project(folder)
    project.use_model(model)
    pipeline = load_pipeline(project.config)
    detector = build_detector(pipeline.message.model)
    variables = detector.checkpoint_variables()
    for name, variable in variables.items():
        values = drawn(name, tuple(variable.shape), np.random.default_rng(zlib.crc32(name.encode())))
        if values is not None:
            variable.assign(values)
    checkpoints.save(folder / "model", variables, variables, STEP, State(), 1)
    output = exported(project)

    pixels = np.asarray(Image.open(project.image(1)).convert("RGB"))
    which = pipeline.message.model.WhichOneof("model") or ""
    image, shape = build_resizer(getattr(pipeline.message.model, which).image_resizer)(tf.constant(pixels))
    own = detector.postprocess(detector(detector.preprocess(image[None]), shape[None], training=False), shape[None])
    answer = tf.saved_model.load(str(output / "saved_model"))(tf.constant(pixels[None]))
    assert float(own["num_detections"][0]) >= COMPARED
    for name in ("detection_boxes", "detection_scores", "detection_multiclass_scores"):
        np.testing.assert_allclose(answer[name][0, :COMPARED], own[name][0, :COMPARED], atol=1e-5, err_msg=name)
    np.testing.assert_array_equal(answer["detection_classes"][0, :COMPARED], own["detection_classes"][0, :COMPARED] + 1)
    scores = np.asarray(own["detection_scores"])[0]
    assert scores[0] > scores[COMPARED - 1] + 1e-3

    written = tf.train.latest_checkpoint(str(output)) or tf.train.latest_checkpoint(str(output / "checkpoint"))
    values = {name: variable.numpy() for name, variable in variables.items()}
    for variable in variables.values():
        variable.assign(np.full(variable.shape, 9))
    assert restore(variables, written, checkpoint_type="full").left == {}
    for name, variable in variables.items():
        np.testing.assert_array_equal(variable.numpy(), values[name], err_msg=name)
    return Path(written)


def names_in(prefix: Path) -> set[str]:
    return {name.removesuffix("/.ATTRIBUTES/VARIABLE_VALUE") for name, _ in tf.train.list_variables(str(prefix))}


@pytest.mark.slow  # tests/training/test_centers.py compares a version of one
def test_centernet(tmp_path: Path) -> None:
    prefix = check(tmp_path, CENTER_NET)
    assert prefix == tmp_path / "exported" / "checkpoint" / "ckpt-0"
    assert "model/_prediction_head_dict/object_center/0/layer_with_weights-0/kernel" in names_in(prefix)


@pytest.mark.slow  # it is built twice and traced
def test_faster_rcnn(tmp_path: Path) -> None:
    prefix = check(tmp_path, FASTER_RCNN)
    assert prefix == tmp_path / "exported" / "model.ckpt"
    assert {
        "SecondStageBoxPredictor/ClassPredictor/weights",
        "FirstStageBoxPredictor/ClassPredictor/biases",
    } < names_in(prefix)


@pytest.mark.slow  # ResNet of 50 layers, the smallest that it is built for
def test_r_fcn(tmp_path: Path) -> None:
    prefix = check(tmp_path, r_fcn())
    assert prefix == tmp_path / "exported" / "model.ckpt"
    assert "SecondStageBoxPredictor/class_predictions/weights" in names_in(prefix)


@pytest.mark.slow  # its graph of 683 variables is long in the making
def test_efficientdet(tmp_path: Path, oracles: Path) -> None:
    prefix = check(tmp_path, efficientdet(oracles))
    assert prefix == tmp_path / "exported" / "checkpoint" / "ckpt-0"
    assert "model/_box_predictor/_box_prediction_head/_box_encoder_layers/0/pointwise_kernel" in names_in(prefix)
