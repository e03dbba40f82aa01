"""A step whose batch is taken in pieces: the same step, by hand and wherever images do not meet each other."""

from __future__ import annotations

import itertools
from functools import partial

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops
from tiny import TinyDetector, synthetic_batch

from teachbox.data.batch_pipeline import batch_spec
from teachbox.errors import TrainingError
from teachbox.training.backend import is_out_of_memory
from teachbox.training.learner import Learner
from teachbox.training.loop import train
from teachbox.training.optimizers import Momentum

pytestmark = pytest.mark.tf

IMAGES = 4


def learner(pieces: int = 1, detector: keras.Layer | None = None, rate: float = 0.5, **arguments) -> Learner:
    spec = batch_spec(IMAGES // pieces, 8, 8, 5)
    optimizer = Momentum(momentum=0.9)
    return Learner(detector or TinyDetector(), optimizer, lambda step: rate, spec, pieces=pieces, **arguments)


def plain_images(shades: np.ndarray, boxes: np.ndarray):
    """A batch of images of one shade each, each with a box or without."""
    batch = dict(synthetic_batch(batch_spec(len(shades), 8, 8, 5)))
    batch["image"] = tf.constant(
        np.broadcast_to(shades[:, None, None, None], (len(shades), 8, 8, 3)).astype(np.float32)
    )
    batch["num_boxes"] = tf.constant(boxes, tf.int32)
    return batch


def cut(batch, pieces: int):
    parts = {name: tf.split(value, pieces) for name, value in batch.items()}
    return [{name: part[piece] for name, part in parts.items()} for piece in range(pieces)]


def test_each_piece_is_normalised_by_itself_and_the_gradients_are_averaged_by_hand() -> None:
    made = learner(2)
    shades, boxes = np.array([10.0, 90.0, 160.0, 240.0]), np.array([1, 0, 0, 1])
    kernel = made.detector.dense.kernel.numpy().astype(np.float64)
    losses, slopes = [], []
    for piece in (slice(0, 2), slice(2, 4)):
        pixels = np.repeat(shades[piece, None] / 255, 3, axis=1)
        normalized = (pixels - pixels.mean(0)) / np.sqrt(pixels.var(0) + 1e-3)
        wanted = boxes[piece, None]
        score = normalized @ kernel
        losses.append(np.mean(np.maximum(score, 0) - score * wanted + np.log1p(np.exp(-np.abs(score)))))
        slopes.append(normalized.T @ (1 / (1 + np.exp(-score)) - wanted) / 2)
    penalty = 0.01 * np.sum(kernel**2)

    (step,) = train(made, iter(cut(plain_images(shades, boxes), 2)), 1)
    assert step.step == 1
    assert step.losses["Loss/classification_loss"] == pytest.approx(np.mean(losses), rel=1e-5)
    assert step.losses["Loss/regularization_loss"] == pytest.approx(penalty, rel=1e-5)
    assert step.losses["Loss/total_loss"] == pytest.approx(np.mean(losses) + penalty, rel=1e-5)
    slope = np.mean(slopes, axis=0) + 0.02 * kernel
    np.testing.assert_allclose(made.detector.dense.kernel.numpy(), kernel - 0.5 * slope, rtol=1e-4, atol=1e-6)
    # Two updates of the averages: one a piece.
    means = [np.mean(shades[:2]) / 255, np.mean(shades[2:]) / 255]
    np.testing.assert_allclose(made.detector.norm.moving_mean.numpy(), 0.09 * means[0] + 0.1 * means[1], rtol=1e-4)


WHOLE, HALVES, SINGLE = (
    learner(pieces, TinyDetector(train_batch_norm=False), clip_norm=0.3, averages_decay=0.9) for pieces in (1, 2, 4)
)


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.floats(0, 255, width=32), min_size=2 * IMAGES, max_size=2 * IMAGES),
    st.lists(st.integers(0, 1), min_size=2 * IMAGES, max_size=2 * IMAGES),
)
def test_where_images_do_not_meet_the_pieces_make_no_difference(shades: list[float], boxes: list[int]) -> None:
    batches = [
        plain_images(np.array(shades[start:][:IMAGES]), np.array(boxes[start:][:IMAGES])) for start in (0, IMAGES)
    ]
    found = []
    for made in (WHOLE, HALVES, SINGLE):
        before = made.snapshot()
        pieces = itertools.chain.from_iterable(cut(batch, made.pieces) for batch in batches)
        steps = list(train(made, pieces, 2))
        found.append((steps, {name: value.numpy() for name, value in made.checkpoint_variables().items()}))
        made.restore(before)
    (steps, values), *others = found
    for other_steps, other_values in others:
        for step, other in zip(steps, other_steps, strict=True):
            assert other.step == step.step
            assert other.losses == pytest.approx(step.losses, rel=1e-4, abs=1e-6)
            assert other.gradient_norm == pytest.approx(step.gradient_norm, rel=1e-3, abs=1e-6)
        for name, value in values.items():
            np.testing.assert_allclose(other_values[name], value, rtol=1e-4, atol=1e-6, err_msg=name)


def test_a_piece_that_breaks_a_round_leaves_nothing_behind() -> None:
    made, untouched = learner(2), learner(2)
    good = cut(plain_images(np.array([10.0, 90.0, 160.0, 240.0]), np.array([1, 0, 0, 1])), 2)
    broken = cut(plain_images(np.array([10.0, 90.0, np.nan, 240.0]), np.array([1, 0, 0, 1])), 2)
    with pytest.raises(TrainingError, match=r"Loss/classification_loss is nan.* at step 1 "):
        list(train(made, iter(broken), 1))
    for one in (made, untouched):
        list(train(one, iter(good), 1))
    for after, wanted in zip(made.snapshot(), untouched.snapshot(), strict=True):
        np.testing.assert_array_equal(after, wanted)


def test_warming_compiles_the_piece_once_and_changes_nothing() -> None:
    made = learner(2, averages_decay=0.9)
    before = made.snapshot()
    piece, other = cut(plain_images(np.array([10.0, 90.0, 160.0, 240.0]), np.array([1, 0, 0, 1])), 2)
    made.warm(piece)
    for old, new in zip(before, made.snapshot(), strict=True):
        np.testing.assert_array_equal(old, new)
    made.run(piece, other)
    if keras.backend.backend() != "torch":  # which compiles nothing
        assert made.traces == 1
    with pytest.raises(ValueError, match="1 batches for a step in 2 pieces"):
        made.run(piece)


class Greedy(TinyDetector):
    """Sorts four hundred terabytes."""

    def call(self, images, true_shape=None, groundtruth=None, training=False):
        found = super().call(images, true_shape, groundtruth, training)
        if training:
            row = ops.stop_gradient(found["score"][0]) * ops.arange(10**7, dtype="float32")
            huge = ops.sort(ops.expand_dims(row, 0) * ops.expand_dims(row, 1))
            found["score"] = found["score"] + 0.0 * huge[0, 0]
        return found


@pytest.mark.parametrize("pieces", [1, 2])
def test_more_than_memory_holds(pieces: int) -> None:
    made = learner(pieces, Greedy())
    before = made.snapshot()
    batches = cut(plain_images(np.array([10.0, 90.0, 160.0, 240.0]), np.array([1, 0, 0, 1])), pieces)
    count = IMAGES // pieces
    for attempt in (lambda: list(train(made, iter(batches), 1)), partial(made.warm, batches[0])):
        with pytest.raises(
            TrainingError, match=f"train_config.batch_size: .* for {count} images at once; --micro-batch"
        ):
            attempt()
    for old, new in zip(before, made.snapshot(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_other_errors_are_not_taken_for_it() -> None:
    assert is_out_of_memory(MemoryError())
    assert not is_out_of_memory(RuntimeError("shapes differ"))
    batch = plain_images(np.zeros(IMAGES), np.zeros(IMAGES, np.int32))
    with pytest.raises(KeyError):
        learner().run({name: value for name, value in batch.items() if name != "image"})
