"""The trainer as a process of its own: killed in the middle of a round, started again, asked to leave."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import tensorflow as tf
from project import DATASET, Project, wait_for

from teachbox.training import checkpoints
from teachbox.training.publish import complete_versions, numbers
from teachbox.training.settings import TrainerSettings

pytestmark = [pytest.mark.tf, pytest.mark.e2e]

START = """
import pickle, sys
from teachbox.training.worker import run_trainer
run_trainer(pickle.loads(sys.stdin.buffer.read()))
"""


def start(settings: TrainerSettings, log: Path, **environment: str) -> subprocess.Popen[bytes]:
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-c", START], stdin=subprocess.PIPE, stderr=output, env={**os.environ, **environment}
        )
    assert process.stdin is not None
    process.stdin.write(pickle.dumps(settings))
    process.stdin.close()
    return process


@pytest.mark.parametrize(("backend", "found"), [("nix", "Unable to import backend"), ("numpy", "is none of")])
def test_a_backend_that_cannot_train_is_named(tmp_path: Path, backend: str, found: str) -> None:
    project = Project(tmp_path)
    log = tmp_path / "log"
    process = start(project.settings(), log, KERAS_BACKEND=backend)
    assert process.wait(60) == 1
    said = log.read_text()
    assert f"ConfigError: KERAS_BACKEND {backend}: " in said
    assert found in said
    assert "tensorflow, jax, torch" in said
    assert project.status()["state"] == "failed"


@pytest.mark.slow  # the trainer of the whole loop is killed so too, in tests/e2e
def test_killed_in_a_round_and_started_again(tmp_path: Path) -> None:
    project = Project(tmp_path)
    log = tmp_path / "log"
    process = start(project.settings(steps_per_epoch=100_000), log)
    try:
        wait_for(lambda: project.status().get("state") == "waiting", "start", lambda: process.poll() is None)
        (first,) = project.versions()
        ids = project.answer(*[project.task(number) for number in (1, 2, 3)])
        wait_for(lambda: project.status()["step"] > 2, "third step", lambda: process.poll() is None)
    finally:
        process.kill()
        process.wait()
    assert complete_versions(tmp_path / "export") == numbers(tmp_path / "export") == [first]
    assert checkpoints.latest(tmp_path / "model") == tmp_path / "model" / "model.ckpt-0"

    process = start(project.settings(steps_per_epoch=2), log)
    try:
        # By itself it trains on what no finished round has seen.
        wait_for(lambda: len(project.versions()) == 2, "second version", lambda: process.poll() is None)
        more = project.answer(project.task(4), project.task(5), project.task(6))
        wait_for(lambda: len(project.versions()) == 3, "third version", lambda: process.poll() is None)
        wait_for(lambda: project.status()["state"] == "waiting", "end of the round", lambda: process.poll() is None)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0, log.read_text()
    finally:
        process.kill()
        process.wait()
    assert [run.state for run in project.store.runs(DATASET)] == ["lost", "finished", "finished"]
    assert [run.last_step for run in project.store.runs(DATASET)][1:] == [2, 4]
    assert [answer.id for answer in project.store.effective_answers(DATASET)] == [*ids, *more]
    assert complete_versions(tmp_path / "export") == numbers(tmp_path / "export") == project.versions()
    for version in project.versions():
        assert "serving_default" in tf.saved_model.load(str(tmp_path / "export" / str(version))).signatures
    assert project.status()["state"] == "stopped"
    assert "Traceback" not in log.read_text()
