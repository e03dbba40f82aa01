"""train: the trainer alone. A recipe starts it by itself; on another machine it needs the database and the folders."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from teachbox.recipes.database import DB_HELP
from teachbox.recipes.processes import end_with_parent
from teachbox.recipes.recipe import Arg, command
from teachbox.recipes.settings import db_address
from teachbox.recipes.trainer_options import TRAINER_OPTIONS
from teachbox.training.settings import TrainerSettings


@command(
    "train",
    dataset=Arg(help="name of the dataset whose answers it trains on"),
    config_path=Arg(help="pipeline.config"),
    db=Arg("--db", help=DB_HELP),
    use_display_name=Arg("--use-display-name", "-D", help="answers hold the label map's display names"),
    **TRAINER_OPTIONS,
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
