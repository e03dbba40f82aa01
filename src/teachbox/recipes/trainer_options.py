"""What a trainer can be told on a command line: by `train` itself, and by the recipes that start one."""

from __future__ import annotations

import dataclasses

from teachbox.recipes.recipe import Arg
from teachbox.training.settings import TrainerSettings

TRAINER_OPTIONS = {
    "label_map_path": Arg("--label-map-path", "-lmp", help="label_map.pbtxt, instead of the one that the config names"),
    "model_dir": Arg("--model-dir", "-md", help="folder for checkpoints and TensorBoard events"),
    "export_dir": Arg("--export-dir", "-ed", help="folder for the versions that a model server serves"),
    "data_dir": Arg("--data-dir", "-dd", help="folder for training data"),
    "steps_per_epoch": Arg("--steps-per-epoch", "-spe", help="steps of one round; -1: one pass over all answers"),
    "temp_files_num": Arg("--temp-files-num", "-tfn", help="versions to keep in the export folder"),
    "max_checkpoints_num": Arg("--max-checkpoints-num", "-mcn", help="checkpoints to keep"),
    "run_eval": Arg("--run-eval", "-E", help="evaluate after each round on the config's eval_input_reader"),
    "eval_steps": Arg("--eval-steps", "-es", help="images to evaluate on"),
    "hold_out": Arg(
        "--hold-out", help="share of the accepted images to evaluate on instead, and never to train on, as in 0.2"
    ),
    "tf_logging_level": Arg("--tf-logging-level", "-tl", help="TensorFlow's log lines: 10 all … 50 almost none"),
    "batch_answers": Arg("--batch-answers", "-ba", help="so many new accepted answers start a round"),
    "idle_seconds": Arg("--idle-seconds", "-is", help="and so does any new one after so many quiet seconds"),
    "micro_batch": Arg(
        "--micro-batch",
        help="so many images of a batch at once, gradients averaged: for a batch that is larger than memory",
    ),
    "seed": Arg("--seed", help="of everything in training that is drawn at random"),
    "mix": Arg(
        "--mix",
        help="how often images are mixed with others: mosaic, copy-paste, mix-up, as in mosaic=0.5,copy-paste=0.2",
    ),
}


def command_line(settings: TrainerSettings) -> list[str]:
    """The arguments after `teachbox` that start a trainer with these settings."""
    argv = ["train", settings.dataset, str(settings.config_path)]
    for field in dataclasses.fields(settings):
        value = getattr(settings, field.name)
        if field.name in ("dataset", "config_path", "policy") or value is None or value is False:
            continue
        option = "--" + field.name.replace("_", "-")
        argv.append(option if value is True else f"{option}={value}")
    return argv
