"""The trainer on whatever backend KERAS_BACKEND names: `make test-backends` runs this on JAX and on PyTorch."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from project import CENTER_NET, DATASET, FASTER_RCNN, Project

from teachbox.training.backend import compiled
from teachbox.training.parts import build_parts
from teachbox.training.publish import complete_versions
from teachbox.training.rounds import Trainer

pytestmark = pytest.mark.tf


MODELS = [
    # TensorFlow's life of a trainer is in `test_worker`.
    pytest.param(None, id="ssd", marks=pytest.mark.slow if keras.backend.backend() == "tensorflow" else ()),
    # The oracles compare other families on these backends too; `test_thin_two_stages` trains what compiles soon.
    pytest.param(CENTER_NET, id="center_net", marks=pytest.mark.slow),
    pytest.param(FASTER_RCNN, id="faster_rcnn", marks=pytest.mark.slow),
]


@pytest.mark.parametrize("model", MODELS)
def test_a_round_is_trained_published_and_taken_up_again(tmp_path: Path, model: str | None) -> None:
    project = Project(tmp_path)
    if model is not None:
        project.use_model(model)
    project.answer(*(project.task(number) for number in range(4)))
    settings = project.settings(steps_per_epoch=4)
    parts = build_parts(settings)
    trainer = Trainer(settings, project.store, parts, threading.Event())
    try:
        trainer.start()
        trainer.run_round(trainer.read_answers())
        trainer.checkpoint()
    finally:
        trainer.close()
    run = project.store.runs(DATASET)[-1]
    assert (run.state, run.last_step) == ("finished", 4)
    if keras.backend.backend() != "torch":  # which compiles nothing
        # Once, though the image that it was compiled with had another size where sizes are the images'.
        assert parts.learner.traces == 1
    first, second = complete_versions(settings.export_dir)

    # TensorFlow serves what this backend trained, and detects what this backend detects.
    pixels = np.array(keras.utils.load_img(project.image(0)))
    resized, true_shape = parts.resizer(tf.constant(pixels))
    detector = parts.detector

    def detect(batch: dict[str, Any]) -> dict[str, Any]:
        predictions = detector(detector.preprocess(batch["image"]), batch["true_shape"], training=False)
        return detector.postprocess(predictions, batch["true_shape"])

    batch = {"image": resized[None], "true_shape": true_shape[None]}
    spec = {name: tf.TensorSpec(value.shape, value.dtype) for name, value in batch.items()}
    own = compiled(detect, spec, state=detector.variables)(batch)
    own = {name: keras.ops.convert_to_numpy(value) for name, value in own.items()}
    served = [
        tf.saved_model.load(str(settings.export_dir / str(version))).signatures["image_tensor"](
            inputs=tf.constant(pixels[None])
        )
        for version in (first, second)
    ]
    np.testing.assert_allclose(served[1]["detection_scores"], own["detection_scores"], atol=1e-4)
    assert np.abs(served[0]["detection_scores"] - own["detection_scores"]).max() > 1e-3
    same = own["detection_scores"][0] > own["detection_scores"][0, 20]
    np.testing.assert_allclose(served[1]["detection_boxes"][0][same], own["detection_boxes"][0][same], atol=1e-3)

    # A later start goes on from the checkpoint, and exports no graph again.
    weights = {name: variable.numpy() for name, variable in detector.checkpoint_variables().items()}
    later = build_parts(settings)
    again = Trainer(settings, project.store, later, threading.Event())
    try:
        again.start()
    finally:
        again.close()
    assert later.learner.step == 4
    for name, variable in later.detector.checkpoint_variables().items():
        np.testing.assert_array_equal(variable.numpy(), weights[name], err_msg=name)
    assert complete_versions(settings.export_dir) == [first, second]
