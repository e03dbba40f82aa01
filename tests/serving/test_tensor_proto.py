"""Tensor messages without TensorFlow, and detections out of an answer."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from teachbox.serving.client import read_detections
from teachbox.serving.tensor_proto import string_scalar, to_numpy
from teachbox.wire import predict_pb2 as wire


def tensor(dtype: int, shape: list[int], **values) -> wire.TensorProto:
    message = wire.TensorProto(dtype=dtype, **values)
    message.tensor_shape.SetInParent()
    for size in shape:
        message.tensor_shape.dim.add(size=size)
    return message


def floats(*shape: int, values) -> wire.TensorProto:
    return tensor(wire.DT_FLOAT, list(shape), float_val=values)


def test_string_scalar_has_an_empty_shape():
    message = string_scalar(b"\0abc")
    assert message.dtype == wire.DT_STRING
    assert message.HasField("tensor_shape")
    assert len(message.tensor_shape.dim) == 0
    assert list(message.string_val) == [b"\0abc"]


@given(st.lists(st.floats(width=32, allow_nan=False)))
def test_both_ways_of_holding_values(values):
    array = np.array(values, "<f4")
    np.testing.assert_array_equal(to_numpy(floats(len(values), values=values)), array)
    content = tensor(wire.DT_FLOAT, [len(values)], tensor_content=array.tobytes())
    np.testing.assert_array_equal(to_numpy(content), array)


def test_integers():
    assert to_numpy(tensor(wire.DT_INT64, [2], int64_val=[1, 2**40])).tolist() == [1, 2**40]
    assert to_numpy(tensor(wire.DT_UINT8, [1, 2], int_val=[1, 255])).tolist() == [[1, 255]]
    assert to_numpy(tensor(wire.DT_INT32, [], int_val=[7])).item() == 7


def test_last_value_repeats():
    assert to_numpy(floats(2, 2, values=[1, 2])).tolist() == [[1, 2], [2, 2]]


@pytest.mark.parametrize(
    "message",
    [
        floats(3, values=[]),
        floats(1, values=[1, 2]),
        tensor(wire.DT_STRING, [1], string_val=[b"a"]),
        tensor(wire.DT_FLOAT, [2], tensor_content=b"\0\0\0\0"),
    ],
)
def test_what_does_not_fit(message):
    with pytest.raises(ValueError, match="tensor of"):
        to_numpy(message)


def answer(classes, **more) -> dict[str, wire.TensorProto]:
    return {
        "detection_boxes": floats(1, 2, 4, values=[0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]),
        "detection_scores": floats(1, 2, values=[0.9, 0.4]),
        "detection_classes": classes,
        **more,
    }


@pytest.mark.parametrize("classes", [floats(1, 2, values=[1, 3]), tensor(wire.DT_INT64, [1, 2], int64_val=[1, 3])])
def test_float_and_integer_classes(classes):
    found = read_detections(answer(classes), 7)
    assert found.classes.tolist() == [1, 3]
    assert found.classes.dtype == np.int32
    np.testing.assert_allclose(found.boxes, [[0.1, 0.2, 0.3, 0.4], [0.5, 0.6, 0.7, 0.8]], rtol=1e-6)
    np.testing.assert_allclose(found.scores, [0.9, 0.4], rtol=1e-6)
    assert found.version == 7


def test_num_detections_cuts():
    found = read_detections(answer(floats(1, 2, values=[1, 3]), num_detections=floats(1, values=[1])), None)
    assert found.boxes.shape == (1, 4)
    assert found.classes.tolist() == [1]


def test_one_detection_without_batch():
    outputs = {
        "detection_boxes": floats(1, 4, values=[0, 0, 1, 1]),
        "detection_scores": floats(1, values=[0.5]),
        "detection_classes": floats(1, values=[2]),
        "num_detections": floats(values=[1]),
    }
    found = read_detections(outputs, 1)
    assert found.boxes.tolist() == [[0, 0, 1, 1]]
    assert (found.scores.tolist(), found.classes.tolist()) == ([0.5], [2])


def test_only_the_first_image_counts():
    outputs = {
        "detection_boxes": floats(2, 1, 4, values=[0, 0, 1, 1, 9, 9, 9, 9]),
        "detection_scores": floats(2, 1, values=[0.5, 0.6]),
        "detection_classes": floats(2, 1, values=[2, 3]),
        "num_detections": floats(2, values=[1, 1]),
    }
    found = read_detections(outputs, 1)
    assert (found.boxes.tolist(), found.classes.tolist()) == ([[0, 0, 1, 1]], [2])


def test_nothing_found():
    outputs = {
        "detection_boxes": floats(1, 0, 4, values=[]),
        "detection_scores": floats(1, 0, values=[]),
        "detection_classes": floats(1, 0, values=[]),
        "num_detections": floats(1, values=[0]),
    }
    found = read_detections(outputs, 1)
    assert (found.boxes.shape, found.scores.shape, found.classes.shape) == ((0, 4), (0,), (0,))


def test_answer_that_is_no_detection():
    with pytest.raises(ValueError, match="detection_boxes, detection_scores, detection_classes is missing; there is y"):
        read_detections({"y": floats(1, values=[1])}, 1)
    outputs = answer(floats(1, 1, values=[1]))
    with pytest.raises(ValueError, match="2 scores, 1 classes and 8 box coordinates do not fit together"):
        read_detections(outputs, 1)
