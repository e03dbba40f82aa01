"""The real thing in small: the pets detector learns raccoons, and the published version sees what the detector sees."""

from __future__ import annotations

import csv
import itertools
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from teachbox.annotation import make_span
from teachbox.config.label_map import load_label_map
from teachbox.config.starter import Numbers, write_starter
from teachbox.data.batches import training_batches
from teachbox.data.examples import Example
from teachbox.data.ground_truth import task_to_training_example
from teachbox.data.sources import make_task
from teachbox.detector.weights import restore
from teachbox.training.loop import train
from teachbox.training.parts import Parts, build_parts
from teachbox.training.replay import Replay
from teachbox.training.settings import TrainerSettings

pytestmark = pytest.mark.tf

CHECKPOINT = "ssd_mobilenet_v1_0.75_pets/model.ckpt"


def raccoons(datasets: Path, label_map: Path, count: int) -> list[Example]:
    """The first images of the training split, by name."""
    rows = defaultdict(list)
    with (datasets / "raccoon/data/train_labels.csv").open() as file:
        for row in csv.DictReader(file):
            rows[row["filename"]].append(row)
    labels = load_label_map(label_map)
    examples = []
    for name in sorted(rows)[:count]:
        path = datasets / "raccoon/images" / name
        task = make_task(str(path), "image_manual", ["raccoon"])
        sides = ("ymin", "xmin", "ymax", "xmax")
        task["spans"] = [make_span("raccoon", *(float(row[side]) for side in sides)) for row in rows[name]]
        examples.append(task_to_training_example(task, path.read_bytes, labels))
    return examples


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory, checkpoints: Path) -> Parts:
    folder = tmp_path_factory.mktemp("raccoons")
    config, label_map = write_starter(folder, ["raccoon"], checkpoints / CHECKPOINT, Numbers(batch_size=4))
    settings = TrainerSettings(
        "raccoons", str(folder / "teachbox.db"), config, label_map, folder / "model", folder / "export", folder / "data"
    )
    return build_parts(settings)


def test_ten_steps_lower_the_loss(parts: Parts, datasets: Path, checkpoints: Path) -> None:
    report = restore(parts.detector.checkpoint_variables(), checkpoints / CHECKPOINT)
    assert len(report.taken) == 187
    assert {name.split("/")[1] for name in report.left} == {"ClassPredictor"}  # 37 classes there, one here
    assert parts.labels.where is not None
    examples = raccoons(datasets, Path(parts.labels.where), 4)
    replay: Replay[int] = Replay(seed=3)
    replay.update(range(len(examples)))
    drawn = [examples[place] for place in replay.draw(40)]
    batches = training_batches(itertools.chain(drawn), parts.resizer, None, 4, parts.max_boxes, seed=3)
    losses = [step.losses["Loss/total_loss"] for step in train(parts.learner, batches, 10)]
    batches.close()
    assert all(np.isfinite(losses))
    # Without augmentation, each batch holds the same four images: what falls is what was learnt.
    assert losses[-1] < 0.6 * losses[0]
    assert parts.learner.traces == 1


def test_a_version_detects_what_the_detector_detects(parts: Parts, datasets: Path) -> None:
    version = parts.publisher.publish(step=parts.learner.step, values=parts.learner.published())
    later = parts.publisher.publish(step=parts.learner.step, values=parts.learner.published())
    assert (version.whole, later.whole) == (True, False)
    path = datasets / "raccoon/images/raccoon-1.jpg"
    pixels = np.asarray(Image.open(path).convert("RGB"))
    resized, true_shape = parts.resizer(tf.constant(pixels))
    detector = parts.detector
    predictions = detector(detector.preprocess(resized[None]), true_shape[None], training=False)
    own = detector.postprocess(predictions, true_shape[None])
    loaded = tf.saved_model.load(str(later.path))
    found = loaded.signatures["image_tensor"](inputs=tf.constant(pixels[None]))
    assert {name: value.dtype for name, value in found.items()} == dict.fromkeys(
        ("detection_boxes", "detection_scores", "detection_classes", "num_detections"), tf.float32
    )
    # The same kernels in another graph: only the order of a sum may differ.
    np.testing.assert_allclose(found["detection_scores"], own["detection_scores"], atol=1e-5)
    np.testing.assert_allclose(found["detection_boxes"][:, :10], own["detection_boxes"][:, :10], atol=1e-4)
    count = int(found["num_detections"][0])
    assert count == int(own["num_detections"][0]) > 0
    assert set(found["detection_classes"].numpy()[0, :count]) == {1.0}
    # JPEG bytes: the graph's own decoder may differ from Pillow's by a grey value or so.
    encoded = loaded.signatures["encoded_image"](tf.constant(path.read_bytes()))
    np.testing.assert_allclose(encoded["detection_scores"][0, 0], found["detection_scores"][0, 0], atol=0.02)
    batch = loaded.signatures["image_tensor"](inputs=tf.constant(np.stack([pixels] * 2)))
    np.testing.assert_allclose(batch["detection_scores"][1], found["detection_scores"][0], atol=1e-5)
