"""Checkpoints: all of a trainer's state and back, under the public names; a death leaves the last one good."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from test_training_loop import SPEC, colours, learner
from tiny import TinyDetector

from teachbox.detector.written import write_checkpoint
from teachbox.errors import CheckpointError
from teachbox.training import checkpoints
from teachbox.training.checkpoints import State
from teachbox.training.learner import Learner
from teachbox.training.loop import train
from teachbox.training.optimizers import Momentum

pytestmark = pytest.mark.tf

STATE = State(lineage="abc", seen=17, version=1_700_000_000, unusable=[3, 4])


def save(folder: Path, made: Learner, step: int, state: State = STATE, keep: int = 5) -> Path:
    own = made.detector.checkpoint_variables()
    return checkpoints.save(folder, made.checkpoint_variables(), own, step, state, keep)


def restore(prefix: Path, made: Learner) -> State:
    return checkpoints.restore(prefix, made.checkpoint_variables(), made.detector.checkpoint_variables())


@pytest.mark.parametrize("decay", [None, 0.99])
def test_a_restored_learner_goes_on_as_if_nothing_had_happened(tmp_path: Path, decay: float | None) -> None:
    made = learner(momentum=0.9, averages_decay=decay)
    list(train(made, colours(), 3))
    prefix = save(tmp_path, made, made.step)
    other = learner(momentum=0.9, averages_decay=decay)
    other.detector.dense.bias.assign([9.0])
    assert restore(prefix, other) == STATE
    assert other.step == 3
    theirs = other.checkpoint_variables()
    for name, variable in made.checkpoint_variables().items():
        np.testing.assert_array_equal(variable.numpy(), theirs[name].numpy(), err_msg=name)
    rest = [list(train(one, colours(5), 2))[-1].losses for one in (made, other)]
    assert rest[0] == rest[1]


def test_the_names_are_those_of_the_original(tmp_path: Path) -> None:
    made = learner(momentum=0.9, averages_decay=0.99)
    list(train(made, colours(), 2))
    reader = tf.train.load_checkpoint(str(save(tmp_path, made, 2)))
    assert set(reader.get_variable_to_shape_map()) == {
        *made.detector.checkpoint_variables(),
        *(f"{name}/Momentum" for name in ("norm/gamma", "norm/beta", "dense/weights", "dense/biases")),
        *(f"{name}/ExponentialMovingAverage" for name in ("norm/gamma", "norm/beta", "dense/weights", "dense/biases")),
        "ExponentialMovingAverage/updates",
        "global_step",
        "teachbox/state",
    }
    assert reader.get_tensor("global_step") == 2
    assert reader.get_tensor("global_step").dtype == np.int64
    # The plain name is the average, as in training checkpoints of the original.
    np.testing.assert_array_equal(reader.get_tensor("dense/weights"), made.published()["dense/weights"])
    np.testing.assert_array_equal(
        reader.get_tensor("dense/weights/ExponentialMovingAverage"), made.detector.dense.kernel.numpy()
    )


def test_tensorflow_finds_the_latest_and_n_are_kept(tmp_path: Path) -> None:
    made = learner()
    for step in (5, 20, 100):
        save(tmp_path, made, step, keep=2)
    assert tf.train.latest_checkpoint(str(tmp_path)) == str(tmp_path / "model.ckpt-100")
    assert checkpoints.latest(tmp_path) == tmp_path / "model.ckpt-100"
    assert sorted(path.name for path in tmp_path.glob("*.index")) == ["model.ckpt-100.index", "model.ckpt-20.index"]
    # A step that was gone back to is the latest, whatever its number.
    save(tmp_path, made, 30, keep=2)
    assert checkpoints.latest(tmp_path) == tmp_path / "model.ckpt-30"
    assert sorted(path.name for path in tmp_path.glob("*.index")) == ["model.ckpt-100.index", "model.ckpt-30.index"]
    save(tmp_path, made, 30, State(seen=99), keep=2)
    assert restore(tmp_path / "model.ckpt-30", made).seen == 99


def test_what_a_death_leaves_is_not_taken(tmp_path: Path) -> None:
    assert checkpoints.latest(tmp_path) is None
    made = learner()
    save(tmp_path, made, 10)
    # Data renamed and index not; both renamed and not yet named; a folder half written.
    (tmp_path / "model.ckpt-20.data-00000-of-00001").write_bytes(b"half")
    (tmp_path / f"temp-{os.uname().nodename}-{os.getpid()}-checkpoint20").mkdir()
    assert checkpoints.latest(tmp_path) == tmp_path / "model.ckpt-10"
    save(tmp_path, made, 20)
    (tmp_path / "checkpoint").write_text('model_checkpoint_path: "model.ckpt-10"\n')
    assert checkpoints.latest(tmp_path) == tmp_path / "model.ckpt-10"
    # The one that is named has gone: the newest complete one.
    (tmp_path / "model.ckpt-10.index").unlink()
    assert checkpoints.latest(tmp_path) == tmp_path / "model.ckpt-20"
    assert not list(tmp_path.glob("temp-*"))


def test_a_checkpoint_of_another_detector_is_refused(tmp_path: Path) -> None:
    prefix = save(tmp_path, learner(), 1)
    made = learner()
    variables = {"norm/other": made.detector.norm.gamma}
    with pytest.raises(CheckpointError, match=r"model\.ckpt-1: it is of another detector: norm/other is not in it"):
        checkpoints.restore(prefix, variables, variables)
    variables = {"norm/gamma": made.detector.dense.kernel}
    with pytest.raises(CheckpointError, match=r"norm/gamma has shape \(3,\), here it has shape \(3, 1\)"):
        checkpoints.restore(prefix, variables, variables)


def test_a_damaged_checkpoint_is_refused_in_one_line(tmp_path: Path) -> None:
    prefix = save(tmp_path, learner(), 1)
    Path(f"{prefix}.index").write_bytes(b"no index")
    with pytest.raises(CheckpointError, match="cannot be read") as caught:
        restore(prefix, learner())
    assert "\n" not in str(caught.value)


def test_another_optimizer_starts_afresh(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    plain = learner()
    list(train(plain, colours(), 2))
    averaged = learner(momentum=0.9, averages_decay=0.9)
    restore(save(tmp_path, plain, 2), averaged)
    assert averaged.step == 2
    np.testing.assert_array_equal(averaged.detector.dense.kernel.numpy(), plain.detector.dense.kernel.numpy())
    np.testing.assert_array_equal(averaged.published()["dense/weights"], plain.detector.dense.kernel.numpy())
    assert "start afresh" in caplog.text


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CheckpointError, match="cannot be written"):
        save(tmp_path / "file" / "model", learner(), 1)


def test_a_checkpoint_without_our_state_is_a_checkpoint(tmp_path: Path) -> None:
    detector = TinyDetector()
    names = sorted(detector.checkpoint_variables())
    tf.raw_ops.SaveV2(
        prefix=str(tmp_path / "model.ckpt-7"),
        tensor_names=names,
        shape_and_slices=[""] * len(names),
        tensors=[detector.checkpoint_variables()[name].numpy() for name in names],
    )
    assert checkpoints.latest(tmp_path) == tmp_path / "model.ckpt-7"
    assert restore(tmp_path / "model.ckpt-7", learner()) == State()


class OfObjects(TinyDetector):
    """The same by names of TensorFlow 2."""

    def checkpoint_variables(self):
        return {f"model/_part/{name}": variable for name, variable in super().checkpoint_variables().items()}


def learner_of_objects() -> Learner:
    return Learner(OfObjects(), Momentum(momentum=0.9), lambda step: 0.5, SPEC, averages_decay=0.9)


def test_a_model_directory_of_tensorflow_2_is_read_by_tensorflow(tmp_path: Path) -> None:
    made = learner_of_objects()
    list(train(made, colours(), 3))
    save(tmp_path, made, made.step)
    norm = tf.train.Checkpoint(gamma=tf.Variable(tf.zeros(3)), moving_mean=tf.Variable(tf.zeros(3)))
    dense = tf.train.Checkpoint(weights=tf.Variable(tf.zeros([3, 1])))
    model = tf.train.Checkpoint(_part=tf.train.Checkpoint(norm=norm, dense=dense))
    whole = tf.train.Checkpoint(model=model, step=tf.Variable(0, dtype=tf.int64))
    manager = tf.train.CheckpointManager(whole, str(tmp_path), max_to_keep=7)
    whole.restore(manager.latest_checkpoint).assert_existing_objects_matched()
    assert whole.step.numpy() == 3
    published = made.published()
    np.testing.assert_array_equal(norm.gamma.numpy(), published["model/_part/norm/gamma"])
    np.testing.assert_array_equal(norm.moving_mean.numpy(), made.detector.norm.moving_mean.numpy())
    np.testing.assert_array_equal(dense.weights.numpy(), published["model/_part/dense/weights"])


def test_a_model_directory_of_tensorflow_2_goes_on(tmp_path: Path) -> None:
    made, other = learner_of_objects(), learner_of_objects()
    list(train(made, colours(), 3))
    assert restore(save(tmp_path, made, made.step), other) == STATE
    theirs = other.checkpoint_variables()
    for name, variable in made.checkpoint_variables().items():
        np.testing.assert_array_equal(variable.numpy(), theirs[name].numpy(), err_msg=name)


def test_ways_by_plain_names_as_they_were_once_written_are_read(tmp_path: Path) -> None:
    values = {name: variable.numpy() + 1 for name, variable in OfObjects().checkpoint_variables().items()}
    write_checkpoint(tmp_path / "model.ckpt-7", {}, step=7, others=values)
    made = learner_of_objects()
    assert restore(tmp_path / "model.ckpt-7", made) == State()
    assert made.step == 7
    for name, variable in made.detector.checkpoint_variables().items():
        np.testing.assert_array_equal(variable.numpy(), values[name], err_msg=name)
