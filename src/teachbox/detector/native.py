"""One function an op where a backend's own kernel is worth having; elsewhere the same arithmetic in keras.ops."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

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
    scale = gamma * ops.rsqrt(variance + epsilon)
    return x * scale + (beta - mean * scale)


def non_max_suppression(
    boxes: Any, scores: Any, max_output: int, iou_threshold: float, score_threshold: float = -3.0e38
) -> tuple[Any, Any]:
    """Greedy non-max suppression of `boxes` [N, 4] by `scores` [N], best first; scores at or under the threshold never.

    Returns `(indices int32 [max_output], count int32)`; rows past `count` are padding (0).
    """
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        selected, count = tf.raw_ops.NonMaxSuppressionV4(
            boxes=boxes,
            scores=scores,
            max_output_size=max_output,
            iou_threshold=iou_threshold,
            score_threshold=score_threshold,
            pad_to_max_output_size=True,
        )
        return tf.ensure_shape(selected, [max_output]), count
    overlap = iou(boxes, boxes)
    left = ops.where(scores > score_threshold, scores, -float("inf"))
    picked, valid = [], []
    for _ in range(max_output):
        best = ops.cast(ops.argmax(left), "int32")
        good = ops.take(left, best) > -float("inf")
        picked.append(ops.where(good, best, 0))
        valid.append(good)
        gone = ops.logical_or(ops.take(overlap, best, axis=0) > iou_threshold, ops.arange(ops.shape(left)[0]) == best)
        left = ops.where(gone, -float("inf"), left)
    return ops.stack(picked), ops.sum(ops.cast(ops.stack(valid), "int32"))


def map_over(function: Callable[[Any], Any], elements: Any) -> Any:
    """`function` of each row of `elements` (a tensor or a tuple of tensors), side by side where the backend can."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        signature = tf.nest.map_structure(
            lambda spec: tf.TensorSpec(spec.shape, spec.dtype),
            tf.function(function)
            .get_concrete_function(
                tf.nest.map_structure(lambda rows: tf.TensorSpec(rows.shape[1:], rows.dtype), elements)
            )
            .structured_outputs,
        )
        return tf.map_fn(function, elements, fn_output_signature=signature, parallel_iterations=16)
    return ops.map(function, elements)
