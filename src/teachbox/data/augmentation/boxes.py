"""Changed boxes, classes and scores; the image stays."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from teachbox.data.augmentation.sample import Sample

_FACTORS = {
    "DEFAULT": (-1.0, 1.0),
    "EXPAND": (0.0, 1.0),
    "SHRINK": (-1.0, 0.0),
    "EXPAND_SYMMETRIC": (0.0, 1.0),
    "SHRINK_SYMMETRIC": (-1.0, 0.0),
    "EXPAND_SYMMETRIC_XY": (0.0, 1.0),
    "SHRINK_SYMMETRIC_XY": (-1.0, 0.0),
}


def random_jitter_boxes(sample: Sample, seed: tf.Tensor, ratio: float, mode: str = "DEFAULT") -> Sample:
    """Edges of boxes moved, each box by chance of its own; at most up to the image's edge.

    DEFAULT, EXPAND and SHRINK move each edge for itself by up to `ratio` of the side, either way, outwards or
    inwards. The symmetric modes keep the centre and change a side by up to `ratio` of its length; with XY, both
    sides by the same ratio.
    """
    count = tf.shape(sample.boxes)[0]
    sides = sample.boxes[:, 2:] - sample.boxes[:, :2]
    low, high = (factor * ratio for factor in _FACTORS[mode])
    if "SYMMETRIC" in mode:
        columns = 1 if mode.endswith("XY") else 2
        growth = tf.random.stateless_uniform([count, columns], seed, low, high) * sides / 2
        moves = tf.concat([-growth, growth], axis=1)
    else:
        moves = tf.random.stateless_uniform([count, 4], seed, low, high) * tf.tile(sides, [1, 2])
        if mode != "DEFAULT":
            moves *= tf.constant([-1.0, -1.0, 1.0, 1.0])
    return sample._replace(boxes=tf.clip_by_value(sample.boxes + moves, 0.0, 1.0))


def drop_label_probabilistically(sample: Sample, seed: tf.Tensor, drop: int, drop_probability: float) -> Sample:
    """Without boxes of class `drop` (from 0), each with `drop_probability`."""
    chance = tf.random.stateless_uniform(tf.shape(sample.classes), seed)
    return sample.keep_boxes((sample.classes != drop) | (chance >= drop_probability))


def convert_class_logits_to_softmax(sample: Sample, temperature: float) -> Sample:
    """Scores of all classes, taken as logits, become probabilities: softmax of them by `temperature`."""
    return sample if sample.scores is None else sample._replace(scores=tf.nn.softmax(sample.scores / temperature))


def merge_labels(sample: Sample, num_classes: int) -> Sample:
    """Boxes at the same place as one, where the first stood, with their highest weight; its scores [N, `num_classes`]
    are 1 for the class of each of them.
    """
    same = tf.reduce_all(sample.boxes[:, None] == sample.boxes[None], axis=2)
    places = tf.range(tf.shape(same)[0])
    again = tf.reduce_any(same & (places[None] < places[:, None]), axis=1)
    scores = tf.where(same[:, :, None], tf.one_hot(sample.classes, num_classes)[None], 0.0)
    weights = tf.where(same, sample.weights[None], 0.0)
    merged = sample._replace(scores=tf.reduce_max(scores, axis=1), weights=tf.reduce_max(weights, axis=1))
    return merged.keep_boxes(~again)


def scale_boxes_to_pixel_coordinates(sample: Sample) -> Sample:
    """Boxes in pixels of the image, `[ymin, xmin, ymax, xmax]`, in place of parts of it."""
    return sample._replace(boxes=sample.boxes * _sides_twice(sample))


def scale_boxes_to_parts(sample: Sample) -> Sample:
    """Boxes that are in pixels of the image as parts of it again."""
    return sample._replace(boxes=sample.boxes / _sides_twice(sample))


def _sides_twice(sample: Sample) -> tf.Tensor:
    """float32 [4]: height, width, height, width."""
    return tf.tile(tf.cast(tf.shape(sample.image)[:2], tf.float32), [2])


def remap_labels(sample: Sample, original: Sequence[int], new: int) -> Sample:
    """Every class in `original` (from 0) becomes `new`."""
    found = tf.reduce_any(sample.classes[:, None] == tf.constant(list(original), tf.int32)[None], axis=1)
    return sample._replace(classes=tf.where(found, new, sample.classes))
