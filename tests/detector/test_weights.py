"""Restoring the real pets checkpoint, and saying what was left."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from teachbox.config.load import load_pipeline
from teachbox.errors import CheckpointError, ConfigError

pytestmark = pytest.mark.tf


@pytest.fixture(scope="module")
def pets(checkpoints) -> Path:
    return checkpoints / "ssd_mobilenet_v1_0.75_pets"


def build(pets: Path, num_classes: int):
    from teachbox.detector.build import build_detector

    model = load_pipeline(pets / "pipeline.config").message.model
    model.ssd.num_classes = num_classes
    return build_detector(model).checkpoint_variables()


def test_the_same_number_of_classes_takes_everything(pets):
    from teachbox.detector.stored import read_checkpoint
    from teachbox.detector.weights import restore

    variables = build(pets, 37)
    report = restore(variables, pets / "model.ckpt", checkpoint_type="full")
    assert (len(report.taken), report.left, report.unused) == (len(variables), {}, [])
    stored = read_checkpoint(pets / "model.ckpt")
    for name, variable in variables.items():
        np.testing.assert_array_equal(variable.numpy(), stored[name], err_msg=name)


def test_another_number_of_classes_leaves_the_class_predictor(pets):
    from teachbox.detector.weights import restore

    variables = build(pets, 1)
    before = variables["BoxPredictor_0/ClassPredictor/weights"].numpy()
    report = restore(variables, pets / "model.ckpt")
    left = {f"BoxPredictor_{layer}/ClassPredictor/{part}" for layer in range(6) for part in ("weights", "biases")}
    assert set(report.left) == left == set(report.unused)
    assert report.left["BoxPredictor_0/ClassPredictor/biases"] == "shape (114,) there, (6,) here"
    assert "12 left: BoxPredictor_0/ClassPredictor" in str(report)
    np.testing.assert_array_equal(variables["BoxPredictor_0/ClassPredictor/weights"].numpy(), before)
    with pytest.raises(CheckpointError, match="type `full` wants every variable"):
        restore(variables, pets / "model.ckpt", checkpoint_type="full")


def test_what_cannot_be_restored_is_told(pets, tmp_path):
    from teachbox.detector.weights import restore

    variables = build(pets, 1)
    with pytest.raises(CheckpointError, match="no such checkpoint"):
        restore(variables, tmp_path / "model.ckpt")
    # The backbone of a detection checkpoint stands under FeatureExtractor/, not by itself.
    with pytest.raises(CheckpointError, match="nothing in it fits this detector as fine_tune_checkpoint_type"):
        restore(variables, pets / "model.ckpt", checkpoint_type="classification")
    for suffix in (".index", ".data-00000-of-00001"):
        (tmp_path / f"broken.ckpt{suffix}").write_bytes(b"not a checkpoint")
    with pytest.raises(CheckpointError, match="cannot be read"):
        restore(variables, tmp_path / "broken.ckpt")


def test_a_model_that_is_not_built_is_refused_by_name(pets):
    from teachbox.detector.build import build_detector

    model = load_pipeline(pets / "pipeline.config").message.model
    model.ssd.feature_extractor.type = "ssd_inception_v3"
    with pytest.raises(ConfigError, match="'ssd_inception_v3' is not built"):
        build_detector(model)
