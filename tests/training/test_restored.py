"""A detector with a checkpoint's weights: which checkpoint is meant, and one that is of another detector."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from project import Project

from teachbox.config.label_map import load_label_map
from teachbox.config.load import load_pipeline
from teachbox.data.ground_truth import task_to_training_example
from teachbox.data.resizers import build_resizer
from teachbox.detector.build import build_detector
from teachbox.errors import CheckpointError
from teachbox.training import checkpoints
from teachbox.training.checkpoints import State
from teachbox.training.evaluate import Evaluator
from teachbox.training.restored import checkpoint_prefix, restored_evaluator

pytestmark = pytest.mark.tf


def saved(folder: Path, step: int) -> Path:
    """A checkpoint of nothing but its step's number."""
    import keras

    variables = {"some/weights": keras.Variable(np.float32(step))}
    return checkpoints.save(folder, variables, variables, step, State(), keep=5)


def test_a_prefix_is_taken_as_it_is_and_of_a_folder_the_latest(tmp_path: Path):
    first, second = saved(tmp_path, 3), saved(tmp_path, 20)
    assert checkpoint_prefix(first) == first
    assert checkpoint_prefix(tmp_path) == second


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("empty", "there is no checkpoint in this folder"),
        (
            "model.ckpt-7",
            "there is no model.ckpt-7.index; name a checkpoint, such as model.ckpt-400, or a folder of them",
        ),
    ],
)
def test_a_checkpoint_that_is_not_there(tmp_path: Path, name: str, says: str):
    (tmp_path / "empty").mkdir()
    with pytest.raises(CheckpointError) as error:
        checkpoint_prefix(tmp_path / name)
    assert str(error.value) == f"{tmp_path / name}: {says}"


def test_the_weights_are_the_checkpoint_s_or_it_is_refused(tmp_path: Path):
    project = Project(tmp_path)
    pipeline, labels = load_pipeline(project.config), load_label_map(project.label_map)
    names = {label.id: label.name for label in labels}
    example = task_to_training_example(project.task(1), project.image(1).read_bytes, labels)
    made = build_detector(pipeline.message.model)
    whole = made.checkpoint_variables()
    prefix = checkpoints.save(tmp_path / "model", whole, whole, 40, State(), keep=1)

    evaluator, taken = restored_evaluator(pipeline, names, tmp_path / "model", pipeline.message.eval_config)
    assert taken == prefix
    ((_, found),) = evaluator.detections([example])
    resizer = build_resizer(pipeline.message.model.ssd.image_resizer)
    ((_, own),) = Evaluator(made, resizer, names, 100, pipeline.message.eval_config).detections([example])
    assert len(found.scores) > 0
    np.testing.assert_allclose(found.scores, own.scores, atol=1e-5)

    missing, *rest = sorted(whole)
    checkpoints.save(tmp_path / "model", {name: whole[name] for name in rest}, rest, 41, State(), keep=1)
    with pytest.raises(CheckpointError, match="it does not hold the whole detector of") as error:
        restored_evaluator(pipeline, names, tmp_path / "model", pipeline.message.eval_config)
    assert missing in str(error.value)
