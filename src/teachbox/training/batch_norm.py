"""Batch normalisation between rounds: its moving averages, estimated anew."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from teachbox.data.batch_pipeline import Batch
from teachbox.detector.layers import BatchNorm
from teachbox.training.backend import compiled
from teachbox.training.losses import groundtruth


def batch_norm_layers(detector: keras.layers.Layer) -> list[BatchNorm]:
    """The layers of the detector that take statistics of the batch in training (not the frozen ones)."""
    layers = [layer for layer in detector._flatten_layers() if isinstance(layer, BatchNorm)]
    return [layer for layer in layers if layer.options.train]


def freeze(detector: keras.layers.Layer) -> None:
    """From now on the detector normalises by the moving averages in training too, and they stay as they are."""
    for layer in batch_norm_layers(detector):
        layer.options = replace(layer.options, train=False)


class Recalibration:
    """Moving averages of batch normalisation, replaced by the statistics of given batches under the present weights."""

    def __init__(self, detector: Any, batch: Mapping[str, tf.TensorSpec]) -> None:
        """`batch`: what a batch looks like (see `data.batch_pipeline.batch_spec`); it is compiled for that once."""
        self._detector = detector
        self._layers = batch_norm_layers(detector)
        variables = detector.variables
        self._forward = compiled(self._run, batch, state=variables, changed=variables)

    def __call__(self, batches: Iterable[Batch]) -> int:
        """Replace the averages, and return the number of batches; without any, and without layers, nothing changes."""
        if not self._layers:
            return 0
        before = [(layer.moving_mean.numpy(), layer.moving_variance.numpy()) for layer in self._layers]
        means = [np.zeros_like(mean, np.float64) for mean, _ in before]
        squares = [np.zeros_like(mean, np.float64) for mean, _ in before]
        count = 0
        try:
            for batch in batches:
                # From 0, one update leaves (1 - decay) times the batch's own statistics.
                for layer in self._layers:
                    layer.moving_mean.assign(keras.ops.zeros(layer.moving_mean.shape))
                    layer.moving_variance.assign(keras.ops.zeros(layer.moving_variance.shape))
                self._forward(batch)
                for place, layer in enumerate(self._layers):
                    share = 1.0 - layer.options.decay
                    mean = layer.moving_mean.numpy().astype(np.float64) / share
                    variance = layer.moving_variance.numpy().astype(np.float64) / share
                    means[place] += mean
                    squares[place] += variance + mean**2
                count += 1
        finally:
            for layer, old, mean, square in zip(self._layers, before, means, squares, strict=True):
                # Of all images together: within the batches and between them.
                new = (mean / count, np.maximum(square / count - (mean / count) ** 2, 0)) if count else old
                layer.moving_mean.assign(new[0])
                layer.moving_variance.assign(new[1])
        return count

    def _run(self, batch: Batch) -> None:
        images = self._detector.preprocess(batch["image"])
        self._detector(images, batch["true_shape"], groundtruth(batch), training=True)
