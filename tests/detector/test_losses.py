"""Losses by hand, and where exponentials would overflow."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.tf


def test_by_hand():
    from teachbox.detector import losses

    weights = np.array([[2.0]], np.float32)
    found = losses.smooth_l1(np.array([[[0.5, 3.0]]], np.float32), np.zeros((1, 1, 2), np.float32), weights)
    assert np.asarray(found).tolist() == [[2 * (0.125 + 2.5)]]
    logits, target = np.array([[[0.0, np.log(3)]]], np.float32), np.array([[[1.0, 0.0]]], np.float32)
    ones = np.ones((1, 1, 2), np.float32)
    np.testing.assert_allclose(losses.weighted_sigmoid(logits, target, ones), [[[np.log(2), np.log(4)]]], rtol=1e-6)
    focal = losses.sigmoid_focal(logits, target, ones, gamma=2.0, alpha=0.25)
    expected = [[[0.25 * 0.25 * np.log(2), 0.75 * 0.75**2 * np.log(4)]]]
    np.testing.assert_allclose(focal, expected, rtol=1e-5)
    np.testing.assert_allclose(losses.weighted_softmax(logits, target, ones), [[np.log(4)]], rtol=1e-6)


@settings(max_examples=30, deadline=None)
@given(st.floats(-200, 200), st.floats(0, 1))
def test_losses_and_gradients_stay_finite(logit, target):
    import tensorflow as tf

    from teachbox.detector.losses import sigmoid_focal

    logits = tf.constant([[[logit]]], tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(logits)
        loss = sigmoid_focal(logits, tf.constant([[[target]]], tf.float32), 1.0, gamma=2.0, alpha=0.25)
    assert np.isfinite(loss.numpy()).all()
    assert (loss.numpy() >= 0).all()
    assert np.isfinite(tape.gradient(loss, logits).numpy()).all()
