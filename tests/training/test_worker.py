"""The trainer's life, with a real detector and a real store: start, rounds, trouble, restart."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from project import DATASET, Project, wait_for
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from teachbox.data.tf_example_decoder import decode_example
from teachbox.data.tfrecord import read_records
from teachbox.errors import CheckpointError, ConfigError, LabelMapError, TeachboxError
from teachbox.training import checkpoints, worker
from teachbox.training.answers import is_held_out
from teachbox.training.garbage import read_mark
from teachbox.training.policy import Policy
from teachbox.training.publish import complete_versions
from teachbox.training.settings import TrainerSettings
from teachbox.training.worker import run_trainer

pytestmark = pytest.mark.tf


class Running:
    """A trainer in a thread."""

    def __init__(self, project: Project, settings: TrainerSettings) -> None:
        self.project = project
        self.stop = threading.Event()
        self.error: TeachboxError | None = None
        self._thread = threading.Thread(target=self._run, args=(settings,))
        self._thread.start()

    def _run(self, settings: TrainerSettings) -> None:
        try:
            run_trainer(settings, self.stop)
        except TeachboxError as error:
            self.error = error

    def wait_for(self, condition, what: str) -> None:
        wait_for(condition, what, self._thread.is_alive)

    def wait_for_state(self, state: str) -> None:
        self.wait_for(lambda: self.project.status().get("state") == state, f"state {state}")

    def wait_for_round(self, number: int) -> None:
        """Until round `number` (from 1) is over, with all that comes after it."""

        def over() -> bool:
            runs = self.project.store.runs(DATASET)
            return len(runs) >= number and runs[-1].state != "running" and self.project.status()["state"] == "waiting"

        self.wait_for(over, f"end of round {number}")

    def end(self) -> None:
        self.stop.set()
        self._thread.join(60)
        assert not self._thread.is_alive()


@contextmanager
def running(project: Project, **changed) -> Iterator[Running]:
    trainer = Running(project, project.settings(**changed))
    try:
        yield trainer
    finally:
        trainer.end()
        assert trainer.error is None
    assert project.status()["state"] == "stopped"


def predicted(project: Project, version: int, image: int) -> np.ndarray:
    loaded = tf.saved_model.load(str(project.folder / "export" / str(version)))
    answer = loaded.signatures["encoded_image"](tf.constant(project.image(image).read_bytes()))
    return answer["detection_scores"].numpy()


def test_a_life(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = Project(tmp_path)
    project.record("eval.record", range(20, 24))
    project.record("seed.record", range(30, 31))
    project.add("train_input_reader", 'tf_record_input_reader { input_path: "seed.record" }')
    project.add("eval_config", "num_visualizations: 2")
    with project.config.open("a") as file:
        file.write('eval_input_reader { tf_record_input_reader { input_path: "eval.record" } }')
    monkeypatch.setattr(worker, "RETRY_SECONDS", 0.2)

    with running(project, run_eval=True, temp_files_num=2) as trainer:
        # The first version is there before the first answer, and so is a checkpoint of it.
        trainer.wait_for_state("waiting")
        (first,) = project.versions()
        assert complete_versions(tmp_path / "export") == [first]
        assert checkpoints.latest(tmp_path / "model") == tmp_path / "model" / "model.ckpt-0"

        # Two answers are not enough for a round, three are; what cannot be used is said and left out.
        project.answer(project.task(1), project.task(2))
        ids = project.answer(project.task(3, label="circle"), project.task(4))
        trainer.wait_for_round(1)
        (run,) = project.store.runs(DATASET)
        assert (run.state, run.steps, run.answers, run.last_step) == ("finished", 2, 3, 2)
        (unusable,) = project.events("answer_unusable")
        assert unusable["answer"] == ids[0]
        assert "circle" in unusable["message"]

        second = project.versions()[-1]
        assert second > first
        assert run.version == second
        assert not np.allclose(predicted(project, first, 1), predicted(project, second, 1), atol=1e-6)
        records = list(read_records(tmp_path / "data" / f"{second}_train.record"))
        assert [decode_example(record).filename for record in records] == [str(project.image(n)) for n in (1, 2, 4)]
        evaluation = project.store.last_evaluation(DATASET)
        assert evaluation is not None
        assert (evaluation.version, evaluation.step) == (second, 2)
        assert {"DetectionBoxes_Precision/mAP@.50IOU", "Loss/total_loss"} <= set(evaluation.metrics)
        # Each class that has true boxes, though the config does not ask for it; with one, it is the mean.
        by_class = {name: value for name, value in evaluation.metrics.items() if "ByCategory/" in name}
        assert by_class == {
            "DetectionBoxes_PerformanceByCategory/mAP/square": evaluation.metrics["DetectionBoxes_Precision/mAP"]
        }
        (told,) = project.events("trained")
        assert (told["version"], told["images"], told["boxes"]) == (second, 3, 3)
        assert tf.train.latest_checkpoint(str(tmp_path / "model")) == str(tmp_path / "model" / "model.ckpt-2")

        # A folder that cannot be written: said, kept in mind, and made good once it can.
        (tmp_path / "export").rename(tmp_path / "elsewhere")
        (tmp_path / "export").write_text("in the way")
        project.answer(project.task(5), project.task(6), project.task(7))
        trainer.wait_for(lambda: project.events("export_failed"), "report of the failure")
        assert str(tmp_path / "export") in project.events("export_failed")[0]["message"]
        trainer.wait_for(lambda: len(project.store.runs(DATASET)) == 2, "second round")
        (tmp_path / "export").unlink()
        (tmp_path / "elsewhere").rename(tmp_path / "export")
        trainer.wait_for(lambda: len(project.versions()) == 3, "third version")
        # Garbage: two versions are left, and the oldest is gone.
        trainer.wait_for(lambda: not (tmp_path / "export" / str(first)).exists(), "garbage collection")
        assert complete_versions(tmp_path / "export") == project.versions()[1:]

    events = EventAccumulator(str(tmp_path / "model"))
    events.Reload()
    assert [event.step for event in events.Tensors("learning_rate")] == [1, 2, 3, 4, 5]
    losses = [float(tf.make_ndarray(event.tensor_proto)) for event in events.Tensors("Loss/total_loss")]
    assert told["loss"] == pytest.approx(sum(losses[:2]) / 2, rel=1e-6)
    events = EventAccumulator(str(tmp_path / "model" / "eval"))
    events.Reload()
    assert "Detections_Left_Groundtruth_Right/1" in events.Tags()["tensors"]
    assert "Detections_Left_Groundtruth_Right/2" not in events.Tags()["tensors"]

    # Started again: it goes on from its checkpoint and publishes nothing that is there already.
    project.store.undo_answer(DATASET, "session", project.task(1)["_task_hash"])
    with running(project) as trainer:
        trainer.wait_for_state("waiting")
        assert project.events("resumed")[-1]["step"] == 5
        assert len(project.versions()) == 3
        assert len(project.store.runs(DATASET)) == 2
        project.answer(*[project.task(number) for number in (8, 9, 10)])
        trainer.wait_for_round(3)
        run = project.store.runs(DATASET)[-1]
        assert (run.state, run.answers, run.last_step) == ("finished", 8, 9)
        assert len(project.events("answer_unusable")) == 1
    mark = read_mark(tmp_path / "export" / str(project.versions()[-1]))
    assert mark is not None
    assert mark["step"] == 9


@pytest.mark.slow  # a trainer of its own, that evaluates: what is held out is tested on the reader of answers
def test_images_held_out_are_evaluated_on_and_not_trained_on(tmp_path: Path) -> None:
    project = Project(tmp_path)
    tasks = [project.task(number) for number in range(8)]
    held = sum(is_held_out(task["_input_hash"], 0.5) for task in tasks)
    assert 0 < held < 8
    project.answer(*tasks)
    with running(project, run_eval=True, hold_out=0.5, batch_answers=8) as trainer:
        trainer.wait_for_round(1)
    (run,) = project.store.runs(DATASET)
    assert run.answers == 8 - held
    evaluation = project.store.last_evaluation(DATASET)
    assert evaluation is not None
    assert (evaluation.version, evaluation.metrics["Evaluation/images"]) == (run.version, held)
    assert "DetectionBoxes_PerformanceByCategory/mAP/square" in evaluation.metrics


def test_a_round_that_diverges_is_given_up(tmp_path: Path) -> None:
    project = Project(tmp_path)
    (tmp_path / "seed.record").write_text("no record: the step is compiled without")
    project.add("train_input_reader", 'tf_record_input_reader { input_path: "seed.record" }')
    project.set("learning_rate", 1e30)
    with running(project, steps_per_epoch=20) as trainer:
        trainer.wait_for_state("waiting")
        project.answer(project.task(1), project.task(2), project.task(3))
        trainer.wait_for_round(1)
        (failed,) = project.events("round_failed")
        assert "those of step 0" in failed["message"]
        assert project.store.runs(DATASET)[0].state == "failed"
        assert len(project.versions()) == 1
        assert project.status()["message"] == failed["message"]
        assert checkpoints.latest(tmp_path / "model") == tmp_path / "model" / "model.ckpt-0"


def test_a_pause_is_enough_and_a_stop_keeps_what_was_learnt(tmp_path: Path) -> None:
    project = Project(tmp_path)
    with running(project, idle_seconds=0.5, steps_per_epoch=100_000) as trainer:
        trainer.wait_for_state("waiting")
        project.answer(project.task(1))
        trainer.wait_for(lambda: project.status()["step"] > 3, "fourth step")
        assert project.status()["steps"] == 100_000
    (run,) = project.store.runs(DATASET)
    assert run.state == "stopped"
    assert run.last_step is not None
    assert run.last_step > 3
    assert checkpoints.latest(tmp_path / "model") == tmp_path / "model" / f"model.ckpt-{run.last_step}"
    assert len(project.versions()) == 1


def batch_norm(project: Project, step: int, ending: str) -> np.ndarray:
    """All batch normalisation variables of a checkpoint with this last name, in one row."""
    reader = tf.train.load_checkpoint(str(project.folder / "model" / f"model.ckpt-{step}"))
    names = sorted(name for name in reader.get_variable_to_shape_map() if name.endswith(f"BatchNorm/{ending}"))
    return np.concatenate([reader.get_tensor(name) for name in names])


def one_round(project: Project, policy: Policy, **changed) -> None:
    with running(project, policy=policy, **changed) as trainer:
        trainer.wait_for_state("waiting")
        project.answer(project.task(1), project.task(2), project.task(3))
        trainer.wait_for_round(1)
    assert [run.state for run in project.store.runs(DATASET)] == ["finished"]


@pytest.mark.slow  # a whole trainer; tests/training/test_training_loop.py has what it publishes
def test_a_policy_of_averages(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.set("use_moving_average", "true")
    one_round(project, Policy(recalibrate_images=3, restart_averages=True))
    # Two steps at a decay of 0.9997 leave them near 0 and 1; the statistics of the images are elsewhere.
    assert np.abs(batch_norm(project, 0, "moving_mean")).max() == 0
    assert np.abs(batch_norm(project, 2, "moving_mean")).max() > 0.01
    assert np.median(batch_norm(project, 2, "moving_variance")) < 0.5
    # What is published are the averages: the plain names of the checkpoint.
    reader = tf.train.load_checkpoint(str(tmp_path / "model" / "model.ckpt-2"))
    name = "BoxPredictor_0/ClassPredictor/biases"
    assert not np.array_equal(reader.get_tensor(name), reader.get_tensor(f"{name}/ExponentialMovingAverage"))
    version = tf.train.load_checkpoint(
        str(tmp_path / "export" / str(project.versions()[-1]) / "variables" / "variables")
    )
    published = [version.get_tensor(key) for key in version.get_variable_to_shape_map() if key.startswith("weights/")]
    assert any(np.array_equal(reader.get_tensor(name), value) for value in published)
    assert not any(np.array_equal(reader.get_tensor(f"{name}/ExponentialMovingAverage"), value) for value in published)


@pytest.mark.slow  # a whole trainer; what it sets is tested in tests/detector/test_build.py
def test_a_policy_of_frozen_statistics(tmp_path: Path) -> None:
    project = Project(tmp_path)
    one_round(project, Policy(freeze_batch_norm=True))
    for ending in ("moving_mean", "moving_variance"):
        np.testing.assert_array_equal(batch_norm(project, 2, ending), batch_norm(project, 0, ending))


@pytest.mark.slow  # three trainers are started
def test_a_round_of_mixed_images_learns_from_others_than_one_of_plain_ones(tmp_path: Path) -> None:
    learnt = []
    for folder, mix in (("plain", None), ("mosaic", "mosaic=1"), ("again", "mosaic=1")):
        project = Project(tmp_path / folder)
        one_round(project, Policy(), mix=mix)
        learnt.append(batch_norm(project, 2, "moving_mean"))
    plain, mosaic, again = learnt
    assert np.abs(mosaic - plain).max() > 1e-3
    np.testing.assert_allclose(again, mosaic, atol=1e-6)


@pytest.mark.parametrize(
    ("spoil", "error", "says"),
    [
        (lambda p: p.set("num_classes", 2), ConfigError, "num_classes is 2"),
        (lambda p: p.label_map.unlink(), LabelMapError, "label_map.pbtxt"),
        (
            lambda p: p.add("train_config", 'fine_tune_checkpoint: "no/model.ckpt"'),
            CheckpointError,
            "no/model.ckpt",
        ),
    ],
)
def test_what_cannot_start_says_so(tmp_path: Path, spoil, error: type[TeachboxError], says: str) -> None:
    project = Project(tmp_path)
    spoil(project)
    with pytest.raises(error, match=says) as caught:
        run_trainer(project.settings())
    assert "\n" not in str(caught.value)
    assert project.status()["state"] == "failed"
    assert says in project.status()["message"]


def test_a_batch_in_pieces(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.answer(*(project.task(number) for number in range(3)))
    with running(project, micro_batch=1) as trainer:
        trainer.wait_for_round(1)
        (run,) = project.store.runs(DATASET)
        # Two steps of two images each, of which none sees another: one a piece.
        assert (run.state, run.steps, run.last_step) == ("finished", 2, 2)
        first, second = project.versions()
        assert not np.allclose(predicted(project, first, 1), predicted(project, second, 1), atol=1e-6)
    assert checkpoints.latest(tmp_path / "model") == tmp_path / "model" / "model.ckpt-2"


def test_pieces_that_do_not_make_up_the_batch(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.config.write_text(project.config.read_text().replace("batch_size: 2", "batch_size: 6"))
    trainer = Running(project, project.settings(micro_batch=4))
    trainer.end()
    assert "--micro-batch is 4, and batch_size in train_config, 6, is no multiple of it; give 3 or 6" in str(
        trainer.error
    )
