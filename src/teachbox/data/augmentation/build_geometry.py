"""Builders of the steps that turn, flip and resize."""

from __future__ import annotations

import tensorflow as tf

from teachbox.config.protos import preprocessor_pb2
from teachbox.data.augmentation import flips, geometry
from teachbox.data.augmentation.message_checks import ANY, check_order, check_range, refuse_keypoints
from teachbox.data.augmentation.sample import Step


def random_horizontal_flip(message: preprocessor_pb2.RandomHorizontalFlip, where: str) -> Step:
    refuse_keypoints(message.keypoint_flip_permutation, "keypoint_flip_permutation", where)
    check_range(where, "probability", message.probability, 0, 1)
    return lambda sample, seed: flips.random_horizontal_flip(sample, seed, message.probability)


def random_vertical_flip(message: preprocessor_pb2.RandomVerticalFlip, where: str) -> Step:
    refuse_keypoints(message.keypoint_flip_permutation, "keypoint_flip_permutation", where)
    check_range(where, "probability", message.probability, 0, 1)
    return lambda sample, seed: flips.random_vertical_flip(sample, seed, message.probability)


def random_rotation90(message: preprocessor_pb2.RandomRotation90, where: str) -> Step:
    refuse_keypoints(message.keypoint_rot_permutation, "keypoint_rot_permutation", where)
    check_range(where, "probability", message.probability, 0, 1)
    return lambda sample, seed: geometry.random_rotation90(sample, seed, message.probability)


def random_image_scale(message: preprocessor_pb2.RandomImageScale, where: str) -> Step:
    low, high = message.min_scale_ratio, message.max_scale_ratio
    check_order(where, "scale_ratio", low, high, ANY)
    return lambda sample, seed: geometry.random_image_scale(sample, seed, low, high)


def resize_image(message: preprocessor_pb2.ResizeImage, where: str) -> Step:
    check_range(where, "new_height", message.new_height, 1, ANY)
    check_range(where, "new_width", message.new_width, 1, ANY)
    method = {
        preprocessor_pb2.ResizeImage.AREA: tf.image.ResizeMethod.AREA,
        preprocessor_pb2.ResizeImage.BICUBIC: tf.image.ResizeMethod.BICUBIC,
        preprocessor_pb2.ResizeImage.BILINEAR: tf.image.ResizeMethod.BILINEAR,
        preprocessor_pb2.ResizeImage.NEAREST_NEIGHBOR: tf.image.ResizeMethod.NEAREST_NEIGHBOR,
    }[message.method]
    return lambda sample, seed: geometry.resize_image(sample, message.new_height, message.new_width, method)


def random_resize_method(message: preprocessor_pb2.RandomResizeMethod, where: str) -> Step:
    check_range(where, "target_height", message.target_height, 1, ANY)
    check_range(where, "target_width", message.target_width, 1, ANY)
    return lambda sample, seed: geometry.random_resize_method(sample, seed, message.target_height, message.target_width)


def random_downscale(message: preprocessor_pb2.RandomDownscaleToTargetPixels, where: str) -> Step:
    low, high = message.min_target_pixels, message.max_target_pixels
    check_range(where, "random_coef", message.random_coef, 0, 1)
    check_order(where, "target_pixels", low, high, ANY)
    return lambda sample, seed: geometry.random_downscale_to_target_pixels(sample, seed, message.random_coef, low, high)


def random_self_concat(message: preprocessor_pb2.RandomSelfConcatImage, where: str) -> Step:
    down, across = message.concat_vertical_probability, message.concat_horizontal_probability
    check_range(where, "concat_vertical_probability", down, 0, 1)
    check_range(where, "concat_horizontal_probability", across, 0, 1)
    return lambda sample, seed: geometry.random_self_concat_image(sample, seed, down, across)
