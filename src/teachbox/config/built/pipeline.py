"""The blocks of a pipeline.config, and the detectors that a model can be."""

from __future__ import annotations

from teachbox.config.built.verdicts import Built, Rows, built

ROWS = Rows(
    table={
        "": built("model train_config train_input_reader eval_config") | {"eval_input_reader": Built(rows=1)},
        "model": built("ssd faster_rcnn center_net"),
    },
    required={
        "": "model train_config",
        "model": "model",
    },
)
