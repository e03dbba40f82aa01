"""Batch normalisation: statistics of all images together, by hand; frozen layers are left alone."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from tiny import TinyDetector, synthetic_batch

from teachbox.data.batch_pipeline import batch_spec
from teachbox.training.batch_norm import Recalibration, batch_norm_layers

pytestmark = pytest.mark.tf

SPEC = batch_spec(4, 8, 8, max_boxes=2)


def batches(count: int) -> list[dict[str, tf.Tensor]]:
    random = np.random.default_rng(3)
    scales = [1, 40, 200, 90]
    return [
        synthetic_batch(SPEC)
        | {"image": tf.constant(random.uniform(0, scales[place % 4], (4, 8, 8, 3)).astype(np.float32))}
        for place in range(count)
    ]


def test_averages_become_the_statistics_of_all_images() -> None:
    detector = TinyDetector()
    given = batches(3)
    assert Recalibration(detector, SPEC)(given) == 3
    pixels = np.stack([batch["image"].numpy() for batch in given]).astype(np.float64) / 255
    means = pixels.mean((1, 2, 3))
    # The layer keeps the unbiased variance of each batch.
    variance = pixels.var((1, 2, 3), ddof=1).mean(0) + means.var(0)
    np.testing.assert_allclose(detector.norm.moving_mean.numpy(), means.mean(0), rtol=1e-5)
    np.testing.assert_allclose(detector.norm.moving_variance.numpy(), variance, rtol=1e-4)
    # With them, the same images are normalised at inference as they were in training.
    normalized = keras.ops.convert_to_numpy(detector.norm(pixels.reshape(-1, 8, 8, 3), training=False))
    np.testing.assert_allclose(normalized.mean((0, 1, 2)), 0, atol=1e-4)


def test_no_batches_change_nothing() -> None:
    detector = TinyDetector()
    detector.norm.moving_mean.assign([1.0, 2.0, 3.0])
    assert Recalibration(detector, SPEC)([]) == 0
    assert detector.norm.moving_mean.numpy().tolist() == [1, 2, 3]


def test_a_failure_puts_the_averages_back() -> None:
    detector = TinyDetector()
    detector.norm.moving_mean.assign([1.0, 2.0, 3.0])

    def failing():
        raise RuntimeError("no image")
        yield

    with pytest.raises(RuntimeError):
        Recalibration(detector, SPEC)(failing())
    assert detector.norm.moving_mean.numpy().tolist() == [1, 2, 3]


def test_frozen_layers_are_left_alone() -> None:
    assert batch_norm_layers(TinyDetector()) != []
    frozen = TinyDetector(train_batch_norm=False)
    assert batch_norm_layers(frozen) == []
    assert Recalibration(frozen, SPEC)(batches(2)) == 0
    assert frozen.norm.moving_mean.numpy().tolist() == [0, 0, 0]
