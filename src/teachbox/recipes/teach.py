"""teach: the short way in. A folder of images and the names of what to find; the rest is written for you."""

from __future__ import annotations

import re
from pathlib import Path

from teachbox.config.load import load_pipeline
from teachbox.config.starter import write_starter
from teachbox.errors import CheckpointError
from teachbox.recipes.image_trainmodel import image_trainmodel
from teachbox.recipes.model_server import free_port
from teachbox.recipes.recipe import Arg, Components, recipe
from teachbox.recipes.streams import source_stream
from teachbox.recipes.tensorboard import HELP as TENSORBOARD_HELP
from teachbox.recipes.trainer_options import TRAINER_OPTIONS

MODEL_SERVER_PORT = 8500
STEPS = 40
HOLD_OUT = 0.2


@recipe(
    "teach",
    images=Arg(help="folder of images"),
    label=Arg("--label", "-l", help="what to find: names with commas between"),
    project=Arg("--project", "-p", help="folder for everything that is written (default: ./teachbox-<images>)"),
    checkpoint=Arg("--checkpoint", "-c", help="checkpoint to start from, such as path/to/model.ckpt"),
    steps_per_epoch=Arg("--steps-per-epoch", "-spe", help="steps of one round of training"),
    threshold=Arg("--threshold", "-t", help="predictions with a lower score are not shown"),
    micro_batch=TRAINER_OPTIONS["micro_batch"],
    mix=TRAINER_OPTIONS["mix"],
    run_eval=Arg(
        "--run-eval", "-E", help="evaluate after each round: on the config's records, or on every fifth image, held out"
    ),
    eval_steps=Arg("--eval-steps", "-es", help="images to evaluate on"),
    tensorboard=Arg("--tensorboard", help=TENSORBOARD_HELP),
)
def teach(
    *,
    images: str,
    label: list[str],
    project: Path | None = None,
    checkpoint: Path | None = None,
    steps_per_epoch: int = STEPS,
    threshold: float = 0.5,
    micro_batch: int | None = None,
    mix: str | None = None,
    run_eval: bool = False,
    eval_steps: int = 50,
    tensorboard: str | None = None,
) -> Components:
    """Label a folder of images and teach a detector meanwhile.

    Writes a pipeline.config and a label_map.pbtxt into a project folder (once; they are yours to change), then runs
    image.trainmodel on them. Run it again and it goes on where it stopped.
    """
    source_stream(images)  # a source that is missing or empty is said before anything is written
    if checkpoint is not None and not checkpoint.with_name(f"{checkpoint.name}.index").is_file():
        raise CheckpointError(
            f"there is no {checkpoint}.index; name a checkpoint, such as model.ckpt", where="--checkpoint"
        )
    name = re.sub(r"[^\w.-]+", "-", Path(images.rstrip("/")).resolve().stem).strip("-.") or "images"
    folder = project or Path(f"teachbox-{name}")
    new = not (folder / "pipeline.config").exists()
    pipeline_path, label_map_path = write_starter(folder, label, checkpoint)
    if new:
        print(f"Wrote {pipeline_path} and {label_map_path}: yours to change.")
    else:
        print(f"Using {pipeline_path} and {label_map_path}, which were there.")
    components = image_trainmodel(
        dataset=name,
        source=images,
        config_path=pipeline_path,
        ip="127.0.0.1",
        port=free_port(MODEL_SERVER_PORT),
        model_name=name,
        label_map_path=label_map_path,
        label=label,
        model_dir=folder / "model_dir",
        export_dir=folder / "export_dir",
        data_dir=folder / "data_dir",
        steps_per_epoch=steps_per_epoch,
        threshold=threshold,
        micro_batch=micro_batch,
        mix=mix,
        run_eval=run_eval,
        eval_steps=eval_steps,
        hold_out=HOLD_OUT if run_eval and not _names_records(pipeline_path) else 0.0,
        tensorboard=tensorboard,
    )
    return {**components, "db": str(folder / "teachbox.db")}


def _names_records(config: Path) -> bool:
    """Whether a config has images of its own to evaluate on."""
    readers = load_pipeline(config).message.eval_input_reader
    return any(reader.tf_record_input_reader.input_path for reader in readers)
