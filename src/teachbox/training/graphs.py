"""Exporting the graph that versions are made of: TensorFlow's part of publishing, whatever backend trains.

Where another backend trains, a process with TensorFlow builds the same detector from the same message and exports its
graph, once; the weights in it do not matter, since every version gets its own.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import keras
import tensorflow as tf

from teachbox.config.protos.model_pb2 import DetectionModel
from teachbox.data.resizers import Resizer, build_resizer
from teachbox.detector.build import build_detector
from teachbox.detector.detector import Detector
from teachbox.errors import ExportError
from teachbox.training.signatures import build_signatures

Exporter = Callable[[Path], None]
"""Writes a SavedModel into a folder; raises `ExportError`, `OSError` or TensorFlow's `OpError` where it cannot."""


class ServingModule(tf.Module):
    """What `tf.saved_model.save` is given: the variables, in the order of their names, and nothing else to track."""

    def __init__(self, variables: Mapping[str, tf.Variable]) -> None:
        super().__init__()
        self.weights = [variables[name] for name in sorted(variables)]


def variable_key(place: int) -> str:
    """Checkpoint key, inside a published version, of the variable at `place` in the order of the names."""
    return f"weights/{place}/.ATTRIBUTES/VARIABLE_VALUE"


def graph_exporter(detector: Detector, resizer: Resizer, model: DetectionModel) -> Exporter:
    """What exports the graph of `detector`, built from `model`: this process, or one with TensorFlow as its backend."""
    if keras.backend.backend() == "tensorflow":
        return lambda folder: export_graph(detector, resizer, folder)
    message = model.SerializeToString()
    return lambda folder: _export_elsewhere(message, folder)


def export_graph(detector: Detector, resizer: Resizer, folder: Path) -> None:
    """Write the SavedModel of `detector`, whose variables are TensorFlow's, into `folder`."""
    variables = {name: variable.value for name, variable in detector.checkpoint_variables().items()}
    tf.saved_model.save(ServingModule(variables), str(folder), signatures=build_signatures(detector, resizer))


def _export_elsewhere(message: bytes, folder: Path) -> None:
    environment = {**os.environ, "KERAS_BACKEND": "tensorflow", "CUDA_VISIBLE_DEVICES": "-1"}
    command = [sys.executable, "-m", __name__, str(folder)]
    done = subprocess.run(command, input=message, env=environment, capture_output=True, check=False)
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise ExportError(f"the graph cannot be exported ({said[-1] if said else done.returncode})", where=str(folder))


def main() -> None:
    """Export the graph of the model whose message comes by standard input into the folder that is named."""
    model = DetectionModel.FromString(sys.stdin.buffer.read())
    resizer = build_resizer(getattr(model, model.WhichOneof("model") or "").image_resizer)
    export_graph(build_detector(model), resizer, Path(sys.argv[1]))


if __name__ == "__main__":
    main()
