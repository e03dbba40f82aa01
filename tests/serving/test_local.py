"""A SavedModel without a server: ours, every kind of input that the Object Detection API exports, and no detectors."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from teachbox.data.tf_example_encoder import encode_example
from teachbox.errors import ServingError
from teachbox.images import UprightImage
from teachbox.serving.local import LocalModel, version_folder

pytestmark = pytest.mark.tf


def both(brightness: int) -> tuple[bytes, bytes]:
    """An image as a serialized tf.Example and as PNG bytes."""
    out = io.BytesIO()
    Image.new("RGB", (40, 30), (brightness,) * 3).save(out, "PNG")
    image = UprightImage(out.getvalue(), "png", 40, 30)
    return encode_example(image, np.zeros((0, 4), np.float32), [], [], "a.png", "1"), out.getvalue()


def exported(folder: Path, spec: tf.TensorSpec, to_images) -> Path:
    """A detector whose score is the mean brightness, with an input as `spec` says."""

    class Detector(tf.Module):
        @tf.function(input_signature=[spec])
        def detect(self, given):
            score = tf.reduce_mean(tf.cast(to_images(given), tf.float32)) / 255.0
            return {
                "detection_boxes": tf.constant([[[0.1, 0.2, 0.5, 0.6]]]),
                "detection_scores": tf.reshape(score, [1, 1]),
                "detection_classes": tf.constant([[2.0]]),
                "num_detections": tf.constant([1.0]),
            }

    module = Detector()
    tf.saved_model.save(module, str(folder), signatures={"serving_default": module.detect})
    return folder


def decoded(encoded):
    return tf.io.decode_image(tf.reshape(encoded, [-1])[0], channels=3)


def from_example(serialized):
    parsed = tf.io.parse_single_example(
        tf.reshape(serialized, [-1])[0], {"image/encoded": tf.io.FixedLenFeature([], tf.string)}
    )
    return decoded(parsed["image/encoded"])


INPUTS = {
    "images": (tf.TensorSpec([None, None, None, 3], tf.uint8, name="input_tensor"), tf.identity),
    "one image": (tf.TensorSpec([1, None, None, 3], tf.uint8, name="inputs"), tf.identity),
    "float images": (tf.TensorSpec([None, None, None, 3], tf.float32, name="input_tensor"), tf.identity),
    "bytes": (tf.TensorSpec([None], tf.string, name="encoded_image_string_tensor"), decoded),
    "bytes, without a name for it": (tf.TensorSpec([None], tf.string, name="inputs"), decoded),
    "an example": (tf.TensorSpec([None], tf.string, name="input_tensor"), from_example),
    "one example": (tf.TensorSpec([], tf.string, name="tf_example"), from_example),
}


@pytest.mark.parametrize("kind", INPUTS)
def test_every_kind_of_input(tmp_path: Path, kind: str) -> None:
    model = LocalModel(exported(tmp_path / "model", *INPUTS[kind]))
    for brightness in (204, 51, 0):
        found = model.predict(*both(brightness))
        assert found.scores == pytest.approx([brightness / 255], abs=1e-6)
        assert found.boxes[0] == pytest.approx([0.1, 0.2, 0.5, 0.6])
        assert found.classes.tolist() == [2]
    model.close()


def test_the_newest_of_several_versions(detector: Path, write_version, tmp_path: Path) -> None:
    for name in ("9", "10"):
        write_version(detector, tmp_path / name)
    (tmp_path / "temp-11").mkdir()
    model = LocalModel(tmp_path)
    assert model.folder == tmp_path / "10"
    assert version_folder(tmp_path / "9") == tmp_path / "9"
    found = model.predict(*both(102))
    assert found.scores == pytest.approx([0.4, 0.2], rel=1e-5)
    assert found.classes.tolist() == [1, 3]
    model.close()


def test_no_saved_model(tmp_path: Path) -> None:
    with pytest.raises(ServingError, match=r"nowhere: there is no SavedModel \(No such file or directory\)"):
        LocalModel(tmp_path / "nowhere")
    with pytest.raises(ServingError, match=r"name a folder with a saved_model\.pb, or one of versions"):
        LocalModel(tmp_path)
    (tmp_path / "1").mkdir()
    (tmp_path / "1/saved_model.pb").write_bytes(b"no graph")
    with pytest.raises(ServingError, match=r"/1: cannot be loaded \("):
        LocalModel(tmp_path)


def test_no_detector(scaled, tmp_path: Path) -> None:
    with pytest.raises(ServingError, match=r"output detection_boxes, .* is missing; there is twin, y"):
        LocalModel(scaled(2))
    with pytest.raises(ServingError, match="its input inputs takes neither images nor"):
        LocalModel(exported(tmp_path / "model", tf.TensorSpec([None], tf.int64, name="inputs"), tf.identity))


def test_an_image_that_is_refused(tmp_path: Path) -> None:
    for kind in ("bytes", "bytes, without a name for it"):
        model = LocalModel(exported(tmp_path / kind, *INPUTS[kind]))
        model.predict(*both(1))
        with pytest.raises(ServingError, match="it refused an image"):
            model.predict(b"no example", b"no image")
        model.close()
