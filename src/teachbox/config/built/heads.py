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
        "*.box_encodings_clip_range": built("min max"),
    },
    required={
        "*.convolutional_box_predictor": "conv_hyperparams",
    },
    ranges={
        "*.convolutional_box_predictor": {"kernel_size": ONE_OR_MORE, "dropout_keep_probability": (0.01, 1)},
    },
)
