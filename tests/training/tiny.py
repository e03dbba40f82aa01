"""A detector small enough for a test of what stands around it: one box an image, its scores weighted mean colours."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from teachbox.data.resizers import fixed_shape_resizer
from teachbox.detector.hyperparams import BatchNormOptions
from teachbox.detector.layers import BatchNorm
from teachbox.detector.losses import sigmoid_cross_entropy


class TinyDetector(keras.Layer):
    """Learns the colour of what it is shown; its one box is the middle of the image."""

    def __init__(self, seed: int = 0, *, train_batch_norm: bool = True, num_classes: int = 1) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.norm = BatchNorm(
            BatchNormOptions(decay=0.9, epsilon=1e-3, center=True, scale=True, train=train_batch_norm)
        )
        self.dense = keras.layers.Dense(
            num_classes,
            # The same numbers on every backend.
            kernel_initializer=lambda shape, dtype: np.random.default_rng(seed).normal(0, 0.05, shape).astype(dtype),
            kernel_regularizer=keras.regularizers.L2(0.01),
        )
        self(np.zeros((1, 8, 8, 3), np.float32))

    def preprocess(self, images):
        return images / 255.0

    def call(self, images, true_shape=None, groundtruth=None, training=False):
        return {"score": self.dense(ops.mean(self.norm(images, training=training), axis=(1, 2)))}

    def loss(self, predictions, groundtruth):
        wanted = ops.expand_dims(ops.cast(groundtruth["num_boxes"] > 0, "float32"), -1)
        # Whatever is in an image is of all classes.
        error = ops.sum(sigmoid_cross_entropy(predictions["score"], wanted), axis=-1)
        return {
            "Loss/localization_loss": 0.0 * ops.sum(predictions["score"]),
            "Loss/classification_loss": ops.mean(error),
        }

    def postprocess(self, predictions, true_shape):
        score = ops.sigmoid(predictions["score"])
        ones = ops.ones_like(score)
        return {
            "detection_boxes": ops.stack([ones * 0.25, ones * 0.25, ones * 0.75, ones * 0.75], axis=-1),
            "detection_scores": score,
            "detection_classes": ops.zeros_like(score),
            "num_detections": ones[:, 0],
        }

    def checkpoint_variables(self):
        return {
            "norm/gamma": self.norm.gamma,
            "norm/beta": self.norm.beta,
            "norm/moving_mean": self.norm.moving_mean,
            "norm/moving_variance": self.norm.moving_variance,
            "dense/weights": self.dense.kernel,
            "dense/biases": self.dense.bias,
        }


resizer = fixed_shape_resizer(8, 8)


def synthetic_batch(spec, size: int = 32):
    """A batch of grey images, one box in each; of `size` where `spec` leaves that open."""
    count, height, width, channels = spec["image"].shape.as_list()
    max_boxes = spec["classes"].shape[1]
    height, width = height or size, width or size
    box = tf.one_hot([0] * count, max_boxes)
    scores = {name: tf.zeros(wanted.shape) for name, wanted in spec.items() if name == "class_scores"}
    return {
        **scores,
        "image": tf.fill([count, height, width, channels], 127.0),
        "true_shape": tf.tile([[height, width, channels]], [count, 1]),
        "boxes": box[:, :, None] * tf.constant([0.25, 0.25, 0.75, 0.75]),
        "classes": tf.zeros([count, max_boxes], tf.int32),
        "weights": box,
        "num_boxes": tf.ones([count], tf.int32),
    }
