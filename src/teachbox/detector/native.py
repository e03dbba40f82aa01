"""One function an op where a backend's own kernel is worth having; elsewhere the same arithmetic in keras.ops."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
from keras import ops

from teachbox.detector.similarity import iou


def batch_norm_training(x: Any, gamma: Any, beta: Any, epsilon: float) -> tuple[Any, Any, Any]:
    """Normalise `x` [B, H, W, C] by its own statistics: `(y, mean [C], variance [C])`.

    The variance returned is the unbiased one (n − 1), for the moving average; `y` is normalised by the biased one.
    """
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        y, mean, variance = tf.compat.v1.nn.fused_batch_norm(x, gamma, beta, epsilon=epsilon, is_training=True)
        return y, mean, variance
    mean, biased = ops.moments(x, axes=[0, 1, 2])
    count = ops.cast(ops.size(x) // ops.shape(x)[-1], "float32")
    y = (x - mean) * (gamma * ops.rsqrt(biased + epsilon)) + beta
    return y, mean, biased * count / ops.maximum(count - 1.0, 1.0)


def batch_norm_inference(x: Any, gamma: Any, beta: Any, mean: Any, variance: Any, epsilon: float) -> Any:
    """Normalise `x` [B, H, W, C] by the given statistics [C]."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        # TensorFlow's optimizer folds this op into the convolution before it; a product and a sum it leaves alone.
        options = {"epsilon": epsilon, "is_training": False}
        return tf.compat.v1.nn.fused_batch_norm(x, gamma, beta, mean=mean, variance=variance, **options)[0]
    scale = gamma * ops.rsqrt(variance + epsilon)
    return x * scale + (beta - mean * scale)


def crop_and_resize(images: Any, boxes: Any, size: tuple[int, int]) -> Any:
    """What lies in the normalized `boxes` [B, N, 4] of `images` [B, H, W, C], sampled bilinearly: [B · N, h, w, C].

    The first and the last of the h × w samples lie on the box's sides, where 0 and 1 are the centres of the image's
    first and last pixels; a sample outside of these is 0.
    """
    count = ops.shape(boxes)[1]
    flat = ops.reshape(boxes, (-1, 4))
    image = ops.arange(ops.shape(flat)[0]) // count
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        return tf.image.crop_and_resize(images, flat, image, size)
    _, height, width, depth = images.shape
    ymin, xmin, ymax, xmax = ops.unstack(flat, 4, axis=-1)
    (top, bottom, down), (left, right, across) = (
        _neighbours(start, stop, samples, int(side))
        for start, stop, samples, side in ((ymin, ymax, size[0], height), (xmin, xmax, size[1], width))
    )
    pixels = ops.reshape(images, (-1, depth))
    row = ops.reshape(image, (-1, 1, 1)) * height

    def picked(y: tuple[Any, Any], x: tuple[Any, Any]) -> Any:
        places = (row + y[0][:, :, None]) * width + x[0][:, None, :]
        return ops.take(pixels, places, axis=0) * ops.expand_dims(y[1][:, :, None] * x[1][:, None, :], -1)

    inside = ops.cast(ops.logical_and(down[:, :, None], across[:, None, :]), images.dtype)
    crops = picked(top, left) + picked(top, right) + picked(bottom, left) + picked(bottom, right)
    return crops * ops.expand_dims(inside, -1)


def crop_from_levels(feature_maps: Sequence[Any], boxes: Any, levels: Any, size: tuple[int, int]) -> Any:
    """What `crop_and_resize` finds in each of the `boxes` [B, N, 4] in that of the maps [B, H, W, C] whose number
    `levels`, int [B, N], says: [B · N, h, w, C]."""
    chosen = ops.reshape(levels, (-1,))
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        flat = tf.reshape(boxes, (-1, 4))
        image = tf.range(tf.shape(flat)[0]) // tf.shape(boxes)[1]
        rows, crops = [], []
        for number, feature_map in enumerate(feature_maps):
            own = tf.cast(tf.where(chosen == number)[:, 0], "int32")
            rows.append(own)
            crops.append(tf.image.crop_and_resize(feature_map, tf.gather(flat, own), tf.gather(image, own), size))
        return tf.gather(tf.concat(crops, 0), tf.math.invert_permutation(tf.concat(rows, 0)))
    # Elsewhere shapes cannot depend on values: each map is asked for all.
    chosen = chosen[:, None, None, None]
    return sum(
        ops.where(chosen == number, crop_and_resize(feature_map, boxes, size), 0.0)
        for number, feature_map in enumerate(feature_maps)
    )


def _neighbours(start: Any, stop: Any, samples: int, side: int) -> tuple[tuple[Any, Any], tuple[Any, Any], Any]:
    """Along one side, [N, samples] each: the pixel before each sample and its share, the one after it and its share;
    and whether the sample is inside."""
    last = side - 1
    if samples > 1:
        steps = ops.arange(samples, dtype="float32") * ops.expand_dims((stop - start) * (last / (samples - 1)), -1)
        places = ops.expand_dims(start * last, -1) + steps
    else:
        places = ops.expand_dims(0.5 * (start + stop) * last, -1)
    inside = ops.logical_and(places >= 0, places <= last)
    before = ops.floor(places)
    share = places - before

    def pixel(place: Any) -> Any:
        return ops.cast(ops.clip(place, 0, last), "int32")

    return (pixel(before), 1.0 - share), (pixel(before + 1.0), share), inside


NEVER = -3.0e38
"""A score that never counts."""
_FEW = 8
"""Where more than one box in so many is to be kept, all are judged at once rather than taken one by one."""


class Suppressed(NamedTuple):
    """What multiclass suppression leaves, best first; rows past `count` are zero."""

    boxes: Any
    """float32 [B, M, 4]."""
    scores: Any
    """float32 [B, M]."""
    classes: Any
    """float32 [B, M], from 0."""
    count: Any
    """int32 [B]."""


def non_max_suppression(boxes: Any, scores: Any, *, most: Any, iou_threshold: float) -> tuple[Any, Any]:
    """Greedy suppression of `boxes` [B, A, 4] by `scores` [B, A], best first: `(indices [B, most], count [B])`, int32.
    `most` is a number, or with TensorFlow a tensor.

    A box goes if its overlap with a better one that stays is over the threshold; one with the score `NEVER` does not
    count at all. Rows past `count` are 0.
    """
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        def one(image: tuple[tf.Tensor, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
            found = tf.raw_ops.NonMaxSuppressionV4(
                boxes=image[0],
                scores=image[1],
                max_output_size=most,
                iou_threshold=iou_threshold,
                score_threshold=NEVER,
                pad_to_max_output_size=True,
            )
            return tf.ensure_shape(found.selected_indices, [known]), found.valid_outputs

        known = most if isinstance(most, int) else None
        signature = (tf.TensorSpec([known], tf.int32), tf.TensorSpec([], tf.int32))
        images = (tf.convert_to_tensor(boxes), tf.convert_to_tensor(scores))
        return tf.map_fn(one, images, fn_output_signature=signature, parallel_iterations=16)
    boxes, scores = ops.convert_to_tensor(boxes), ops.convert_to_tensor(scores)
    if _FEW * most > int(scores.shape[1]):
        return _settle(boxes, scores, most, iou_threshold)
    indices, _, count = _greedy(boxes, scores, most, iou_threshold)
    return indices, count


def multiclass_non_max_suppression(
    boxes: Any, scores: Any, *, per_class: int, total: int, iou_threshold: float, score_threshold: float
) -> Suppressed:
    """Greedy suppression of `boxes` [B, A, q, 4] (q: 1 or K) by `scores` [B, A, K] within each class, then the best
    `total` of all classes. Scores at or under the threshold never count."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        return Suppressed(
            *tf.image.combined_non_max_suppression(
                boxes,
                scores,
                max_output_size_per_class=per_class,
                max_total_size=total,
                iou_threshold=iou_threshold,
                score_threshold=score_threshold,
                clip_boxes=False,
            )
        )
    by_class = ops.transpose(scores, (0, 2, 1))
    class_boxes = ops.broadcast_to(ops.transpose(boxes, (0, 2, 1, 3)), (*by_class.shape, 4))
    by_class = ops.where(by_class > score_threshold, by_class, NEVER)
    indices, found, _ = _greedy(class_boxes, by_class, per_class, iou_threshold)
    return _best_of_classes(boxes, indices, found, total)[0]


def soft_multiclass_non_max_suppression(
    boxes: Any, scores: Any, *, per_class: int, total: int, sigma: float, score_threshold: float
) -> tuple[Suppressed, Any]:
    """Soft suppression (arXiv 1704.04503) of `boxes` [B, A, q, 4] (q: 1 or K) by `scores` [B, A, K] within each class,
    then the best `total` of all classes; and which anchors they were, int32 [B, total].

    Each box taken lowers the scores of the others by exp(−overlap² / 2 sigma), down to the threshold, where they go.
    """
    by_class = ops.transpose(scores, (0, 2, 1))
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        classes, columns = int(scores.shape[2]), int(boxes.shape[2])
        boxes, by_class = tf.convert_to_tensor(boxes), tf.convert_to_tensor(by_class)

        def one(number: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            image, column = number // classes, number % classes
            found = tf.raw_ops.NonMaxSuppressionV5(
                boxes=boxes[image, :, tf.minimum(column, columns - 1)],
                scores=by_class[image, column],
                max_output_size=per_class,
                iou_threshold=1.0,
                score_threshold=score_threshold,
                soft_nms_sigma=sigma,
                pad_to_max_output_size=True,
            )
            score = tf.where(tf.range(per_class) < found.valid_outputs, found.selected_scores, NEVER)
            return tf.ensure_shape(found.selected_indices, [per_class]), score

        signature = (tf.TensorSpec([per_class], tf.int32), tf.TensorSpec([per_class], tf.float32))
        images = tf.shape(by_class)[0]
        every = tf.map_fn(one, tf.range(images * classes), fn_output_signature=signature, parallel_iterations=16)
        indices, found = (tf.reshape(part, (images, classes, per_class)) for part in every)
    else:
        class_boxes = ops.broadcast_to(ops.transpose(boxes, (0, 2, 1, 3)), (*by_class.shape, 4))
        by_class = ops.where(by_class > score_threshold, by_class, NEVER)
        indices, found, _ = _greedy(class_boxes, by_class, per_class, 1.0, sigma, score_threshold)
    return _best_of_classes(boxes, indices, found, total)


def _best_of_classes(boxes: Any, indices: Any, scores: Any, total: int) -> tuple[Suppressed, Any]:
    """Of `indices` and `scores` [B, K, M] into `boxes` [B, A, q, 4] the best `total`, and their indices [B, total]."""
    per_class, columns = int(indices.shape[2]), int(boxes.shape[2])
    flat_scores, flat_indices = (ops.reshape(part, (-1, indices.shape[1] * per_class)) for part in (scores, indices))
    best, order = ops.top_k(flat_scores, total)
    valid = best > NEVER
    mask = ops.cast(valid, "float32")
    column = ops.cast(order // per_class, "int32")
    anchors = ops.where(valid, ops.take_along_axis(flat_indices, order, axis=1), 0)
    row = anchors * columns + ops.minimum(column, columns - 1)
    rows = ops.reshape(boxes, (-1, ops.shape(boxes)[1] * columns, 4))
    kept = ops.take_along_axis(rows, ops.expand_dims(row, -1), axis=1)
    found = Suppressed(
        kept * ops.expand_dims(mask, -1),
        ops.where(valid, best, 0.0),
        ops.cast(column, "float32") * mask,
        ops.sum(ops.cast(valid, "int32"), axis=-1),
    )
    return found, anchors


def _greedy(
    boxes: Any, scores: Any, most: int, iou_threshold: float, sigma: float = 0.0, score_threshold: float = NEVER
) -> tuple[Any, Any, Any]:
    """Suppression along the last axis of `scores` [..., A], `boxes` [..., A, 4]: indices and scores [..., most], count.

    A score of `NEVER` does not count, and stands where there is none left. With `sigma` suppression is soft, and what
    it lowers to the score threshold goes.
    """
    scores = ops.convert_to_tensor(scores)
    places, slots = ops.arange(scores.shape[-1]), ops.arange(most)

    def take_best(slot: Any, state: tuple[Any, Any, Any]) -> tuple[Any, Any, Any]:
        left, indices, found = state
        best = ops.argmax(left, axis=-1, keepdims=True)
        score = ops.take_along_axis(left, best, axis=-1)
        box = ops.take_along_axis(boxes, ops.expand_dims(best, -1), axis=-2)
        overlap = iou(box, boxes)[..., 0, :]
        gone = ops.logical_or(overlap > iou_threshold, places == ops.cast(best, places.dtype))
        if sigma:
            left = left * ops.exp(-0.5 / sigma * ops.square(overlap))
            gone = ops.logical_or(gone, left <= score_threshold)
        own = slots == slot
        indices = ops.where(ops.logical_and(own, score > NEVER), ops.cast(best, "int32"), indices)
        return ops.where(gone, NEVER, left), indices, ops.where(own, score, found)

    found = ops.broadcast_to(scores[..., :1] * 0.0 + NEVER, (*scores.shape[:-1], most))
    state = (scores, ops.zeros_like(found, dtype="int32"), found)
    _, indices, found = ops.fori_loop(0, most, take_best, state)
    return indices, found, ops.sum(ops.cast(found > NEVER, "int32"), axis=-1)


def _settle(boxes: Any, scores: Any, most: int, iou_threshold: float) -> tuple[Any, Any]:
    """What `_greedy` finds, sooner where most boxes are to be kept: indices [B, most] and count [B].

    All boxes are judged at once, again and again, by the better ones that still stand, until nothing changes: as often
    as the longest chain of boxes that depend on each other.
    """
    order = ops.argsort(-scores, axis=-1)
    ranked = ops.take_along_axis(boxes, ops.expand_dims(order, -1), axis=1)
    counts = ops.take_along_axis(scores, order, axis=1) > NEVER
    ranks = ops.arange(scores.shape[1])
    close = ops.logical_and(iou(ranked, ranked) > iou_threshold, ops.expand_dims(ranks, -1) < ranks)

    def unsettled(standing: Any, before: Any) -> Any:
        return ops.any(standing != before)

    def judge(standing: Any, _: Any) -> tuple[Any, Any]:
        beaten = ops.any(ops.logical_and(close, ops.expand_dims(standing, -1)), axis=1)
        return ops.logical_and(counts, ops.logical_not(beaten)), standing

    standing, _ = ops.while_loop(unsettled, judge, (counts, ops.logical_not(counts)))
    first = ops.argsort(ops.where(standing, ranks, ranks + scores.shape[1]), axis=-1)[:, :most]
    count = ops.minimum(ops.sum(ops.cast(standing, "int32"), axis=-1), most)
    indices = ops.cast(ops.take_along_axis(order, first, axis=1), "int32")
    return ops.where(ops.arange(most) < ops.expand_dims(count, -1), indices, 0), count
