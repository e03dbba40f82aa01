"""What weights cost in a step and in an evaluation, and `add_regularization_loss: false`."""

from __future__ import annotations

from pathlib import Path

import pytest
from project import Project
from tiny import synthetic_batch

from teachbox.config.label_map import load_label_map
from teachbox.config.load import load_pipeline
from teachbox.data.ground_truth import task_to_training_example
from teachbox.training import checkpoints
from teachbox.training.checkpoints import State
from teachbox.training.losses import REGULARIZATION, TOTAL
from teachbox.training.parts import build_parts
from teachbox.training.restored import restored_evaluator

pytestmark = pytest.mark.tf


@pytest.mark.parametrize("added", [True, False])
def test_it_is_added_or_left_out(tmp_path: Path, added: bool) -> None:
    project = Project(tmp_path)
    if not added:
        project.add("train_config", "  add_regularization_loss: false")
    parts = build_parts(project.settings())
    learner, own = parts.learner, parts.detector.checkpoint_variables()
    kernels = [variable.numpy() for name, variable in own.items() if name.endswith("weights")]
    step = learner.run(synthetic_batch(learner.batch))
    # The starter's l2_regularizer, of which the original takes half, of all kernels: SSD's depthwise ones too.
    penalty = sum(0.00004 / 2 * (kernel**2).sum() for kernel in kernels)
    assert step[REGULARIZATION] == (pytest.approx(penalty, rel=1e-3) if added else 0)
    parts_of_it = [value for name, value in step.items() if name.startswith("Loss/") and name != TOTAL]
    assert step[TOTAL] == pytest.approx(sum(parts_of_it), rel=1e-5)

    saved = checkpoints.save(tmp_path / "model", learner.checkpoint_variables(), own, learner.step, State(), keep=1)
    labels = load_label_map(project.label_map)
    evaluator, _ = restored_evaluator(
        load_pipeline(project.config),
        {label.id: label.name for label in labels},
        saved,
        load_pipeline(project.config).message.eval_config,
    )
    list(evaluator.detections([task_to_training_example(project.task(1), project.image(1).read_bytes, labels)]))
    assert (evaluator.losses[REGULARIZATION] > 0) is added
    assert evaluator.losses[TOTAL] > 0
