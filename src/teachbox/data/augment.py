"""Data augmentation as train_config.data_augmentation_options asks for it: the table of steps, and their
composition.

A step is a function in `data/augmentation/` with plain arguments; here, one builder for each hands it the
fields of its message.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

import tensorflow as tf

from teachbox.config.protos import preprocessor_pb2
from teachbox.data.augmentation import boxes as box_steps
from teachbox.data.augmentation import colour, crop_pads, crops, flips, geometry, noise, pads
from teachbox.data.augmentation.auto_augment import autoaugment_image
from teachbox.data.augmentation.policies import POLICIES
from teachbox.data.augmentation.sample import Sample, Step
from teachbox.errors import ConfigError

Augment = Callable[
    [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor], tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]
]
"""(image [H, W, 3] in 0–255, boxes float32 [N, 4] in 0–1, classes int32 [N], weights float32 [N], seed int32
[2]) → the first four, changed. Flips and crops keep the image's type; steps that change colours or compute new
pixels give float32. The same seed gives the same.
"""


_ANY = float("inf")


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


def _build_random_rotation90(message: preprocessor_pb2.RandomRotation90, where: str) -> Step:
    _refuse_keypoints(message.keypoint_rot_permutation, "keypoint_rot_permutation", where)
    _check_range(where, "probability", message.probability, 0, 1)
    return lambda sample, seed: geometry.random_rotation90(sample, seed, message.probability)


# Colours


def _build_normalize_image(message: preprocessor_pb2.NormalizeImage, where: str) -> Step:
    original = message.original_minval, message.original_maxval
    target = message.target_minval, message.target_maxval
    for name, (low, high) in {"original": original, "target": target}.items():
        if low >= high:
            raise ConfigError(f"{name}_minval {low:g} is not below {name}_maxval {high:g}", where=where)
    return lambda sample, seed: colour.normalize_image(sample, original, target)


def _build_subtract_channel_mean(message: preprocessor_pb2.SubtractChannelMean, where: str) -> Step:
    means = _three(where, "means", message.means)
    if means is None:
        raise ConfigError("means has 0 values; images have 3 channels", where=where)
    return lambda sample, seed: colour.subtract_channel_mean(sample, means)


def _build_adjust_gamma(message: preprocessor_pb2.AdjustGamma, where: str) -> Step:
    _check_range(where, "gamma", message.gamma, 0, _ANY)
    return lambda sample, seed: colour.adjust_gamma(sample, message.gamma, message.gain)


def _build_rgb_to_gray(message: preprocessor_pb2.RGBtoGray, where: str) -> Step:
    return lambda sample, seed: colour.rgb_to_gray(sample)


def _build_random_rgb_to_gray(message: preprocessor_pb2.RandomRGBtoGray, where: str) -> Step:
    _check_range(where, "probability", message.probability, 0, 1)
    return lambda sample, seed: colour.random_rgb_to_gray(sample, seed, message.probability)


def _build_random_pixel_value_scale(message: preprocessor_pb2.RandomPixelValueScale, where: str) -> Step:
    _check_bounds(where, "minval", message.minval, "maxval", message.maxval)
    return lambda sample, seed: colour.random_pixel_value_scale(sample, seed, message.minval, message.maxval)


def _build_random_adjust_brightness(message: preprocessor_pb2.RandomAdjustBrightness, where: str) -> Step:
    _check_range(where, "max_delta", message.max_delta, 0, 1)
    return lambda sample, seed: colour.random_adjust_brightness(sample, seed, message.max_delta)


def _build_random_adjust_contrast(message: preprocessor_pb2.RandomAdjustContrast, where: str) -> Step:
    _check_bounds(where, "min_delta", message.min_delta, "max_delta", message.max_delta)
    return lambda sample, seed: colour.random_adjust_contrast(sample, seed, message.min_delta, message.max_delta)


def _build_random_adjust_hue(message: preprocessor_pb2.RandomAdjustHue, where: str) -> Step:
    _check_range(where, "max_delta", message.max_delta, 0, 1)
    return lambda sample, seed: colour.random_adjust_hue(sample, seed, message.max_delta)


def _build_random_adjust_saturation(message: preprocessor_pb2.RandomAdjustSaturation, where: str) -> Step:
    _check_bounds(where, "min_delta", message.min_delta, "max_delta", message.max_delta)
    return lambda sample, seed: colour.random_adjust_saturation(sample, seed, message.min_delta, message.max_delta)


def _build_random_distort_color(message: preprocessor_pb2.RandomDistortColor, where: str) -> Step:
    if message.color_ordering not in (0, 1):
        raise ConfigError(f"color_ordering is {message.color_ordering}; there are 0 and 1", where=where)
    return lambda sample, seed: colour.random_distort_color(sample, seed, message.color_ordering)


# Sizes


def _build_random_image_scale(message: preprocessor_pb2.RandomImageScale, where: str) -> Step:
    low, high = message.min_scale_ratio, message.max_scale_ratio
    _check_order(where, "scale_ratio", low, high, _ANY)
    return lambda sample, seed: geometry.random_image_scale(sample, seed, low, high)


def _build_resize_image(message: preprocessor_pb2.ResizeImage, where: str) -> Step:
    _check_range(where, "new_height", message.new_height, 1, _ANY)
    _check_range(where, "new_width", message.new_width, 1, _ANY)
    method = {
        preprocessor_pb2.ResizeImage.AREA: tf.image.ResizeMethod.AREA,
        preprocessor_pb2.ResizeImage.BICUBIC: tf.image.ResizeMethod.BICUBIC,
        preprocessor_pb2.ResizeImage.BILINEAR: tf.image.ResizeMethod.BILINEAR,
        preprocessor_pb2.ResizeImage.NEAREST_NEIGHBOR: tf.image.ResizeMethod.NEAREST_NEIGHBOR,
    }[message.method]
    return lambda sample, seed: geometry.resize_image(sample, message.new_height, message.new_width, method)


def _build_random_resize_method(message: preprocessor_pb2.RandomResizeMethod, where: str) -> Step:
    _check_range(where, "target_height", message.target_height, 1, _ANY)
    _check_range(where, "target_width", message.target_width, 1, _ANY)
    return lambda sample, seed: geometry.random_resize_method(sample, seed, message.target_height, message.target_width)


def _build_random_downscale(message: preprocessor_pb2.RandomDownscaleToTargetPixels, where: str) -> Step:
    low, high = message.min_target_pixels, message.max_target_pixels
    _check_range(where, "random_coef", message.random_coef, 0, 1)
    _check_order(where, "target_pixels", low, high, _ANY)
    return lambda sample, seed: geometry.random_downscale_to_target_pixels(sample, seed, message.random_coef, low, high)


def _build_random_self_concat(message: preprocessor_pb2.RandomSelfConcatImage, where: str) -> Step:
    down, across = message.concat_vertical_probability, message.concat_horizontal_probability
    _check_range(where, "concat_vertical_probability", down, 0, 1)
    _check_range(where, "concat_horizontal_probability", across, 0, 1)
    return lambda sample, seed: geometry.random_self_concat_image(sample, seed, down, across)


def _build_autoaugment_image(message: preprocessor_pb2.AutoAugmentImage, where: str) -> Step:
    policy = POLICIES.get(message.policy_name)
    if policy is None:
        raise ConfigError(f"policy_name is {message.policy_name!r}; there are {', '.join(POLICIES)}", where=where)
    return lambda sample, seed: autoaugment_image(sample, seed, policy)


# Boxes


def _build_random_jitter_boxes(message: preprocessor_pb2.RandomJitterBoxes, where: str) -> Step:
    _check_range(where, "ratio", message.ratio, 0, 1)
    mode = preprocessor_pb2.RandomJitterBoxes.JitterMode.Name(message.jitter_mode)
    return lambda sample, seed: box_steps.random_jitter_boxes(sample, seed, message.ratio, mode)


def _build_drop_label(message: preprocessor_pb2.DropLabelProbabilistically, where: str) -> Step:
    _check_range(where, "label", message.label, 1, _ANY)
    _check_range(where, "drop_probability", message.drop_probability, 0, 1)
    # Ids of the label map count from 1, classes from 0.
    return lambda sample, seed: box_steps.drop_label_probabilistically(
        sample, seed, message.label - 1, message.drop_probability
    )


def _build_remap_labels(message: preprocessor_pb2.RemapLabels, where: str) -> Step:
    for label in message.original_labels:
        _check_range(where, "original_labels", label, 1, _ANY)
    _check_range(where, "new_label", message.new_label, 1, _ANY)
    original = [label - 1 for label in message.original_labels]
    return lambda sample, seed: box_steps.remap_labels(sample, original, message.new_label - 1)


# Noise


def _build_random_black_patches(message: preprocessor_pb2.RandomBlackPatches, where: str) -> Step:
    _check_range(where, "max_black_patches", message.max_black_patches, 0, _ANY)
    _check_range(where, "probability", message.probability, 0, 1)
    _check_range(where, "size_to_image_ratio", message.size_to_image_ratio, 0, 1)
    return lambda sample, seed: noise.random_black_patches(
        sample, seed, message.max_black_patches, message.probability, message.size_to_image_ratio
    )


def _build_random_jpeg_quality(message: preprocessor_pb2.RandomJpegQuality, where: str) -> Step:
    low, high = message.min_jpeg_quality, message.max_jpeg_quality
    _check_range(where, "random_coef", message.random_coef, 0, 1)
    _check_bounds(where, "min_jpeg_quality", low, "max_jpeg_quality", high, 100)
    return lambda sample, seed: noise.random_jpeg_quality(sample, seed, message.random_coef, low, high)


def _build_random_patch_gaussian(message: preprocessor_pb2.RandomPatchGaussian, where: str) -> Step:
    size = message.min_patch_size, message.max_patch_size
    deviation = message.min_gaussian_stddev, message.max_gaussian_stddev
    _check_range(where, "random_coef", message.random_coef, 0, 1)
    _check_order(where, "patch_size", *size, _ANY)
    _check_bounds(where, "min_gaussian_stddev", deviation[0], "max_gaussian_stddev", deviation[1])
    return lambda sample, seed: noise.random_patch_gaussian(sample, seed, message.random_coef, size, deviation)


# Crops


def _build_ssd_random_crop(message: preprocessor_pb2.SSDRandomCrop, where: str) -> Step:
    chosen = _crops(message.operations, where) or crops.SSD_CROPS
    return lambda sample, seed: crops.ssd_random_crop(sample, seed, chosen)


def _build_random_crop_image(message: preprocessor_pb2.RandomCropImage, where: str) -> Step:
    crop = _crop(message, where)
    return lambda sample, seed: crops.random_crop_image(sample, seed, crop)


def _build_random_crop_to_aspect_ratio(message: preprocessor_pb2.RandomCropToAspectRatio, where: str) -> Step:
    _check_shape(where, message.aspect_ratio)
    _check_range(where, "overlap_thresh", message.overlap_thresh, 0, 1)
    return lambda sample, seed: crops.random_crop_to_aspect_ratio(
        sample, seed, message.aspect_ratio, message.overlap_thresh, message.clip_boxes
    )


def _build_ssd_random_crop_fixed(message: preprocessor_pb2.SSDRandomCropFixedAspectRatio, where: str) -> Step:
    ratio = message.aspect_ratio
    _check_shape(where, ratio)
    given = _crops(message.operations, where, (ratio, ratio))
    chosen = given or tuple(replace(crop, aspect_ratio=(ratio, ratio)) for crop in crops.SSD_CROPS)
    return lambda sample, seed: crops.ssd_random_crop_fixed_aspect_ratio(sample, seed, chosen, ratio)


def _build_random_square_crop(message: preprocessor_pb2.RandomSquareCropByScale, where: str) -> Step:
    _check_range(where, "max_border", message.max_border, 1, _ANY)
    _check_range(where, "num_scales", message.num_scales, 1, _ANY)
    low, high = _scales(message, where)
    return lambda sample, seed: crops.random_square_crop_by_scale(
        sample, seed, message.max_border, low, high, message.num_scales
    )


def _build_random_scale_crop_pad(message: preprocessor_pb2.RandomScaleCropAndPadToSquare, where: str) -> Step:
    _check_range(where, "output_size", message.output_size, 1, _ANY)
    low, high = _scales(message, where)
    return lambda sample, seed: crops.random_scale_crop_and_pad_to_square(sample, seed, message.output_size, low, high)


# Pads


def _build_random_pad_image(message: preprocessor_pb2.RandomPadImage, where: str) -> Step:
    least = _size(message, "min", where)
    most = _size(message, "max", where)
    around = _three(where, "pad_color", message.pad_color)
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
    _check_range(where, names[0], height, 0, _ANY)
    _check_range(where, names[1], width, 0, _ANY)
    return height, width


def _build_random_absolute_pad(message: preprocessor_pb2.RandomAbsolutePadImage, where: str) -> Step:
    padding = message.max_height_padding, message.max_width_padding
    _check_range(where, "max_height_padding", padding[0], 0, _ANY)
    _check_range(where, "max_width_padding", padding[1], 0, _ANY)
    around = _three(where, "pad_color", message.pad_color)
    return lambda sample, seed: pads.random_absolute_pad_image(sample, seed, padding, around)


def _build_random_crop_pad_image(message: preprocessor_pb2.RandomCropPadImage, where: str) -> Step:
    least, most = _padded(message, where)
    operation = crop_pads.CropPad(_crop(message, where), least, most, _three(where, "pad_color", message.pad_color))
    return lambda sample, seed: crop_pads.ssd_random_crop_pad(sample, seed, [operation])


def _build_ssd_random_crop_pad(message: preprocessor_pb2.SSDRandomCropPad, where: str) -> Step:
    operations = []
    for place, given in enumerate(message.operations):
        here = f"{where}.operations[{place}]"
        least, most = _padded(given, here)
        # A colour of which nothing is given is black, not the mean: three numbers without defaults.
        around = given.pad_color_r, given.pad_color_g, given.pad_color_b
        operations.append(crop_pads.CropPad(_crop(given, here), least, most, around))
    chosen = tuple(operations) or crop_pads.SSD_CROP_PADS
    return lambda sample, seed: crop_pads.ssd_random_crop_pad(sample, seed, chosen)


def _build_ssd_random_crop_pad_fixed(message: preprocessor_pb2.SSDRandomCropPadFixedAspectRatio, where: str) -> Step:
    _check_shape(where, message.aspect_ratio)
    chosen = _crops(message.operations, where) or crops.SSD_CROPS
    least, most = _padded(message, where)
    return lambda sample, seed: crop_pads.ssd_random_crop_pad_fixed_aspect_ratio(
        sample, seed, chosen, message.aspect_ratio, least, most
    )


# Parts of messages. Several messages have the same fields, hence Any.


def _crops(messages: Iterable[Any], where: str, aspect_ratio: crops.Range | None = None) -> tuple[crops.Crop, ...]:
    return tuple(_crop(message, f"{where}.operations[{place}]", aspect_ratio) for place, message in enumerate(messages))


def _crop(message: Any, where: str, aspect_ratio: crops.Range | None = None) -> crops.Crop:
    _check_range(where, "min_object_covered", message.min_object_covered, 0, 1)
    _check_range(where, "overlap_thresh", message.overlap_thresh, 0, 1)
    _check_range(where, "random_coef", message.random_coef, 0, 1)
    if aspect_ratio is None:
        aspect_ratio = message.min_aspect_ratio, message.max_aspect_ratio
    _check_order(where, "aspect_ratio", *aspect_ratio, _ANY)
    _check_order(where, "area", message.min_area, message.max_area, 1)
    return crops.Crop(
        min_object_covered=message.min_object_covered,
        aspect_ratio=aspect_ratio,
        area=(message.min_area, message.max_area),
        overlap_thresh=message.overlap_thresh,
        keep_probability=message.random_coef,
        clip_boxes=message.clip_boxes,
    )


def _padded(message: Any, where: str) -> tuple[pads.Pair, pads.Pair]:
    """Least and greatest multiples of height and width: 1 and 2 where nothing is given."""
    ratios = []
    for name, default in (("min_padded_size_ratio", 1.0), ("max_padded_size_ratio", 2.0)):
        given = list(getattr(message, name)) or [default, default]
        if len(given) != 2:
            raise ConfigError(f"{name} has {len(given)} values; it takes two, for height and width", where=where)
        for value in given:
            _check_range(where, name, value, 0, _ANY)
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


def _three(where: str, name: str, values: Sequence[float]) -> tuple[float, float, float] | None:
    """One value a channel; None where there are none."""
    if not values:
        return None
    if len(values) != 3:
        raise ConfigError(f"{name} has {len(values)} values; images have 3 channels", where=where)
    return values[0], values[1], values[2]


def _check_shape(where: str, aspect_ratio: float) -> None:
    if aspect_ratio <= 0:
        raise ConfigError(f"aspect_ratio is {aspect_ratio:g}; it must be above 0", where=where)


def _check_bounds(where: str, least: str, low: float, most: str, high: float, limit: float = _ANY) -> None:
    """0 ≤ low ≤ high ≤ limit."""
    _check_range(where, least, low, 0, limit)
    _check_range(where, most, high, 0, limit)
    if low > high:
        raise ConfigError(f"{least} {low:g} is above {most} {high:g}", where=where)


def _check_range(where: str, name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        rule = f"at least {low:g}" if high == _ANY else f"from {low:g} to {high:g}"
        raise ConfigError(f"{name} is {value:g}; it must be {rule}", where=where)


def _check_order(where: str, name: str, low: float, high: float, limit: float) -> None:
    if not 0 < low <= high <= limit:
        most = "" if limit == _ANY else f" ≤ {limit:g}"
        raise ConfigError(
            f"min_{name} is {low:g} and max_{name} {high:g}; they must be 0 < min_{name} ≤ max_{name}{most}",
            where=where,
        )


def _refuse_keypoints(permutation: Iterable[int], name: str, where: str) -> None:
    if list(permutation):
        raise ConfigError(f"{name} is not built yet: keypoints are not; leave it out", where=where)


BUILDERS: dict[str, Callable[[Any, str], Step]] = {
    "adjust_gamma": _build_adjust_gamma,
    "autoaugment_image": _build_autoaugment_image,
    "drop_label_probabilistically": _build_drop_label,
    "normalize_image": _build_normalize_image,
    "random_absolute_pad_image": _build_random_absolute_pad,
    "random_adjust_brightness": _build_random_adjust_brightness,
    "random_adjust_contrast": _build_random_adjust_contrast,
    "random_adjust_hue": _build_random_adjust_hue,
    "random_adjust_saturation": _build_random_adjust_saturation,
    "random_black_patches": _build_random_black_patches,
    "random_crop_image": _build_random_crop_image,
    "random_crop_pad_image": _build_random_crop_pad_image,
    "random_crop_to_aspect_ratio": _build_random_crop_to_aspect_ratio,
    "random_distort_color": _build_random_distort_color,
    "random_downscale_to_target_pixels": _build_random_downscale,
    "random_horizontal_flip": _build_random_horizontal_flip,
    "random_image_scale": _build_random_image_scale,
    "random_jitter_boxes": _build_random_jitter_boxes,
    "random_jpeg_quality": _build_random_jpeg_quality,
    "random_pad_image": _build_random_pad_image,
    "random_patch_gaussian": _build_random_patch_gaussian,
    "random_pixel_value_scale": _build_random_pixel_value_scale,
    "random_resize_method": _build_random_resize_method,
    "random_rgb_to_gray": _build_random_rgb_to_gray,
    "random_rotation90": _build_random_rotation90,
    "random_scale_crop_and_pad_to_square": _build_random_scale_crop_pad,
    "random_self_concat_image": _build_random_self_concat,
    "random_square_crop_by_scale": _build_random_square_crop,
    "random_vertical_flip": _build_random_vertical_flip,
    "remap_labels": _build_remap_labels,
    "resize_image": _build_resize_image,
    "rgb_to_gray": _build_rgb_to_gray,
    "ssd_random_crop": _build_ssd_random_crop,
    "ssd_random_crop_fixed_aspect_ratio": _build_ssd_random_crop_fixed,
    "ssd_random_crop_pad": _build_ssd_random_crop_pad,
    "ssd_random_crop_pad_fixed_aspect_ratio": _build_ssd_random_crop_pad_fixed,
    "subtract_channel_mean": _build_subtract_channel_mean,
}
"""Every step that is built, by its name in the config: (message, where) → step."""
