"""The training block: optimizers, learning rates, checkpoints."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from teachbox.config.built.verdicts import (
    NOT_NEGATIVE,
    ONE_OR_MORE,
    OWN_INPUT,
    OWN_ROUNDS,
    SHARE,
    Rows,
    built,
    no_effect,
    only,
)

ONE_PROCESS = "one process trains: no other replicas are waited for; --micro-batch takes a large batch in pieces"
ALSO_OF_TENSORFLOW_2 = "by detectors of TensorFlow 2 too, where the original's training takes no notice of it"


def _of_the_patterns(message: Any) -> Iterator[tuple[str, str]]:
    """Whether those are regular expressions; what they fit is known only with the detector."""
    for name in ("update_trainable_variables", "freeze_variables"):
        for row, pattern in enumerate(getattr(message, name)):
            try:
                re.compile(pattern)
            except (re.error, OverflowError, RecursionError) as error:
                yield f"{name}[{row}]", f'{name}[{row}] "{pattern}" is no regular expression ({error})'


ROWS = Rows(
    table={
        # Training
        "train_config": built(
            "batch_size data_augmentation_options optimizer gradient_clipping_by_norm fine_tune_checkpoint "
            "from_detection_checkpoint load_all_detection_checkpoint_vars add_regularization_loss"
        )
        | built(
            "use_multiclass_scores merge_multiple_label_boxes",
            "in place of classes, in training; evaluation goes by classes",
        )
        | built("update_trainable_variables freeze_variables bias_grad_multiplier", ALSO_OF_TENSORFLOW_2)
        | {
            "fine_tune_checkpoint_type": only("", "detection", "classification", "full"),
        }
        | no_effect("sync_replicas startup_delay_steps replicas_to_aggregate", ONE_PROCESS)
        | no_effect("num_steps", OWN_ROUNDS)
        | no_effect("keep_checkpoint_every_n_hours", "--max-checkpoints-num says how many checkpoints are kept")
        | no_effect("fine_tune_checkpoint_version", "a checkpoint says itself whether it is of TensorFlow 1 or 2")
        | no_effect(
            "run_fine_tune_checkpoint_dummy_computation", "the detector has its variables before it is restored"
        )
        | no_effect("batch_queue_capacity num_batch_queue_threads prefetch_queue_capacity", OWN_INPUT)
        | no_effect("max_number_of_boxes", "the one of train_input_reader counts, as in the original")
        | no_effect("unpad_groundtruth_tensors", "rows that fill up a batch never count")
        | no_effect("use_bfloat16", "the arithmetic of a TPU; without one the original, too, takes no notice")
        | no_effect("retain_original_images", "says what the original kept in memory"),
        "train_config.optimizer": built(
            "rms_prop_optimizer momentum_optimizer adam_optimizer use_moving_average moving_average_decay"
        ),
        "*.rms_prop_optimizer": built("learning_rate momentum_optimizer_value decay epsilon"),
        "*.momentum_optimizer": built("learning_rate momentum_optimizer_value"),
        "*.adam_optimizer": built("learning_rate epsilon"),
        "*_optimizer.learning_rate": built(
            "constant_learning_rate exponential_decay_learning_rate manual_step_learning_rate "
            "cosine_decay_learning_rate"
        ),
        "*.constant_learning_rate": built("learning_rate"),
        "*.exponential_decay_learning_rate": built(
            "initial_learning_rate decay_steps decay_factor staircase burnin_learning_rate burnin_steps "
            "min_learning_rate"
        ),
        "*.manual_step_learning_rate": built("initial_learning_rate schedule warmup"),
        "*.manual_step_learning_rate.schedule": built("step learning_rate"),
        "*.cosine_decay_learning_rate": built(
            "learning_rate_base total_steps warmup_learning_rate warmup_steps hold_base_rate_steps"
        ),
    },
    required={
        "train_config": "optimizer",
        "train_config.optimizer": "optimizer",
        "*_optimizer": "learning_rate",
        "*_optimizer.learning_rate": "learning_rate",
    },
    ranges={
        "train_config": {
            "batch_size": ONE_OR_MORE,
            "gradient_clipping_by_norm": NOT_NEGATIVE,
            "bias_grad_multiplier": NOT_NEGATIVE,
        },
        "train_config.optimizer": {"moving_average_decay": SHARE},
        "*.constant_learning_rate": {"learning_rate": NOT_NEGATIVE},
        "*.exponential_decay_learning_rate": {"initial_learning_rate": NOT_NEGATIVE, "decay_steps": ONE_OR_MORE},
        "*.manual_step_learning_rate": {"initial_learning_rate": NOT_NEGATIVE},
        "*.manual_step_learning_rate.schedule": {"learning_rate": NOT_NEGATIVE},
        "*.cosine_decay_learning_rate": {
            "learning_rate_base": NOT_NEGATIVE,
            "warmup_learning_rate": NOT_NEGATIVE,
        },
    },
    rules={"train_config": [_of_the_patterns]},
)
