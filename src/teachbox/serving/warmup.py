"""The first request to a graph is slow: TensorFlow plans it then. These are run before anyone asks.

`assets.extra/tf_serving_warmup_requests` in the version's folder (a TFRecord of PredictionLog) is replayed if
it is there; otherwise requests are made up for the inputs that we know: images.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Callable

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError
from PIL import Image
from tensorflow.core.protobuf import meta_graph_pb2
from tensorflow_serving.apis import prediction_log_pb2

from teachbox.serving.loader import DEFAULT_SIGNATURE, SavedModel
from teachbox.serving.status import Code, StatusError

log = logging.getLogger(__name__)

RECORDS = "assets.extra/tf_serving_warmup_requests"
_MOST_RECORDS = 1000
_SIDE = 320  # pixels of the made-up image

Replay = Callable[[SavedModel, prediction_log_pb2.PredictionLog], None]


def warm_up(model: SavedModel, replay: Replay, *, graph_is_warm: bool) -> None:
    """Runs the recorded requests, or one made up for each signature that takes an image.

    With `graph_is_warm` (only the weights are new) a made-up request goes to `serving_default` alone.
    StatusError if the recorded requests cannot be read or one of them fails: such a version must not be
    served.
    """
    if (model.folder / RECORDS).is_file():
        for record in _read_records(model):
            replay(model, record)
        return
    for name, signature in model.signatures.items():
        if graph_is_warm and name != DEFAULT_SIGNATURE:
            continue
        inputs = made_up_inputs(signature)
        if inputs is None:
            continue
        try:
            model.run(name, inputs, sorted(signature.outputs))
        except StatusError as error:
            # A stranger's model may want another image; it is served all the same, a little slower at first.
            log.warning("made-up warm-up request for %s failed: %s", name, error.message)


def made_up_inputs(signature: meta_graph_pb2.SignatureDef) -> dict[str, np.ndarray] | None:
    """A small image in the form that the signature's only input wants; None for inputs we do not know."""
    if len(signature.inputs) != 1:
        return None
    (name, info), *_ = signature.inputs.items()
    rank = -1 if info.tensor_shape.unknown_rank else len(info.tensor_shape.dim)
    if name == "serialized_example" and info.dtype == tf.string.as_datatype_enum:
        return {name: _string(_example(_png()), rank)}
    if name == "encoded_image_string_tensor" and info.dtype == tf.string.as_datatype_enum:
        return {name: _string(_png(), rank)}
    if name == "inputs" and info.dtype == tf.uint8.as_datatype_enum and rank == 4:
        sides = [dim.size if dim.size > 0 else _SIDE for dim in info.tensor_shape.dim[1:3]]
        return {name: np.full([1, *sides, 3], 127, np.uint8)}
    return None


def _read_records(model: SavedModel) -> list[prediction_log_pb2.PredictionLog]:
    path = model.folder / RECORDS
    records = []
    try:
        for raw in tf.compat.v1.io.tf_record_iterator(str(path)):
            records.append(prediction_log_pb2.PredictionLog.FromString(raw))
            if len(records) > _MOST_RECORDS:
                raise StatusError(
                    Code.INVALID_ARGUMENT,
                    f"Number of warmup records exceeds the maximum ({_MOST_RECORDS}) at {path}",
                )
    except (tf.errors.DataLossError, DecodeError) as error:
        raise StatusError(
            Code.DATA_LOSS, f"{path}: {error}. Please verify your warmup data is in TFRecord format."
        ) from error
    return records


def _string(value: bytes, rank: int) -> np.ndarray:
    return np.array(value, object).reshape([1] * max(rank, 0))


def _png() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (_SIDE, _SIDE), (127, 127, 127)).save(out, "PNG", compress_level=1)
    return out.getvalue()


def _example(image: bytes) -> bytes:
    features = {
        "image/encoded": tf.train.Feature(bytes_list=tf.train.BytesList(value=[image])),
        "image/format": tf.train.Feature(bytes_list=tf.train.BytesList(value=[b"png"])),
        "image/source_id": tf.train.Feature(bytes_list=tf.train.BytesList(value=[b"warm-up"])),
        "image/filename": tf.train.Feature(bytes_list=tf.train.BytesList(value=[b"warm-up"])),
    }
    return tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString()
