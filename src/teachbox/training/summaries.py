"""TensorBoard events: training in the model directory, evaluation in its folder `eval`, under the public names."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf
from PIL import Image, ImageDraw, ImageFont

from teachbox.data.examples import Example
from teachbox.evaluation.results import ImageResult
from teachbox.labels import LabelMap
from teachbox.training.loop import Step

_GREATEST_SIDE = 640
_LINE = 3


class Summaries:
    """The two event files of one trainer."""

    def __init__(self, model_dir: Path) -> None:
        self._train = tf.summary.create_file_writer(str(model_dir))
        self._eval = tf.summary.create_file_writer(str(model_dir / "eval"))

    def add_steps(self, steps: Sequence[Step]) -> None:
        """Write the losses, the learning rate and `steps_per_sec` of each step."""
        with self._train.as_default():
            for step in steps:
                for name, value in step.losses.items():
                    tf.summary.scalar(name, value, step=step.step)
                tf.summary.scalar("learning_rate", step.learning_rate, step=step.step)
                tf.summary.scalar("steps_per_sec", 1 / max(step.seconds, 1e-6), step=step.step)
        self._train.flush()

    def add_evaluation(self, metrics: Mapping[str, float], pictures: Sequence[Image.Image], step: int) -> None:
        """Write metrics, and pictures as `Detections_Left_Groundtruth_Right/<i>`."""
        with self._eval.as_default():
            for name, value in metrics.items():
                tf.summary.scalar(name, value, step=step)
            for place, picture in enumerate(pictures):
                name = f"Detections_Left_Groundtruth_Right/{place}"
                tf.summary.image(name, np.asarray(picture)[None], step=step, max_outputs=1)
        self._eval.flush()

    def close(self) -> None:
        """Finish both files."""
        self._train.close()
        self._eval.close()


def side_by_side(
    example: Example, result: ImageResult, labels: LabelMap, *, min_score: float, max_boxes: int
) -> Image.Image:
    """The image twice: with its best `max_boxes` detections, of at least `min_score`, and with the truth."""
    encoded = example.encoded if isinstance(example.encoded, bytes) else example.encoded()
    with Image.open(io.BytesIO(encoded)) as opened:
        image = opened.convert("RGB")
    scale = min(1.0, _GREATEST_SIDE / max(image.size))
    if scale < 1:
        image = image.resize((max(1, round(image.width * scale)), max(1, round(image.height * scale))))
    best = np.argsort(-result.scores, kind="stable")[:max_boxes]
    best = best[result.scores[best] >= min_score]
    left = _draw(
        image,
        result.boxes[best] * scale,
        [f"{_name(labels, result.classes[row])} {result.scores[row]:.0%}" for row in best],
        [_color(labels, result.classes[row]) for row in best],
    )
    right = _draw(
        image,
        result.true_boxes * scale,
        [_name(labels, id) for id in result.true_classes],
        [_color(labels, id) for id in result.true_classes],
    )
    both = Image.new("RGB", (2 * image.width, image.height))
    both.paste(left, (0, 0))
    both.paste(right, (image.width, 0))
    return both


def _draw(image: Image.Image, boxes: np.ndarray, texts: Sequence[str], colors: Sequence[str]) -> Image.Image:
    drawn = image.copy()
    pencil = ImageDraw.Draw(drawn)
    font = ImageFont.load_default()
    for (ymin, xmin, ymax, xmax), text, color in zip(boxes, texts, colors, strict=True):
        pencil.rectangle([xmin, ymin, max(xmin, xmax - 1), max(ymin, ymax - 1)], outline=color, width=_LINE)
        behind = pencil.textbbox((xmin + _LINE, ymin + _LINE), text, font=font)
        pencil.rectangle(behind, fill=color)
        pencil.text((xmin + _LINE, ymin + _LINE), text, fill="black", font=font)
    return drawn


def _name(labels: LabelMap, id: int) -> str:
    return labels.name_of(int(id)) or f"class {int(id)}"


def _color(labels: LabelMap, id: int) -> str:
    name = labels.name_of(int(id))
    return labels.color_of(name) if name is not None else "#ffffff"
