"""Losses per anchor, unreduced. Predictions and targets are [B, A, values]; weights as each function says."""

from __future__ import annotations

from typing import Any

from keras import ops

from teachbox.detector.similarity import area

_SURE = 1e-4
"""A heatmap's probability is kept this far from 0 and 1."""


def smooth_l1(prediction: Any, target: Any, weights: Any, *, delta: float = 1.0) -> Any:
    """Huber loss summed over the values of an anchor, times `weights` [B, A]: [B, A] (arXiv 1504.08083, eq. 3)."""
    difference = ops.abs(prediction - target)
    huber = ops.where(difference <= delta, 0.5 * ops.square(difference), delta * difference - 0.5 * delta * delta)
    return ops.sum(huber, axis=-1) * weights


def weighted_l2(prediction: Any, target: Any, weights: Any) -> Any:
    """Half the squared length of the difference times `weights` [B, A]: [B, A]. Weights are squared, too."""
    difference = (prediction - target) * ops.expand_dims(weights, -1)
    return 0.5 * ops.sum(ops.square(difference), axis=-1)


def l1(prediction: Any, target: Any, weights: Any) -> Any:
    """Absolute difference times `weights` [B, A, values]: [B, A, values]."""
    return ops.abs(prediction - target) * weights


def l1_by_anchor(prediction: Any, target: Any, weights: Any) -> Any:
    """Absolute difference summed over the values of an anchor, times `weights` [B, A]: [B, A]."""
    return ops.sum(l1(prediction, target, ops.expand_dims(weights, -1)), axis=-1)


def weighted_iou(prediction: Any, target: Any, weights: Any) -> Any:
    """1 − intersection over union of two boxes `[ymin, xmin, ymax, xmax]`, times `weights` [B, A]: [B, A]."""
    shared, union, _ = _pairwise(prediction, target)
    return (1.0 - _ratio(shared, union)) * weights


def weighted_giou(prediction: Any, target: Any, weights: Any) -> Any:
    """1 − generalized intersection over union of two boxes, times `weights` [B, A]: [B, A] (arXiv 1902.09630)."""
    shared, union, around = _pairwise(prediction, target)
    return (1.0 - _ratio(shared, union) + _ratio(around - union, around)) * weights


def _pairwise(a: Any, b: Any) -> tuple[Any, Any, Any]:
    """Areas of intersection, union and the smallest box around both, row by row of `a` and `b` [..., 4]: [...] each."""
    size = ops.maximum(ops.minimum(a[..., 2:], b[..., 2:]) - ops.maximum(a[..., :2], b[..., :2]), 0.0)
    shared = size[..., 0] * size[..., 1]
    size = ops.maximum(a[..., 2:], b[..., 2:]) - ops.minimum(a[..., :2], b[..., :2])
    return shared, area(a) + area(b) - shared, size[..., 0] * size[..., 1]


def _ratio(part: Any, whole: Any) -> Any:
    """`part` / `whole`, 0 where the whole is 0."""
    return ops.where(whole == 0.0, 0.0, part / ops.where(whole == 0.0, 1.0, whole))


def sigmoid_cross_entropy(logits: Any, target: Any) -> Any:
    """Elementwise cross entropy of sigmoid(`logits`), in the form that does not overflow."""
    return ops.relu(logits) - logits * target + ops.log1p(ops.exp(-ops.abs(logits)))


def weighted_sigmoid(logits: Any, target: Any, weights: Any) -> Any:
    """Sigmoid cross entropy times `weights` [B, A, K]: [B, A, K]."""
    return sigmoid_cross_entropy(logits, target) * weights


def sigmoid_focal(logits: Any, target: Any, weights: Any, *, gamma: float, alpha: float | None) -> Any:
    """Focal loss times `weights` [B, A, K]: [B, A, K] (arXiv 1708.02002, eq. 5)."""
    entropy = sigmoid_cross_entropy(logits, target)
    probability = ops.sigmoid(logits)
    right = target * probability + (1.0 - target) * (1.0 - probability)
    factor = ops.power(1.0 - right, gamma) if gamma else 1.0
    balance = 1.0 if alpha is None else target * alpha + (1.0 - target) * (1.0 - alpha)
    return factor * balance * entropy * weights


def weighted_softmax(logits: Any, target: Any, weights: Any, *, logit_scale: float = 1.0) -> Any:
    """Softmax cross entropy of `logits` / `logit_scale`, times the mean of `weights` [B, A, K] over classes: [B, A]."""
    log_probability = ops.log_softmax(logits / logit_scale, axis=-1)
    return -ops.sum(target * log_probability, axis=-1) * ops.mean(weights, axis=-1)


def weighted_logits_softmax(logits: Any, target_logits: Any, weights: Any, *, logit_scale: float = 1.0) -> Any:
    """`weighted_softmax` against the softmax of `target_logits` / `logit_scale`, as another model gave them: [B, A]."""
    target = ops.softmax(target_logits / logit_scale, axis=-1)
    return weighted_softmax(logits, target, weights, logit_scale=logit_scale)


def bootstrapped_sigmoid(logits: Any, target: Any, weights: Any, *, alpha: float, hard: bool = False) -> Any:
    """Sigmoid cross entropy times `weights` [B, A, K]: [B, A, K], against `alpha` of the target and the rest of what
    is predicted: the probability, or if `hard` whether it is over ½ (arXiv 1412.6596)."""
    own = ops.cast(logits > 0, logits.dtype) if hard else ops.sigmoid(logits)
    return sigmoid_cross_entropy(logits, alpha * target + (1.0 - alpha) * own) * weights


def weighted_dice(logits: Any, target: Any, weights: Any, *, squared_normalization: bool = False) -> Any:
    """1 − dice coefficient of each class over all anchors, which count as `weights` [B, A, K] say: [B, K]."""
    probability = ops.sigmoid(logits)
    if squared_normalization:
        # As in the original, the shared part is of the squares, too.
        probability, target = ops.square(probability), ops.square(target)
    probability, target = probability * weights, target * weights
    shared = ops.sum(probability * target, axis=1)
    return 1.0 - _ratio(2.0 * shared, ops.sum(probability, axis=1) + ops.sum(target, axis=1))


def penalty_reduced_logistic_focal(logits: Any, target: Any, weights: Any, *, alpha: float, beta: float) -> Any:
    """Focal loss of a heatmap times `weights` [B, A, K]: [B, A, K] (arXiv 1904.07850, eq. 1). Only a target of 1 is a
    positive; the nearer another is to 1, the less it counts."""
    probability = ops.clip(ops.sigmoid(logits), _SURE, 1.0 - _SURE)
    positive = ops.power(1.0 - probability, alpha) * ops.log(probability)
    negative = ops.power(1.0 - target, beta) * ops.power(probability, alpha) * ops.log(1.0 - probability)
    return -ops.where(target == 1.0, positive, negative) * weights
