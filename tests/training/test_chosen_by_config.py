"""Which variables are trained by the fields of a pipeline.config, and what `teachbox config check` says of them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from project import Project

from teachbox.cli import run
from teachbox.training.parts import build_parts

pytestmark = pytest.mark.tf


def test_a_trainer_follows_its_config(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.add("train_config", "  update_trainable_variables: 'BoxPredictor_[01]/'\n  freeze_variables: 'BoxEncoding'")
    made = build_parts(project.settings()).learner
    slots = set(made.checkpoint_variables()) - set(made.detector.checkpoint_variables())
    trained = {name.removesuffix("/Adam") for name in slots if name.endswith("/Adam")}
    assert trained == {
        f"BoxPredictor_{place}/ClassPredictor/{name}" for place in (0, 1) for name in ("biases", "weights")
    }


def test_config_check_tells_before_the_trainer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project = Project(tmp_path)
    argv = ["config", "check", str(project.config)]
    project.add("train_config", "  update_trainable_variables: 'BoxPredictor_[01]/'\n  freeze_variables: 'BoxEncoding'")
    assert run(argv) == 0
    said = capsys.readouterr().out
    # Weights and biases of the two class predictors; those of MobileNet v1: 13 blocks of 6, a first one of 3, and the
    # four extra layers' 1 × 1 and 3 × 3 convolutions of 3 each; those of six places' two predictors.
    assert re.search(r"(?m)^  trained +4 of 89 variables$", said), said
    project.add("train_config", "  freeze_variables: 'BoxPredictor_0/ClassPredictor/wights'")
    assert run(argv) == 1
    line = project.config.read_text().splitlines().index("train_config {") + 2
    said = capsys.readouterr().err
    assert f"{project.config}:{line}: train_config.freeze_variables[0] " in said
    assert "did you mean BoxPredictor_0/ClassPredictor/weights" in said
    assert run([*argv, "--parse-only"]) == 0
