"""Images made of several: mosaic, copy-paste and mix-up. Images are uint8, in and out.

Teachbox's own: the Object Detection API's steps see one image at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import tensorflow as tf

from teachbox.data.augmentation.crops import cut_window
from teachbox.data.augmentation.geometry import resize_image
from teachbox.data.augmentation.sample import Sample, between, both_between, either, joined, whole_between

CENTRE = (0.3, 0.7)
"""Where the four parts of a mosaic meet, as parts of its sides."""
LEFT_OF_BOX = 0.3
"""A box stays in a mosaic if at least this part of it does."""
PASTED = 3
"""At most so many objects are pasted."""
PASTED_SCALE = (0.5, 1.5)
PLACES = 10
"""So many places are drawn for an object; the one that hides least is taken."""
HIDDEN = 0.7
"""A box is gone once this part of it is hidden behind a pasted object."""
SOFT_EDGE = 0.1
"""Over this part of its shorter side an object fades into the image."""
BETA = 1.5
"""λ of mix-up is drawn from Beta(1.5, 1.5), as in "Bag of Freebies for Training Object Detection Neural Networks"
(Zhang et al., 2019)."""


def mosaic(samples: Sequence[Sample], seed: tf.Tensor) -> Sample:
    """Four images in one, as large as the first: each fills a part of it with the largest window that has the
    part's shape.

    After YOLOv4 (Bochkovskiy et al., 2020). Boxes are cut to the window, and gone if too little of them is left. The
    first image is two pixels high and wide at the least.
    """
    centre_seed, turn_seed, window_seed = tf.unstack(tf.random.split(seed, 3))
    sides = tf.shape(samples[0].image)[:2]
    shares = tf.random.stateless_uniform([2], centre_seed, *CENTRE)
    centre = tf.clip_by_value(tf.cast(tf.cast(sides, tf.float32) * shares, tf.int32), 1, sides - 1)
    turn = whole_between(turn_seed, 0, 3)
    parts = []
    for place, sample in enumerate(samples):
        quarter = (turn + place) % 4
        second = tf.stack([quarter // 2, quarter % 2]) == 1  # whether below, and whether to the right
        size = tf.where(second, sides - centre, centre)
        filling = _filling(sample, tf.random.fold_in(window_seed, place), size)
        parts.append(filling._replace(boxes=_placed(filling.boxes, size, tf.where(second, centre, 0), sides)))

    def image(turn: int) -> tf.Tensor:
        quarters = [parts[(quarter - turn) % 4].image for quarter in range(4)]
        return tf.concat([tf.concat(quarters[:2], axis=1), tf.concat(quarters[2:], axis=1)], axis=0)

    whole = tf.switch_case(turn, [lambda turn=turn: image(turn) for turn in range(4)])
    return joined(tf.ensure_shape(whole, [None, None, 3]), *parts)


def _filling(sample: Sample, seed: tf.Tensor, size: tf.Tensor) -> Sample:
    """The largest window of the shape of `size`, int32 [2], anywhere in the image, in that size."""
    sides = tf.shape(sample.image)[:2]
    shape = tf.cast(size, tf.float32)
    scale = tf.reduce_min(tf.cast(sides, tf.float32) / shape)
    window = tf.clip_by_value(tf.cast(tf.round(shape * scale), tf.int32), 1, sides)
    cut = cut_window(sample, both_between(seed, 0, sides - window), window, LEFT_OF_BOX, True)
    return _whole(resize_image(cut, size[0], size[1]))


def _placed(boxes: tf.Tensor, size: tf.Tensor, top_left: tf.Tensor, sides: tf.Tensor) -> tf.Tensor:
    """Boxes of an image of `size` that comes to lie at `top_left` in one of `sides`, as parts of that."""
    twice = [tf.tile(tf.cast(pair, tf.float32), [2]) for pair in (size, top_left, sides)]
    return (boxes * twice[0] + twice[1]) / twice[2]


def _whole(sample: Sample) -> Sample:
    """The image in uint8 again."""
    return sample._replace(image=tf.saturate_cast(tf.round(sample.image), tf.uint8))


def copy_paste(sample: Sample, other: Sample, seed: tf.Tensor) -> Sample:
    """Up to three objects of `other`, cut out along their boxes, larger or smaller, where they hide little.

    After "Cut, Paste and Learn" (Dwibedi et al., 2017); without masks what is around an object comes along, and fades
    out at the edge. Boxes that are almost hidden are gone.
    """
    count_seed, order_seed, paste_seed = tf.unstack(tf.random.split(seed, 3))
    there = tf.shape(other.boxes)[0]
    count = tf.minimum(whole_between(count_seed, 1, PASTED), there)
    order = tf.argsort(tf.random.stateless_uniform([there], order_seed))
    for turn in range(PASTED):
        sample = _perhaps_pasted(
            sample, other, turn < count, order[turn : turn + 1], tf.random.fold_in(paste_seed, turn)
        )
    return sample


def _perhaps_pasted(sample: Sample, other: Sample, there: tf.Tensor, which: tf.Tensor, seed: tf.Tensor) -> Sample:
    return either(there, lambda: _pasted(sample, other, which[0], seed), lambda: sample)


def _pasted(sample: Sample, other: Sample, which: tf.Tensor, seed: tf.Tensor) -> Sample:
    scale_seed, place_seed = tf.unstack(tf.random.split(seed, 2))
    sides = tf.shape(sample.image)[:2]
    from_sides = tf.shape(other.image)[:2]
    corners = tf.clip_by_value(other.boxes[which], 0.0, 1.0) * tf.tile(tf.cast(from_sides, tf.float32), [2])
    begin = tf.clip_by_value(tf.cast(tf.floor(corners[:2]), tf.int32), 0, from_sides - 1)
    end = tf.clip_by_value(tf.cast(tf.math.ceil(corners[2:]), tf.int32), begin + 1, from_sides)
    cut = other.image[begin[0] : end[0], begin[1] : end[1]]

    # As large a part of this image as of its own, and then larger or smaller.
    fitting = tf.reduce_min(tf.cast(sides, tf.float32) / tf.cast(from_sides, tf.float32))
    wanted = tf.cast(end - begin, tf.float32) * fitting * between(scale_seed, *PASTED_SCALE)
    wanted /= tf.maximum(tf.reduce_max(wanted / tf.cast(sides, tf.float32)), 1.0)
    size = tf.clip_by_value(tf.cast(tf.round(wanted), tf.int32), 1, sides)
    patch = tf.compat.v1.image.resize_images(tf.cast(cut, tf.float32), size)

    top_left = _place_that_hides_least(sample, place_seed, size)
    after = tf.concat([top_left, top_left + size], 0)
    box = tf.cast(after, tf.float32) / tf.tile(tf.cast(sides, tf.float32), [2])
    stays = sample.keep_boxes(_hidden(sample.boxes, box[None])[0] < HIDDEN)
    image = _laid_over(sample.image, patch, top_left, _soft(size))
    return joined(image, stays, other.only_box(which)._replace(boxes=box[None]))


def _place_that_hides_least(sample: Sample, seed: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
    """int32 [2], top left corner of one of several places for a patch of `size`."""
    sides = tf.shape(sample.image)[:2]
    places = tf.random.stateless_uniform([PLACES, 2], seed) * tf.cast(sides - size + 1, tf.float32)
    top_left = tf.minimum(tf.cast(places, tf.int32), sides - size)
    boxes = tf.cast(tf.concat([top_left, top_left + size], 1), tf.float32) / tf.tile(tf.cast(sides, tf.float32), [2])
    # Without boxes nothing is hidden anywhere.
    worst = tf.reduce_max(tf.pad(_hidden(sample.boxes, boxes), [[0, 0], [0, 1]]), axis=1)
    return top_left[tf.argmin(worst)]


def _hidden(boxes: tf.Tensor, patches: tf.Tensor) -> tf.Tensor:
    """float32 [P, N]: which part of each box is behind each patch, [N, 4] and [P, 4]."""
    common = tf.minimum(boxes[None, :, 2:], patches[:, None, 2:]) - tf.maximum(boxes[None, :, :2], patches[:, None, :2])
    areas = tf.reduce_prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    return tf.math.divide_no_nan(tf.reduce_prod(tf.maximum(common, 0.0), axis=2), areas[None])


def _soft(size: tf.Tensor) -> tf.Tensor:
    """float32 [h, w], how much a patch of `size` covers: 1 inside, less at its edge."""
    width = tf.maximum(tf.cast(tf.reduce_min(size), tf.float32) * SOFT_EDGE, 1.0)

    def ramp(length: tf.Tensor) -> tf.Tensor:
        places = tf.cast(tf.range(length), tf.float32)
        return tf.minimum((tf.minimum(places, tf.cast(length, tf.float32) - 1 - places) + 0.5) / width, 1.0)

    return tf.minimum(ramp(size[0])[:, None], ramp(size[1])[None])


def _laid_over(image: tf.Tensor, patch: tf.Tensor, top_left: tf.Tensor, cover: tf.Tensor) -> tf.Tensor:
    """`patch` float32 [h, w, 3] on the image at `top_left`, int32 [2], as much as `cover`, float32 [h, w], says."""
    bottom_right = top_left + tf.shape(patch)[:2]
    rows = image[top_left[0] : bottom_right[0]]
    under = tf.cast(rows[:, top_left[1] : bottom_right[1]], tf.float32)
    mixed = tf.saturate_cast(tf.round(under + cover[:, :, None] * (patch - under)), tf.uint8)
    rows = tf.concat([rows[:, : top_left[1]], mixed, rows[:, bottom_right[1] :]], 1)
    laid = tf.concat([image[: top_left[0]], rows, image[bottom_right[0] :]], 0)
    return tf.ensure_shape(laid, [None, None, 3])


def mix_up(sample: Sample, other: Sample, seed: tf.Tensor) -> Sample:
    """λ of the image and 1 − λ of `other`, which is as large as fits and anywhere in it; both have their boxes, with
    λ and 1 − λ of their weights.
    """
    part_seed, place_seed = tf.unstack(tf.random.split(seed, 2))
    first, second = tf.unstack(tf.random.stateless_gamma([2], part_seed, BETA))
    part = tf.math.divide_no_nan(first, first + second)  # from two gamma variates, beta
    sides = tf.shape(sample.image)[:2]
    from_sides = tf.cast(tf.shape(other.image)[:2], tf.float32)
    scale = tf.reduce_min(tf.cast(sides, tf.float32) / from_sides)
    size = tf.clip_by_value(tf.cast(tf.round(from_sides * scale), tf.int32), 1, sides)
    top_left = both_between(place_seed, 0, sides - size)
    fitted = resize_image(other, size[0], size[1])
    return joined(
        _laid_over(sample.image, fitted.image, top_left, tf.fill(size, 1 - part)),
        sample._replace(weights=sample.weights * part),
        other._replace(boxes=_placed(other.boxes, size, top_left, sides), weights=other.weights * (1 - part)),
    )


def mixed(sample: Sample, partners: Sequence[Callable[[], Sample]], there: tf.Tensor, seed: tf.Tensor) -> Sample:
    """Mosaic, copy-paste and mix-up in turn, each where its partners are there.

    `partners`: functions that decode three images for the mosaic and one for each of the others; `there` bool [5].
    """
    seeds = tf.unstack(tf.random.split(seed, 3))
    large = tf.reduce_min(tf.shape(sample.image)[:2]) >= 2

    def tiles() -> Sample:
        return mosaic([sample, *(decode() for decode in partners[:3])], seeds[0])

    tiled = either(there[0] & large, tiles, lambda: sample)
    dotted = either(there[3], lambda: copy_paste(tiled, partners[3](), seeds[1]), lambda: tiled)
    return either(there[4], lambda: mix_up(dotted, partners[4](), seeds[2]), lambda: dotted)
