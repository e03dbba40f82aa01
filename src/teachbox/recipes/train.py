"""train: the trainer alone. A recipe starts it by itself; on another machine it needs the database and the folders."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import Literal

from teachbox.recipes.database import DB_HELP
from teachbox.recipes.processes import end_with_parent
from teachbox.recipes.recipe import Arg, command
from teachbox.recipes.settings import db_address
from teachbox.training.settings import TrainerSettings

HOLD_OUT_HELP = "share of the accepted images to evaluate on instead, and never to train on, as in 0.2"
MICRO_BATCH_HELP = "so many images of a batch at once, its gradients added up: for one that is larger than memory"
MIX_HELP = "how often images are mixed with others: mosaic, copy-paste, mix-up, as in mosaic=0.5,copy-paste=0.2"


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


@command(
    "train",
    dataset=Arg(help="name of the dataset whose answers it trains on"),
    config_path=Arg(help="pipeline.config"),
    db=Arg("--db", help=DB_HELP),
    label_map_path=Arg("--label-map-path", "-lmp", help="label_map.pbtxt, instead of the one that the config names"),
    model_dir=Arg("--model-dir", "-md", help="folder for checkpoints and TensorBoard events"),
    export_dir=Arg("--export-dir", "-ed", help="folder for the versions that a model server serves"),
    data_dir=Arg("--data-dir", "-dd", help="folder for training data"),
    steps_per_epoch=Arg("--steps-per-epoch", "-spe", help="steps of one round; -1: one pass over all answers"),
    temp_files_num=Arg("--temp-files-num", "-tfn", help="versions to keep in the export folder"),
    max_checkpoints_num=Arg("--max-checkpoints-num", "-mcn", help="checkpoints to keep"),
    run_eval=Arg("--run-eval", "-E", help="evaluate after each round on the config's eval_input_reader"),
    eval_steps=Arg("--eval-steps", "-es", help="images to evaluate on"),
    hold_out=Arg("--hold-out", help=HOLD_OUT_HELP),
    use_display_name=Arg("--use-display-name", "-D", help="answers hold the label map's display names"),
    tf_logging_level=Arg("--tf-logging-level", "-tl", help="TensorFlow's log lines: 10 all … 50 almost none"),
    batch_answers=Arg("--batch-answers", "-ba", help="so many new accepted answers start a round"),
    idle_seconds=Arg("--idle-seconds", "-is", help="and so does any new one after so many quiet seconds"),
    micro_batch=Arg("--micro-batch", help=MICRO_BATCH_HELP),
    seed=Arg("--seed", help="of everything that is drawn at random"),
    mix=Arg("--mix", help=MIX_HELP),
)
def train(
    *,
    dataset: str,
    config_path: Path,
    db: str | None = None,
    label_map_path: Path | None = None,
    model_dir: Path = Path("./model_dir"),
    export_dir: Path = Path("./export_dir"),
    data_dir: Path = Path("./data_dir"),
    steps_per_epoch: int = -1,
    temp_files_num: int = 5,
    max_checkpoints_num: int = 5,
    run_eval: bool = False,
    eval_steps: int = 50,
    hold_out: float = 0.0,
    use_display_name: bool = False,
    tf_logging_level: Literal[10, 20, 30, 40, 50] = 40,
    batch_answers: int = 10,
    idle_seconds: float = 30.0,
    micro_batch: int | None = None,
    seed: int = 0,
    mix: str | None = None,
) -> None:
    """Train on the answers of a dataset as they come, and publish a version after each round, until SIGTERM or Ctrl-C.

    A recipe starts this by itself. To train on another machine, run it there with the address of the database, and with
    folders that the model server sees.
    """
    from teachbox.training.worker import run_trainer

    settings = TrainerSettings(
        dataset=dataset,
        db=db_address(db),
        config_path=config_path,
        label_map_path=label_map_path,
        model_dir=model_dir,
        export_dir=export_dir,
        data_dir=data_dir,
        steps_per_epoch=steps_per_epoch,
        temp_files_num=temp_files_num,
        max_checkpoints_num=max_checkpoints_num,
        run_eval=run_eval,
        eval_steps=eval_steps,
        hold_out=hold_out,
        use_display_name=use_display_name,
        tf_logging_level=tf_logging_level,
        batch_answers=batch_answers,
        idle_seconds=idle_seconds,
        micro_batch=micro_batch,
        seed=seed,
        mix=mix,
    )
    end_with_parent()
    # Labelling comes first: on a machine that is busy training, saving and predicting are served before a step.
    os.nice(10)
    run_trainer(settings)
