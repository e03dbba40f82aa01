"""Images shifted, sheared and turned, with their boxes; what comes from beyond the edge is grey."""

from __future__ import annotations

import math

import tensorflow as tf

from teachbox.data.augmentation.sample import Sample

GREY = 128


def translation(down: float | tf.Tensor, right: float | tf.Tensor) -> tf.Tensor:
    """The matrix, for `affine`, that moves what an image shows by so many pixels."""
    return _matrix([[1.0, 0.0, -right], [0.0, 1.0, -down]])


def horizontal_shear(ratio: float | tf.Tensor) -> tf.Tensor:
    """Each row moved to the left by `ratio` times its place from the top."""
    return _matrix([[1.0, ratio, 0.0], [0.0, 1.0, 0.0]])


def vertical_shear(ratio: float | tf.Tensor) -> tf.Tensor:
    """Each column moved up by `ratio` times its place from the left."""
    return _matrix([[1.0, 0.0, 0.0], [ratio, 1.0, 0.0]])


def rotation(degrees: float | tf.Tensor, sides: tf.Tensor) -> tf.Tensor:
    """Turned against the clock about the centre of an image of `sides`, int32 [2], height and width."""
    angle = degrees * math.pi / 180
    sine, cosine = tf.sin(angle), tf.cos(angle)
    y, x = tf.unstack((tf.cast(sides, tf.float32) - 1) / 2)
    return _matrix([[cosine, -sine, x - cosine * x + sine * y], [sine, cosine, y - sine * x - cosine * y]])


def _matrix(rows: list[list[float | tf.Tensor]]) -> tf.Tensor:
    return tf.stack([tf.stack([tf.cast(value, tf.float32) for value in row]) for row in rows])


def affine_image(image: tf.Tensor, matrix: tf.Tensor) -> tf.Tensor:
    """The image with the pixel at (x, y) taken from `matrix` · (x, y, 1), the nearest one: float32 [2, 3].

    uint8 or float32 [H, W, 3], size and type as given.
    """
    moved = tf.raw_ops.ImageProjectiveTransformV3(
        images=image[None],
        transforms=tf.concat([tf.reshape(matrix, [1, 6]), tf.zeros([1, 2])], axis=1),
        output_shape=tf.shape(image)[:2],
        fill_value=float(GREY),
        interpolation="NEAREST",
        fill_mode="CONSTANT",
    )[0]
    return tf.ensure_shape(moved, image.shape)


def affine(sample: Sample, matrix: tf.Tensor) -> Sample:
    """`affine_image`, and around each box the smallest one that holds it where it has come to.

    Boxes are clipped to the image, and those of which nothing is left go.
    """
    linear, shift = matrix[:, :2], matrix[:, 2]
    # The matrix speaks of the centres of pixels; boxes reach from edge to edge.
    shift += 0.5 - tf.linalg.matvec(linear, tf.constant([0.5, 0.5]))
    height, width = tf.unstack(tf.cast(tf.shape(sample.image)[:2], tf.float32))
    ymin, xmin, ymax, xmax = tf.unstack(sample.boxes, axis=1)
    x = tf.stack([xmin, xmax, xmin, xmax], axis=1) * width
    y = tf.stack([ymin, ymin, ymax, ymax], axis=1) * height
    corners = tf.linalg.matvec(tf.linalg.inv(linear), tf.stack([x, y], axis=2) - shift) / tf.stack([width, height])
    corners = tf.clip_by_value(corners[:, :, ::-1], 0.0, 1.0)
    boxes = tf.concat([tf.reduce_min(corners, axis=1), tf.reduce_max(corners, axis=1)], axis=1)
    moved = sample._replace(image=affine_image(sample.image, matrix), boxes=boxes)
    return moved.keep_boxes(tf.reduce_all(boxes[:, 2:] > boxes[:, :2], axis=1))
