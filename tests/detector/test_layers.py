"""Batch normalisation by hand: TensorFlow's kernel, and the arithmetic that other backends use."""

from __future__ import annotations

from dataclasses import replace

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


def test_statistics_over_replicas_are_not_corrected():
    """`sync_batch_norm`: of 1, 3, 5, 7 the moving average takes the variance 5, not 20/3; the output is the same."""
    from teachbox.detector.hyperparams import BatchNormOptions
    from teachbox.detector.layers import BatchNorm

    options = BatchNormOptions(decay=0.75, center=True, scale=True, epsilon=0.5, train=True)
    x = np.array([1, 3, 5, 7], np.float32).reshape(1, 2, 2, 1)
    plain, synchronized = BatchNorm(options), BatchNorm(replace(options, synchronized=True))
    np.testing.assert_allclose(synchronized(x, training=True), plain(x, training=True))
    assert synchronized.moving_variance.numpy().tolist() == pytest.approx([0.75 + 0.25 * 5])


def test_a_separable_convolution_by_hand():
    """A 2×2 sum of each channel, then 1·first + 10·second, and the biases; the names of both kinds of checkpoints."""
    import keras

    from teachbox.detector.hyperparams import ConvHyperparams
    from teachbox.detector.layers import ConvBlock
    from teachbox.detector.names import listed

    plain = ConvHyperparams(keras.initializers.Ones, None, 4.0, None)
    block = ConvBlock("a/b", plain, kernel_size=2, filters=1, separable=True, pointwise=plain.with_keras_kernels())
    x = np.stack([np.arange(9.0).reshape(3, 3), np.ones((3, 3))], axis=-1)[None].astype(np.float32)
    block(x)
    names = block.named_variables()
    assert {name: tuple(variable.shape) for name, variable in names.items()} == {
        "a/b/depthwise_weights": (2, 2, 2, 1),
        "a/b/pointwise_weights": (1, 1, 2, 1),
        "a/b/biases": (1,),
    }
    assert float(sum(block.losses)) == 16.0  # 4 · (8 ones)² / 2: the second kernel is not regularised
    names["a/b/pointwise_weights"].assign(np.array([1.0, 10.0]).reshape(1, 1, 2, 1))
    names["a/b/biases"].assign([0.5])
    sums = [[8 + 40, 12 + 40, 7 + 20], [20 + 40, 24 + 40, 13 + 20], [13 + 20, 15 + 20, 8 + 10]]
    np.testing.assert_allclose(block(x)[0, :, :, 0], np.array(sums) + 0.5)
    assert set(listed("model/x", block.listed_layers)) == {
        "model/x/0/depthwise_kernel",
        "model/x/0/pointwise_kernel",
        "model/x/0/bias",
    }


def test_explicit_padding_is_alike_on_both_sides():
    """A stride of 2 over 1, 2, 3, 4: 0+1+2 and 2+3+4, where TensorFlow's padding gives 1+2+3 and 3+4+0."""
    import keras

    from teachbox.detector.hyperparams import ConvHyperparams
    from teachbox.detector.layers import ConvBlock

    plain = ConvHyperparams(keras.initializers.Ones, None, 0.0, None)
    x = np.arange(1, 5, dtype=np.float32).reshape(1, 1, 4, 1)
    for padding, sums in (("fixed", [3, 9]), ("same", [6, 7])):
        block = ConvBlock("a", plain, kernel_size=3, filters=1, strides=2, padding=padding)
        block.build((None, 1, 4, 1))  # smaller than the kernel
        assert block(x)[0, 0, :, 0].numpy().tolist() == sums
        assert block.compute_output_shape((None, 1, 4, 1)) == (None, 1, 2, 1)
