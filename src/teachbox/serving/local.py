"""Detections of a SavedModel in this process, without a server: ours, or one that the Object Detection API exported."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tensorflow as tf
from PIL import Image
from tensorflow.core.protobuf import meta_graph_pb2

from teachbox.errors import ServingError
from teachbox.serving.client import OUTPUTS, Detections, detections_from
from teachbox.serving.loader import DEFAULT_SIGNATURE, LoadOptions, SavedModel, load
from teachbox.serving.status import StatusError
from teachbox.serving.versions import find_versions

Feed = Callable[[bytes, bytes], np.ndarray]
"""(serialized tf.Example, encoded image) → what the input is fed."""


def version_folder(folder: Path) -> Path:
    """The SavedModel that `folder` is, or the newest version of the base path that it is. Raises `ServingError`."""
    if (folder / "saved_model.pb").is_file():
        return folder
    try:
        versions = find_versions(folder)
    except OSError as error:
        raise ServingError(f"there is no SavedModel ({error.strerror})", where=str(folder)) from error
    if not versions:
        raise ServingError(
            "there is no SavedModel; name a folder with a saved_model.pb, or one of versions such as 1700000000/",
            where=str(folder),
        )
    return versions[max(versions)]


class LocalModel:
    """A detector in a SavedModel: one image in, its detections out."""

    def __init__(self, folder: Path) -> None:
        """Raises `ServingError` where the folder holds no SavedModel, or none of a detector."""
        self.folder = version_folder(folder)
        try:
            self._model: SavedModel = load(self.folder, LoadOptions())
        except StatusError as error:
            raise ServingError(f"cannot be loaded ({error.message})", where=str(self.folder)) from error
        signature = self._model.signature(DEFAULT_SIGNATURE)
        if signature is None or len(signature.inputs) != 1:
            there = ", ".join(sorted(self._model.signatures)) or "none"
            raise self._error(f"it has no signature {DEFAULT_SIGNATURE} with one input; there is {there}")
        self._outputs = sorted(signature.outputs)
        if missing := [name for name in OUTPUTS[:3] if name not in self._outputs]:
            raise self._error(f"output {', '.join(missing)} is missing; there is {', '.join(self._outputs)}")
        self._wanted = [name for name in OUTPUTS if name in self._outputs]
        ((self._input, info),) = signature.inputs.items()
        self._feeds = _possible_feeds(self._input, info)
        if not self._feeds:
            raise self._error(f"its input {self._input} takes neither images nor tf.Examples")

    def predict(self, serialized_example: bytes, encoded: bytes) -> Detections:
        """The detections in one image, given as a serialized tf.Example and as its JPEG or PNG bytes.

        Raises `ServingError` where the model refuses it.
        """
        while True:
            fed = self._feeds[0](serialized_example, encoded)
            try:
                values = self._model.run(DEFAULT_SIGNATURE, {self._input: fed}, self._wanted)
                break
            except StatusError as error:
                if len(self._feeds) == 1:
                    raise self._error(f"it refused an image ({error.message.splitlines()[0]})") from error
                # An input of strings need not say what it takes; the first image tells.
                del self._feeds[0]
        del self._feeds[1:]
        try:
            return detections_from(dict(zip(self._wanted, values, strict=True)))
        except ValueError as error:
            raise self._error(str(error)) from error

    def close(self) -> None:
        """Give the graph back."""
        self._model.close()

    def _error(self, message: str) -> ServingError:
        return ServingError(f"not a detector that can be asked: {message}", where=str(self.folder))


def _possible_feeds(name: str, info: meta_graph_pb2.TensorInfo) -> list[Feed]:
    """How an input of a detector may be fed, the likeliest way first."""
    batched = len(info.tensor_shape.dim) > 0 or info.tensor_shape.unknown_rank
    if info.dtype == tf.string.as_datatype_enum:
        example = _as_string(0, batched=batched)
        image = _as_string(1, batched=batched)
        return [image, example] if "image" in name else [example, image]
    if info.dtype in (tf.uint8.as_datatype_enum, tf.float32.as_datatype_enum):
        dtype = tf.as_dtype(info.dtype).as_numpy_dtype
        return [lambda _, encoded: _pixels(encoded)[None].astype(dtype)]
    return []


def _as_string(which: int, *, batched: bool) -> Feed:
    return lambda *both: np.array([both[which]] if batched else both[which], object)


def _pixels(encoded: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(encoded)) as image:
        return np.asarray(image.convert("RGB"))
