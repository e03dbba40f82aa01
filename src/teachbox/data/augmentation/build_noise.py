"""Builders of the steps that lay noise on the image."""

from __future__ import annotations

from teachbox.config.protos import preprocessor_pb2
from teachbox.data.augmentation import noise
from teachbox.data.augmentation.message_checks import ANY, check_bounds, check_order, check_range
from teachbox.data.augmentation.sample import Step


def random_black_patches(message: preprocessor_pb2.RandomBlackPatches, where: str) -> Step:
    check_range(where, "max_black_patches", message.max_black_patches, 0, ANY)
    check_range(where, "probability", message.probability, 0, 1)
    check_range(where, "size_to_image_ratio", message.size_to_image_ratio, 0, 1)
    return lambda sample, seed: noise.random_black_patches(
        sample, seed, message.max_black_patches, message.probability, message.size_to_image_ratio
    )


def random_jpeg_quality(message: preprocessor_pb2.RandomJpegQuality, where: str) -> Step:
    low, high = message.min_jpeg_quality, message.max_jpeg_quality
    check_range(where, "random_coef", message.random_coef, 0, 1)
    check_bounds(where, "min_jpeg_quality", low, "max_jpeg_quality", high, 100)
    return lambda sample, seed: noise.random_jpeg_quality(sample, seed, message.random_coef, low, high)


def random_patch_gaussian(message: preprocessor_pb2.RandomPatchGaussian, where: str) -> Step:
    size = message.min_patch_size, message.max_patch_size
    deviation = message.min_gaussian_stddev, message.max_gaussian_stddev
    check_range(where, "random_coef", message.random_coef, 0, 1)
    check_order(where, "patch_size", *size, ANY)
    check_bounds(where, "min_gaussian_stddev", deviation[0], "max_gaussian_stddev", deviation[1])
    return lambda sample, seed: noise.random_patch_gaussian(sample, seed, message.random_coef, size, deviation)
