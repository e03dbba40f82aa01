"""The operations of AutoAugment's policies, by name: what each makes of its level, 0 to 10."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from teachbox.data.augmentation import tones
from teachbox.data.augmentation.affine import (
    GREY,
    affine,
    affine_image,
    horizontal_shear,
    rotation,
    translation,
    vertical_shear,
)
from teachbox.data.augmentation.policies import MAX_LEVEL, Operation
from teachbox.data.augmentation.sample import Sample, Step, either, happens, whole_between

Change = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
"""(uint8 [H, W, 3], seed int32 [2]) → the same, changed."""

_SHIFT, _SHIFT_IN_BOX = 250, 120  # pixels, as all of these at the highest level
_HOLE, _HOLE_IN_BOX = 100, 50  # half a side, in pixels
_HOLE_OF_BOX = 0.75  # part of the box's sides
_SHEAR = 0.3
_DEGREES = 30
_ADDITION = 110
_THRESHOLD = 256
_BITS = 4
_OF_BOXES = 1 / 3  # how much less often an operation is done to each single box


def operation_step(operation: Operation) -> Step:
    """An operation of a policy as a step; images are uint8."""
    name, probability, level = operation
    if name.endswith("_Only_BBoxes"):
        change = _CHANGES_IN_BOXES[name.removesuffix("_Only_BBoxes")](level)
        return lambda sample, seed: in_boxes(sample, seed, probability * _OF_BOXES, change)
    step = _of_image(_CHANGES[name](level)) if name in _CHANGES else _STEPS[name](level)
    return lambda sample, seed: _perhaps(sample, seed, probability, step)


def _perhaps(sample: Sample, seed: tf.Tensor, probability: float, step: Step) -> Sample:
    chance_seed, step_seed = tf.unstack(tf.random.split(seed, 2))
    return either(happens(chance_seed, probability), lambda: step(sample, step_seed), lambda: sample)


def _of_image(change: Change) -> Step:
    return lambda sample, seed: sample._replace(image=change(sample.image, seed))


def in_boxes(sample: Sample, seed: tf.Tensor, probability: float, change: Change) -> Sample:
    """What is inside a box changed, each with `probability`, in random order; boxes stay. The image is uint8."""
    order_seed, box_seed = tf.unstack(tf.random.split(seed, 2))
    begin, end = _pixels(sample)

    def one(image: tf.Tensor, box: tf.Tensor) -> tf.Tensor:
        chance_seed, change_seed = tf.unstack(tf.random.split(tf.random.fold_in(box_seed, box), 2))

        def changed() -> tf.Tensor:
            y0, x0 = tf.unstack(begin[box])
            y1, x1 = tf.unstack(end[box])
            part = change(image[y0:y1, x0:x1], change_seed)
            rows = tf.concat([image[y0:y1, :x0], part, image[y0:y1, x1:]], axis=1)
            return tf.concat([image[:y0], rows, image[y1:]], axis=0)

        return tf.ensure_shape(tf.cond(happens(chance_seed, probability), changed, lambda: image), [None, None, 3])

    order = tf.argsort(tf.random.stateless_uniform(tf.shape(sample.classes), order_seed))
    return sample._replace(image=tf.foldl(one, order, initializer=sample.image))


def _pixels(sample: Sample) -> tuple[tf.Tensor, tf.Tensor]:
    """int32 [N, 2] each: row and column of the first pixel of each box, and those after its last; one at the least."""
    sides = tf.shape(sample.image)[:2]
    corners = tf.cast(sample.boxes * tf.tile(tf.cast(sides, tf.float32), [2]), tf.int32)
    begin = tf.clip_by_value(corners[:, :2], 0, sides - 1)
    return begin, tf.clip_by_value(corners[:, 2:] + 1, begin + 1, sides)


def cutout(image: tf.Tensor, centre: tf.Tensor, half: tf.Tensor | list[int]) -> tf.Tensor:
    """A grey rectangle, 2 · `half` (int32 [2]) high and wide, where it is inside the image; uint8 [H, W, 3]."""
    rows, columns = (tf.range(tf.shape(image)[axis]) for axis in (0, 1))
    first, after = centre - half, centre + half
    tall = (rows >= first[0]) & (rows < after[0])
    wide = (columns >= first[1]) & (columns < after[1])
    return tf.where((tall[:, None] & wide[None])[:, :, None], tf.constant(GREY, tf.uint8), image)


def _random_cutout(half: int) -> Change:
    def change(image: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        return cutout(image, _place(seed, tf.zeros([2], tf.int32), tf.shape(image)[:2]), [half, half])

    return change


def _bbox_cutout(level: int) -> Step:
    """A hole in one box: its centre anywhere in it, its sides a part of the box's."""

    def hole(sample: Sample, seed: tf.Tensor) -> Sample:
        which_seed, place_seed = tf.unstack(tf.random.split(seed, 2))
        begin, end = (edges[whole_between(which_seed, 0, tf.size(sample.classes) - 1)] for edges in _pixels(sample))
        half = tf.cast(tf.cast(end - begin, tf.float32) / 2 * (level / MAX_LEVEL * _HOLE_OF_BOX), tf.int32)
        return sample._replace(image=cutout(sample.image, _place(place_seed, begin, end), half))

    return lambda sample, seed: either(tf.size(sample.classes) > 0, lambda: hole(sample, seed), lambda: sample)


def _place(seed: tf.Tensor, begin: tf.Tensor, end: tf.Tensor) -> tf.Tensor:
    """int32 [2]: any pixel from `begin` on and before `end`."""
    seeds = tf.random.split(seed, 2)
    return tf.stack([whole_between(seeds[axis], begin[axis], end[axis] - 1) for axis in range(2)])


# What an operation makes of its level


def _either_way(amount: float, seed: tf.Tensor) -> tf.Tensor:
    """`amount` or minus as much."""
    return tf.where(happens(seed, 0.5), amount, -amount)


def _tone(change: Callable[[tf.Tensor], tf.Tensor]) -> Change:
    return lambda image, seed: change(image)


def _enhanced(change: Callable[[tf.Tensor, float], tf.Tensor]) -> Callable[[int], Change]:
    """From 0.1 to 1.9."""
    return lambda level: _tone(lambda image: change(image, level / MAX_LEVEL * 1.8 + 0.1))


def _steps_of(level: int, most: int) -> int:
    return int(level / MAX_LEVEL * most)


_CHANGES: dict[str, Callable[[int], Change]] = {
    "AutoContrast": lambda level: _tone(tones.autocontrast),
    "Equalize": lambda level: _tone(tones.equalize),
    "Posterize": lambda level: _tone(lambda image: tones.posterize(image, _steps_of(level, _BITS))),
    "Solarize": lambda level: _tone(lambda image: tones.solarize(image, _steps_of(level, _THRESHOLD))),
    "SolarizeAdd": lambda level: _tone(lambda image: tones.solarize_add(image, _steps_of(level, _ADDITION))),
    "Color": _enhanced(tones.color),
    "Contrast": _enhanced(tones.contrast),
    "Brightness": _enhanced(tones.brightness),
    "Sharpness": _enhanced(tones.sharpness),
    "Cutout": lambda level: _random_cutout(_steps_of(level, _HOLE)),
}

Moves = Callable[[float, tf.Tensor], tf.Tensor]
"""How far, and height and width of the image → a matrix for `affine`."""

_MOVES: dict[str, tuple[float, Moves]] = {
    "Rotate": (_DEGREES, rotation),
    "ShearX": (_SHEAR, lambda amount, sides: horizontal_shear(amount)),
    "ShearY": (_SHEAR, lambda amount, sides: vertical_shear(amount)),
    "TranslateX": (_SHIFT, lambda amount, sides: translation(0.0, -amount)),
    "TranslateY": (_SHIFT, lambda amount, sides: translation(-amount, 0.0)),
}


def _moving(most: float, move: Moves) -> Callable[[int], Step]:
    def of_level(level: int) -> Step:
        amount = level / MAX_LEVEL * most
        return lambda sample, seed: affine(sample, move(_either_way(amount, seed), tf.shape(sample.image)[:2]))

    return of_level


def _moving_in_box(most: float, move: Moves) -> Callable[[int], Change]:
    def of_level(level: int) -> Change:
        amount = level / MAX_LEVEL * most
        return lambda image, seed: affine_image(image, move(_either_way(amount, seed), tf.shape(image)[:2]))

    return of_level


_STEPS: dict[str, Callable[[int], Step]] = {
    "BBox_Cutout": _bbox_cutout,
    **{f"{name}_BBox": _moving(most, move) for name, (most, move) in _MOVES.items()},
}

_CHANGES_IN_BOXES: dict[str, Callable[[int], Change]] = {
    "ShearX": _moving_in_box(*_MOVES["ShearX"]),
    "ShearY": _moving_in_box(*_MOVES["ShearY"]),
    "TranslateY": _moving_in_box(_SHIFT_IN_BOX, _MOVES["TranslateY"][1]),
    "Flip": lambda level: _tone(lambda image: image[:, ::-1]),
    "Equalize": _CHANGES["Equalize"],
    "Cutout": lambda level: _random_cutout(_steps_of(level, _HOLE_IN_BOX)),
}
