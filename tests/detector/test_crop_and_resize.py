"""Crops of feature maps: by hand, as a property, and that other backends' arithmetic is the kernel's."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.tf

BACKENDS = ["tensorflow", "another"]


def crop(monkeypatch, backend: str, images, boxes, size):
    from teachbox.detector.native import crop_and_resize

    monkeypatch.setattr(keras.backend, "backend", lambda: backend)
    images, boxes = (keras.ops.convert_to_tensor(np.asarray(rows, np.float32)) for rows in (images, boxes))
    return np.asarray(crop_and_resize(images, boxes, size))


@pytest.mark.parametrize("backend", BACKENDS)
def test_by_hand(monkeypatch, backend):
    image = np.arange(12.0).reshape(1, 3, 4, 1)
    boxes = [[[0, 0, 1, 1], [0, 0, 0.5, 1], [0.5, 1, 0, 0], [0.5, 0.5, 1.5, 0.5]]]
    found = crop(monkeypatch, backend, image, boxes, (2, 2))[..., 0]
    np.testing.assert_allclose(found[0], [[0, 3], [8, 11]])  # the corners
    np.testing.assert_allclose(found[1], [[0, 3], [4, 7]])
    np.testing.assert_allclose(found[2], [[7, 4], [3, 0]])  # upside down and mirrored
    np.testing.assert_allclose(found[3], [[5.5, 5.5], [0, 0]])  # below the image there is nothing


@pytest.mark.parametrize("backend", BACKENDS)
def test_one_sample_is_of_the_middle(monkeypatch, backend):
    image = np.arange(9.0).reshape(1, 3, 3, 1)
    found = crop(monkeypatch, backend, image, [[[0, 0, 1, 1], [0, 0, 0, 0.5]]], (1, 1))
    np.testing.assert_allclose(found.ravel(), [4, 0.5])


@pytest.mark.parametrize("backend", BACKENDS)
def test_each_box_is_of_its_own_image(monkeypatch, backend):
    images = np.stack([np.full((4, 5, 2), value) for value in (1.0, 2.0, 3.0)])
    found = crop(monkeypatch, backend, images, np.tile([0.1, 0.2, 0.7, 0.9], (3, 2, 1)), (3, 2))
    assert found.shape == (6, 3, 2, 2)
    np.testing.assert_allclose(found[:, 0, 0, 0], [1, 1, 2, 2, 3, 3])


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 7), st.integers(1, 7), st.integers(2, 5))
def test_other_backends_arithmetic_is_the_kernels(seed: int, height: int, width: int, samples: int):
    rng = np.random.default_rng(seed)
    image = rng.normal(size=(2, height, width, 3))
    boxes = rng.uniform(-0.2, 1.2, (2, 4, 4))
    with pytest.MonkeyPatch.context() as patch:
        kernel, own = (crop(patch, backend, image, boxes, (samples, 3)) for backend in BACKENDS)
    np.testing.assert_allclose(own, kernel, atol=1e-5)


def test_the_gradient_is_the_kernels():
    import tensorflow as tf

    from teachbox.detector.native import crop_and_resize

    rng = np.random.default_rng(0)
    image = tf.constant(rng.normal(size=(1, 5, 6, 2)).astype(np.float32))
    boxes = tf.constant(rng.uniform(0, 1, (1, 3, 4)).astype(np.float32))
    weights = tf.constant(rng.normal(size=(3, 4, 4, 2)).astype(np.float32))
    gradients = []
    with pytest.MonkeyPatch.context() as patch:
        for backend in BACKENDS:
            patch.setattr(keras.backend, "backend", lambda backend=backend: backend)
            with tf.GradientTape() as tape:
                tape.watch(image)
                total = tf.reduce_sum(crop_and_resize(image, boxes, (4, 4)) * weights)
            gradients.append(tape.gradient(total, image).numpy())
    np.testing.assert_allclose(*gradients, atol=1e-5)
