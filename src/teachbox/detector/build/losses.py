"""Losses and the hard example miner from their messages."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from teachbox.config.protos import losses_pb2
from teachbox.detector import losses
from teachbox.detector.build.refuse import not_built
from teachbox.detector.mining import HardExampleMiner


def build_localization_loss(config: losses_pb2.LocalizationLoss) -> Callable[[Any, Any, Any], Any]:
    """A loss of (prediction, target, weights) from a `LocalizationLoss` message: of any codes; of boxes only by
    weighted_iou and weighted_giou; and with weights for each value by l1_localization_loss."""
    kind = config.WhichOneof("localization_loss")
    if kind == "weighted_smooth_l1":
        return partial(losses.smooth_l1, delta=config.weighted_smooth_l1.delta)
    found: dict[str | None, Callable[[Any, Any, Any], Any]] = {
        "weighted_l2": losses.weighted_l2,
        "weighted_iou": losses.weighted_iou,
        "weighted_giou": losses.weighted_giou,
        "l1_localization_loss": losses.l1,
    }
    if kind not in found:
        raise not_built("loss.localization_loss", kind, "weighted_smooth_l1 is")
    return found[kind]


def build_classification_loss(config: losses_pb2.ClassificationLoss) -> Callable[[Any, Any, Any], Any]:
    """A loss of (logits, target, weights) from a `ClassificationLoss` message."""
    kind = config.WhichOneof("classification_loss")
    if kind == "weighted_sigmoid":
        return losses.weighted_sigmoid
    if kind == "weighted_sigmoid_focal":
        options = config.weighted_sigmoid_focal
        alpha = options.alpha if options.HasField("alpha") else None
        return partial(losses.sigmoid_focal, gamma=options.gamma, alpha=alpha)
    if kind == "weighted_softmax":
        return partial(losses.weighted_softmax, logit_scale=config.weighted_softmax.logit_scale)
    if kind == "weighted_logits_softmax":
        return partial(losses.weighted_logits_softmax, logit_scale=config.weighted_logits_softmax.logit_scale)
    if kind == "bootstrapped_sigmoid":
        bootstrap = config.bootstrapped_sigmoid
        return partial(losses.bootstrapped_sigmoid, alpha=bootstrap.alpha, hard=bootstrap.hard_bootstrap)
    if kind == "weighted_dice_classification_loss":
        squared = config.weighted_dice_classification_loss.squared_normalization
        return partial(losses.weighted_dice, squared_normalization=squared)
    if kind == "penalty_reduced_logistic_focal_loss":
        focal = config.penalty_reduced_logistic_focal_loss
        return partial(losses.penalty_reduced_logistic_focal, alpha=focal.alpha, beta=focal.beta)
    raise not_built("loss.classification_loss", kind, "weighted_sigmoid is")


def build_miner(loss: losses_pb2.Loss) -> HardExampleMiner:
    """The hard example miner of a `Loss` message that has one."""
    options = loss.hard_example_miner
    return HardExampleMiner(
        num_hard_examples=options.num_hard_examples or None,
        iou_threshold=options.iou_threshold,
        loss_type=losses_pb2.HardExampleMiner.LossType.Name(options.loss_type).lower(),  # type: ignore[arg-type]
        classification_weight=loss.classification_weight,
        localization_weight=loss.localization_weight,
        max_negatives_per_positive=options.max_negatives_per_positive or None,
        min_negatives_per_image=options.min_negatives_per_image,
    )
