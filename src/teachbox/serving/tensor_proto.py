"""Tensor messages ↔ numpy arrays, without TensorFlow: what the client sends and reads."""

from __future__ import annotations

import math

import numpy as np

from teachbox.wire import predict_pb2 as wire

_DTYPES: dict[int, tuple[type, str]] = {  # the numpy type, and the field that holds the values
    wire.DT_FLOAT: (np.float32, "float_val"),
    wire.DT_DOUBLE: (np.float64, "double_val"),
    wire.DT_INT32: (np.int32, "int_val"),
    wire.DT_UINT8: (np.uint8, "int_val"),
    wire.DT_INT16: (np.int16, "int_val"),
    wire.DT_INT8: (np.int8, "int_val"),
    wire.DT_INT64: (np.int64, "int64_val"),
    wire.DT_BOOL: (np.bool_, "bool_val"),
    wire.DT_UINT32: (np.uint32, "uint32_val"),
    wire.DT_UINT64: (np.uint64, "uint64_val"),
}


def string_scalar(value: bytes) -> wire.TensorProto:
    """A scalar string tensor: dtype DT_STRING and an empty shape."""
    return wire.TensorProto(dtype=wire.DT_STRING, tensor_shape=wire.TensorShapeProto(), string_val=[value])


def to_numpy(tensor: wire.TensorProto) -> np.ndarray:
    """The values of a numeric tensor, from its typed field or from `tensor_content`.

    A typed field that is shorter than the shape repeats its last value, as TensorFlow does. ValueError for a
    dtype that holds no numbers, and for a number of values that does not fit the shape.
    """
    if tensor.dtype not in _DTYPES:
        raise ValueError(f"a tensor of dtype {tensor.dtype} holds no plain numbers")
    dtype, field = _DTYPES[tensor.dtype]
    if tensor.tensor_content:
        values: np.ndarray = np.frombuffer(tensor.tensor_content, np.dtype(dtype).newbyteorder("<")).astype(dtype)
    else:
        values = np.array(getattr(tensor, field), dtype)
    shape = [dim.size for dim in tensor.tensor_shape.dim]
    count = math.prod(shape)
    if 0 < len(values) < count and not tensor.tensor_content:
        values = np.concatenate([values, np.full(count - len(values), values[-1])])
    if len(values) != count:
        raise ValueError(f"a tensor of shape {shape} needs {count} values and holds {len(values)}")
    return values.reshape(shape)
