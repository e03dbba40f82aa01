"""Restoring by type: `classification` from a classifier's names, `full` all or nothing; damaged files."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

from teachbox.errors import CheckpointError

pytestmark = pytest.mark.tf

SCOPE = "FeatureExtractor/MobilenetV1/Conv2d_0"


def write(prefix: Path, arrays: dict[str, np.ndarray]) -> Path:
    """A checkpoint as TensorFlow 1 writes it: values under the variables' plain names."""
    import tensorflow as tf

    names = sorted(arrays)
    tf.raw_ops.SaveV2(
        prefix=str(prefix),
        tensor_names=names,
        shape_and_slices=[""] * len(names),
        tensors=[tf.constant(arrays[name]) for name in names],
    )
    return prefix


@pytest.fixture
def variables() -> dict[str, keras.Variable]:
    shapes = {f"{SCOPE}/weights": (3, 3, 3, 8), f"{SCOPE}/BatchNorm/beta": (8,), "BoxPredictor_0/biases": (12,)}
    return {name: keras.Variable(np.zeros(shape, np.float32)) for name, shape in shapes.items()}


def test_classification_takes_the_backbone_under_its_own_name(variables, tmp_path):
    from teachbox.detector.weights import restore

    weights = np.random.default_rng(0).normal(size=(3, 3, 3, 8)).astype(np.float32)
    arrays = {
        "MobilenetV1/Conv2d_0/weights": weights,
        "MobilenetV1/Logits/Conv2d_1c_1x1/weights": np.zeros((1, 1, 8, 1001), np.float32),
        "BoxPredictor_0/biases": np.ones(12, np.float32),
        "global_step": np.int64(7),
    }
    report = restore(variables, write(tmp_path / "model.ckpt", arrays), checkpoint_type="classification")
    assert report.taken == [f"{SCOPE}/weights"]
    np.testing.assert_array_equal(variables[f"{SCOPE}/weights"].numpy(), weights)
    assert not variables["BoxPredictor_0/biases"].numpy().any()
    assert report.left == {
        f"{SCOPE}/BatchNorm/beta": "not in the checkpoint",
        "BoxPredictor_0/biases": "not part of the backbone",
    }
    assert report.unused == ["BoxPredictor_0/biases", "MobilenetV1/Logits/Conv2d_1c_1x1/weights"]


def test_full_is_all_or_nothing(variables, tmp_path):
    from teachbox.detector.weights import restore

    arrays = {name: np.ones(variable.shape, np.float32) for name, variable in variables.items()}
    assert len(restore(variables, write(tmp_path / "whole", arrays), checkpoint_type="full").taken) == 3
    arrays = {name: 2 * array for name, array in arrays.items()}
    arrays["BoxPredictor_0/biases"] = np.ones(24, np.float32)
    with pytest.raises(CheckpointError, match=r"BoxPredictor_0/biases: shape \(24,\) there, \(12,\) here"):
        restore(variables, write(tmp_path / "other", arrays), checkpoint_type="full")
    for variable in variables.values():
        assert (variable.numpy() == 1).all()


def test_a_damaged_file_and_foreign_names_are_told(variables, tmp_path):
    from teachbox.detector.weights import restore

    (tmp_path / "damaged.index").write_bytes(b"no table")
    with pytest.raises(CheckpointError, match="cannot be read"):
        restore(variables, tmp_path / "damaged")
    foreign = write(tmp_path / "foreign", {"InceptionV2/weights": np.zeros((2, 2), np.float32)})
    with pytest.raises(CheckpointError, match=r"nothing in it fits.*InceptionV2/weights"):
        restore(variables, foreign)
