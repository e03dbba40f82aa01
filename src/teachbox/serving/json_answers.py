"""Arrays → an answer's JSON, with TensorFlow Serving's white space too: people compare bodies as text.

NaN, Infinity and -Infinity are plain words, though standard JSON has none.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from teachbox.serving.json_requests import Form
from teachbox.serving.json_values import DTYPES
from teachbox.serving.status import invalid


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
        names: dict[Any, str] = {np.dtype(kind): known for known, kind in DTYPES.values()}
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
