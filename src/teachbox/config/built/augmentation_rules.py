"""What the schema does not say of steps of augmentation and of scores of all classes: what needs or excludes what."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

TO_PIXELS = "scale_boxes_to_pixel_coordinates"
TO_SOFTMAX = "convert_class_logits_to_softmax"
REMAP = "remap_labels"
USE = "train_config.use_multiclass_scores"
MERGE = "train_config.merge_multiple_label_boxes"
LOAD = "train_input_reader.load_multiclass_scores"


def pixels_last(config: Any) -> Iterator[tuple[str, str]]:
    """Steps take boxes as parts of the image."""
    for (name, step), (_, behind) in itertools.pairwise(_steps(config)):
        if step == TO_PIXELS:
            yield name, f"{name} must be the last step; {behind} comes after it, and takes boxes as parts of the image"


def scores_are_loaded(config: Any) -> Iterator[tuple[str, str]]:
    """The original fails in its first step where they are not."""
    if config.train_input_reader.load_multiclass_scores:
        return
    if config.train_config.use_multiclass_scores:
        yield USE, f"{USE} needs {LOAD}: true"
    for name, step in _steps(config):
        if step == TO_SOFTMAX:
            yield name, f"{name} needs {LOAD}: true"


def remapped_or_scored(config: Any) -> Iterator[tuple[str, str]]:
    """A step that gives boxes other classes would do nothing where no class is looked at."""
    for name, step in _steps(config):
        if step == REMAP and config.train_config.use_multiclass_scores:
            yield name, f"{name} changes classes, and {USE} trains on scores in their place; leave one of them out"


def merged_or_scored(config: Any) -> Iterator[tuple[str, str]]:
    """What boxes at one place are of is told by their classes, or by their scores."""
    if config.train_config.merge_multiple_label_boxes and config.train_input_reader.load_multiclass_scores:
        yield MERGE, f"{MERGE} goes by classes, and {LOAD} reads scores; leave one of them out"


def temperature_is_positive(message: Any) -> Iterator[tuple[str, str]]:
    """Scores are divided by it."""
    if not message.temperature > 0:
        yield "temperature", f"temperature is {message.temperature:g}; it must be above 0"


def _steps(config: Any) -> Iterator[tuple[str, str]]:
    """Path and kind of each step that names one."""
    for place, option in enumerate(config.train_config.data_augmentation_options):
        if step := option.WhichOneof("preprocessing_step"):
            yield f"train_config.data_augmentation_options[{place}].{step}", step


RULES: dict[str, list[Callable[[Any], Iterator[tuple[str, str]]]]] = {
    "": [pixels_last, scores_are_loaded, remapped_or_scored, merged_or_scored],
    "*.convert_class_logits_to_softmax": [temperature_is_positive],
}
