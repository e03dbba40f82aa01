"""A small project for tests of the trainer: drawn images, a detector that is quick to build, answers in a store."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from google.protobuf import text_format
from PIL import Image, ImageDraw

from teachbox.annotation import make_span
from teachbox.config.label_map import load_label_map
from teachbox.config.load import load_pipeline
from teachbox.config.starter import write_starter
from teachbox.data.sources import make_task, read_image
from teachbox.data.tf_example_encoder import task_to_example
from teachbox.data.tfrecord import write_records
from teachbox.store import Store
from teachbox.training.settings import TrainerSettings

DATASET = "squares"
CENTER_NET = """
center_net {
  num_classes: 1
  feature_extractor { type: "mobilenet_v2_fpn" depth_multiplier: 0.25 }
  image_resizer { keep_aspect_ratio_resizer { min_dimension: 96 max_dimension: 96 pad_to_max_dimension: true } }
  object_detection_task {
    localization_loss { l1_localization_loss { } }
    scale_head_params { num_filters: 16 kernel_sizes: 3 }
    offset_head_params { num_filters: 16 kernel_sizes: 3 }
  }
  object_center_params {
    classification_loss { penalty_reduced_logistic_focal_loss { alpha: 2 beta: 4 } }
    center_head_params { num_filters: 16 kernel_sizes: 3 }
    max_box_predictions: 40
  }
}
"""
"""A small detector of another family than the starter's, for `Project.use_model`."""
FASTER_RCNN = """
faster_rcnn {
  num_classes: 1
  feature_extractor { type: "faster_rcnn_inception_v2" }
  image_resizer { keep_aspect_ratio_resizer { min_dimension: 64 max_dimension: 96 } }
  first_stage_anchor_generator { grid_anchor_generator { height: 64 width: 64 scales: [0.5, 1.0] aspect_ratios: 1.0 } }
  first_stage_box_predictor_conv_hyperparams {
    initializer { truncated_normal_initializer { stddev: 0.01 } }
  }
  first_stage_box_predictor_depth: 32
  first_stage_max_proposals: 24
  first_stage_minibatch_size: 32
  second_stage_batch_size: 16
  initial_crop_size: 4
  maxpool_kernel_size: 2
  maxpool_stride: 2
  second_stage_box_predictor { mask_rcnn_box_predictor { fc_hyperparams {
    op: FC
    initializer { variance_scaling_initializer { factor: 1.0 uniform: true mode: FAN_AVG } }
  } } }
  second_stage_post_processing {
    batch_non_max_suppression { iou_threshold: 0.6 max_detections_per_class: 40 max_total_detections: 40 }
    score_converter: SOFTMAX
  }
}
"""
"""And one of two stages, whose images have the sizes that they have."""


class Project:
    """Folders, files and a store under one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config, self.label_map = write_starter(folder, ["square"])
        for field, value in (("height", 96), ("width", 96), ("depth_multiplier", 0.25), ("batch_size", 2)):
            self.set(field, value)
        # Two feature maps instead of six: what a graph costs a test is the number of its layers.
        self.set("num_layers", 2)
        self.add("feature_extractor", "num_layers: 2")
        self.store = Store.open(folder / "teachbox.db")
        self.store.add_dataset(DATASET)

    def set(self, field: str, value: object) -> None:
        """Give a field of the pipeline.config another value, wherever it stands."""
        text, count = re.subn(rf"(?m)^(\s*{field}:) .*$", rf"\g<1> {value}", self.config.read_text())
        assert count, field
        self.config.write_text(text)

    def add(self, block: str, text: str) -> None:
        """Put `text` into a block of the pipeline.config."""
        old = self.config.read_text()
        opened = re.search(rf"(?m)^ *{block} {{$", old)
        assert opened, block
        self.config.write_text(f"{old[: opened.end()]}\n{text}{old[opened.end() :]}")

    def use_model(self, text: str) -> None:
        """Give the pipeline.config another `model`."""
        pipeline = load_pipeline(self.config).message
        pipeline.model.Clear()
        text_format.Merge(text, pipeline.model)
        self.config.write_text(text_format.MessageToString(pipeline))

    def settings(self, **changed: Any) -> TrainerSettings:
        settings = TrainerSettings(
            DATASET,
            str(self.folder / "teachbox.db"),
            self.config,
            self.label_map,
            self.folder / "model",
            self.folder / "export",
            self.folder / "data",
            batch_answers=3,
            idle_seconds=3600,
        )
        return replace(settings, **changed)

    def image(self, number: int) -> Path:
        """An image of a bright square on noise, another for each number."""
        path = self.folder / "images" / f"{number}.png"
        if not path.exists():
            path.parent.mkdir(exist_ok=True)
            random = np.random.default_rng(number)
            picture = Image.fromarray(random.integers(0, 90, (80, 100, 3), np.uint8))
            ImageDraw.Draw(picture).rectangle(self.corners(number), fill=(230, 200, 60))
            picture.save(path)
        return path

    def corners(self, number: int) -> tuple[int, int, int, int]:
        """xmin, ymin, xmax, ymax of the square in image `number`."""
        left, top = (number * 13) % 50, (number * 7) % 30
        return left, top, left + 45, top + 45

    def task(self, number: int, label: str = "square") -> dict[str, Any]:
        xmin, ymin, xmax, ymax = self.corners(number)
        task = make_task(str(self.image(number)), "image_manual", ["square"])
        return {**task, "spans": [make_span(label, ymin, xmin, ymax, xmax)], "answer": "accept"}

    def answer(self, *tasks: dict[str, Any]) -> list[int]:
        return self.store.add_answers(DATASET, "session", tasks)

    def record(self, name: str, numbers: range) -> Path:
        """A TFRecord of some images with their boxes."""
        labels = load_label_map(self.label_map)
        tasks = [self.task(number) for number in numbers]
        path = self.folder / name
        write_records(path, [task_to_example(task, read_image(task["path"]), labels) for task in tasks])
        return path

    def versions(self) -> list[int]:
        return [row.version for row in self.store.versions(DATASET)]

    def events(self, kind: str) -> list[dict[str, Any]]:
        return [event.data for event in self.store.events_after(0) if event.kind == kind]

    def status(self) -> dict[str, Any]:
        return self.store.trainer_status(DATASET)


def wait_for(condition: Callable[[], Any], what: str, alive: Callable[[], bool], seconds: float = 120) -> None:
    """Until `condition` holds; fails at once where the trainer is no more."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert alive(), f"the trainer ended before {what}"
        assert time.monotonic() < deadline, f"no {what} within {seconds:.0f} s"
        time.sleep(0.02)
