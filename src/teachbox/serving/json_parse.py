"""Read JSON as TensorFlow Serving does.

NaN and Infinity are values, what follows the first value is not looked at, and no depth of nesting
brings the server down.
"""

from __future__ import annotations

import json
import re
from typing import Any

from teachbox.serving.status import StatusError, invalid

_SPACE = re.compile(r"[ \t\n\r]*")
_SCALAR = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null|NaN|-?Infinity")

_WORDS = {  # Python's words for what is wrong → rapidjson's, which clients of TensorFlow Serving know
    "Expecting value": "Invalid value.",
    "Expecting property name enclosed in double quotes": "Missing a name for object member.",
    "Expecting ':' delimiter": "Missing a colon after a name of object member.",
    "Expecting ',' delimiter": "Missing a comma or a closing bracket after an element.",
    "Unterminated string starting at": "Missing a closing quotation mark in string.",
    "Invalid control character at": "Invalid encoding in string.",
    "Invalid \\escape": "Invalid escape character in string.",
    "Invalid \\uXXXX escape": "Incorrect hex digit after \\u escape in string.",
}


def parse(body: bytes) -> Any:
    """The first JSON value in `body`. StatusError says what is wrong, and at which byte."""
    if not body:
        raise invalid("JSON Parse error: The document is empty")
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise invalid(f"JSON Parse error: Invalid encoding in string. at offset: {error.start}") from error
    start = _skip(text, 0)
    if start == len(text):
        raise invalid(f"JSON Parse error: The document is empty. at offset: {start}")
    try:
        return json.JSONDecoder().raw_decode(text, start)[0]
    except json.JSONDecodeError as error:
        raise _complaint(text, error) from error
    except ValueError as error:  # Python refuses to read integers of thousands of digits
        raise invalid("JSON Parse error: Number too big to be stored in double. at offset: 0") from error
    except RecursionError:
        pass
    try:
        return _parse_deep(text, start)
    except json.JSONDecodeError as error:
        raise _complaint(text, error) from error


def _complaint(text: str, error: json.JSONDecodeError) -> StatusError:
    known = next((words for start, words in _WORDS.items() if error.msg.startswith(start)), "Invalid value.")
    return invalid(f"JSON Parse error: {known} at offset: {len(text[: error.pos].encode())}")


def _skip(text: str, position: int) -> int:
    found = _SPACE.match(text, position)
    return found.end() if found else position


def _parse_deep(text: str, position: int) -> Any:
    """The same with a stack of our own: slow, and only for what is nested too deeply for Python's parser."""
    stack: list[tuple[Any, str | None]] = []  # the open lists and objects, each with the key that waits for a value
    while True:
        position = _skip(text, position)
        character = text[position : position + 1]
        value: Any
        if character in ("[", "{"):
            container: Any = [] if character == "[" else {}
            after = _skip(text, position + 1)
            if text[after : after + 1] != ("]" if character == "[" else "}"):
                if character == "{":
                    name, position = _key(text, after)
                    stack.append((container, name))
                else:
                    stack.append((container, None))
                    position = after
                continue
            value, position = container, after + 1
        elif character == '"':
            value, position = json.JSONDecoder().raw_decode(text, position)
        else:
            found = _SCALAR.match(text, position)
            if not found:
                raise json.JSONDecodeError("Expecting value", text, position)
            value, position = json.loads(found.group()), found.end()
        while True:  # put the value where it belongs, and close what closes after it
            if not stack:
                return value
            container, key = stack[-1]
            if key is None:
                container.append(value)
            else:
                container[key] = value
            position = _skip(text, position)
            character = text[position : position + 1]
            if character == ",":
                position += 1
                if key is not None:
                    name, position = _key(text, _skip(text, position))
                    stack[-1] = (container, name)
                break
            if character != ("]" if key is None else "}"):
                raise json.JSONDecodeError("Expecting ',' delimiter", text, position)
            value, _ = stack.pop()
            position += 1


def _key(text: str, position: int) -> tuple[str, int]:
    if text[position : position + 1] != '"':
        raise json.JSONDecodeError("Expecting property name enclosed in double quotes", text, position)
    key, position = json.JSONDecoder().raw_decode(text, position)
    position = _skip(text, position)
    if text[position : position + 1] != ":":
        raise json.JSONDecodeError("Expecting ':' delimiter", text, position)
    return key, position + 1
