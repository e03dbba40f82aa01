"""A CenterNet in the trainer's hands: it learns, what is published detects the same, evaluation measures it."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from project import CENTER_NET, Project

from teachbox.config.label_map import load_label_map
from teachbox.data.batch_pipeline import batch_spec
from teachbox.data.batches import training_batches
from teachbox.data.examples import Example
from teachbox.data.ground_truth import task_to_training_example
from teachbox.training.batch_norm import Recalibration, batch_norm_layers
from teachbox.training.evaluate import Evaluator
from teachbox.training.loop import train
from teachbox.training.parts import Parts, build_parts

pytestmark = pytest.mark.tf

IMAGES = 4


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    found = Project(tmp_path_factory.mktemp("centers"))
    found.use_model(CENTER_NET)
    return found


@pytest.fixture(scope="module")
def examples(project: Project) -> list[Example]:
    labels = load_label_map(project.label_map)
    return [
        task_to_training_example(project.task(number), project.image(number).read_bytes, labels)
        for number in range(IMAGES)
    ]


@pytest.fixture(scope="module")
def trained(project: Project, examples: list[Example]) -> Parts:
    """The detector after a round, its averages of batch normalisation estimated anew."""
    parts = build_parts(project.settings())
    batches = training_batches(itertools.cycle(examples), parts.resizer, None, 2, parts.max_boxes, seed=1)
    steps = list(train(parts.learner, batches, 60))
    assert parts.learner.traces == 1
    first, last = (np.mean([step.losses["Loss/object_center"] for step in some]) for some in (steps[:10], steps[-10:]))
    assert last < 0.5 * first
    again = Recalibration(parts.detector, batch_spec(2, 96, 96, parts.max_boxes))
    assert again(itertools.islice(batches, 4)) == 4
    batches.close()
    assert len(batch_norm_layers(parts.detector)) == 55
    return parts


def test_a_version_detects_what_the_detector_detects(trained: Parts, project: Project) -> None:
    first = trained.publisher.publish(step=1, values=trained.learner.published())
    later = trained.publisher.publish(step=2, values=trained.learner.published())
    assert (first.whole, later.whole) == (True, False)
    loaded, detector = tf.saved_model.load(str(later.path)), trained.detector
    for number in range(IMAGES):
        pixels = np.asarray(Image.open(project.image(number)))
        resized, true_shape = trained.resizer(tf.constant(pixels))
        predictions = detector(detector.preprocess(resized[None]), true_shape[None], training=False)
        own = detector.postprocess(predictions, true_shape[None])
        found = loaded.signatures["image_tensor"](inputs=tf.constant(pixels[None]))
        assert int(found["num_detections"][0]) == int(own["num_detections"][0]) > 0
        np.testing.assert_allclose(found["detection_scores"], own["detection_scores"], atol=1e-5)
        np.testing.assert_allclose(found["detection_boxes"][0, 0], own["detection_boxes"][0, 0], atol=1e-4)
        assert set(found["detection_classes"].numpy()[0]) == {1.0}


def test_the_best_detection_is_at_the_square(trained: Parts, project: Project) -> None:
    version = trained.publisher.publish(step=3, values=trained.learner.published())
    loaded = tf.saved_model.load(str(version.path))
    encoded = tf.constant([project.image(number).read_bytes() for number in range(IMAGES)])
    found = loaded.signatures["encoded_image"](encoded)
    for number in range(IMAGES):
        xmin, ymin, xmax, ymax = project.corners(number)
        box = found["detection_boxes"].numpy()[number, 0]
        center = (box[:2] + box[2:]) / 2
        np.testing.assert_allclose(center, [(ymin + ymax) / 160, (xmin + xmax) / 200], atol=0.15)


def test_evaluation_measures_and_has_all_losses(trained: Parts, examples: list[Example]) -> None:
    evaluator = Evaluator(trained.detector, trained.resizer, {1: "square"}, trained.max_boxes)
    evaluation = evaluator(examples)
    assert len(evaluation.images) == IMAGES
    assert evaluation.metrics["DetectionBoxes_Recall/AR@1"] >= 0
    for name in ("object_center", "box/scale", "box/offset"):
        assert evaluation.metrics[f"Loss/{name}"] > 0
    assert evaluation.metrics["Loss/regularization_loss"] == 0
