"""Builders of the steps that change boxes and leave the image."""

from __future__ import annotations

from teachbox.config.built.augmentation_rules import temperature_is_positive
from teachbox.config.protos import preprocessor_pb2
from teachbox.data.augmentation import boxes
from teachbox.data.augmentation.message_checks import ANY, check_range
from teachbox.data.augmentation.sample import Step
from teachbox.errors import ConfigError


def random_jitter_boxes(message: preprocessor_pb2.RandomJitterBoxes, where: str) -> Step:
    check_range(where, "ratio", message.ratio, 0, 1)
    mode = preprocessor_pb2.RandomJitterBoxes.JitterMode.Name(message.jitter_mode)
    return lambda sample, seed: boxes.random_jitter_boxes(sample, seed, message.ratio, mode)


def drop_label(message: preprocessor_pb2.DropLabelProbabilistically, where: str) -> Step:
    check_range(where, "label", message.label, 1, ANY)
    check_range(where, "drop_probability", message.drop_probability, 0, 1)
    # Ids of the label map count from 1, classes from 0.
    return lambda sample, seed: boxes.drop_label_probabilistically(
        sample, seed, message.label - 1, message.drop_probability
    )


def to_softmax(message: preprocessor_pb2.ConvertClassLogitsToSoftmax, where: str) -> Step:
    for _, wrong in temperature_is_positive(message):
        raise ConfigError(wrong, where=where)
    return lambda sample, _seed: boxes.convert_class_logits_to_softmax(sample, message.temperature)


def scale_to_pixels(_message: preprocessor_pb2.ScaleBoxesToPixelCoordinates, _where: str) -> Step:
    return lambda sample, _seed: boxes.scale_boxes_to_pixel_coordinates(sample)


def remap_labels(message: preprocessor_pb2.RemapLabels, where: str) -> Step:
    for label in message.original_labels:
        check_range(where, "original_labels", label, 1, ANY)
    check_range(where, "new_label", message.new_label, 1, ANY)
    original = [label - 1 for label in message.original_labels]
    return lambda sample, seed: boxes.remap_labels(sample, original, message.new_label - 1)
