"""TensorFlow's tensor messages ↔ numpy arrays, in the server."""

from __future__ import annotations

import numpy as np
import tensorflow as tf
from tensorflow.core.framework import tensor_pb2

from teachbox.serving.status import invalid

_FIELDS = {  # the typed field of each dtype
    tf.float32: "float_val",
    tf.float64: "double_val",
    tf.int32: "int_val",
    tf.uint8: "int_val",
    tf.int16: "int_val",
    tf.uint16: "int_val",
    tf.int8: "int_val",
    tf.int64: "int64_val",
    tf.bool: "bool_val",
    tf.uint32: "uint32_val",
    tf.uint64: "uint64_val",
    tf.complex64: "scomplex_val",
    tf.complex128: "dcomplex_val",
    tf.string: "string_val",
}


def from_proto(name: str, tensor: tensor_pb2.TensorProto) -> np.ndarray:
    """The array that the client sent as input `name`; StatusError if the message holds no tensor."""
    try:
        return np.asarray(tf.make_ndarray(tensor))
    except (TypeError, ValueError, KeyError) as error:
        raise invalid(f"tensor parsing error: {name}: {error}") from error


def to_proto(array: np.ndarray, *, as_content: bool = False) -> tensor_pb2.TensorProto:
    """The message for an output: typed fields (what clients read as `.float_val`), or `tensor_content`."""
    array = np.asarray(array)
    dtype = tf.string if array.dtype == object else tf.as_dtype(array.dtype)
    field = _FIELDS.get(dtype)
    if field is None:
        return tf.make_tensor_proto(array)
    message = tensor_pb2.TensorProto(dtype=dtype.as_datatype_enum)
    message.tensor_shape.SetInParent()
    for size in array.shape:
        message.tensor_shape.dim.add(size=size)
    if as_content and dtype != tf.string:  # strings have no other form than string_val
        message.tensor_content = np.ascontiguousarray(array).tobytes()
        return message
    values = array.reshape(-1)
    if dtype.is_complex:
        values = values.view(values.real.dtype)
    getattr(message, field).extend(values.tolist())
    return message
