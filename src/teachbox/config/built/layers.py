"""How layers are initialised, regularised, normalised and activated."""

from __future__ import annotations

from teachbox.config.built.verdicts import SHARE, Rows, built, only

ROWS = Rows(
    table={
        # Layers
        "*.conv_hyperparams": built("regularizer initializer activation batch_norm sync_batch_norm force_use_bias")
        | {"op": only("CONV")},
        "*.regularizer": built("l1_regularizer l2_regularizer"),
        "*.l1_regularizer": built("weight"),
        "*.l2_regularizer": built("weight"),
        "*.initializer": built("truncated_normal_initializer variance_scaling_initializer random_normal_initializer"),
        "*.truncated_normal_initializer": built("mean stddev"),
        "*.variance_scaling_initializer": built("factor uniform mode"),
        "*.random_normal_initializer": built("mean stddev"),
        "*.batch_norm": built("decay center scale epsilon train"),
        "*.sync_batch_norm": built("decay center scale epsilon train"),
    },
    required={
        "*.conv_hyperparams": "initializer",
        "*.initializer": "initializer_oneof",
    },
    ranges={
        "*.batch_norm": {"decay": SHARE},
        "*.sync_batch_norm": {"decay": SHARE},
    },
    of_types={
        "*.conv_hyperparams.sync_batch_norm": "*_keras",
        "*.conv_hyperparams.force_use_bias": "*_keras",
    },
)
