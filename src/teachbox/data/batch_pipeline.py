"""TensorFlow's part of making batches: decode, mix, augment, resize, pad. `batches` hands the elements in."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import tensorflow as tf

from teachbox.data.augment import Augmentation
from teachbox.data.augmentation.boxes import merge_labels, scale_boxes_to_parts
from teachbox.data.augmentation.mixtures import mixed
from teachbox.data.augmentation.sample import Sample
from teachbox.data.decoding import decode_image
from teachbox.data.mix import OTHERS
from teachbox.data.resizers import Resizer

Batch = dict[str, tf.Tensor]
"""Tensors by name, `G` = `max_boxes`: `image` float32 [B, H, W, C] in 0–255, resized and padded; `true_shape` int32
[B, 3], the part that is not padding; `boxes` float32 [B, G, 4] in 0–1 of the padded image; `classes` int32 [B, G] from
0; `weights` float32 [B, G]; `num_boxes` int32 [B]: rows past it are padding. Where scores of all K classes are trained
on there is `class_scores` float32 [B, G, K]. Evaluation adds `key` string [B], `valid` bool [B] (False: a row that only
fills the last batch), `original_shape` int32 [B, 3] and `is_crowd` bool [B, G].
"""
Element = dict[str, Any]

_ELEMENT = {
    "key": tf.TensorSpec([], tf.string),
    "encoded": tf.TensorSpec([], tf.string),
    "boxes": tf.TensorSpec([None, 4], tf.float32),
    "classes": tf.TensorSpec([None], tf.int32),
    "weights": tf.TensorSpec([None], tf.float32),
    "is_crowd": tf.TensorSpec([None], tf.bool),
    "number": tf.TensorSpec([], tf.int32),
    "valid": tf.TensorSpec([], tf.bool),
}
PARTNERS = {
    "partner_encoded": tf.TensorSpec([sum(OTHERS.values())], tf.string),
    "partner_counts": tf.TensorSpec([sum(OTHERS.values())], tf.int32),
    "partner_boxes": tf.TensorSpec([None, 4], tf.float32),
    "partner_classes": tf.TensorSpec([None], tf.int32),
    "partner_weights": tf.TensorSpec([None], tf.float32),
}
"""What `Pool.partners` gives, of all partners of an image: empty bytes where there is none; boxes one after another."""


def batch_spec(
    batch_size: int, height: int | None, width: int | None, max_boxes: int, num_scores: int = 0, *, channels: int = 3
) -> dict[str, tf.TensorSpec]:
    """What a training batch looks like; `height` and `width` None where they differ from batch to batch.

    `num_scores`: of how many classes there are `class_scores`; 0 where there are none.
    """
    scores = {"class_scores": tf.TensorSpec([batch_size, max_boxes, num_scores], tf.float32)}
    return {
        "image": tf.TensorSpec([batch_size, height, width, channels], tf.float32),
        "true_shape": tf.TensorSpec([batch_size, 3], tf.int32),
        "boxes": tf.TensorSpec([batch_size, max_boxes, 4], tf.float32),
        "classes": tf.TensorSpec([batch_size, max_boxes], tf.int32),
        "weights": tf.TensorSpec([batch_size, max_boxes], tf.float32),
        "num_boxes": tf.TensorSpec([batch_size], tf.int32),
        **(scores if num_scores else {}),
    }


def batch_pipeline(
    elements: Callable[[], Iterator[Element]],
    resizer: Resizer,
    augment: Augmentation | None,
    *,
    batch_size: int,
    max_boxes: int,
    seed: int,
    side_step: int,
    num_scores: int,
    merge_classes: int,
    mixing: bool,
    evaluating: bool,
) -> tf.data.Dataset:
    """A dataset of batches of what `elements` yields, an image each, with its partners where they are mixed.

    Beside what belongs to a `Batch` each has `key` and `left_out` int32 [B], how many boxes found no room.
    """

    def prepare(example: Batch) -> Batch:
        decoded = decode_image(example["encoded"])
        sample = Sample(decoded, example["boxes"], example["classes"], example["weights"], example.get("scores"))
        own_seed = tf.stack([seed, example["number"]])
        if mixing:
            sample = mixed(sample, *_partners(example), tf.random.fold_in(own_seed, -1))
        if augment is not None:
            sample = augment(sample, own_seed)
            if augment.boxes_in_pixels:
                sample = scale_boxes_to_parts(sample)
        if merge_classes:
            sample = merge_labels(sample, merge_classes)
        resized, true_shape = resizer(sample.image)
        element = {
            "image": resized,
            "true_shape": true_shape,
            "boxes": _padded(sample.boxes, max_boxes),
            "classes": _padded(sample.classes, max_boxes),
            "weights": _padded(sample.weights, max_boxes),
            "num_boxes": tf.minimum(tf.shape(sample.boxes)[0], max_boxes),
            "key": example["key"],
            "left_out": tf.maximum(tf.shape(sample.boxes)[0] - max_boxes, 0),
        }
        if sample.scores is not None:
            element["class_scores"] = _padded(sample.scores, max_boxes)
        if evaluating:
            element["valid"] = example["valid"]
            element["original_shape"] = tf.shape(decoded)
            element["is_crowd"] = _padded(example["is_crowd"], max_boxes)
        return element

    # No more elements under way than one batch, whatever the cores: a reset loses them.
    workers = max(1, min(os.cpu_count() or 1, batch_size))
    signature = _ELEMENT | (PARTNERS if mixing else {})
    if num_scores:
        rows = tf.TensorSpec([None, num_scores], tf.float32)
        signature |= {"scores": rows} | ({"partner_scores": rows} if mixing else {})
    dataset = tf.data.Dataset.from_generator(elements, output_signature=signature)
    dataset = dataset.map(prepare, num_parallel_calls=workers, deterministic=True)
    # Images of different sizes are padded below and to the right to the largest of the batch.
    dataset = dataset.padded_batch(batch_size, drop_remainder=True)
    dataset = dataset.map(partial(_related_to_padded_image, side_step=side_step))
    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.prefetch(1).with_options(options)


def _partners(example: Batch) -> tuple[list[Callable[[], Sample]], tf.Tensor]:
    """A function for each partner that decodes it, and which are there, bool."""
    encoded, counts = example["partner_encoded"], example["partner_counts"]
    begins = tf.cumsum(counts, exclusive=True)

    def decode(place: int) -> Sample:
        rows = slice(begins[place], begins[place] + counts[place])
        return Sample(
            decode_image(encoded[place]),
            example["partner_boxes"][rows],
            example["partner_classes"][rows],
            example["partner_weights"][rows],
            example["partner_scores"][rows] if "partner_scores" in example else None,
        )

    return [partial(decode, place) for place in range(encoded.shape[0])], encoded != ""


def _padded(rows: tf.Tensor, count: int) -> tf.Tensor:
    """The first `count` of `rows`, and rows of zeros to make them so many."""
    rows = rows[:count]
    paddings = [[0, count - tf.shape(rows)[0]]] + [[0, 0]] * (rows.shape.rank - 1)
    return tf.ensure_shape(tf.pad(rows, paddings), [count, *rows.shape[1:]])


def _related_to_padded_image(batch: Batch, *, side_step: int) -> Batch:
    """The batch with its images' sides padded to multiples of `side_step`, and boxes in 0–1 of what came of it."""
    images = _with_whole_steps(batch["image"], side_step)
    picture = tf.cast(batch["true_shape"][:, :2], tf.float32)
    shares = picture / tf.cast(tf.shape(images)[1:3], tf.float32)
    return {**batch, "image": images, "boxes": batch["boxes"] * tf.tile(shares, [1, 2])[:, None, :]}


def _with_whole_steps(images: tf.Tensor, side_step: int) -> tf.Tensor:
    if side_step == 1:
        return images
    sides = tf.shape(images)
    missing = [-sides[axis] % side_step if images.shape[axis] is None else 0 for axis in (1, 2)]
    return tf.pad(images, [[0, 0], [0, missing[0]], [0, missing[1]], [0, 0]])
