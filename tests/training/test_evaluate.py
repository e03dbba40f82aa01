"""Evaluation of a detector whose detections are known, and the choice of what is evaluated."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from project import Project
from tiny import TinyDetector, resizer

from teachbox.config.label_map import load_label_map
from teachbox.config.load import load_pipeline
from teachbox.data.evaluation_examples import sample_examples
from teachbox.data.examples import Example
from teachbox.data.tf_example_encoder import encode_example
from teachbox.data.tfrecord import write_records
from teachbox.errors import ConfigError, DataError, LabelMapError
from teachbox.images import UprightImage
from teachbox.training.evaluate import Evaluator
from teachbox.training.named_examples import evaluation_examples, training_examples

pytestmark = pytest.mark.tf


def example(project: Project, number: int, boxes: list[list[float]]) -> Example:
    """Image `number` (80 × 100 pixels) with given boxes."""
    encoded = project.image(number).read_bytes()
    rows = np.array(boxes, np.float32).reshape(-1, 4)
    return Example(str(number), encoded, rows, np.zeros(len(rows), np.int32))


def test_metrics_losses_and_boxes_by_hand(tmp_path: Path) -> None:
    project = Project(tmp_path)
    detector = TinyDetector()
    detector.dense.kernel.assign(np.zeros((3, 1)))
    detector.dense.bias.assign([1.0])
    examples = [
        example(project, 1, [[0.25, 0.25, 0.75, 0.75]]),  # what the detector always says
        example(project, 2, [[0.0, 0.0, 0.1, 0.1]]),  # not there
        example(project, 3, []),
    ]
    found = Evaluator(detector, resizer, {1: "square"}, 5)(examples)
    # Of three detections of one score, in the order of the images, the first is right: precision 1 at recall 1/2.
    assert found.metrics["DetectionBoxes_Precision/mAP@.50IOU"] == pytest.approx(51 / 101)
    assert found.metrics["DetectionBoxes_Recall/AR@100"] == pytest.approx(0.5)
    with_box, without = np.log1p(np.exp(-1)), np.log1p(np.exp(1))
    assert found.metrics["Loss/classification_loss"] == pytest.approx((2 * with_box + without) / 3, rel=1e-5)
    assert found.metrics["Loss/total_loss"] == pytest.approx((2 * with_box + without) / 3, rel=1e-5)
    ((given, first), *_) = found.images
    assert given is examples[0]
    assert first.boxes.tolist() == first.true_boxes.tolist() == [[20, 25, 60, 75]]
    assert first.classes.tolist() == first.true_classes.tolist() == [1]
    assert first.scores == pytest.approx([1 / (1 + np.exp(-1))])


def test_again_with_other_weights_and_no_examples(tmp_path: Path) -> None:
    project = Project(tmp_path)
    detector = TinyDetector()
    evaluator = Evaluator(detector, resizer, {1: "square"}, 5)
    nothing = evaluator([])
    assert nothing.images == []
    assert set(nothing.metrics.values()) == {-1.0}
    before = evaluator([example(project, 1, [])]).metrics["Loss/classification_loss"]
    detector.dense.bias.assign([4.0])
    assert evaluator([example(project, 1, [])]).metrics["Loss/classification_loss"] > before + 1


def test_an_unreadable_image_is_left_out(tmp_path: Path) -> None:
    project = Project(tmp_path)
    broken = Example("broken", b"no image", np.zeros((0, 4), np.float32), np.zeros(0, np.int32))
    found = Evaluator(TinyDetector(), resizer, {1: "square"}, 5)([broken, example(project, 1, [])])
    assert [given.key for given, _ in found.images] == ["1"]


def test_nobody_waits_for_an_evaluation_that_is_stopped(tmp_path: Path) -> None:
    project = Project(tmp_path)
    evaluator = Evaluator(TinyDetector(), resizer, {1: "square"}, 5)
    examples = [example(project, number, []) for number in range(6)]
    asked = []

    def stopped() -> bool:
        asked.append(True)
        return len(asked) == 3

    assert evaluator(examples, stopped) is None
    assert len(asked) == 3
    # The next one begins anew.
    assert [given.key for given, _ in evaluator(examples).images] == [str(number) for number in range(6)]


def test_the_sample_is_even_and_the_same_for_a_seed(tmp_path: Path) -> None:
    project = Project(tmp_path)
    labels = load_label_map(project.label_map)
    path = str(project.record("eval.record", range(12)))
    chosen = [[one.boxes.tolist() for one in sample_examples([path], labels, 5, seed)] for seed in (1, 1, 2)]
    assert len(chosen[0]) == 5
    assert chosen[0] == chosen[1] != chosen[2]
    assert len(sample_examples([path], labels, 50, 1)) == 12
    assert len({one.key for one in sample_examples([path, path], labels, 50, 1)}) == 24


def test_of_each_n_records_that_a_reader_names_the_first_is_taken(tmp_path: Path) -> None:
    project = Project(tmp_path)
    labels = load_label_map(project.label_map)
    project.record("some.record", range(10))
    pipeline = load_pipeline(project.config)
    for reader in (pipeline.message.train_input_reader, pipeline.message.eval_input_reader.add()):
        reader.tf_record_input_reader.input_path[:] = ["some.record"]
        reader.sample_1_of_n_examples = 4
    for taken in (training_examples, evaluation_examples):
        images = [project.image(number).read_bytes() for number in (0, 4, 8)]
        assert [one.encoded for one in taken(pipeline, labels, 10, 1)] == images
    pipeline.message.ClearField("eval_input_reader")
    with pytest.raises(ConfigError, match="eval_input_reader names no record"):
        evaluation_examples(pipeline, labels, 10, 1)


def test_records_that_cannot_be_used(tmp_path: Path) -> None:
    project = Project(tmp_path)
    labels = load_label_map(project.label_map)
    with pytest.raises(DataError, match=r"none\.record"):
        sample_examples([str(tmp_path / "none.record")], labels, 5, 0)
    image = UprightImage(project.image(1).read_bytes(), "png", 100, 80)
    stranger = encode_example(image, np.array([[0, 0, 1, 1]], np.float32), ["circle"], [1], "1.png", "1")
    write_records(tmp_path / "strange.record", [stranger])
    with pytest.raises(LabelMapError, match="circle"):
        sample_examples([str(tmp_path / "strange.record")], labels, 5, 0)
