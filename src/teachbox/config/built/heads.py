"""Box predictors."""

from __future__ import annotations

from teachbox.config.built.verdicts import ONE_OR_MORE, Rows, built, only

ROWS = Rows(
    table={
        "*.convolutional_box_predictor": built(
            "conv_hyperparams min_depth max_depth num_layers_before_predictor use_dropout "
            "dropout_keep_probability kernel_size class_prediction_bias_init apply_sigmoid_to_scores use_depthwise "
            "box_encodings_clip_range"
        )
        | {"box_code_size": only(4, 3)},
        "*.weight_shared_convolutional_box_predictor": built(
            "conv_hyperparams depth num_layers_before_predictor use_dropout dropout_keep_probability kernel_size "
            "class_prediction_bias_init share_prediction_tower use_depthwise score_converter "
            "box_encodings_clip_range apply_conv_hyperparams_to_heads apply_conv_hyperparams_pointwise"
        )
        | {"box_code_size": only(4, 3)},
        "*.box_encodings_clip_range": built("min max"),
    },
    required={
        "*.convolutional_box_predictor": "conv_hyperparams",
        "*.weight_shared_convolutional_box_predictor": "conv_hyperparams",
    },
    ranges={
        "*.convolutional_box_predictor": {"kernel_size": ONE_OR_MORE, "dropout_keep_probability": (0.01, 1)},
        "*.weight_shared_convolutional_box_predictor": {
            "kernel_size": ONE_OR_MORE,
            "dropout_keep_probability": (0.01, 1),
            "depth": ONE_OR_MORE,
        },
    },
    of_types={
        "*.apply_conv_hyperparams_to_heads": "*_keras",
        "*.apply_conv_hyperparams_pointwise": "*_keras",
    },
)
