"""Images that the resizer makes grey, and sizes that stay: a round, its version, and its evaluation."""

from __future__ import annotations

import re
import threading
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from project import DATASET, FASTER_RCNN, Project

from teachbox.data.ground_truth import task_to_training_example
from teachbox.training.parts import build_parts
from teachbox.training.publish import complete_versions
from teachbox.training.rounds import Trainer

pytestmark = pytest.mark.tf

OWN_SIZE = "keep_aspect_ratio_resizer { min_dimension: 64 max_dimension: 96 }"
RESIZERS = (
    "pad_to_multiple_resizer { multiple: 32 convert_to_grayscale: true }",
    "conditional_shape_resizer { size_threshold: 90 }",
    "identity_resizer { }",
)


def trained(project: Project) -> tuple[Trainer, Path]:
    """A trainer after a round of two steps, and the version that came of it."""
    project.answer(*(project.task(number) for number in range(4)))
    settings = project.settings(steps_per_epoch=2, run_eval=True, hold_out=0.5)
    trainer = Trainer(settings, project.store, build_parts(settings), threading.Event())
    try:
        trainer.start()
        trainer.run_round(trainer.read_answers())
    finally:
        trainer.close()
    assert project.store.runs(DATASET)[-1].state == "finished"
    assert "DetectionBoxes_Precision/mAP" in project.store.last_metrics(DATASET)
    return trainer, settings.export_dir / str(complete_versions(settings.export_dir)[-1])


def assert_served_as_trained(trainer: Trainer, version: Path, image: Path) -> None:
    """The version's graph finds in the image what the detector finds in it resized."""
    pixels = np.array(keras.utils.load_img(image))
    resized, true_shape = trainer.parts.resizer(tf.constant(pixels))
    detector, true_shape = trainer.parts.detector, true_shape[None]
    predictions = detector(detector.preprocess(resized[None]), true_shape, training=False)
    own = detector.postprocess(predictions, true_shape)["detection_scores"]
    signature = tf.saved_model.load(str(version)).signatures["image_tensor"]
    found = signature(inputs=tf.constant(pixels[None]))["detection_scores"]
    assert found.numpy().max() > 0
    np.testing.assert_allclose(found, own, atol=1e-4)


def test_a_single_shot_detector_of_one_channel(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.add("fixed_shape_resizer", "        convert_to_grayscale: true")
    trainer, version = trained(project)
    (first,) = (
        variable
        for name, variable in trainer.parts.detector.checkpoint_variables().items()
        if name == "FeatureExtractor/MobilenetV1/Conv2d_0/weights"
    )
    assert first.shape[2] == 1
    assert trainer.learner.batch["image"].shape == [2, 96, 96, 1]
    assert_served_as_trained(trainer, version, project.image(1))


@pytest.mark.parametrize("resizer", [OWN_SIZE, *(pytest.param(text, marks=pytest.mark.slow) for text in RESIZERS)])
def test_a_single_shot_detector_takes_images_of_any_size(tmp_path: Path, resizer: str) -> None:
    project = Project(tmp_path)
    text, count = re.subn(r"fixed_shape_resizer \{[^}]*\}", resizer, project.config.read_text())
    assert count == 1
    project.config.write_text(text)
    trainer, version = trained(project)
    assert trainer.learner.batch["image"].shape[1:3] == [None, None]
    assert trainer.learner.traces == 1
    assert_served_as_trained(trainer, version, project.image(1))


@pytest.mark.slow
@pytest.mark.parametrize("resizer", RESIZERS)
def test_two_stages_take_images_as_the_resizer_leaves_them(tmp_path: Path, resizer: str) -> None:
    assert FASTER_RCNN.count(OWN_SIZE) == 1
    project = Project(tmp_path)
    project.use_model(FASTER_RCNN.replace(OWN_SIZE, resizer))
    trainer, version = trained(project)
    channels = 1 if "grayscale" in resizer else 3
    assert trainer.learner.batch["image"].shape == [2, None, None, channels]
    assert_served_as_trained(trainer, version, project.image(1))
    example = task_to_training_example(project.task(2), project.image(2).read_bytes, trainer.parts.labels)
    (image, true_shape) = trainer.parts.resizer(tf.image.decode_png(example.encoded(), channels=3))
    # The project's images are 80 pixels high and 100 wide.
    expected = {"pad": ([96, 128, 1], [80, 100, 1]), "con": ([72, 90, 3],) * 2, "ide": ([80, 100, 3],) * 2}
    assert (image.shape.as_list(), true_shape.numpy().tolist()) == expected[resizer[:3]]
