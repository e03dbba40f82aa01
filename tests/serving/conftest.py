"""A model server inside the test process, and models for it."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def free_port() -> Callable[[], int]:
    """Gives a port that nothing listens on."""

    def find() -> int:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return int(probe.getsockname()[1])

    return find


@pytest.fixture(scope="module")
def start_server(free_port) -> Iterator[Callable]:
    """Starts a ModelServer with gRPC and REST on free ports and waits until its models were looked at."""
    from teachbox.serving.server import ModelServer
    from teachbox.serving.settings import ServerSettings

    running = []

    def start(**settings):
        defaults = {"host": "127.0.0.1", "port": 0, "rest_api_port": free_port(), "poll_seconds": 0.05}
        server = ModelServer(ServerSettings(**{**defaults, **settings}))
        server.start()
        running.append(server)
        for manager in server.core._managers.values():
            assert manager.wait_until_polled(30)
        return server

    yield start
    for server in running:
        server.stop()


@pytest.fixture(scope="session")
def write_version() -> Callable[[Path, Path], Path]:
    """Copies a SavedModel to where a server looks, as a publisher does: beside first, then renamed into place."""

    def write(source: Path, target: Path) -> Path:
        beside = target.parent / f"temp-{target.name}"
        shutil.copytree(source, beside)
        beside.rename(target)
        return target

    return write


@pytest.fixture(scope="session")
def scaled(tmp_path_factory) -> Callable[[int], Path]:
    """Gives a SavedModel with y = number · x: one graph for all numbers, only the variables differ."""
    import tensorflow as tf

    class Scale(tf.Module):
        def __init__(self):
            super().__init__()
            self.factor = tf.Variable(1.0)
            self.twin = tf.Variable(1.0)  # always the same as factor: another value would show mixed weights

        @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="x")])
        def scale(self, x):
            return {"y": self.factor * x, "twin": self.twin * x}

    folder = tmp_path_factory.mktemp("scaled")
    module = Scale()
    tf.saved_model.save(module, str(folder / "first"), signatures={"serving_default": module.scale})

    def give(number: int) -> Path:
        target = folder / str(number)
        if not target.exists():
            module.factor.assign(number)
            module.twin.assign(number)
            shutil.copytree(folder / "first", target, ignore=shutil.ignore_patterns("variables"))
            tf.train.Checkpoint(root=module).write(str(target / "variables" / "variables"))
        return target

    return give


@pytest.fixture(scope="session")
def detector(tmp_path_factory) -> Path:
    """A SavedModel with the signature of an exported detector; it finds the mean brightness as first score."""
    import tensorflow as tf

    class Detector(tf.Module):
        def __init__(self):
            super().__init__()
            self.weight = tf.Variable(1.0 / 255.0)

        @tf.function(input_signature=[tf.TensorSpec(None, tf.string, name="serialized_example")])
        def detect(self, serialized):
            flat = tf.reshape(serialized, [-1])
            spec = {"image/encoded": tf.io.FixedLenFeature([], tf.string)}
            encoded = tf.io.parse_example(flat, spec)["image/encoded"]

            def brightness(data):
                image = tf.io.decode_image(data, channels=3, expand_animations=False)
                return tf.reduce_mean(tf.cast(image, tf.float32)) * self.weight

            score = tf.map_fn(brightness, encoded, fn_output_signature=tf.float32)
            count = tf.shape(flat)[0]
            boxes = tf.constant([[[0.1, 0.2, 0.5, 0.6], [0.0, 0.0, 1.0, 1.0], [0.0, 0.0, 0.0, 0.0]]])
            return {
                "detection_boxes": tf.tile(boxes, [count, 1, 1]),
                "detection_scores": tf.stack([score, score / 2, tf.zeros_like(score)], axis=1),
                "detection_classes": tf.tile(tf.constant([[1.0, 3.0, 1.0]]), [count, 1]),
                "num_detections": tf.fill([count], 2.0),
            }

    folder = tmp_path_factory.mktemp("detector") / "exported"
    module = Detector()
    tf.saved_model.save(module, str(folder), signatures={"serving_default": module.detect})
    return folder


@pytest.fixture(scope="module")
def grpc_config(serving_fixtures, write_version, tmp_path_factory) -> Path:
    """Several models: TF1 and TF2 exports, one with two versions and labels, one that is broken."""
    import grpc_stubs

    folder = tmp_path_factory.mktemp("models")
    for model, fixture in (("default", grpc_stubs.TWO), ("tf2", grpc_stubs.TWO_TF2), ("three", grpc_stubs.THREE)):
        (folder / model).mkdir()
        write_version(serving_fixtures / fixture / "00000123", folder / model / "00000123")
    path = folder / "models.config"
    path.write_text(
        f"""
        model_config_list {{
          config {{ name: "default" base_path: "{folder / "default"}" model_platform: "tensorflow" }}
          config {{ name: "tf2" base_path: "{folder / "tf2"}" model_platform: "tensorflow" }}
          config {{ name: "three" base_path: "{folder / "three"}" model_platform: "tensorflow" }}
          config {{
            name: "both" base_path: "{serving_fixtures / grpc_stubs.TWO}" model_platform: "tensorflow"
            model_version_policy {{ all {{}} }}
            version_labels {{ key: "stable" value: 123 }}
          }}
          config {{ name: "bad" base_path: "{serving_fixtures / "bad_half_plus_two"}" model_platform: "tensorflow" }}
        }}"""
    )
    return path


@pytest.fixture(scope="module")
def grpc_server(start_server, grpc_config):
    return start_server(model_config_file=grpc_config)


@pytest.fixture(scope="module")
def stubs(grpc_server):
    import grpc_stubs

    stubs = grpc_stubs.Stubs(grpc_server.port)
    yield stubs
    stubs.channel.close()
