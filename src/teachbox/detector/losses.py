"""Losses per anchor, unreduced. Predictions and targets are [B, A, values]; weights as each function says."""

from __future__ import annotations

from typing import Any

from keras import ops


def smooth_l1(prediction: Any, target: Any, weights: Any, *, delta: float = 1.0) -> Any:
    """Huber loss summed over the values of an anchor, times `weights` [B, A]: [B, A] (arXiv 1504.08083, eq. 3)."""
    difference = ops.abs(prediction - target)
    huber = ops.where(difference <= delta, 0.5 * ops.square(difference), delta * difference - 0.5 * delta * delta)
    return ops.sum(huber, axis=-1) * weights


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
