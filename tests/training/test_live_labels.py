"""Labels that change between rounds: the detector grows, what it knew stays, and it is all there after a restart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from project import DATASET, Project
from test_worker import running

from teachbox.config.label_map import load_label_map
from teachbox.config.load import load_pipeline
from teachbox.detector.stored import read_checkpoint
from teachbox.training import checkpoints
from teachbox.training.live_labels import grow_learner
from teachbox.training.parts import build_parts

pytestmark = pytest.mark.tf

HEADS = "BoxPredictor_0/ClassPredictor"


def classes_of(project: Project, version: int) -> int:
    """How many classes a version tells: each of its first map's three anchors has a bias for them and background."""
    variables = project.folder / "export" / str(version) / "variables" / "variables"
    shapes = tf.train.load_checkpoint(str(variables)).get_variable_to_shape_map().values()
    (found,) = [classes for classes in (1, 2) if [3 * (classes + 1)] in shapes]
    return found


def as_trained(project: Project) -> tuple[int, list[str]]:
    folder = project.folder / "model" / "as_trained"
    pipeline = load_pipeline(folder / "pipeline.config")
    assert pipeline.message.train_input_reader.label_map_path == str(folder / "label_map.pbtxt")
    return pipeline.message.model.ssd.num_classes, load_label_map(folder / "label_map.pbtxt").names


# Two detectors are built, exported and compiled, and one of them again after a restart.
@pytest.mark.slow
def test_a_label_is_added_and_one_renamed_between_two_rounds(tmp_path: Path) -> None:
    project = Project(tmp_path)
    given = (project.config.read_text(), project.label_map.read_text())
    with running(project, steps_per_epoch=2) as trainer:
        project.answer(*(project.task(number) for number in range(3)))
        trainer.wait_for_round(1)
        before = read_checkpoint(checkpoints.latest(tmp_path / "model"))
        assert as_trained(project) == (1, ["square"])
        book = project.store.labels(DATASET)
        book.change(1, name="box")
        assert book.add("ring").id == 2
        # One answer still says the old name, as a page without a network would.
        project.answer(project.task(3), project.task(4, label="box"), project.task(5, label="ring"))
        trainer.wait_for_round(2)
        (grown,) = project.events("grown")
        assert (grown["before"], grown["classes"], grown["step"]) == (1, 2, 2)
        assert project.events("answer_unusable") == []
        assert [run.answers for run in project.store.runs(DATASET)] == [3, 6]
    first, second, third = project.versions()
    assert [classes_of(project, version) for version in (first, second, third)] == [1, 1, 2]
    assert as_trained(project) == (2, ["box", "ring"])
    # The files that were given are as they were given.
    assert (project.config.read_text(), project.label_map.read_text()) == given
    latest = checkpoints.latest(tmp_path / "model")
    assert checkpoints.read_state(latest).classes == 2
    after = read_checkpoint(latest)
    anchors = before[f"{HEADS}/biases"].size // 2
    old, new = before[f"{HEADS}/biases"].reshape(anchors, 2), after[f"{HEADS}/biases"].reshape(anchors, 3)
    # Two steps have moved them on; they began where they were.
    np.testing.assert_allclose(new[:, :2], old, atol=0.05)
    with running(project, steps_per_epoch=2) as trainer:
        trainer.wait_for_state("waiting")
        assert project.versions() == [first, second, third]
        project.answer(*(project.task(number, label="ring") for number in range(6, 9)))
        trainer.wait_for_round(3)
    assert classes_of(project, project.versions()[-1]) == 2
    assert len(project.events("grown")) == 1


def test_all_that_was_learned_is_taken_over(tmp_path: Path) -> None:
    project = Project(tmp_path)
    old = build_parts(project.settings())
    random = np.random.default_rng(0)
    for variable in old.learner.checkpoint_variables().values():
        variable.assign(random.uniform(0.1, 1, variable.shape).astype(variable.dtype))
    project.store.labels(DATASET).add("ring")
    new = build_parts(project.settings(), project.store)
    assert (old.detector.num_classes, new.detector.num_classes) == (1, 2)
    fresh = {name: variable.numpy() for name, variable in new.learner.checkpoint_variables().items()}
    grow_learner(old.learner, new.learner, 1, 2)
    known, found = old.learner.checkpoint_variables(), new.learner.checkpoint_variables()
    assert known.keys() == found.keys()
    grew = set()
    for name, variable in found.items():
        if variable.shape == known[name].shape:
            np.testing.assert_array_equal(variable.numpy(), known[name].numpy(), err_msg=name)
            continue
        grew.add(name.rpartition("/")[2])
        leading, blocks = variable.shape[:-1], known[name].shape[-1] // 2
        grown = variable.numpy().reshape(*leading, blocks, 3)
        np.testing.assert_array_equal(grown[..., :2], known[name].numpy().reshape(*leading, blocks, 2), err_msg=name)
        added = fresh[name].reshape(*leading, blocks, 3)[..., 2]
        np.testing.assert_array_equal(grown[..., 2], added, err_msg=name)
    # Weights, and all that the optimizer and the averages remember of them.
    assert {"weights", "biases"} < grew
    assert len(grew) > 2
