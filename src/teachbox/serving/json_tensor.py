"""JSON ↔ arrays by the rules of TensorFlow Serving's REST API.

Row form is a list of instances, column form one value an input. Bytes travel as `{"b64": "…"}`. NaN, Infinity
and -Infinity are plain words, read and written, though standard JSON has none.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
from collections.abc import Mapping
from enum import Enum
from typing import Any

import numpy as np

from teachbox.serving.json_parse import parse
from teachbox.serving.status import Code, StatusError, invalid

_MOST_DIMENSIONS = 254  # TensorFlow's limit
_LONGEST_VALUE = 1000  # characters of a JSON value in an error's text

_DTYPES: dict[int, tuple[str, Any]] = {  # TensorFlow's DataType → its name in C++, the numpy type
    1: ("float", np.float32),
    2: ("double", np.float64),
    3: ("int32", np.int32),
    4: ("uint8", np.uint8),
    5: ("int16", np.int16),
    6: ("int8", np.int8),
    7: ("string", object),
    8: ("complex64", np.complex64),
    9: ("int64", np.int64),
    10: ("bool", np.bool_),
    18: ("complex128", np.complex128),
    19: ("half", np.float16),
    22: ("uint32", np.uint32),
    23: ("uint64", np.uint64),
}
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


def predictions_json(outputs: Mapping[str, np.ndarray], form: Form) -> bytes:
    """The body of a predict answer."""
    if not outputs:
        raise invalid("Cannot convert empty tensor map to JSON")
    return _rows_json(outputs) if form is Form.ROW else _columns_json(outputs)


def error_json(message: str) -> bytes:
    """The body of every refusal."""
    return f'{{ "error": {_quoted(message)} }}'.encode("utf-8", "surrogateescape")


def number(value: float, dtype: Any) -> str:
    """A float as TensorFlow Serving writes it: six digits if they say all, else all; never an integer."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    text = f"{value:g}"
    if dtype(float(text)) != dtype(value):
        text = f"{value:.9g}" if dtype is np.float32 else f"{value:.17g}"
    return text if "." in text or "e" in text else text + ".0"


def json_text(value: Any) -> str:
    """A JSON value for an error's text, cut where it gets long."""
    try:
        text = json.dumps(value, ensure_ascii=False)
    except RecursionError:
        return "(nested too deeply to be shown)"
    return text if len(text) <= _LONGEST_VALUE else text[:_LONGEST_VALUE] + "..."


def decode_base64(value: Mapping[str, Any]) -> bytes:
    """The bytes in a `{"b64": "…"}` object."""
    if not is_base64(value):
        raise invalid(f"JSON Value: {json_text(value)} not formatted correctly for base64 data")
    text = re.sub(r"\s+", "", value["b64"]).rstrip("=")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise invalid("Unable to base64 decode") from error


def is_base64(value: object) -> bool:
    return isinstance(value, dict) and len(value) == 1 and isinstance(value.get("b64"), str)


def type_name(value: object) -> str:
    """A JSON value's type, in rapidjson's words."""
    if value is None:
        return "Null"
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, (int, float)):
        return "Number"
    if isinstance(value, str):
        return "String"
    return "Array" if isinstance(value, list) else "Object"


def utf8(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise invalid("JSON Parse error: The surrogate pair in string is invalid.") from error


# Reading


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
    name, _ = _DTYPES.get(dtype, (f"DataType {dtype}", None))
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
    if dtype not in _DTYPES:
        raise StatusError(Code.UNIMPLEMENTED, f"Conversion of JSON Value to type: DataType {dtype}")
    name, kind = _DTYPES[dtype]
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


# Writing. The white space is TensorFlow Serving's too: people compare bodies as text.


def _rows_json(outputs: Mapping[str, np.ndarray]) -> bytes:
    size = None
    for name in sorted(outputs):
        if outputs[name].ndim == 0:
            raise invalid(f"Tensor name: {name} has no shape information ")
        if size is not None and len(outputs[name]) != size:
            raise invalid(f"Tensor name: {name} has inconsistent batch size: {len(outputs[name])} expecting: {size}")
        size = len(outputs[name])
    columns = {name: _texts(name, outputs[name]) for name in sorted(outputs)}
    if len(columns) == 1:
        (rows,) = columns.values()
        body = ", ".join(_inline(row) for row in rows)
    else:
        body = ",".join(
            "\n        {\n"
            + ",\n".join(f"            {_quoted(n)}: {_inline(column[i])}" for n, column in columns.items())
            + "\n        }"
            for i in range(size or 0)
        )
    end = "\n    ]" if body else "]"
    return f'{{\n    "predictions": [{body}{end}\n}}'.encode("utf-8", "surrogateescape")


def _columns_json(outputs: Mapping[str, np.ndarray]) -> bytes:
    if len(outputs) == 1:
        ((name, array),) = outputs.items()
        body = _indented(_texts(name, array), 4)
    else:
        body = (
            "{\n"
            + ",\n".join(
                f"        {_quoted(name)}: {_indented(_texts(name, outputs[name]), 8)}" for name in sorted(outputs)
            )
            + "\n    }"
        )
    return f'{{\n    "outputs": {body}\n}}'.encode("utf-8", "surrogateescape")


def _texts(name: str, array: np.ndarray) -> Any:
    """The array as nested lists of JSON texts."""
    flat = array.reshape(-1)
    if array.dtype in (np.float32, np.float64):
        kind = array.dtype.type
        texts = [number(v, kind) for v in flat.tolist()]
    elif array.dtype == np.bool_:
        texts = ["true" if v else "false" for v in flat.tolist()]
    elif array.dtype.kind in "iu":
        texts = list(map(str, flat.tolist()))
    elif array.dtype == object:
        texts = [_string_text(v, as_bytes=name.endswith("_bytes")) for v in flat]
    else:
        names: dict[Any, str] = {np.dtype(kind): known for known, kind in _DTYPES.values()}
        raise invalid(f"Failed to write JSON value for tensor type: {names.get(array.dtype, array.dtype)}")
    # The shape comes back as nested lists; an object array keeps the texts whole.
    shaped = np.empty(len(texts), object)
    shaped[:] = texts
    return shaped.reshape(array.shape).tolist()


def _string_text(value: bytes | str, *, as_bytes: bool) -> str:
    raw = value.encode() if isinstance(value, str) else value
    if as_bytes:
        return f'{{ "b64": "{base64.b64encode(raw).decode()}" }}'
    return _quoted(raw.decode("utf-8", "surrogateescape"))


def _inline(texts: Any) -> str:
    return "[" + ", ".join(map(_inline, texts)) + "]" if isinstance(texts, list) else texts


def _indented(texts: Any, level: int) -> str:
    if not isinstance(texts, list):
        return texts
    if not texts:
        return "[]"
    pad = " " * (level + 4)
    return "[\n" + ",\n".join(pad + _indented(t, level + 4) for t in texts) + "\n" + " " * level + "]"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
