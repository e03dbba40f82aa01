"""Builders of the steps that crop and pad."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from teachbox.config.protos import preprocessor_pb2
from teachbox.data.augmentation import crop_pads, crops, pads
from teachbox.data.augmentation.message_checks import ANY, check_order, check_range, check_shape, three
from teachbox.data.augmentation.sample import Step
from teachbox.errors import ConfigError


def ssd_random_crop(message: preprocessor_pb2.SSDRandomCrop, where: str) -> Step:
    chosen = _crops_of(message.operations, where) or crops.SSD_CROPS
    return lambda sample, seed: crops.ssd_random_crop(sample, seed, chosen)


def random_crop_image(message: preprocessor_pb2.RandomCropImage, where: str) -> Step:
    crop = _crop_of(message, where)
    return lambda sample, seed: crops.random_crop_image(sample, seed, crop)


def random_crop_to_aspect_ratio(message: preprocessor_pb2.RandomCropToAspectRatio, where: str) -> Step:
    check_shape(where, message.aspect_ratio)
    check_range(where, "overlap_thresh", message.overlap_thresh, 0, 1)
    return lambda sample, seed: crops.random_crop_to_aspect_ratio(
        sample, seed, message.aspect_ratio, message.overlap_thresh, message.clip_boxes
    )


def ssd_random_crop_fixed(message: preprocessor_pb2.SSDRandomCropFixedAspectRatio, where: str) -> Step:
    ratio = message.aspect_ratio
    check_shape(where, ratio)
    given = _crops_of(message.operations, where, (ratio, ratio))
    chosen = given or tuple(replace(crop, aspect_ratio=(ratio, ratio)) for crop in crops.SSD_CROPS)
    return lambda sample, seed: crops.ssd_random_crop_fixed_aspect_ratio(sample, seed, chosen, ratio)


def random_square_crop(message: preprocessor_pb2.RandomSquareCropByScale, where: str) -> Step:
    check_range(where, "max_border", message.max_border, 1, ANY)
    check_range(where, "num_scales", message.num_scales, 1, ANY)
    low, high = _scales(message, where)
    return lambda sample, seed: crops.random_square_crop_by_scale(
        sample, seed, message.max_border, low, high, message.num_scales
    )


def random_scale_crop_pad(message: preprocessor_pb2.RandomScaleCropAndPadToSquare, where: str) -> Step:
    check_range(where, "output_size", message.output_size, 1, ANY)
    low, high = _scales(message, where)
    return lambda sample, seed: crops.random_scale_crop_and_pad_to_square(sample, seed, message.output_size, low, high)


def random_pad_image(message: preprocessor_pb2.RandomPadImage, where: str) -> Step:
    least = _size(message, "min", where)
    most = _size(message, "max", where)
    around = three(where, "pad_color", message.pad_color)
    if least and most and (least[0] > most[0] or least[1] > most[1]):
        raise ConfigError(f"the smallest size {least} is above the largest {most}", where=where)
    return lambda sample, seed: pads.random_pad_image(sample, seed, least, most, around)


def _size(message: Any, end: str, where: str) -> tuple[int, int] | None:
    names = f"{end}_image_height", f"{end}_image_width"
    there = [message.HasField(name) for name in names]
    if not any(there):
        return None
    if not all(there):
        raise ConfigError(f"{names[0]} and {names[1]} go together: give both or none", where=where)
    height, width = (getattr(message, name) for name in names)
    check_range(where, names[0], height, 0, ANY)
    check_range(where, names[1], width, 0, ANY)
    return height, width


def random_absolute_pad(message: preprocessor_pb2.RandomAbsolutePadImage, where: str) -> Step:
    padding = message.max_height_padding, message.max_width_padding
    check_range(where, "max_height_padding", padding[0], 0, ANY)
    check_range(where, "max_width_padding", padding[1], 0, ANY)
    around = three(where, "pad_color", message.pad_color)
    return lambda sample, seed: pads.random_absolute_pad_image(sample, seed, padding, around)


def random_crop_pad_image(message: preprocessor_pb2.RandomCropPadImage, where: str) -> Step:
    least, most = _padded_sizes(message, where)
    operation = crop_pads.CropPad(_crop_of(message, where), least, most, three(where, "pad_color", message.pad_color))
    return lambda sample, seed: crop_pads.ssd_random_crop_pad(sample, seed, [operation])


def ssd_random_crop_pad(message: preprocessor_pb2.SSDRandomCropPad, where: str) -> Step:
    operations = []
    for place, given in enumerate(message.operations):
        here = f"{where}.operations[{place}]"
        least, most = _padded_sizes(given, here)
        # A colour of which nothing is given is black, not the mean: three numbers without defaults.
        around = given.pad_color_r, given.pad_color_g, given.pad_color_b
        operations.append(crop_pads.CropPad(_crop_of(given, here), least, most, around))
    chosen = tuple(operations) or crop_pads.SSD_CROP_PADS
    return lambda sample, seed: crop_pads.ssd_random_crop_pad(sample, seed, chosen)


def ssd_random_crop_pad_fixed(message: preprocessor_pb2.SSDRandomCropPadFixedAspectRatio, where: str) -> Step:
    check_shape(where, message.aspect_ratio)
    chosen = _crops_of(message.operations, where) or crops.SSD_CROPS
    least, most = _padded_sizes(message, where)
    return lambda sample, seed: crop_pads.ssd_random_crop_pad_fixed_aspect_ratio(
        sample, seed, chosen, message.aspect_ratio, least, most
    )


def _crops_of(messages: Iterable[Any], where: str, aspect_ratio: crops.Range | None = None) -> tuple[crops.Crop, ...]:
    return tuple(
        _crop_of(message, f"{where}.operations[{place}]", aspect_ratio) for place, message in enumerate(messages)
    )


def _crop_of(message: Any, where: str, aspect_ratio: crops.Range | None = None) -> crops.Crop:
    check_range(where, "min_object_covered", message.min_object_covered, 0, 1)
    check_range(where, "overlap_thresh", message.overlap_thresh, 0, 1)
    check_range(where, "random_coef", message.random_coef, 0, 1)
    if aspect_ratio is None:
        aspect_ratio = message.min_aspect_ratio, message.max_aspect_ratio
    check_order(where, "aspect_ratio", *aspect_ratio, ANY)
    check_order(where, "area", message.min_area, message.max_area, 1)
    return crops.Crop(
        min_object_covered=message.min_object_covered,
        aspect_ratio=aspect_ratio,
        area=(message.min_area, message.max_area),
        overlap_thresh=message.overlap_thresh,
        keep_probability=message.random_coef,
        clip_boxes=message.clip_boxes,
    )


def _padded_sizes(message: Any, where: str) -> tuple[pads.Pair, pads.Pair]:
    """Least and greatest multiples of height and width: 1 and 2 where nothing is given."""
    ratios = []
    for name, default in (("min_padded_size_ratio", 1.0), ("max_padded_size_ratio", 2.0)):
        given = list(getattr(message, name)) or [default, default]
        if len(given) != 2:
            raise ConfigError(f"{name} has {len(given)} values; it takes two, for height and width", where=where)
        for value in given:
            check_range(where, name, value, 0, ANY)
        ratios.append((given[0], given[1]))
    least, most = ratios
    if least[0] > most[0] or least[1] > most[1]:
        raise ConfigError(f"min_padded_size_ratio {least} is above max_padded_size_ratio {most}", where=where)
    return least, most


def _scales(message: Any, where: str) -> crops.Range:
    if not 0 < message.scale_min <= message.scale_max:
        raise ConfigError(
            f"scale_min is {message.scale_min:g} and scale_max {message.scale_max:g}; they must be "
            "0 < scale_min ≤ scale_max",
            where=where,
        )
    return message.scale_min, message.scale_max
