"""How a config wants a detector to start from a checkpoint."""

from __future__ import annotations

from teachbox.config.load import Pipeline


def fine_tune_checkpoint_type(pipeline: Pipeline) -> str:
    """How to restore `fine_tune_checkpoint`: as "detection", "classification" or "full"."""
    train = pipeline.message.train_config
    older = "detection" if train.from_detection_checkpoint else "classification"
    return train.fine_tune_checkpoint_type or older


def restores_heads(pipeline: Pipeline) -> bool:
    """Whether `detection` takes what fits of the heads too: unless `load_all_detection_checkpoint_vars: false` is
    written out.

    Where nothing is said the original takes the feature extractor alone. Here the heads come along, since a detector
    that is taught by few answers gains most from them.
    """
    train = pipeline.message.train_config
    return train.load_all_detection_checkpoint_vars or not train.HasField("load_all_detection_checkpoint_vars")
