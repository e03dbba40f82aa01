"""Losses and hard example mining."""

from __future__ import annotations

from teachbox.config.built.verdicts import SHARE, Rows, built, no_effect

ANCHORWISE = "losses are always kept by anchor until they are added up"

ROWS = Rows(
    table={
        "*.localization_loss": built("weighted_smooth_l1 weighted_l2")
        | built("weighted_iou weighted_giou", "of the boxes that codes stand for, where the original compares codes")
        | built("l1_localization_loss", "weighed by anchor"),
        "*.weighted_l2": no_effect("anchorwise_output", ANCHORWISE),
        "*.weighted_smooth_l1": built("delta") | no_effect("anchorwise_output", ANCHORWISE),
        "*.classification_loss": built(
            "weighted_sigmoid weighted_sigmoid_focal weighted_softmax weighted_logits_softmax bootstrapped_sigmoid "
            "weighted_dice_classification_loss penalty_reduced_logistic_focal_loss"
        ),
        "*.weighted_sigmoid": no_effect("anchorwise_output", ANCHORWISE),
        "*.weighted_sigmoid_focal": built("gamma alpha") | no_effect("anchorwise_output", ANCHORWISE),
        "*.weighted_softmax": built("logit_scale") | no_effect("anchorwise_output", ANCHORWISE),
        "*.weighted_logits_softmax": built("logit_scale") | no_effect("anchorwise_output", ANCHORWISE),
        "*.bootstrapped_sigmoid": built("alpha hard_bootstrap") | no_effect("anchorwise_output", ANCHORWISE),
        "*.weighted_dice_classification_loss": built("squared_normalization"),
        "*.penalty_reduced_logistic_focal_loss": built("alpha beta"),
        "*.hard_example_miner": built(
            "num_hard_examples iou_threshold loss_type max_negatives_per_positive min_negatives_per_image"
        ),
    },
    required={
        "*.bootstrapped_sigmoid": "alpha",
        "*.penalty_reduced_logistic_focal_loss": "alpha beta",
    },
    ranges={
        "*.bootstrapped_sigmoid": {"alpha": SHARE},
    },
)
