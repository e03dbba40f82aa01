"""TensorFlow's tensor messages, written as TensorFlow Serving writes them and read back by TensorFlow."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from teachbox.serving.tensors import from_proto, to_proto

pytestmark = pytest.mark.tf

ARRAYS = {
    "float_val": np.array([[1.5, -2], [3, 4]], np.float32),
    "double_val": np.array([0.1, 0.2]),
    "int_val": np.array([1, 255], np.uint8),
    "int64_val": np.array([2**40, -1]),
    "bool_val": np.array([True, False]),
    "uint32_val": np.array([2**32 - 1], np.uint32),
    "uint64_val": np.array([2**64 - 1], np.uint64),
    "string_val": np.array([b"a\0", b""], object),
    "scomplex_val": np.array([1 + 2j, 3 - 4j], np.complex64),
}


@pytest.mark.parametrize("field", list(ARRAYS))
def test_typed_fields(field):
    array = ARRAYS[field]
    message = to_proto(array)
    assert message.tensor_content == b""
    assert len(getattr(message, field)) == array.size * (2 if field == "scomplex_val" else 1)
    np.testing.assert_array_equal(tf.make_ndarray(message), array)
    np.testing.assert_array_equal(from_proto("x", message), array)


def test_content():
    message = to_proto(np.array([[1, 2]], np.float32), as_content=True)
    assert len(message.float_val) == 0
    assert np.frombuffer(message.tensor_content, "<f4").tolist() == [1, 2]
    assert list(to_proto(np.array([b"a"], object), as_content=True).string_val) == [b"a"]


def test_empty_scalar_and_half():
    assert to_proto(np.zeros([0, 4], np.float32)).tensor_shape == tf.TensorShape([0, 4]).as_proto()
    scalar = to_proto(np.float32(2))
    assert scalar.HasField("tensor_shape")
    assert list(scalar.float_val) == [2.0]
    half = np.array([1.5, 2.5], np.float16)
    np.testing.assert_array_equal(tf.make_ndarray(to_proto(half)), half)
