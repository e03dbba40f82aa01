"""demo: the whole loop on images that it draws itself, labelled by you or by a scripted annotator."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

from google.protobuf import text_format

from teachbox.config.load import parse_pipeline
from teachbox.config.starter import PIPELINE_NAME, Numbers, starter_text, write_starter
from teachbox.errors import ServingError, UsageError
from teachbox.recipes.demo_scenes import LABELS, write_scenes
from teachbox.recipes.image_trainmodel import image_trainmodel
from teachbox.recipes.model_server import free_port
from teachbox.recipes.play import Events, Played, play, read_boxes
from teachbox.recipes.recipe import Arg, Components, recipe
from teachbox.recipes.web_app import Controller

logger = logging.getLogger(__name__)

MODEL_SERVER_PORT = 8500
# A detector that learns drawn shapes from random weights in minutes on two cores: a quarter of the channels, small
# images, Adam, batch normalisation whose averages keep up with short rounds, and no crops (they cost it more than
# they teach it here). In eight rounds it found 0 of 18, 1 of 13, 2 of 21, 10 of 22, 12 of 18, 17 of 22, 13 of 20 and
# 16 of 19 objects.
SIDE, DEPTH_MULTIPLIER, LEARNING_RATE = 160, 0.25, 0.003
NUMBERS = Numbers(batch_size=16, batch_norm_decay=0.9)
STEPS, ROUND = 80, 10
THRESHOLD = 0.4
KEEP_IOU = 0.8
"""A suggestion that fits so well is left as it is, as a person would."""
PACE_S = 0.5
WAIT_FOR_VERSION_S = 180.0
_HEADER = "answers  model version  found of the objects  wrong boxes"


@recipe(
    "demo",
    play=Arg("--play", help="let a scripted annotator answer, and print what the model gets right"),
    images=Arg("--images", "-n", help="how many images to draw"),
    folder=Arg("--folder", help="where everything is written; there already, it goes on where it stopped"),
    seed=Arg("--seed", help="of the drawing"),
)
def demo(*, play: bool = False, images: int = 80, folder: Path = Path("demo"), seed: int = 0) -> Components:
    """Watch a detector learn: draws scenes with kites, boats and balloons, and starts the loop on them.

    Label them yourself in the browser, or give --play and watch. It starts from random weights, so the first rounds
    find nothing; after thirty or forty answers the boxes come by themselves.
    """
    if images < 1:
        raise UsageError(f"--images is {images}; it must be 1 or more")
    write_scenes(folder, images, seed)
    _write_project(folder)
    components = image_trainmodel(
        dataset="demo",
        source=str(folder / "images"),
        config_path=folder / PIPELINE_NAME,
        ip="127.0.0.1",
        port=free_port(MODEL_SERVER_PORT),
        model_name="demo",
        model_dir=folder / "model_dir",
        export_dir=folder / "export_dir",
        data_dir=folder / "data_dir",
        steps_per_epoch=STEPS,
        threshold=THRESHOLD,
        batch_answers=ROUND,
    )
    print(f"Drew {images} scenes in {folder / 'images'}: {', '.join(LABELS)}.")
    components["db"] = str(folder / "teachbox.db")
    if play:
        _add_player(components, folder / "boxes.csv")
    return components


def _write_project(folder: Path) -> None:
    """The starter files, with a smaller detector in the config."""
    config = folder / PIPELINE_NAME
    if not config.exists():
        pipeline = parse_pipeline(starter_text(len(LABELS), None, NUMBERS)).message
        ssd = pipeline.model.ssd
        ssd.image_resizer.fixed_shape_resizer.height = SIDE
        ssd.image_resizer.fixed_shape_resizer.width = SIDE
        ssd.feature_extractor.depth_multiplier = DEPTH_MULTIPLIER
        train = pipeline.train_config
        del train.data_augmentation_options[:]
        train.data_augmentation_options.add().random_horizontal_flip.SetInParent()
        train.optimizer.adam_optimizer.learning_rate.constant_learning_rate.learning_rate = LEARNING_RATE
        text = "# The demo's detector: a small one, that starts from random weights.\n"
        config.write_text(text + text_format.MessageToString(pipeline), encoding="utf-8")
    write_starter(folder, LABELS)


def _add_player(components: Components, boxes: Path) -> None:
    """Have the components start the annotator after everything else."""
    start_loop = components["on_load"]

    def start(controller: Controller) -> None:
        start_loop(controller)
        threading.Thread(target=_play, args=(controller.url, boxes), name="player", daemon=True).start()

    components["on_load"] = start


def _play(url: str, boxes: Path) -> None:
    """Answer everything, in groups as large as a round; after each, wait until its version is served."""
    known = read_boxes(boxes)
    print(_HEADER, flush=True)
    with Events.open(url) as events:
        group: list[Played] = []
        answers = 0
        try:
            _wait_for_version(events, None)
            for played in play(url, known, events=events, wait_prediction_s=5.0, keep_iou=KEEP_IOU):
                group.append(played)
                answers += 1
                if len(group) == ROUND:
                    print(_line(answers, group), flush=True)
                    _wait_for_version(events, events.status.get("served_version"))
                    group = []
        except ServingError as error:
            logger.warning("the scripted annotator stopped: %s", error)
            return
        if group:
            print(_line(answers, group), flush=True)
        print("Every image is answered. Ctrl-C stops the demo.", flush=True)


def _wait_for_version(events: Events, after: int | None) -> None:
    """Wait until a version newer than `after` is served; without one within three minutes, go on all the same."""
    events.wait_for(lambda status: (status.get("served_version") or 0) > (after or 0), WAIT_FOR_VERSION_S)


def _line(answers: int, group: list[Played]) -> str:
    known, right = sum(played.known for played in group), sum(played.right for played in group)
    wrong = sum(played.shown for played in group) - right
    version = group[-1].version
    return f"{answers:7}  {version or '-':>13}  {right:5} of {known:3}             {wrong:11}"
