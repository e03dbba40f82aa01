"""JSON examples, classes and values: the cases of TensorFlow Serving's json_tensor tests."""

from __future__ import annotations

import json

import pytest

pytestmark = pytest.mark.tf


def fill(document: dict):
    from tensorflow_serving.apis import input_pb2

    from teachbox.serving.json_examples import fill_input

    message = input_pb2.Input()
    fill_input(document, message)
    return message


def test_kinds_of_values():
    message = fill({"examples": [{"s": "ä", "b": {"b64": "AAE="}, "i": [1, True, -5], "f": [0.5, 1e39], "e": []}]})
    (example,) = message.example_list.examples
    feature = example.features.feature
    assert list(feature["s"].bytes_list.value) == ["ä".encode()]
    assert list(feature["b"].bytes_list.value) == [b"\0\1"]
    assert list(feature["i"].int64_list.value) == [1, 1, -5]
    assert list(feature["f"].float_list.value) == [0.5, float("inf")]
    assert feature["e"].WhichOneof("kind") is None


def test_context():
    message = fill({"context": {"c": 7}, "examples": [{"x": 1.0}, {"x": 2.0}]})
    assert message.WhichOneof("kind") == "example_list_with_context"
    assert list(message.example_list_with_context.context.features.feature["c"].int64_list.value) == [7]
    assert len(message.example_list_with_context.examples) == 2


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({}, "key 'examples' is expected and was not found"),
        ({"examples": 1}, "Expecting 'examples' value to be an list/array"),
        ({"examples": []}, "'examples' value is an empty array"),
        ({"examples": [1]}, "Example must be JSON object but got JSON Number"),
        ({"context": [], "examples": [{}]}, "Example must be JSON object but got JSON Array"),
        ({"examples": [{"n": None}]}, "Feature: n has element with unexpected JSON type: Null"),
        ({"examples": [{"n": {"a": 1}}]}, "unexpected JSON type: Object"),
        ({"examples": [{"n": [[1]]}]}, "unexpected JSON type: Array"),
        ({"examples": [{"names": [1, "a"]}]}, "feature: names expecting type: int64"),
        ({"examples": [{"names": [1.5, 1]}]}, "feature: names expecting type: float"),
        ({"examples": [{"n": 2**63}]}, "Only int64_t is supported"),
    ],
)
def test_refusals(document, words):
    from teachbox.serving.status import StatusError

    with pytest.raises(StatusError, match=words):
        fill(document)


def test_results():
    from tensorflow_serving.apis import classification_pb2, regression_pb2

    from teachbox.serving.json_examples import classifications_json, regressions_json
    from teachbox.serving.status import StatusError

    result = classification_pb2.ClassificationResult()
    row = result.classifications.add()
    row.classes.add(label="car", score=0.2)
    row.classes.add(label='b"q', score=1)
    assert json.loads(classifications_json(result)) == {"results": [[["car", 0.2], ['b"q', 1.0]]]}
    regressed = regression_pb2.RegressionResult()
    regressed.regressions.add(value=42)
    assert json.loads(regressions_json(regressed)) == {"results": [42.0]}
    with pytest.raises(StatusError, match="Cannot convert empty ClassificationResults"):
        classifications_json(classification_pb2.ClassificationResult())
    with pytest.raises(StatusError, match="Cannot convert empty RegressionResults"):
        regressions_json(regression_pb2.RegressionResult())
