"""JSON ↔ arrays: the cases of TensorFlow Serving's own json_tensor tests, and a few more."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from teachbox.serving.json_answers import error_json, number, predictions_json
from teachbox.serving.json_requests import Form, inputs_of, parse_object
from teachbox.serving.json_requests import signature_name as signature_in
from teachbox.serving.status import StatusError

FLOAT, DOUBLE, INT32, UINT8, STRING, INT64, BOOL = 1, 2, 3, 4, 7, 9, 10


def read(text: str, **dtypes: int):
    return inputs_of(parse_object(text.encode()), dtypes)


def test_rows_of_integers():
    inputs, form = read('{"instances": [[1,2],[3,4],[5,6]]}', x=INT32)
    assert form is Form.ROW
    np.testing.assert_array_equal(inputs["x"], [[1, 2], [3, 4], [5, 6]])
    assert inputs["x"].dtype == np.int32


@pytest.mark.parametrize("dtype", [FLOAT, DOUBLE])
def test_integers_among_floats(dtype):
    inputs, _ = read('{"instances": [[1, 2.5], [-3, 4e1]]}', x=dtype)
    np.testing.assert_array_equal(inputs["x"], [[1, 2.5], [-3, 40]])


def test_large_integer_loses_precision():
    inputs, _ = read('{"instances": [1435774380]}', x=FLOAT)
    assert inputs["x"][0] == np.float32(1435774380)


def test_beyond_the_range_of_float():
    inputs, _ = read('{"instances": [1.8e308, -1.8e308, 2.2e-308, -2.2e-308, 1e39]}', x=FLOAT)
    np.testing.assert_array_equal(inputs["x"], [np.inf, -np.inf, 0, -0.0, np.inf])
    inputs, _ = read('{"instances": [1' + "0" * 400 + "]}", x=DOUBLE)
    assert inputs["x"][0] == np.inf


def test_signature_name():
    assert signature_in(parse_object(b'{"signature_name": "hello", "instances": [1]}')) == "hello"
    assert signature_in({}) == ""
    with pytest.raises(StatusError, match="'signature_name' key must be a string value"):
        signature_in({"signature_name": 100})


def test_deep_signature_name():
    depth = 500_000
    document = parse_object(b'{"signature_name": ' + b"[" * depth + b"]" * depth + b"}")
    with pytest.raises(StatusError, match="must be a string value"):
        signature_in(document)


def test_base64():
    np.testing.assert_array_equal(
        read('{"instances": [{"b64": "aGVsbG8="}, {"b64": "d29ybGQ"}]}', x=STRING)[0]["x"],
        np.array([b"hello", b"world"], object),
    )
    nested, _ = read('{"instances": [[[{"b64": "aGVsbG8="}]], [[{"b64": "d29ybGQ="}]]]}', x=STRING)
    assert nested["x"].shape == (2, 1, 1)
    named, _ = read('{"instances": [{"i": [{"b64": "aGVsbG8="}, {"b64": "d29ybGQ="}]}]}', i=STRING)
    assert named["i"].shape == (1, 2)
    scalar, form = read('{"inputs": {"b64": "aGVsbG8="}}', x=STRING)
    assert form is Form.COLUMN
    assert scalar["x"].shape == ()
    assert scalar["x"].item() == b"hello"


def test_four_named_tensors():
    text = (
        '{"instances": [{"a": [1], "b": "x", "c": {"b64": "eA=="}, "d": NaN},'
        ' {"d": -Infinity, "c": "z", "a": [2], "b": "ä"}]}'
    )
    inputs, _ = read(text, a=INT64, b=STRING, c=STRING, d=FLOAT)
    np.testing.assert_array_equal(inputs["a"], [[1], [2]])
    assert inputs["b"].tolist() == [b"x", "ä".encode()]
    assert inputs["c"].tolist() == [b"x", b"z"]
    np.testing.assert_array_equal(inputs["d"], [np.nan, -np.inf])


def test_columns():
    inputs, form = read('{"inputs": [[1,2],[3,4]]}', x=FLOAT)
    assert form is Form.COLUMN
    np.testing.assert_array_equal(inputs["x"], [[1, 2], [3, 4]])
    inputs, _ = read('{"inputs": {"a": [[1]], "b": true}}', a=UINT8, b=BOOL)
    assert inputs["a"].tolist() == [[1]]
    assert inputs["b"].item() is True


def test_empty_lists():
    inputs, _ = read('{"inputs": []}', x=FLOAT)
    assert inputs["x"].shape == (0,)


@pytest.mark.parametrize(
    ("text", "dtypes", "words"),
    [
        ('{"instances": [1], "inputs": [1]}', {"x": 1}, "expecting only one of 'inputs' or 'instances'"),
        ("[]", {"x": 1}, "Is not object"),
        ("{}", {"x": 1}, "Missing 'inputs' or 'instances' key"),
        ('{"instances": 1}', {"x": 1}, "Expecting 'instances' to be an list/array"),
        ('{"instances": []}', {"x": 1}, "No values in 'instances' array"),
        ('{"instances": [[1,2],[3,4],[5,6,7]]}', {"x": 1}, "Expecting tensor size: 2 but got: 3"),
        ('{"instances": [[1,2],[3,4],[[5,6]]]}', {"x": 1}, r"Expecting shape \[2\] but got: \[1,2\]"),
        ('{"instances": [1,[1]]}', {"x": 1}, r"Expecting shape \[\] but got: \[1\]"),
        ('{"instances": [[1,[1]]]}', {"x": 1}, "Encountered list at unexpected level: 1 expected < 1"),
        ('{"instances": [[[1],2]]}', {"x": 1}, "found at incorrect level: 2 in the JSON DOM"),
        ('{"inputs": [[1,2],[1]]}', {"x": 1}, "Encountered list at unexpected size: 1 at level: 1"),
        ('{"instances": ["x","y"]}', {"x": 1}, '"x" Type: String is not of expected type: float'),
        ('{"instances": [1, true]}', {"x": 1}, "true Type: True is not of expected type: float"),
        ('{"instances": [1, 1.5]}', {"x": 3}, "1.5 Type: Number is not of expected type: int32"),
        ('{"instances": [3000000000]}', {"x": 3}, "is not of expected type: int32"),
        ('{"instances": [null]}', {"x": 7}, "null Type: Null is not of expected type: string"),
        ('{"instances": [{"b64": "!!!"}]}', {"x": 7}, "Unable to base64 decode"),
        ('{"instances": [{"b64": 1}]}', {"x": 7}, "does not have named input: b64"),
        ('{"instances": [1]}', {"a": 1, "b": 1}, "instances is a plain list, but expecting list of objects"),
        ('{"inputs": 1}', {"a": 1, "b": 1}, "inputs is a plain value/list, but expecting an object"),
        ('{"inputs": {"a": 1}}', {"a": 1, "b": 1}, "Missing named input: b in 'inputs' object."),
        ('{"instances": [{"a": 1}]}', {"a": 1, "b": 1}, "keys must be equal to: a,b"),
        ('{"instances": [{"a": 1, "c": 1}]}', {"a": 1, "b": 1}, "does not have named input: c"),
        ('{"instances": [{"a": 1}, [1]]}', {"a": 1}, "Expecting object but got list at item 1"),
        ('{"instances": [[1], {"a": 1}]}', {"a": 1}, "Expecting value/list but got object at item 1"),
        (
            '{"instances": [{"a": 1}, {"a": "x"}]}',
            {"a": 1},
            "Failed to process element: 1 key: a of 'instances'",
        ),
        ('{"inputs": ' + "[" * 300 + "]" * 300 + "}", {"x": 1}, "Encountered list at unexpected level"),
        ('{"inputs": [1]}', {"x": 8}, "to type: complex64"),
        ('{"inputs": "\\ud800"}', {"x": 7}, "surrogate pair"),
    ],
)
def test_refusals(text, dtypes, words):
    with pytest.raises(StatusError, match=words):
        read(text, **dtypes)


def test_numbers_as_tensorflow_serving_writes_them():
    values = np.array([9000000, 999999, 0.5, 0.0003, 0.00003, 555557.5], np.float32)
    written = [number(float(v), np.float32) for v in values]
    assert written == ["9e+06", "999999.0", "0.5", "0.0003", "3e-05", "555557.5"]
    assert number(0.2, np.float64) == "0.2"
    assert number(float(np.float32(1 / 3)), np.float32) == "0.333333343"
    assert number(1 / 3, np.float64) == "0.33333333333333331"


@given(st.floats(width=32))
def test_numbers_come_back(value):
    back = json.loads(number(value, np.float32))
    np.testing.assert_equal(np.float32(back), np.float32(value))


def test_bodies():
    column = predictions_json({"y": np.array([3, 3.5, 4], np.float32)}, Form.COLUMN)
    assert column == b'{\n    "outputs": [\n        3.0,\n        3.5,\n        4.0\n    ]\n}'
    row = predictions_json({"y": np.array([3, 3.5, 4], np.float32)}, Form.ROW)
    assert row == b'{\n    "predictions": [3.0, 3.5, 4.0\n    ]\n}'


def test_values():
    def out(form, **outputs):
        return json.loads(predictions_json(outputs, form))

    assert out(Form.COLUMN, y=np.float32(42)) == {"outputs": 42.0}
    text = np.array([b"a", "ä".encode()], object)
    assert out(Form.ROW, y=text) == {"predictions": ["a", "ä"]}
    assert out(Form.ROW, y_bytes=text) == {"predictions": [{"b64": "YQ=="}, {"b64": "w6Q="}]}
    several = {"a": np.array([[1], [2]]), "b": np.array([True, False])}
    assert out(Form.ROW, **several) == {"predictions": [{"a": [1], "b": True}, {"a": [2], "b": False}]}
    assert out(Form.COLUMN, **several) == {"outputs": {"a": [[1], [2]], "b": [True, False]}}
    assert out(Form.ROW, y=np.zeros([0, 2], np.float32)) == {"predictions": []}
    assert out(Form.COLUMN, y=np.zeros([0], np.float32)) == {"outputs": []}
    assert predictions_json({"y": np.array([np.nan, np.inf, -np.inf])}, Form.ROW) == (
        b'{\n    "predictions": [NaN, Infinity, -Infinity\n    ]\n}'
    )


def test_text_that_is_no_utf8_passes_unchanged():
    assert b'"\xff"' in predictions_json({"y": np.array([b"\xff"], object)}, Form.ROW)


@pytest.mark.parametrize(
    ("outputs", "words"),
    [
        ({}, "Cannot convert empty tensor map to JSON"),
        ({"y": np.float32(1)}, "Tensor name: y has no shape information "),
        ({"y": np.zeros(1, np.complex64)}, "tensor type: complex64"),
        ({"a": np.zeros(2), "b": np.zeros(3)}, "Tensor name: b has inconsistent batch size: 3 expecting: 2"),
    ],
)
def test_unwritable(outputs, words):
    with pytest.raises(StatusError, match=words):
        predictions_json(outputs, Form.ROW)


@given(hnp.arrays(np.float32, hnp.array_shapes(max_dims=3, min_side=0)))
def test_arrays_come_back(array):
    document = json.loads(predictions_json({"y": array}, Form.COLUMN))
    back, _ = inputs_of({"inputs": document["outputs"]}, {"y": FLOAT})
    if array.size:
        np.testing.assert_array_equal(back["y"], array)


def test_error_body():
    assert error_json('Bad key: "key"') == b'{ "error": "Bad key: \\"key\\"" }'
