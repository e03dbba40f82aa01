"""image.trainmodel: label images in the browser while a detector trains beside you."""

from __future__ import annotations

import dataclasses
import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from teachbox.errors import TeachboxError, UsageError
from teachbox.recipes.model_server import server_to_start
from teachbox.recipes.predictor import Predictor
from teachbox.recipes.processes import Program, State, Supervisor
from teachbox.recipes.project import open_project
from teachbox.recipes.recipe import Arg, Components, recipe
from teachbox.recipes.streams import source_stream
from teachbox.recipes.tensorboard import HELP as TENSORBOARD_HELP
from teachbox.recipes.tensorboard import Board, board_at
from teachbox.recipes.trainer_options import TRAINER_OPTIONS, command_line
from teachbox.recipes.web_app import Controller, label_config
from teachbox.serving.client import Client
from teachbox.training.settings import TrainerSettings
from teachbox.web.project_labels import ProjectLabels

logger = logging.getLogger(__name__)

MODEL_SERVER, TRAINER = "model server", "trainer"
_IF_KILLED = "if memory ran out, --micro-batch takes a batch in pieces"
# Levels of Python's logging, which the original's option takes, as TensorFlow's C++ code counts them.
_TF_LEVELS = {10: "0", 20: "0", 30: "1", 40: "2", 50: "3"}


@recipe(
    "image.trainmodel",
    dataset=Arg(help="name of the dataset that the answers go to"),
    source=Arg(help="folder of images, one image, a JSONL file of tasks, or an address"),
    config_path=Arg(help="pipeline.config"),
    ip=Arg(help="address of the model server; one is started if nothing answers on this machine"),
    port=Arg(help="its gRPC port, usually 8500"),
    model_name=Arg(help="name of the model there"),
    label=Arg("--label", "-l", help="labels to offer and to predict, with commas between (default: all)"),
    threshold=Arg("--threshold", "-t", help="predictions with a lower score are not shown"),
    use_display_name=Arg("--use-display-name", "-D", help="show the label map's display names"),
    tensorboard=Arg("--tensorboard", help=TENSORBOARD_HELP),
    exclude=Arg("--exclude", "-e", help="datasets whose images are left out, with commas between"),
    **TRAINER_OPTIONS,
)
def image_trainmodel(
    *,
    dataset: str,
    source: str,
    config_path: Path,
    ip: str,
    port: int,
    model_name: str,
    label_map_path: Path | None = None,
    label: list[str] | None = None,
    model_dir: Path = Path("./model_dir"),
    export_dir: Path = Path("./export_dir"),
    data_dir: Path = Path("./data_dir"),
    steps_per_epoch: int = -1,
    threshold: float = 0.5,
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
    tensorboard: str | None = None,
    exclude: list[str] | None = None,
) -> Components:
    """Label images in the browser while a detector trains beside you.

    Every accepted answer trains the detector that the pipeline.config describes. Each finished round is exported to
    the export folder, a model server picks it up, and the next images arrive with its boxes.
    """
    if not 0 <= threshold <= 1:
        raise UsageError(f"--threshold is {threshold:g}; it must be from 0 to 1")
    settings = TrainerSettings(
        dataset=dataset,
        db="",
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
    settings.check()
    board = None if tensorboard is None else board_at(tensorboard, model_dir)
    project = open_project(
        config_path,
        label_map_path=label_map_path,
        shown=label,
        use_display_name=use_display_name,
        run_eval=run_eval and not hold_out,
    )
    settings.images_at_once(project.pipeline.message.train_config.batch_size)
    stream = source_stream(source)
    client = Client(ip, port, model_name)
    server = server_to_start(client, export_dir, model_dir / "logs" / "model_server.log")
    for folder in (model_dir, export_dir, data_dir):
        _make_folder(folder)
    loop = _Loop(settings, client, server, board)
    labels = ProjectLabels(project.labels)
    predictor = Predictor(client, lambda: labels.map, threshold, None if label is None else lambda: labels.shown)
    logger.info(
        "Training and evaluation (if enabled) can be monitored by pointing Tensorboard to %s directory", model_dir
    )
    return {
        "dataset": dataset,
        "stream": stream,
        "view_id": "image_manual",
        "exclude": exclude or [],
        "config": {**label_config(project.labels, project.shown), "threshold": threshold},
        "labels": labels,
        "predict": predictor.predict,
        "served_version": predictor.served_version,
        "tensorboard": None if board is None else board.link,
        "on_load": loop.start,
        "on_exit": loop.stop,
    }


@dataclass
class _Loop:
    """The trainer and the model server beside the web app."""

    settings: TrainerSettings
    client: Client
    server: Program | None
    board: Board | None = None
    supervisor: Supervisor | None = None

    def start(self, controller: Controller) -> None:
        """Start what has to be started; returns at once."""
        dataset = self.settings.dataset
        settings = dataclasses.replace(self.settings, db=controller.db)
        host = urlsplit(controller.url).hostname or "127.0.0.1"
        board = None if self.board is None else self.board.program(host)
        log = settings.model_dir / "logs" / "trainer.log"
        trainer = Program(TRAINER, command_line(settings), log, if_killed=_IF_KILLED)
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", _TF_LEVELS[settings.tf_logging_level])

        def tell(name: str, state: State) -> None:
            logger.info("%s: %s %s", name, state.state, state.message)
            if name == TRAINER and state.state == "restarting":
                controller.store.set_trainer_status(dataset, state="failed", message=state.message)

        self.supervisor = Supervisor(tell, echo=logger.isEnabledFor(logging.INFO))
        if self.server is not None:
            self.supervisor.start(self.server)
        self.supervisor.start(trainer)
        if board is not None:
            self.supervisor.start(board)

    def stop(self, controller: Controller) -> None:
        """Stop what was started, and say what the model has come to."""
        if self.supervisor is not None:
            self.supervisor.stop()
        self.client.close()
        versions = controller.store.versions(self.settings.dataset)
        if versions:
            newest = versions[-1]
            print(f"Trained to version {newest.version}, checkpoint at step {newest.step}: {newest.path}")


def _make_folder(folder: Path) -> None:
    if folder.is_dir():
        logger.info("Directory %s already exists", folder)
        return
    logger.info("Creating a directory %s", folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TeachboxError(f"the folder cannot be made ({error.strerror})", where=str(folder)) from error
