"""The loop: its arithmetic by hand, compiled once, resting on nothing that a broken round leaves behind."""

from __future__ import annotations

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf
from tiny import TinyDetector, synthetic_batch

from teachbox.data.batch_pipeline import batch_spec
from teachbox.errors import TrainingError
from teachbox.training.learner import Learner
from teachbox.training.loop import train
from teachbox.training.optimizers import Momentum

pytestmark = pytest.mark.tf

SPEC = batch_spec(4, 8, 8, 5)


def learner(rate: float = 0.5, momentum: float = 0.0, **arguments) -> Learner:
    return Learner(TinyDetector(), Momentum(momentum=momentum), lambda step: rate / (1 + step), SPEC, **arguments)


def colours(seed: int = 0, scale: float = 1.0):
    """Batches of plain images, bright ones with a box and dark ones without."""
    random = np.random.default_rng(seed)
    while True:
        bright = random.integers(0, 2, 4)
        batch = dict(synthetic_batch(SPEC))
        pixels = (40 + 170 * bright + random.uniform(0, 30, 4))[:, None, None, None] * scale
        batch["image"] = tf.constant(np.broadcast_to(pixels, (4, 8, 8, 3)).astype(np.float32))
        batch["num_boxes"] = tf.constant(bright, tf.int32)
        yield batch


def test_one_step_by_hand() -> None:
    made = learner()
    batch = next(colours())
    kernel, bias = made.detector.dense.kernel.numpy().astype(np.float64), 0.0
    pixels = batch["image"].numpy()[:, 0, 0, :].astype(np.float64) / 255
    normalized = (pixels - pixels.mean(0)) / np.sqrt(pixels.var(0) + 1e-3)
    wanted = batch["num_boxes"].numpy()[:, None]
    score = normalized @ kernel + bias
    loss = np.mean(np.maximum(score, 0) - score * wanted + np.log1p(np.exp(-np.abs(score))))
    penalty = 0.01 * np.sum(kernel**2)
    slope = (1 / (1 + np.exp(-score)) - wanted) / 4
    kernel_slope = normalized.T @ slope + 0.02 * kernel

    (step,) = train(made, iter([batch]), 1)
    assert step.step == 1
    assert step.learning_rate == pytest.approx(0.5)
    assert step.losses["Loss/classification_loss"] == pytest.approx(loss, rel=1e-5)
    assert step.losses["Loss/regularization_loss"] == pytest.approx(penalty, rel=1e-5)
    assert step.losses["Loss/total_loss"] == pytest.approx(loss + penalty, rel=1e-5)
    np.testing.assert_allclose(made.detector.dense.kernel.numpy(), kernel - 0.5 * kernel_slope, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(made.detector.norm.moving_mean.numpy(), 0.1 * pixels.mean(0), rtol=1e-4)


def test_compiled_once_for_rounds_of_changing_rates() -> None:
    made = learner()
    batches = colours()
    made.warm(next(batches))
    for steps in (3, 1, 4):
        list(train(made, batches, steps))
    if keras.backend.backend() != "torch":  # which compiles nothing
        assert made.traces == 1
    assert made.step == 8
    assert float(made.optimizer.learning_rate.value) == pytest.approx(0.5 / 8)


def test_it_learns() -> None:
    made = learner(rate=2.0)
    losses = [step.losses["Loss/total_loss"] for step in train(made, colours(), 60)]
    assert np.mean(losses[-10:]) < 0.5 * np.mean(losses[:10])


def test_warming_changes_nothing() -> None:
    made = learner(momentum=0.9, averages_decay=0.9)
    before = made.snapshot()
    made.warm(synthetic_batch(SPEC))
    for old, new in zip(before, made.snapshot(), strict=True):
        np.testing.assert_array_equal(old, new)
    assert made.step == 0


def test_a_gradient_is_clipped_over_all_variables_together() -> None:
    loose, tight = learner(), learner(clip_norm=0.01)
    batch = next(colours())
    start = [variable.numpy() for variable in loose.detector.trainable_variables]
    (step,) = train(loose, iter([batch]), 1)
    (clipped,) = train(tight, iter([batch]), 1)
    assert clipped.gradient_norm == pytest.approx(step.gradient_norm) != pytest.approx(0.01)
    moves = [
        [variable.numpy() - old for variable, old in zip(made.detector.trainable_variables, start, strict=True)]
        for made in (loose, tight)
    ]
    for free, short in zip(*moves, strict=True):
        np.testing.assert_allclose(short, free * 0.01 / step.gradient_norm, rtol=1e-3, atol=1e-7)


def test_a_loss_that_is_no_number_gives_the_round_up() -> None:
    made = learner(momentum=0.9, averages_decay=0.99)
    list(train(made, colours(), 2))
    before = made.snapshot()
    spoilt = itertools.chain(itertools.islice(colours(1), 2), colours(2, scale=float("nan")))
    steps = train(made, spoilt, 10)
    assert [next(steps).step, next(steps).step] == [3, 4]
    with pytest.raises(TrainingError, match=r"Loss/classification_loss is nan.* at step 5 .*those of step 2") as caught:
        next(steps)
    assert "\n" not in str(caught.value)
    for old, new in zip(before, made.snapshot(), strict=True):
        np.testing.assert_array_equal(old, new)
    assert [step.step for step in train(made, colours(), 1)] == [3]


def test_averages_are_what_is_published_and_computed_with() -> None:
    made = learner(rate=1.0, averages_decay=0.9999)
    bias = made.detector.dense.bias
    seen = [float(bias.numpy()[0])]
    for _ in train(made, colours(), 3):
        seen.append(float(bias.numpy()[0]))
    average = seen[0]
    for update, value in enumerate(seen[1:], 1):
        decay = (1 + update) / (10 + update)
        average = decay * average + (1 - decay) * value
    assert float(made.published()["dense/biases"][0]) == pytest.approx(average, rel=1e-4)
    assert average != pytest.approx(seen[-1], rel=1e-3)
    with made.averaged():
        assert float(bias.numpy()[0]) == pytest.approx(average, rel=1e-4)
    assert float(bias.numpy()[0]) == seen[-1]
    names = made.checkpoint_variables()
    assert names["dense/biases/ExponentialMovingAverage"] is bias
    assert names["dense/biases"] is not bias
    assert names["norm/moving_mean"] is made.detector.norm.moving_mean
    assert names["global_step"] is made.optimizer.iterations


def test_without_averages_the_weights_themselves_are_published() -> None:
    made = learner()
    list(train(made, colours(), 2))
    np.testing.assert_array_equal(made.published()["dense/weights"], made.detector.dense.kernel.numpy())
    with made.averaged():
        np.testing.assert_array_equal(made.published()["dense/weights"], made.detector.dense.kernel.numpy())
    assert not [name for name in made.checkpoint_variables() if "Average" in name]


def test_no_steps() -> None:
    assert list(train(learner(), iter([]), 0)) == []
