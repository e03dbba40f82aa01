"""Protobuf text → tokens that know their line. What a number or a string is worth, `google.protobuf` says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_TOKEN = re.compile(
    r"""
      (?P<space>   (?: \s | \#[^\n]* )+ )
    | (?P<string>  "(?:[^"\\\n]|\\.)*" | '(?:[^'\\\n]|\\.)*' )
    | (?P<name>    [A-Za-z_][\w+-]* )
    | (?P<number>  (?: [+-] | \.?\d ) [\w.+-]* )
    | (?P<symbol>  . )
    """,
    re.VERBOSE | re.DOTALL,
)


class Token(NamedTuple):
    """A piece of text. `kind` is string, name, number, symbol or end; lines count from 1, offsets from 0."""

    kind: str
    text: str
    line: int
    offset: int


def tokenize(text: str) -> Iterator[Token]:
    """The tokens of `text`, no white space and comments; a last one, `end`, stands on the last line used."""
    line = last = 1
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup or ""
        if kind != "space":
            last = line
            yield Token(kind, match.group(), line, match.start())
        line += match.group().count("\n")
    yield Token("end", "", last, len(text))
