"""Parts cut out of an image, with the boxes that are enough inside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import tensorflow as tf

from teachbox.data.augmentation.geometry import resize_image
from teachbox.data.augmentation.pads import surround
from teachbox.data.augmentation.sample import Sample, between, both_between, either, happens, whole_between

_ATTEMPTS = 100

Range = tuple[float, float]


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
    which_seed, crop_seed = tf.unstack(tf.random.split(seed, 2))
    return crop_by_one_of(sample, crop_seed, crops, whole_between(which_seed, 0, len(crops) - 1))


def crop_by_one_of(sample: Sample, seed: tf.Tensor, crops: Sequence[Crop], which: tf.Tensor) -> Sample:
    """`crops[which]` is done: its window becomes the image, unless it stays as it is."""
    keep_seed, window_seed = tf.unstack(tf.random.split(seed, 2))

    def cut() -> Sample:
        draw = [lambda crop=crop: _draw_window(sample, window_seed, crop) for crop in crops]
        begin, size = tf.switch_case(which, draw)
        overlap_thresh = tf.gather([crop.overlap_thresh for crop in crops], which)
        clip_boxes = tf.gather([crop.clip_boxes for crop in crops], which)
        return cut_window(sample, begin, size, overlap_thresh, clip_boxes)

    keep_probability = tf.gather([crop.keep_probability for crop in crops], which)
    return either(happens(keep_seed, keep_probability), lambda: sample, cut)


def random_crop_image(sample: Sample, seed: tf.Tensor, crop: Crop) -> Sample:
    """A window drawn at random becomes the image, unless it stays as it is."""
    return ssd_random_crop(sample, seed, [crop])


def random_crop_to_aspect_ratio(
    sample: Sample, seed: tf.Tensor, aspect_ratio: float, overlap_thresh: float, clip_boxes: bool
) -> Sample:
    """The largest window of this width / height, anywhere it fits, becomes the image."""
    sides = tf.shape(sample.image)[:2]
    height, width = tf.unstack(tf.cast(sides, tf.float32))
    whole = tf.cast(tf.stack([width / aspect_ratio, height * aspect_ratio]), tf.int32)
    size = tf.clip_by_value(whole, 1, sides)
    return cut_window(sample, both_between(seed, 0, sides - size), size, overlap_thresh, clip_boxes)


def ssd_random_crop_fixed_aspect_ratio(
    sample: Sample, seed: tf.Tensor, crops: Sequence[Crop], aspect_ratio: float
) -> Sample:
    """`ssd_random_crop`, and of what comes out, the largest window of this width / height.

    The second keeps the boxes that are to 30 % inside, and does not clip them where no crop does.
    """
    crop_seed, ratio_seed = tf.unstack(tf.random.split(seed, 2))
    sample = ssd_random_crop(sample, crop_seed, crops)
    clip_boxes = any(crop.clip_boxes for crop in crops)
    return random_crop_to_aspect_ratio(sample, ratio_seed, aspect_ratio, 0.3, clip_boxes)


def random_square_crop_by_scale(
    sample: Sample, seed: tf.Tensor, max_border: int, scale_min: float, scale_max: float, num_scales: int
) -> Sample:
    """A square whose side is the longer one of the image times a scale, black where it reaches beyond it.

    The scale is one of `num_scales` values, evenly from `scale_min` to `scale_max`; the centre is any point that
    is `max_border` from the edges, or a half, a quarter, … of that in an image too small for it.
    """
    scale_seed, place_seed = tf.unstack(tf.random.split(seed, 2))
    sides = tf.shape(sample.image)[:2]
    scale = tf.linspace(scale_min, scale_max, num_scales)[whole_between(scale_seed, 0, num_scales - 1)]
    side = tf.cast(tf.cast(tf.reduce_max(sides), tf.float32) * tf.cast(scale, tf.float32), tf.int32)
    side = tf.maximum(side, 1)

    halvings = tf.math.ceil(tf.math.log(2.0 * max_border / tf.cast(sides, tf.float32)) / tf.math.log(2.0))
    border = max_border // tf.cast(tf.clip_by_value(tf.pow(2.0, halvings), 1.0, max_border), tf.int32)
    centre = border + both_between(place_seed, 0, tf.maximum(sides - 2 * border, 0))
    begin = centre - side // 2

    # What reaches beyond the image, before and after it, is put around it first.
    before = tf.maximum(-begin, 0)
    after = tf.maximum(begin + side - sides, 0)
    return cut_window(surround(sample, before, after), begin + before, tf.stack([side, side]), 0.0, True)


def random_scale_crop_and_pad_to_square(
    sample: Sample, seed: tf.Tensor, output_size: int, scale_min: float, scale_max: float
) -> Sample:
    """A square of `output_size`: the image is resized so that it just fits into the square times a scale from
    `scale_min` to `scale_max`, cut to the square where it is larger, black on the right and below where smaller.
    """
    scale_seed, place_seed = tf.unstack(tf.random.split(seed, 2))
    sides = tf.cast(tf.shape(sample.image)[:2], tf.float32)
    fitting = between(scale_seed, scale_min, scale_max) * output_size / tf.reduce_max(sides)
    scaled = tf.maximum(tf.cast(tf.floor(sides * fitting + 1e-4), tf.int32), 1)
    sample = resize_image(sample, scaled[0], scaled[1])
    size = tf.minimum(scaled, output_size)
    sample = cut_window(sample, both_between(place_seed, 0, scaled - size), size, 0.0, True)
    return surround(sample, tf.zeros([2], tf.int32), output_size - size)


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
    image.set_shape([None, None, 3])
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
