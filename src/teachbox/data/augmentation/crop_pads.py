"""Parts cut out of an image and then put into a larger one: objects become larger, or smaller."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import tensorflow as tf

from teachbox.data.augmentation.crops import SSD_CROPS, Crop, crop_by_one_of, ssd_random_crop
from teachbox.data.augmentation.pads import Pair, random_pad, random_pad_to_aspect_ratio
from teachbox.data.augmentation.sample import Sample, whole_between


@dataclass(frozen=True)
class CropPad:
    """How to cut a window out of an image at random, and into how large an image to put it."""

    crop: Crop
    min_padded_size_ratio: Pair = (1.0, 1.0)
    """Least height and width of the outcome, as multiples of the uncut image's."""
    max_padded_size_ratio: Pair = (2.0, 2.0)
    colour: tuple[float, float, float] | None = None
    """What is around the window; None: each channel's mean in it."""


SSD_CROP_PADS = tuple(CropPad(crop) for crop in SSD_CROPS[1:])
"""What `ssd_random_crop_pad` does without operations."""


def ssd_random_crop_pad(sample: Sample, seed: tf.Tensor, operations: Sequence[CropPad] = SSD_CROP_PADS) -> Sample:
    """One of `operations`, each equally likely. An image that is not cut is padded too.

    The image comes out as float32.
    """
    which_seed, crop_seed, pad_seed = tf.unstack(tf.random.split(seed, 3))
    which = whole_between(which_seed, 0, len(operations) - 1)
    sides = tf.cast(tf.shape(sample.image)[:2], tf.float32)
    least, most = (
        tf.cast(sides * tf.gather(tf.constant(ratios), which), tf.int32)
        for ratios in (
            [operation.min_padded_size_ratio for operation in operations],
            [operation.max_padded_size_ratio for operation in operations],
        )
    )
    cut = crop_by_one_of(sample.in_float(), crop_seed, [operation.crop for operation in operations], which)
    mean = tf.reduce_mean(cut.image, axis=[0, 1])
    colour = tf.stack([mean if operation.colour is None else tf.constant(operation.colour) for operation in operations])
    return random_pad(cut, pad_seed, least, most, colour[which])


def ssd_random_crop_pad_fixed_aspect_ratio(
    sample: Sample, seed: tf.Tensor, crops: Sequence[Crop], aspect_ratio: float, least: Pair, most: Pair
) -> Sample:
    """`ssd_random_crop`, and what comes out padded to this width / height, its size from `least` to `most` times
    that of the cut.
    """
    crop_seed, pad_seed = tf.unstack(tf.random.split(seed, 2))
    return random_pad_to_aspect_ratio(ssd_random_crop(sample, crop_seed, crops), pad_seed, aspect_ratio, least, most)
