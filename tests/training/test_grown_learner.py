"""A detector that gets more classes between rounds goes on learning, whatever backend it learns on."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from tiny import TinyDetector, synthetic_batch

from teachbox.data.batch_pipeline import batch_spec
from teachbox.training.learner import Learner
from teachbox.training.live_labels import grow_learner
from teachbox.training.loop import train
from teachbox.training.optimizers import Momentum

pytestmark = pytest.mark.tf


def test_what_was_learned_goes_on_as_if_nothing_had_been_added() -> None:
    """On whatever backend KERAS_BACKEND names: steps before, more classes, a step after."""
    spec = batch_spec(4, 8, 8, 5)

    def learner(classes: int, seed: int) -> Learner:
        detector = TinyDetector(seed, num_classes=classes)
        return Learner(detector, Momentum(momentum=0.9), lambda step: 0.5 / (1 + step), spec, averages_decay=0.9)

    def batch(seed: int) -> dict[str, tf.Tensor]:
        """Plain images, bright ones with a box and dark ones without."""
        random = np.random.default_rng(seed)
        pixels = (np.array([30, 180, 210, 60]) + random.uniform(0, 30, 4))[:, None, None, None]
        image = np.broadcast_to(pixels, (4, 8, 8, 3)).astype(np.float32)
        return {**synthetic_batch(spec), "image": tf.constant(image), "num_boxes": tf.constant([0, 1, 1, 0])}

    def values(learner: Learner) -> dict[str, np.ndarray]:
        return {name: variable.numpy().copy() for name, variable in learner.checkpoint_variables().items()}

    old, new = learner(1, seed=0), learner(3, seed=1)
    first = values(old)
    list(train(old, iter([batch(1), batch(2), batch(3)]), 3))
    fresh = values(new)
    grow_learner(old, new, 1, 3)
    assert new.step == 3
    for name, known in values(old).items():
        taken = values(new)[name]
        if taken.shape == known.shape:
            np.testing.assert_array_equal(taken, known, err_msg=name)
        else:
            np.testing.assert_array_equal(taken[..., :1], known, err_msg=name)
            np.testing.assert_array_equal(taken[..., 1:], fresh[name][..., 1:], err_msg=name)
    known = values(old)
    assert np.abs(known["dense/weights"] - first["dense/weights"]).max() > 0.01
    for one in (old, new):
        list(train(one, iter([batch(4)]), 1))
    trained, grown = values(old), values(new)
    # The same gradient on the same memory: without that of the steps before, this one would be another.
    mine = [name for name in trained if name.startswith("dense/")]
    assert len(mine) == 6  # weights and biases: averages, the variables themselves, their momentum
    for name in mine:
        np.testing.assert_allclose(grown[name][..., :1], trained[name], rtol=1e-4, atol=1e-6, err_msg=name)
        if name.startswith("dense/weights"):  # biases hardly move, since half of the images are bright
            assert np.abs(trained[name] - known[name]).max() > 1e-3, name
            assert np.abs(grown[name][..., 1:] - fresh[name][..., 1:]).max() > 1e-4, name
