"""JSON as TensorFlow Serving reads it."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teachbox.serving.json_parse import _parse_deep, parse
from teachbox.serving.status import StatusError

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(_JSON)
def test_reads_what_python_writes(value):
    text = json.dumps(value)
    assert parse(text.encode()) == value
    assert _parse_deep(text, 0) == value


def test_words_for_numbers():
    nan, infinite, negative = parse(b"[NaN, Infinity, -Infinity]")
    assert math.isnan(nan)
    assert (infinite, negative) == (math.inf, -math.inf)


def test_stops_after_the_first_value():
    assert parse(b'{"a": 1} x') == {"a": 1}
    assert parse(b'  {"a": 1}}') == {"a": 1}


def test_depth_brings_nothing_down():
    depth = 500_000
    value = parse(b'{"instances": [1], "deep": ' + b"[" * depth + b"]" * depth + b"}")
    assert value["instances"] == [1]
    levels, inner = 0, value["deep"]
    while inner:
        levels, inner = levels + 1, inner[0]
    assert levels == depth - 1


def test_depth_with_an_error():
    with pytest.raises(StatusError, match=r"JSON Parse error: Invalid value\. at offset: 200000"):
        parse(b"[" * 200_000 + b"x")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "JSON Parse error: The document is empty"),
        (b"  ", "JSON Parse error: The document is empty. at offset: 2"),
        (b"instances = [1, 2]", "JSON Parse error: Invalid value. at offset: 0"),
        (b'{"a" 1}', "JSON Parse error: Missing a colon after a name of object member. at offset: 5"),
        (b"{a: 1}", "JSON Parse error: Missing a name for object member. at offset: 1"),
        (b'{"\xc3\xa4": x}', "JSON Parse error: Invalid value. at offset: 7"),
        (b'"\xff"', "JSON Parse error: Invalid encoding in string. at offset: 1"),
        (b'["a]', "JSON Parse error: Missing a closing quotation mark in string. at offset: 1"),
        (b"1" * 5000, "JSON Parse error: Number too big to be stored in double. at offset: 0"),
    ],
)
def test_errors(body, message):
    with pytest.raises(StatusError) as caught:
        parse(body)
    assert caught.value.message == message
