"""A request's JSON → arrays, by the rules of TensorFlow Serving's REST API.

Row form is a list of instances, column form one value an input. NaN, Infinity and -Infinity are plain words,
though standard JSON has none.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any

import numpy as np

from teachbox.serving.json_parse import parse
from teachbox.serving.json_values import DTYPES, decode_base64, is_base64, json_text, type_name, utf8
from teachbox.serving.status import Code, StatusError, invalid

_MOST_DIMENSIONS = 254  # TensorFlow's limit
_INT32 = (-(2**31), 2**31 - 1)
_RANGES = {
    3: _INT32, 4: _INT32, 5: _INT32, 6: _INT32,
    9: (-(2**63), 2**63 - 1), 22: (0, 2**32 - 1), 23: (0, 2**64 - 1),
}  # fmt: skip


class Form(Enum):
    """The form of a request, and so of its answer: instances → predictions, inputs → outputs."""

    ROW = "predictions"
    COLUMN = "outputs"


def parse_object(body: bytes) -> dict[str, Any]:
    """The JSON object in a request's body; what follows it is not looked at. StatusError if there is none."""
    document = parse(body)
    if not isinstance(document, dict):
        raise invalid(f"JSON Value: {json_text(document)} Is not object")
    return document


def signature_name(document: Mapping[str, Any]) -> str:
    """The signature that a request names; empty if it names none."""
    name = document.get("signature_name", "")
    if not isinstance(name, str):
        raise invalid(
            f"JSON Value: {json_text(document)} not formatted correctly. 'signature_name' key must be a string value."
        )
    return name


def inputs_of(document: Mapping[str, Any], dtypes: Mapping[str, int]) -> tuple[dict[str, np.ndarray], Form]:
    """A predict request's input arrays, and its form. `dtypes`: the signature's inputs, name → DataType."""
    if "instances" in document and "inputs" in document:
        raise invalid(
            f"JSON Value: {json_text(document)} Not formatted correctly expecting only one of 'inputs' or "
            "'instances' keys to exist "
        )
    if "instances" in document:
        instances = document["instances"]
        if not isinstance(instances, list):
            raise invalid(f"JSON Value: {json_text(document)} Expecting 'instances' to be an list/array")
        if not instances:
            raise invalid(f"JSON Value: {json_text(document)} No values in 'instances' array")
        return _from_rows(instances, dtypes), Form.ROW
    if "inputs" in document:
        return _from_columns(document["inputs"], dtypes), Form.COLUMN
    raise invalid("Missing 'inputs' or 'instances' key")


def _from_rows(instances: list[Any], dtypes: Mapping[str, int]) -> dict[str, np.ndarray]:
    named = isinstance(instances[0], dict) and not is_base64(instances[0])
    if not isinstance(instances[0], dict) and len(dtypes) > 1:
        raise invalid(
            "instances is a plain list, but expecting list of objects as multiple input tensors "
            "required as per tensorinfo_map"
        )
    if not named and len(dtypes) == 1:
        ((name, dtype),) = dtypes.items()
        try:
            return {name: _dense(instances, dtype)}  # the common case at once
        except StatusError:
            pass  # once more, item by item, for words that name the item
    rows: dict[str, list[np.ndarray]] = {name: [] for name in dtypes}
    for position, item in enumerate(instances):
        is_object = isinstance(item, dict) and not is_base64(item)
        if named and not is_object:
            raise invalid(f"Expecting object but got list at item {position} of input list")
        if not named and is_object:
            raise invalid(f"Expecting value/list but got object at item {position} of input list")
        if not named:
            name = next(iter(dtypes))
            _add_row(rows, name, item, dtypes, f"Failed to process element: {position} of 'instances' list.")
            continue
        for name, value in item.items():
            where = f"Failed to process element: {position} key: {name} of 'instances' list."
            _add_row(rows, name, value, dtypes, where)
        if set(item) != set(dtypes):
            raise invalid(
                f"Failed to process element: {position} of 'instances' list. JSON object: {json_text(item)} "
                f"keys must be equal to: {','.join(sorted(dtypes))}"
            )
    return {name: np.stack(values) for name, values in rows.items()}


def _add_row(rows: dict[str, list[np.ndarray]], name: str, value: Any, dtypes: Mapping[str, int], where: str) -> None:
    try:
        if name not in dtypes:
            raise invalid(f"JSON object: does not have named input: {name}")
        array = _dense(value, dtypes[name])
        if rows[name]:
            first = rows[name][0]
            if array.size != first.size:
                raise invalid(f"Expecting tensor size: {first.size} but got: {array.size}")
            if array.shape != first.shape:
                raise invalid(f"Expecting shape {_shape_text(first)} but got: {_shape_text(array)}")
    except StatusError as error:
        raise StatusError(error.code, f"{where} Error: {error.code.name}: {error.message}") from error
    rows[name].append(array)


def _from_columns(value: Any, dtypes: Mapping[str, int]) -> dict[str, np.ndarray]:
    if not isinstance(value, dict) or is_base64(value):
        if len(dtypes) > 1:
            raise invalid(
                "inputs is a plain value/list, but expecting an object as multiple input tensors "
                "required as per tensorinfo_map"
            )
        ((name, dtype),) = dtypes.items()
        return {name: _dense(value, dtype)}
    for name in dtypes:
        if name not in value:
            raise invalid(f"Missing named input: {name} in 'inputs' object.")
    return {name: _dense(value[name], dtype) for name, dtype in dtypes.items()}


def _dense(value: Any, dtype: int) -> np.ndarray:
    """A value or nested list as an array; its shape is that of the first items."""
    shape = []
    item = value
    while isinstance(item, list):
        shape.append(len(item))
        if not item:
            break
        item = item[0]
        if len(shape) > _MOST_DIMENSIONS:
            raise invalid(f"Encountered list at unexpected level: {len(shape)} expected < {_MOST_DIMENSIONS + 1}")
    leaves: list[Any] = []
    _fill(value, 0, shape, dtype, leaves)
    return _array(leaves, dtype).reshape(shape)


def _fill(value: Any, level: int, shape: list[int], dtype: int, leaves: list[Any]) -> None:
    if not isinstance(value, list):
        if level != len(shape):
            raise invalid(
                f"JSON Value: {json_text(value)} found at incorrect level: {level + 1} in the JSON DOM. "
                f"Expected at level: {len(shape)}"
            )
        leaves.append(_leaf(value, dtype))
        return
    if level >= len(shape):
        raise invalid(f"Encountered list at unexpected level: {level} expected < {len(shape)}")
    if len(value) != shape[level]:
        raise invalid(
            f"Encountered list at unexpected size: {len(value)} at level: {level} expected size: {shape[level]}"
        )
    if level == len(shape) - 1 and _are_numbers(value, dtype):
        leaves.extend(value)
        return
    for item in value:
        _fill(item, level + 1, shape, dtype, leaves)


def _are_numbers(values: list[Any], dtype: int) -> bool:
    """Whether all are numbers of that type: most of what comes in is, and is looked at all at once."""
    kinds = set(map(type, values))
    if dtype in (1, 2):
        return kinds <= {int, float}
    if dtype in _RANGES and kinds == {int}:
        low, high = _RANGES[dtype]
        return low <= min(values) and max(values) <= high
    return False


def _leaf(value: Any, dtype: int) -> Any:
    name, _ = DTYPES.get(dtype, (f"DataType {dtype}", None))
    kind = type(value)
    if name == "string":
        if kind is dict:
            return decode_base64(value)
        if kind is str:
            return utf8(value)
    elif name in ("float", "double"):
        if kind in (int, float):
            return value
    elif name == "bool":
        if kind is bool:
            return value
    elif dtype in _RANGES:
        low, high = _RANGES[dtype]
        if kind is int and low <= value <= high:
            return value
    else:
        raise StatusError(Code.UNIMPLEMENTED, f"Conversion of JSON Value: {json_text(value)} to type: {name}")
    raise invalid(f"JSON Value: {json_text(value)} Type: {type_name(value)} is not of expected type: {name}")


def _array(leaves: list[Any], dtype: int) -> np.ndarray:
    if dtype not in DTYPES:
        raise StatusError(Code.UNIMPLEMENTED, f"Conversion of JSON Value to type: DataType {dtype}")
    name, kind = DTYPES[dtype]
    if name == "string":
        array = np.empty(len(leaves), object)
        array[:] = leaves
        return array
    with np.errstate(over="ignore"):  # what is too large becomes infinite, as in C++
        if name in ("float", "double"):
            try:
                return np.array(leaves, np.float64).astype(kind)
            except OverflowError:  # an integer beyond every float
                return np.array([_as_float(v) for v in leaves], np.float64).astype(kind)
        wide = np.uint64 if name == "uint64" else np.int64
        return np.array(leaves, np.bool_ if name == "bool" else wide).astype(kind)


def _as_float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def _shape_text(array: np.ndarray) -> str:
    return "[" + ",".join(map(str, array.shape)) + "]"
