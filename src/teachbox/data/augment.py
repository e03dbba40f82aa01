"""Data augmentation as train_config.data_augmentation_options asks for it: the table of steps, and their
composition.

A step is a function in `data/augmentation/` with plain arguments; a builder for each, there too, checks the
fields of its message and hands them over.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from teachbox.config.built.augmentation_rules import TO_PIXELS
from teachbox.config.protos import preprocessor_pb2
from teachbox.data.augmentation import build_boxes, build_colours, build_crops_pads, build_geometry, build_noise
from teachbox.data.augmentation.sample import Sample, Step
from teachbox.errors import ConfigError


@dataclass(frozen=True)
class Augmentation:
    """All steps as one, one after the other, each with chance of its own.

    Flips and crops keep the image's type; steps that change colours or compute new pixels give float32. The same seed
    gives the same.
    """

    steps: Sequence[Step]
    boxes_in_pixels: bool = False
    """Whether boxes come out in pixels of the image, and not as parts of it."""

    def __call__(self, sample: Sample, seed: tf.Tensor) -> Sample:
        for place, step in enumerate(self.steps):
            sample = step(sample, tf.random.fold_in(seed, place))
        return sample


def build_augmentations(options: Iterable[preprocessor_pb2.PreprocessingStep]) -> Augmentation:
    """The steps of a config. Raises `ConfigError` for one that is not built, or that stands where it cannot."""
    steps: list[Step] = []
    in_pixels = False
    for place, option in enumerate(options):
        where = f"data_augmentation_options[{place}]"
        if in_pixels:
            raise ConfigError(f"comes after {TO_PIXELS}; steps take boxes as parts of the image", where=where)
        steps.append(build_step(option, where))
        in_pixels = option.WhichOneof("preprocessing_step") == TO_PIXELS
    return Augmentation(steps, in_pixels)


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


BUILDERS: dict[str, Callable[[Any, str], Step]] = {
    "adjust_gamma": build_colours.adjust_gamma,
    "autoaugment_image": build_colours.autoaugment_image,
    "convert_class_logits_to_softmax": build_boxes.to_softmax,
    "drop_label_probabilistically": build_boxes.drop_label,
    "normalize_image": build_colours.normalize_image,
    "random_absolute_pad_image": build_crops_pads.random_absolute_pad,
    "random_adjust_brightness": build_colours.random_adjust_brightness,
    "random_adjust_contrast": build_colours.random_adjust_contrast,
    "random_adjust_hue": build_colours.random_adjust_hue,
    "random_adjust_saturation": build_colours.random_adjust_saturation,
    "random_black_patches": build_noise.random_black_patches,
    "random_crop_image": build_crops_pads.random_crop_image,
    "random_crop_pad_image": build_crops_pads.random_crop_pad_image,
    "random_crop_to_aspect_ratio": build_crops_pads.random_crop_to_aspect_ratio,
    "random_distort_color": build_colours.random_distort_color,
    "random_downscale_to_target_pixels": build_geometry.random_downscale,
    "random_horizontal_flip": build_geometry.random_horizontal_flip,
    "random_image_scale": build_geometry.random_image_scale,
    "random_jitter_boxes": build_boxes.random_jitter_boxes,
    "random_jpeg_quality": build_noise.random_jpeg_quality,
    "random_pad_image": build_crops_pads.random_pad_image,
    "random_patch_gaussian": build_noise.random_patch_gaussian,
    "random_pixel_value_scale": build_colours.random_pixel_value_scale,
    "random_resize_method": build_geometry.random_resize_method,
    "random_rgb_to_gray": build_colours.random_rgb_to_gray,
    "random_rotation90": build_geometry.random_rotation90,
    "random_scale_crop_and_pad_to_square": build_crops_pads.random_scale_crop_pad,
    "random_self_concat_image": build_geometry.random_self_concat,
    "random_square_crop_by_scale": build_crops_pads.random_square_crop,
    "random_vertical_flip": build_geometry.random_vertical_flip,
    "remap_labels": build_boxes.remap_labels,
    "resize_image": build_geometry.resize_image,
    "rgb_to_gray": build_colours.rgb_to_gray,
    "scale_boxes_to_pixel_coordinates": build_boxes.scale_to_pixels,
    "ssd_random_crop": build_crops_pads.ssd_random_crop,
    "ssd_random_crop_fixed_aspect_ratio": build_crops_pads.ssd_random_crop_fixed,
    "ssd_random_crop_pad": build_crops_pads.ssd_random_crop_pad,
    "ssd_random_crop_pad_fixed_aspect_ratio": build_crops_pads.ssd_random_crop_pad_fixed,
    "subtract_channel_mean": build_colours.subtract_channel_mean,
}
"""Every step that is built, by its name in the config: (message, where) → step."""
