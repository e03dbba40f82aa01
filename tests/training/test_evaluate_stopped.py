"""An evaluation under way ends when the trainer is told to."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from project import DATASET, Project

from teachbox.training.parts import build_parts
from teachbox.training.rounds import Trainer

pytestmark = pytest.mark.tf


def test_a_trainer_that_is_to_stop_writes_no_evaluation(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.record("eval.record", range(2))
    with project.config.open("a") as file:
        file.write('eval_input_reader { tf_record_input_reader { input_path: "eval.record" } }')
    settings, stop = project.settings(run_eval=True), threading.Event()
    trainer = Trainer(settings, project.store, build_parts(settings), stop)
    stop.set()
    trainer.evaluate(None)
    assert project.store.last_evaluation(DATASET) is None
    assert project.events("evaluation_failed") == []
    stop.clear()
    trainer.evaluate(None)
    trainer.close()
    (found,) = project.store.metrics(DATASET)
    assert found.metrics["Loss/total_loss"] > 0
