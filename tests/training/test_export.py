"""teachbox export: what other programs read is the detector that was trained, in the form of either kind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from project import Project

from teachbox.cli import run
from teachbox.config.load import Pipeline, load_pipeline
from teachbox.data.resizers import build_resizer
from teachbox.detector.build import build_detector
from teachbox.detector.detector import Detector
from teachbox.detector.stored import StoredCheckpoint
from teachbox.detector.weights import restore
from teachbox.training import checkpoints
from teachbox.training.checkpoints import State

pytestmark = pytest.mark.tf

STEP = 40


def trained(folder: Path, extractor: str) -> tuple[Project, Pipeline, Detector]:
    """A project whose model directory holds a detector that is sure of some boxes and not of others."""
    project = Project(folder)
    project.set("type", f'"{extractor}"')
    pipeline = load_pipeline(project.config)
    detector = build_detector(pipeline.message.model)
    random = np.random.default_rng(7)
    for name, variable in sorted(detector.checkpoint_variables().items()):
        if "Predictor" in name or "_box_predictor" in name:
            variable.assign(random.normal(0, 0.2, variable.shape))
    checkpoints.save(
        folder / "model", detector.checkpoint_variables(), detector.checkpoint_variables(), STEP, State(), 1
    )
    return project, pipeline, detector


def exported(project: Project, *more: str) -> Path:
    output = project.folder / "exported"
    argv = ["export", output, "--config", project.config, "--checkpoint", project.folder / "model", *more]
    assert run(list(map(str, argv))) == 0
    return output


def own_detections(pipeline: Pipeline, detector: Detector, pixels: np.ndarray) -> dict[str, np.ndarray]:
    image, shape = build_resizer(pipeline.message.model.ssd.image_resizer)(tf.constant(pixels))
    predictions = detector(detector.preprocess(image[None]), shape[None], training=False)
    found = detector.postprocess(predictions, shape[None])
    return {name: np.asarray(value) for name, value in found.items()}


def same_detections(answer: dict[str, Any], own: dict[str, np.ndarray]) -> None:
    assert answer["num_detections"].numpy().tolist() == own["num_detections"].tolist()
    assert own["num_detections"][0] > 0
    for name in ("detection_boxes", "detection_scores"):
        np.testing.assert_allclose(answer[name].numpy(), own[name], atol=1e-4, err_msg=name)
    assert own["detection_scores"][0, 0] > own["detection_scores"][0, int(own["num_detections"][0]) - 1] + 0.01
    np.testing.assert_array_equal(answer["detection_classes"].numpy(), own["detection_classes"] + 1)


def same_config(written: Path, pipeline: Pipeline) -> None:
    assert load_pipeline(written).message == pipeline.message


def test_a_detector_of_tensorflow_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project, pipeline, detector = trained(tmp_path, "ssd_mobilenet_v1")
    # An empty folder is filled, and stays the same folder.
    (tmp_path / "exported").mkdir()
    empty = (tmp_path / "exported").stat().st_ino
    output = exported(project)
    assert output.stat().st_ino == empty
    assert f"model.ckpt-{STEP} (step {STEP})" in capsys.readouterr().out
    pixels = np.asarray(Image.open(project.image(1)).convert("RGB"))
    signature = tf.saved_model.load(str(output / "saved_model")).signatures["serving_default"]
    same_detections(signature(inputs=tf.constant(pixels[None])), own_detections(pipeline, detector, pixels))

    # Under the public names, and nothing but the step beside.
    reader = tf.train.load_checkpoint(str(output / "model.ckpt"))
    variables = detector.checkpoint_variables()
    assert set(reader.get_variable_to_shape_map()) == {*variables, "global_step"}
    for name, variable in variables.items():
        np.testing.assert_array_equal(reader.get_tensor(name), variable.numpy(), err_msg=name)
    assert reader.get_tensor("global_step") == STEP
    assert tf.train.latest_checkpoint(str(output)) == str(output / "model.ckpt")
    same_config(output / "pipeline.config", pipeline)


def test_a_detector_of_tensorflow_2(tmp_path: Path) -> None:
    project, pipeline, detector = trained(tmp_path, "ssd_mobilenet_v1_keras")
    output = exported(project)
    pixels = np.asarray(Image.open(project.image(1)).convert("RGB"))
    loaded = tf.saved_model.load(str(output / "saved_model"))
    own = own_detections(pipeline, detector, pixels)
    same_detections(loaded.signatures["serving_default"](input_tensor=tf.constant(pixels[None])), own)
    same_detections(loaded(tf.constant(pixels[None])), own)

    prefix = tf.train.latest_checkpoint(str(output / "checkpoint"))
    assert prefix == str(output / "checkpoint" / "ckpt-0")
    # As the original's programs restore it: by the way through the objects.
    name = "model/_feature_extractor/classification_backbone/layer_with_weights-0/kernel"
    kernel = detector.checkpoint_variables()[name].numpy()
    whole: Any = tf.Variable(tf.zeros(kernel.shape))
    for part in reversed(name.split("/")):
        whole = tf.train.Checkpoint(**{part: whole})
    whole.step = tf.Variable(0, dtype=tf.int64)
    whole.restore(prefix).assert_existing_objects_matched()
    first = getattr(whole.model._feature_extractor.classification_backbone, "layer_with_weights-0")
    np.testing.assert_array_equal(first.kernel.numpy(), kernel)
    assert whole.step.numpy() == StoredCheckpoint(prefix).step == STEP
    # And as a detector here starts from it.
    variables = detector.checkpoint_variables()
    values = {name: variable.numpy() for name, variable in variables.items()}
    for variable in variables.values():
        variable.assign(np.full(variable.shape, 9))
    assert restore(variables, prefix, checkpoint_type="full").left == {}
    for name, variable in variables.items():
        np.testing.assert_array_equal(variable.numpy(), values[name], err_msg=name)
    same_config(output / "pipeline.config", pipeline)


def refused(capsys: pytest.CaptureFixture[str], *argv: object) -> str:
    assert run(["export", *map(str, argv)]) != 0
    said = capsys.readouterr().err.strip()
    assert "\n" not in said
    return said


def test_a_folder_in_use_and_a_checkpoint_that_is_not_there(tmp_path: Path, capsys) -> None:
    project = Project(tmp_path)
    full, new = tmp_path / "full", tmp_path / "new"
    full.mkdir()
    (full / "mine.txt").write_text("mine")
    config = ("--config", project.config)
    said = refused(capsys, full, *config, "--checkpoint", tmp_path / "model.ckpt-7")
    assert f"{full} holds something already; name a new folder" in said
    said = refused(capsys, new, *config, "--checkpoint", tmp_path / "model.ckpt-7")
    assert f"{tmp_path / 'model.ckpt-7'}: there is no model.ckpt-7.index" in said
    assert [path.name for path in full.iterdir()] == ["mine.txt"]
    assert not new.exists()
    assert not list(tmp_path.glob(".*part"))
