"""Data augmentation as train_config.data_augmentation_options asks for it: the table of steps, and their
composition.

A step is a function in `data/augmentation/` with plain arguments; here, one builder for each hands it the
fields of its message.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from typing import Any

import tensorflow as tf

from teachbox.config.protos import preprocessor_pb2
from teachbox.data.augmentation import crops, flips
from teachbox.data.augmentation.sample import Sample, Step
from teachbox.errors import ConfigError

Augment = Callable[
    [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor], tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]
]
"""(image [H, W, 3] in 0–255, boxes float32 [N, 4] in 0–1, classes int32 [N], weights float32 [N], seed int32
[2]) → the first four, changed. Flips and crops keep the image's type; steps that change colours give float32.
The same seed gives the same.
"""


def build_augmentations(options: Iterable[preprocessor_pb2.PreprocessingStep]) -> Augment:
    """All steps, one after the other, each with chance of its own. Raises `ConfigError` for a step that is
    not built.
    """
    steps = [build_step(option, f"data_augmentation_options[{place}]") for place, option in enumerate(options)]

    def augment(
        image: tf.Tensor, boxes: tf.Tensor, classes: tf.Tensor, weights: tf.Tensor, seed: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]:
        sample = Sample(image, boxes, classes, weights)
        for place, step in enumerate(steps):
            sample = step(sample, tf.random.fold_in(seed, place))
        return sample.image, sample.boxes, sample.classes, sample.weights

    return augment


def build_step(option: preprocessor_pb2.PreprocessingStep, where: str) -> Step:
    """One step. Raises `ConfigError` naming it if it is not built, or if its numbers make no sense."""
    name = option.WhichOneof("preprocessing_step")
    if name is None:
        raise ConfigError(f"no step is given; there are {', '.join(sorted(BUILDERS))}", where=where)
    where = f"{where}.{name}"
    if name not in BUILDERS:
        near = difflib.get_close_matches(name, BUILDERS, n=1)
        hint = f"; the nearest is {near[0]}" if near else ""
        raise ConfigError(f"is not built yet; there are {', '.join(sorted(BUILDERS))}{hint}", where=where)
    return BUILDERS[name](getattr(option, name), where)


def _build_random_horizontal_flip(message: preprocessor_pb2.RandomHorizontalFlip, where: str) -> Step:
    _refuse_keypoints(message.keypoint_flip_permutation, "keypoint_flip_permutation", where)
    _check_range(where, "probability", message.probability, 0, 1)
    return lambda sample, seed: flips.random_horizontal_flip(sample, seed, message.probability)


def _build_random_vertical_flip(message: preprocessor_pb2.RandomVerticalFlip, where: str) -> Step:
    _refuse_keypoints(message.keypoint_flip_permutation, "keypoint_flip_permutation", where)
    _check_range(where, "probability", message.probability, 0, 1)
    return lambda sample, seed: flips.random_vertical_flip(sample, seed, message.probability)


def _build_ssd_random_crop(message: preprocessor_pb2.SSDRandomCrop, where: str) -> Step:
    operations = [
        _crop(operation, f"{where}.operations[{place}]") for place, operation in enumerate(message.operations)
    ]
    chosen = tuple(operations) or crops.SSD_CROPS
    return lambda sample, seed: crops.ssd_random_crop(sample, seed, chosen)


def _crop(message: preprocessor_pb2.SSDRandomCropOperation, where: str) -> crops.Crop:
    _check_range(where, "min_object_covered", message.min_object_covered, 0, 1)
    _check_range(where, "overlap_thresh", message.overlap_thresh, 0, 1)
    _check_range(where, "random_coef", message.random_coef, 0, 1)
    _check_order(where, "aspect_ratio", message.min_aspect_ratio, message.max_aspect_ratio, float("inf"))
    _check_order(where, "area", message.min_area, message.max_area, 1)
    return crops.Crop(
        min_object_covered=message.min_object_covered,
        aspect_ratio=(message.min_aspect_ratio, message.max_aspect_ratio),
        area=(message.min_area, message.max_area),
        overlap_thresh=message.overlap_thresh,
        keep_probability=message.random_coef,
        clip_boxes=message.clip_boxes,
    )


def _check_range(where: str, name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise ConfigError(f"{name} is {value:g}; it must be from {low:g} to {high:g}", where=where)


def _check_order(where: str, name: str, low: float, high: float, limit: float) -> None:
    if not 0 < low <= high <= limit:
        most = "" if limit == float("inf") else f" ≤ {limit:g}"
        raise ConfigError(
            f"min_{name} is {low:g} and max_{name} {high:g}; they must be 0 < min_{name} ≤ max_{name}{most}",
            where=where,
        )


def _refuse_keypoints(permutation: Iterable[int], name: str, where: str) -> None:
    if list(permutation):
        raise ConfigError(f"{name} is not built yet: keypoints are not; leave it out", where=where)


BUILDERS: dict[str, Callable[[Any, str], Step]] = {
    "random_horizontal_flip": _build_random_horizontal_flip,
    "random_vertical_flip": _build_random_vertical_flip,
    "ssd_random_crop": _build_ssd_random_crop,
}
"""Every step that is built, by its name in the config: (message, where) → step."""
