"""Parts cut out of an image, with the boxes that are enough inside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import tensorflow as tf

from teachbox.data.augmentation.sample import Sample, either, happens

_ATTEMPTS = 100


@dataclass(frozen=True)
class Crop:
    """How to cut a window out of an image at random."""

    min_object_covered: float
    """The window holds at least this part of at least one box."""
    aspect_ratio: tuple[float, float]
    """Smallest and largest width / height of the window, in pixels."""
    area: tuple[float, float]
    """Smallest and largest part of the image that the window holds."""
    overlap_thresh: float
    """A box stays if at least this part of it is inside the window."""
    keep_probability: float
    """How often the image stays as it is (`random_coef`)."""
    clip_boxes: bool = True
    """Cut the boxes that stay to the window; otherwise they may reach beyond it."""


SSD_CROPS = tuple(
    Crop(covered, (0.5, 2.0), (0.1, 1.0), overlap_thresh=covered, keep_probability=0.15)
    for covered in (0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0)
)
"""What `ssd_random_crop` does without operations."""


def ssd_random_crop(sample: Sample, seed: tf.Tensor, crops: Sequence[Crop] = SSD_CROPS) -> Sample:
    """One of `crops`, each equally likely, is done: a window drawn at random becomes the image, unless it
    stays as it is.

    An image without boxes is cut anywhere.
    """
    which_seed, keep_seed, window_seed = tf.unstack(tf.random.split(seed, 3))
    which = tf.random.stateless_uniform([], which_seed, 0, len(crops), tf.int32)

    def cut() -> Sample:
        draw = [lambda crop=crop: _draw_window(sample, window_seed, crop) for crop in crops]
        begin, size = tf.switch_case(which, draw)
        overlap_thresh = tf.gather([crop.overlap_thresh for crop in crops], which)
        clip_boxes = tf.gather([crop.clip_boxes for crop in crops], which)
        return cut_window(sample, begin, size, overlap_thresh, clip_boxes)

    keep_probability = tf.gather([crop.keep_probability for crop in crops], which)
    return either(happens(keep_seed, keep_probability), lambda: sample, cut)


def _draw_window(sample: Sample, seed: tf.Tensor, crop: Crop) -> tuple[tf.Tensor, tf.Tensor]:
    """int32 [2] each: top left corner and size of a window in pixels; the whole image where none can be
    found.
    """
    begin, size, _ = tf.image.stateless_sample_distorted_bounding_box(
        tf.shape(sample.image),
        tf.clip_by_value(sample.boxes, 0.0, 1.0)[None],
        seed,
        min_object_covered=crop.min_object_covered,
        aspect_ratio_range=crop.aspect_ratio,
        area_range=crop.area,
        max_attempts=_ATTEMPTS,
        use_image_if_no_bounding_boxes=True,
    )
    height_width = tf.shape(sample.image)[:2]
    return begin[:2], tf.where(size[:2] < 0, height_width, size[:2])


def cut_window(
    sample: Sample,
    begin: tf.Tensor,
    size: tf.Tensor,
    overlap_thresh: float | tf.Tensor,
    clip_boxes: bool | tf.Tensor,
) -> Sample:
    """The window of `size` (int32 [2], pixels) at `begin` becomes the image.

    Boxes outside it go, and those of which less than `overlap_thresh` is inside; the others are related to
    the window.
    """
    image = tf.slice(sample.image, tf.concat([begin, [0]], 0), tf.concat([size, [-1]], 0))
    sides = tf.cast(tf.shape(sample.image)[:2], tf.float32)
    top_left = tf.cast(begin, tf.float32) / sides
    bottom_right = tf.cast(begin + size, tf.float32) / sides

    inside_top_left = tf.maximum(sample.boxes[:, :2], top_left)
    inside_bottom_right = tf.minimum(sample.boxes[:, 2:], bottom_right)
    inside = inside_bottom_right - inside_top_left
    whole = sample.boxes[:, 2:] - sample.boxes[:, :2]
    share = tf.math.divide_no_nan(inside[:, 0] * inside[:, 1], whole[:, 0] * whole[:, 1])
    kept = sample.keep_boxes(tf.reduce_all(inside > 0, axis=1) & (share >= overlap_thresh))

    scale = bottom_right - top_left
    boxes = (kept.boxes - tf.tile(top_left, [2])) / tf.tile(scale, [2])
    boxes = tf.where(clip_boxes, tf.clip_by_value(boxes, 0.0, 1.0), boxes)
    return kept._replace(image=image, boxes=boxes)
