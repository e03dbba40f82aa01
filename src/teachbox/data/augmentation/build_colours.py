"""Builders of the steps that change colours."""

from __future__ import annotations

from teachbox.config.protos import preprocessor_pb2
from teachbox.data.augmentation import auto_augment, colour
from teachbox.data.augmentation.message_checks import ANY, check_bounds, check_range, three
from teachbox.data.augmentation.policies import POLICIES
from teachbox.data.augmentation.sample import Step
from teachbox.errors import ConfigError


def normalize_image(message: preprocessor_pb2.NormalizeImage, where: str) -> Step:
    original = message.original_minval, message.original_maxval
    target = message.target_minval, message.target_maxval
    for name, (low, high) in {"original": original, "target": target}.items():
        if low >= high:
            raise ConfigError(f"{name}_minval {low:g} is not below {name}_maxval {high:g}", where=where)
    return lambda sample, seed: colour.normalize_image(sample, original, target)


def subtract_channel_mean(message: preprocessor_pb2.SubtractChannelMean, where: str) -> Step:
    means = three(where, "means", message.means)
    if means is None:
        raise ConfigError("means has 0 values; images have 3 channels", where=where)
    return lambda sample, seed: colour.subtract_channel_mean(sample, means)


def adjust_gamma(message: preprocessor_pb2.AdjustGamma, where: str) -> Step:
    check_range(where, "gamma", message.gamma, 0, ANY)
    return lambda sample, seed: colour.adjust_gamma(sample, message.gamma, message.gain)


def rgb_to_gray(message: preprocessor_pb2.RGBtoGray, where: str) -> Step:
    return lambda sample, seed: colour.rgb_to_gray(sample)


def random_rgb_to_gray(message: preprocessor_pb2.RandomRGBtoGray, where: str) -> Step:
    check_range(where, "probability", message.probability, 0, 1)
    return lambda sample, seed: colour.random_rgb_to_gray(sample, seed, message.probability)


def random_pixel_value_scale(message: preprocessor_pb2.RandomPixelValueScale, where: str) -> Step:
    check_bounds(where, "minval", message.minval, "maxval", message.maxval)
    return lambda sample, seed: colour.random_pixel_value_scale(sample, seed, message.minval, message.maxval)


def random_adjust_brightness(message: preprocessor_pb2.RandomAdjustBrightness, where: str) -> Step:
    check_range(where, "max_delta", message.max_delta, 0, 1)
    return lambda sample, seed: colour.random_adjust_brightness(sample, seed, message.max_delta)


def random_adjust_contrast(message: preprocessor_pb2.RandomAdjustContrast, where: str) -> Step:
    check_bounds(where, "min_delta", message.min_delta, "max_delta", message.max_delta)
    return lambda sample, seed: colour.random_adjust_contrast(sample, seed, message.min_delta, message.max_delta)


def random_adjust_hue(message: preprocessor_pb2.RandomAdjustHue, where: str) -> Step:
    check_range(where, "max_delta", message.max_delta, 0, 1)
    return lambda sample, seed: colour.random_adjust_hue(sample, seed, message.max_delta)


def random_adjust_saturation(message: preprocessor_pb2.RandomAdjustSaturation, where: str) -> Step:
    check_bounds(where, "min_delta", message.min_delta, "max_delta", message.max_delta)
    return lambda sample, seed: colour.random_adjust_saturation(sample, seed, message.min_delta, message.max_delta)


def random_distort_color(message: preprocessor_pb2.RandomDistortColor, where: str) -> Step:
    if message.color_ordering not in (0, 1):
        raise ConfigError(f"color_ordering is {message.color_ordering}; there are 0 and 1", where=where)
    return lambda sample, seed: colour.random_distort_color(sample, seed, message.color_ordering)


def autoaugment_image(message: preprocessor_pb2.AutoAugmentImage, where: str) -> Step:
    policy = POLICIES.get(message.policy_name)
    if policy is None:
        raise ConfigError(f"policy_name is {message.policy_name!r}; there are {', '.join(POLICIES)}", where=where)
    return lambda sample, seed: auto_augment.autoaugment_image(sample, seed, policy)
