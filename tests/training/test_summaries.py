"""Events as TensorBoard reads them: names, steps, values; pictures by their pixels."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from teachbox.data.examples import Example
from teachbox.evaluation.results import ImageResult
from teachbox.labels import Label, LabelMap
from teachbox.training.loop import Step
from teachbox.training.summaries import Summaries, side_by_side

pytestmark = pytest.mark.tf

LABELS = LabelMap([Label(1, "cat", color="#ff0000"), Label(2, "dog", color="#00ff00")])


def read(folder: Path) -> EventAccumulator:
    events = EventAccumulator(str(folder))
    events.Reload()
    return events


def scalar(events: EventAccumulator, name: str) -> list[tuple[int, float]]:
    return [(event.step, float(tf.make_ndarray(event.tensor_proto))) for event in events.Tensors(name)]


def picture(width: int = 60, height: int = 40) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), (0, 0, 255)).save(buffer, "PNG")
    return buffer.getvalue()


def result() -> ImageResult:
    return ImageResult(
        np.array([[5, 5, 35, 30]], np.float64),
        np.array([2]),
        np.array([[0, 0, 40, 60], [10, 10, 20, 20], [1, 1, 2, 2]], np.float64),
        np.array([0.3, 0.9, 0.6]),
        np.array([1, 1, 1]),
    )


def example(width: int = 60, height: int = 40) -> Example:
    return Example("1", picture(width, height), np.zeros((0, 4), np.float32), np.zeros(0, np.int32))


def test_the_public_names(tmp_path: Path) -> None:
    summaries = Summaries(tmp_path)
    losses = {
        "Loss/localization_loss": 1.0,
        "Loss/classification_loss": 2.0,
        "Loss/regularization_loss": 0.5,
        "Loss/total_loss": 3.5,
    }
    summaries.add_steps([Step(7, losses, 0.25, 9.0, 0.5), Step(8, losses, 0.125, 9.0, 0.25)])
    metrics = {"DetectionBoxes_Precision/mAP@.50IOU": 0.75, "Loss/total_loss": 1.5}
    drawn = side_by_side(example(), result(), LABELS, min_score=0.5, max_boxes=20)
    summaries.add_evaluation(metrics, [drawn, drawn], step=8)
    summaries.close()

    train = read(tmp_path)
    assert set(train.Tags()["tensors"]) == {*losses, "learning_rate", "steps_per_sec"}
    assert scalar(train, "Loss/total_loss") == [(7, 3.5), (8, 3.5)]
    assert scalar(train, "learning_rate") == [(7, 0.25), (8, 0.125)]
    assert scalar(train, "steps_per_sec") == [(7, 2.0), (8, 4.0)]
    evaluation = read(tmp_path / "eval")
    assert scalar(evaluation, "DetectionBoxes_Precision/mAP@.50IOU") == [(8, 0.75)]
    (event,) = evaluation.Tensors("Detections_Left_Groundtruth_Right/1")
    width, height, encoded = tf.make_ndarray(event.tensor_proto)
    assert (int(width), int(height)) == (120, 40)
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(encoded))), np.asarray(drawn))


def test_detections_left_truth_right_in_the_colours_of_the_labels() -> None:
    pixels = np.asarray(side_by_side(example(), result(), LABELS, min_score=0.5, max_boxes=20))
    assert pixels.shape == (40, 120, 3)
    assert pixels[19, 15].tolist() == [255, 0, 0]  # the lower edge of the detection of 0.9
    assert pixels[39, 50].tolist() == [0, 0, 255]  # that of 0.3 is not drawn
    assert pixels[34, 60 + 20].tolist() == [0, 255, 0]
    assert pixels[30, 60 + 20].tolist() == [0, 0, 255]  # inside, under the text


def test_only_the_best_are_drawn() -> None:
    one = np.asarray(side_by_side(example(), result(), LABELS, min_score=0.0, max_boxes=1))
    assert one[19, 15].tolist() == [255, 0, 0]
    assert one[39, 50].tolist() == [0, 0, 255]
    none = np.asarray(side_by_side(example(), result(), LABELS, min_score=0.0, max_boxes=0))
    assert (none[:, :60] == [0, 0, 255]).all()


def test_large_images_are_made_smaller_and_empty_results_drawn() -> None:
    empty = ImageResult(np.zeros((0, 4)), np.zeros(0, int), np.zeros((0, 4)), np.zeros(0), np.zeros(0, int))
    assert side_by_side(example(2000, 1000), empty, LABELS, min_score=0.5, max_boxes=5).size == (1280, 320)
