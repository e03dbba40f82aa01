"""The original post's detector in the trainer's hands, made small: images of many sizes, one compiled step."""

from __future__ import annotations

import itertools
import time
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import text_format
from PIL import Image, ImageDraw

from teachbox.annotation import make_span
from teachbox.config.label_map import load_label_map
from teachbox.config.load import load_pipeline
from teachbox.config.starter import write_starter
from teachbox.data.batches import training_batches
from teachbox.data.examples import Example
from teachbox.data.ground_truth import task_to_training_example
from teachbox.data.sources import make_task, read_image
from teachbox.data.tf_example_encoder import encode_example
from teachbox.serving.client import Client, Detections
from teachbox.serving.server import ModelServer
from teachbox.serving.settings import ServerSettings
from teachbox.training.batch_norm import batch_norm_layers
from teachbox.training.evaluate import Evaluator
from teachbox.training.loop import train
from teachbox.training.parts import Parts, build_parts
from teachbox.training.policy import Policy
from teachbox.training.settings import TrainerSettings

# Slow: its backbone is long in the tracing. One trace for images of all sizes is tested in
# tests/detector/test_faster_rcnn.py, training in its oracle and in test_thin_two_stages.py.
pytestmark = [pytest.mark.tf, pytest.mark.slow]

SURE = 4
"""So many of the best detections are compared: of the others, proposals that overlap by nearly the threshold of
suppression go one way or the other by the rounding of two graphs."""

POST_CONFIG = Path(__file__).parents[2] / "examples" / "raccoon" / "pipeline_faster_rcnn_inception_v2.config"
SMALL = """
model { faster_rcnn {
    image_resizer { keep_aspect_ratio_resizer { min_dimension: 64 max_dimension: 96 } }
    first_stage_anchor_generator { grid_anchor_generator { height: 64 width: 64 } }
    first_stage_box_predictor_depth: 64
    first_stage_max_proposals: 24
    first_stage_minibatch_size: 32
    second_stage_batch_size: 16
    initial_crop_size: 8
} }
train_config { optimizer { adam_optimizer { learning_rate { constant_learning_rate { learning_rate: 0.001 } } } } }
"""
SIZES = ((100, 80), (80, 100), (120, 60), (90, 90))
"""Width and height: after resizing no two of them have the same sides."""


def settings(folder: Path, changes: str = "", **changed: object) -> TrainerSettings:
    """A project with the small config, `changes` merged in."""
    config, label_map = write_starter(folder, ["square"])
    pipeline = load_pipeline(POST_CONFIG).message
    for name in ("fine_tune_checkpoint", "from_detection_checkpoint", "data_augmentation_options"):
        pipeline.train_config.ClearField(name)
    text_format.Merge(SMALL, pipeline)
    text_format.Merge(changes, pipeline)
    config.write_text(text_format.MessageToString(pipeline))
    folders = (folder / "model", folder / "export", folder / "data")
    return TrainerSettings("squares", str(folder / "t.db"), config, label_map, *folders, **changed)  # type: ignore[arg-type]


def squares(folder: Path, label_map: Path) -> list[Example]:
    """A bright square on noise in an image of each size."""
    labels, examples = load_label_map(label_map), []
    for number, (width, height) in enumerate(SIZES):
        random = np.random.default_rng(number)
        picture = Image.fromarray(random.integers(0, 90, (height, width, 3), np.uint8))
        left, top = 10 + 3 * number, 8 + 2 * number
        ImageDraw.Draw(picture).rectangle((left, top, left + 40, top + 40), fill=(230, 200, 60))
        path = folder / f"{number}.png"
        picture.save(path)
        task = make_task(str(path), "image_manual", ["square"])
        task["spans"] = [make_span("square", top, left, top + 40, left + 40)]
        examples.append(task_to_training_example(task, path.read_bytes, labels))
    return examples


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Parts:
    return build_parts(settings(tmp_path_factory.mktemp("two_stages")))


def test_one_compiled_step_for_images_of_all_sizes(parts: Parts, tmp_path: Path) -> None:
    assert parts.labels.where is not None
    examples = squares(tmp_path, Path(parts.labels.where))
    batches = training_batches(itertools.cycle(examples), parts.resizer, None, 1, parts.max_boxes, seed=1)
    sizes = {next(batches)["image"].shape[1:3] for _ in examples}
    assert len({tuple(size) for size in sizes}) == len(SIZES)
    batches.reset(itertools.cycle(examples))
    parts.learner.warm(next(batches))
    steps = list(train(parts.learner, batches, 32))
    batches.close()
    assert parts.learner.traces == 1
    totals = [step.losses["Loss/total_loss"] for step in steps]
    assert all(np.isfinite(totals))
    assert np.mean(totals[-8:]) < 0.7 * np.mean(totals[:8])
    # Batch normalisation is frozen, as the config asks: nothing to estimate anew after a round.
    assert batch_norm_layers(parts.detector) == []


def test_a_version_detects_what_the_detector_detects(parts: Parts, tmp_path: Path) -> None:
    first = parts.publisher.publish(step=1, values=parts.learner.published())
    later = parts.publisher.publish(step=2, values=parts.learner.published())
    assert (first.whole, later.whole) == (True, False)
    loaded = tf.saved_model.load(str(later.path))
    detector = parts.detector
    assert parts.labels.where is not None
    squares(tmp_path, Path(parts.labels.where))
    for number in range(3):
        pixels = np.asarray(Image.open(tmp_path / f"{number}.png"))
        resized, true_shape = parts.resizer(tf.constant(pixels))
        predictions = detector(detector.preprocess(resized[None]), true_shape[None], training=False)
        own = detector.postprocess(predictions, true_shape[None])
        found = loaded.signatures["image_tensor"](inputs=tf.constant(pixels[None]))
        count = int(own["num_detections"][0])
        assert count >= SURE
        np.testing.assert_allclose(found["detection_scores"][0, :SURE], own["detection_scores"][0, :SURE], atol=1e-4)
        np.testing.assert_allclose(found["detection_boxes"][0, :SURE], own["detection_boxes"][0, :SURE], atol=1e-3)
        assert set(found["detection_classes"].numpy()[0, :SURE]) == {1.0}


def test_our_server_takes_a_round_s_version_in_and_answers_with_it(parts: Parts, tmp_path: Path) -> None:
    assert parts.labels.where is not None
    examples = squares(tmp_path, Path(parts.labels.where))
    first = parts.publisher.publish(step=parts.learner.step, values=parts.learner.published())
    server = ModelServer(
        ServerSettings(host="127.0.0.1", port=0, model_name="squares", base_path=first.path.parent, poll_seconds=0.05)
    )
    server.start()
    with Client("127.0.0.1", server.port, "squares") as client:
        try:
            before = answer_of(client, first.number, tmp_path)
            batches = training_batches(itertools.cycle(examples), parts.resizer, None, 1, parts.max_boxes, seed=1)
            assert [step.step for step in train(parts.learner, batches, 3)][-1] == parts.learner.step
            batches.close()
            second = parts.publisher.publish(step=parts.learner.step, values=parts.learner.published())
            assert not second.whole
            after = answer_of(client, second.number, tmp_path)
        finally:
            server.stop()
    assert len(after.scores) >= SURE
    assert before.scores[0] != after.scores[0]
    pixels, true_shape = parts.resizer(tf.constant(np.asarray(Image.open(tmp_path / "0.png"))))
    predictions = parts.detector(parts.detector.preprocess(pixels[None]), true_shape[None], training=False)
    own = parts.detector.postprocess(predictions, true_shape[None])
    np.testing.assert_allclose(after.scores[:SURE], own["detection_scores"][0, :SURE], atol=1e-4)
    np.testing.assert_allclose(after.boxes[0], own["detection_boxes"][0, 0], atol=1e-3)
    assert set(after.classes) == {1}


def answer_of(client: Client, version: int, folder: Path) -> Detections:
    """What is detected in the first square once `version` is served."""
    deadline = time.monotonic() + 30
    while client.served_version() != version:
        assert time.monotonic() < deadline, f"version {version} is not served"
        time.sleep(0.02)
    image = read_image(str(folder / "0.png"))
    found = client.predict(encode_example(image, np.zeros((0, 4), np.float32), [], [], "0.png", "0"))
    assert found.version == version
    return found


def test_an_export_pads_a_batch_of_images_of_different_sizes(parts: Parts, tmp_path: Path) -> None:
    version = parts.publisher.publish(step=1, values=parts.learner.published())
    loaded = tf.saved_model.load(str(version.path))
    assert parts.labels.where is not None
    squares(tmp_path, Path(parts.labels.where))
    encoded = [(tmp_path / f"{number}.png").read_bytes() for number in range(2)]
    both = loaded.signatures["encoded_image"](tf.constant(encoded))
    assert both["detection_boxes"].shape[0] == 2
    for image, one in enumerate(encoded):
        boxes = both["detection_boxes"].numpy()[image]
        assert (boxes >= 0).all()
        assert (boxes <= 1).all()
        alone = loaded.signatures["encoded_image"](tf.constant([one]))
        # What lies beside a picture is seen from inside it: its boxes are near those of the picture alone, not equal.
        assert abs(both["detection_scores"].numpy()[image, 0] - alone["detection_scores"].numpy()[0, 0]) < 0.2


def test_evaluation_measures_and_has_all_losses(parts: Parts, tmp_path: Path) -> None:
    assert parts.labels.where is not None
    examples = squares(tmp_path, Path(parts.labels.where))
    evaluator = Evaluator(parts.detector, parts.resizer, {1: "square"}, parts.max_boxes)
    evaluation = evaluator(examples)
    assert len(evaluation.images) == len(SIZES)
    assert 0 <= evaluation.metrics["DetectionBoxes_Precision/mAP@.50IOU"] <= 1
    for name in ("RPNLoss/localization_loss", "RPNLoss/objectness_loss", "BoxClassifierLoss/classification_loss"):
        assert evaluation.metrics[f"Loss/{name}"] > 0


def test_batches_of_padded_images_and_a_policy_of_frozen_statistics(tmp_path: Path) -> None:
    changes = """
        train_config { batch_size: 2 }
        model { faster_rcnn { feature_extractor { batch_norm_trainable: true } } }
    """
    asked = settings(tmp_path, changes, policy=Policy(freeze_batch_norm=True))
    parts = build_parts(asked)
    examples = squares(tmp_path, asked.label_map_path or Path())
    batches = training_batches(itertools.cycle(examples), parts.resizer, None, 2, parts.max_boxes, seed=1)
    variables = parts.detector.checkpoint_variables()
    moving = {name: variable.numpy() for name, variable in variables.items() if "/moving_" in name}
    assert moving
    steps = list(train(parts.learner, batches, 3))
    batches.close()
    assert parts.learner.traces == 1
    assert all(np.isfinite(value) for step in steps for value in step.losses.values())
    for name, before in moving.items():
        np.testing.assert_array_equal(variables[name], before)
