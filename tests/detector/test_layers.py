"""Batch normalisation by hand: TensorFlow's kernel, and the arithmetic that other backends use."""

from __future__ import annotations

import numpy as np
import pytest

pytestmark = pytest.mark.tf


@pytest.mark.parametrize("backend", ["tensorflow", "another"])
def test_batch_normalisation_by_hand(monkeypatch, backend):
    import keras

    from teachbox.detector.hyperparams import BatchNormOptions
    from teachbox.detector.layers import BatchNorm

    layer = BatchNorm(BatchNormOptions(decay=0.75, center=True, scale=True, epsilon=0.5, train=True))
    layer.build((None, 1, 2, 1))
    layer.gamma.assign([3.0])
    layer.beta.assign([10.0])
    monkeypatch.setattr(keras.backend, "backend", lambda: backend)
    x = np.array([1, 3, 5, 7], np.float32).reshape(2, 1, 2, 1)
    # Mean 4; variance 5 of all four, 20/3 estimated.
    np.testing.assert_allclose(layer(x, training=True), 3 * (x - 4) / np.sqrt(5.5) + 10, rtol=1e-5)
    variance = 0.75 + 0.25 * 20 / 3
    assert layer.moving_mean.numpy().tolist() == pytest.approx([1.0])
    assert layer.moving_variance.numpy().tolist() == pytest.approx([variance])
    np.testing.assert_allclose(layer(x, training=False), 3 * (x - 1) / np.sqrt(variance + 0.5) + 10, rtol=1e-5)
