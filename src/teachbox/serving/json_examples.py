"""JSON ↔ the tf.Examples, classes and values of Classify and Regress, as TensorFlow Serving has it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from tensorflow.core.example import example_pb2, feature_pb2
from tensorflow_serving.apis import classification_pb2, input_pb2, regression_pb2

from teachbox.serving.json_answers import number
from teachbox.serving.json_values import decode_base64, is_base64, json_text, type_name, utf8
from teachbox.serving.status import invalid


def fill_input(document: Mapping[str, Any], message: input_pb2.Input) -> None:
    """The examples of a request, and the context that they share if there is one."""
    if "context" in document:
        listed = message.example_list_with_context
        _fill_example(document["context"], listed.context)
    else:
        listed = message.example_list
    if "examples" not in document:
        raise invalid(
            f"JSON Value: {json_text(document)} When method is classify, key 'examples' is expected and was not found"
        )
    examples = document["examples"]
    if not isinstance(examples, list):
        raise invalid(f"JSON Value: {json_text(document)} Expecting 'examples' value to be an list/array")
    if not examples:
        raise invalid(f"JSON Value: {json_text(document)} 'examples' value is an empty array")
    for example in examples:
        _fill_example(example, listed.examples.add())


def classifications_json(result: classification_pb2.ClassificationResult) -> bytes:
    """The body of a classify answer: for each example its `[label, score]` pairs."""
    if not result.classifications:
        raise invalid("Cannot convert empty ClassificationResults to JSON")
    rows = [
        "[" + ", ".join(f"[{json.dumps(c.label, ensure_ascii=False)}, {_float(c.score)}]" for c in row.classes) + "]"
        for row in result.classifications
    ]
    return f'{{\n    "results": [{", ".join(rows)}\n    ]\n}}'.encode()


def regressions_json(result: regression_pb2.RegressionResult) -> bytes:
    """The body of a regress answer: a value for each example."""
    if not result.regressions:
        raise invalid("Cannot convert empty RegressionResults to JSON")
    return f'{{\n    "results": [{", ".join(_float(r.value) for r in result.regressions)}]\n}}'.encode()


def _float(value: float) -> str:
    return number(value, np.float32)


def _fill_example(value: Any, example: example_pb2.Example) -> None:
    if not isinstance(value, dict):
        raise invalid(f"Example must be JSON object but got JSON {type_name(value)}")
    for name, content in value.items():
        feature = example.features.feature[name]
        for item in content if isinstance(content, list) else [content]:
            _add(feature, name, item)


def _add(feature: feature_pb2.Feature, name: str, item: Any) -> None:
    kind = type(item)
    if kind in (bool, int):
        if kind is int and not -(2**63) <= item < 2**63:
            raise invalid(f"Feature: {name} has uint64 element. Only int64_t is supported.")
        _only(feature, name, "int64_list")
        feature.int64_list.value.append(int(item))
    elif kind is float:
        _only(feature, name, "float_list")
        with np.errstate(over="ignore"):
            feature.float_list.value.append(float(np.float32(item)))
    elif kind is str or is_base64(item):
        _only(feature, name, "bytes_list")
        feature.bytes_list.value.append(utf8(item) if kind is str else decode_base64(item))
    else:
        raise invalid(f"Feature: {name} has element with unexpected JSON type: {type_name(item)}")


def _only(feature: feature_pb2.Feature, name: str, kind: str) -> None:
    there = feature.WhichOneof("kind")
    if there not in (None, kind):
        expected = {"bytes_list": "bytes", "float_list": "float", "int64_list": "int64"}[there]
        raise invalid(f"Unexpected element type in feature: {name} expecting type: {expected}")
