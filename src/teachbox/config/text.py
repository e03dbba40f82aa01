"""Protobuf text → a message and the line of each of its fields.

`google.protobuf.text_format` gives the values. Its messages hold no lines and its errors know no remedy, so
the text is walked along the schema first: that finds mistakes in names and kinds, and where each field is.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Iterable
from typing import TypeVar, cast

from google.protobuf import text_format
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from teachbox.config.tokens import Token, tokenize
from teachbox.errors import TeachboxError

M = TypeVar("M", bound=Message)

Lines = dict[str, int]
"""Field path (`train_config.data_augmentation_options[1].random_crop_image`) → line, counted from 1."""

# A block of this message with several members of its oneof means several blocks, in the order written. The
# original read such a block too (a well-known tutorial has one), and silently kept only its last member.
_SEVERAL_IN_ONE = {"teachbox.protos.PreprocessingStep"}

_CLOSER = {"{": "}", "<": ">"}
_INTEGER = re.compile(r"-?(0[xX][0-9a-fA-F]+|\d+)")
_FLOAT = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?[fF]?|-?(inf|infinity|nan)f?", re.IGNORECASE)
_TRUE_OR_FALSE = {"true", "false", "True", "False", "t", "f", "0", "1"}
_INTEGER_RANGE = {
    FieldDescriptor.TYPE_INT32: (-(2**31), 2**31 - 1),
    FieldDescriptor.TYPE_INT64: (-(2**63), 2**63 - 1),
    FieldDescriptor.TYPE_UINT32: (0, 2**32 - 1),
    FieldDescriptor.TYPE_UINT64: (0, 2**64 - 1),
}


def read_text(text: str, kind: type[M], *, where: str, error: type[TeachboxError]) -> tuple[M, Lines]:
    """A message of `kind` from protobuf text, and the line of every field. Raises `error` at `where:LINE`."""
    root = cast(Descriptor, kind.DESCRIPTOR)
    walk = _Walk(text, root, where, error)
    walk.message(root)
    message = kind()
    try:
        text_format.Parse(walk.split_text(), message)
    except text_format.ParseError as exception:
        # Names and kinds are right by now: what is left is inside a value, such as a bad escape in a string.
        line = exception.GetLine()
        reason = str(exception).rpartition("': ")[2]
        raise error(f"a value here cannot be read: {reason}", where=f"{where}:{line}" if line else where) from exception
    return message, walk.lines


class _Walk:
    """One pass over the text, along the schema."""

    def __init__(self, text: str, root: Descriptor, where: str, error: type[TeachboxError]) -> None:
        self.text = text
        self.root = root
        self.where = where
        self.error = error
        self.lines: Lines = {}
        self._tokens = tokenize(text)
        self._next = next(self._tokens)
        self._rows: Counter[str] = Counter()  # path of a repeated field → rows met so far
        self._insertions: list[tuple[int, str]] = []  # offset in the text, what to put there

    def split_text(self) -> str:
        """The text with blocks that mean several written as several; every line stays where it was."""
        parts, done = [], 0
        for offset, insertion in self._insertions:
            parts += [self.text[done:offset], insertion]
            done = offset
        return "".join([*parts, self.text[done:]])

    def message(self, kind: Descriptor, path: str = "", *, opened: Token | None = None, split: str = "") -> None:
        """The fields of one message.

        `opened` is its bracket (none for the whole text), `split` ends its block and begins the next.
        """
        closer = _CLOSER[opened.text] if opened else ""
        chosen: dict[str, str] = {}  # oneof → the member that stands in this block
        while not self._is(closer):
            token = self._take()
            if token.kind == "end" and opened:
                raise self._wrong(opened, f"`{opened.text}` of {path} is never closed; `{closer}` is missing")
            if token.text == "[":
                raise self._extension(token, kind)
            if token.text in _CLOSER.values() and token.kind == "symbol":
                raise self._wrong(
                    token,
                    f"`{token.text}` closes nothing; one of the brackets before it is too many or missing",
                )
            if token.kind != "name":
                raise self._wrong(token, f"expected the name of a field of {kind.name}, found `{token.text}`")
            field = kind.fields_by_name.get(token.text)
            if field is None:
                raise self._wrong(token, _no_such_field(kind, token.text, self.root))
            oneof = field.containing_oneof
            if oneof is not None and oneof.name in chosen:
                if kind.full_name in _SEVERAL_IN_ONE:
                    self._insertions.append((token.offset, split))
                    path = self._new_row(re.sub(r"\[\d+\]$", "", path), token)
                elif chosen[oneof.name] != field.name:
                    raise self._excluded(token, path, kind, chosen[oneof.name], oneof.name)
            if oneof is not None:
                chosen[oneof.name] = field.name
            self._field(token, kind, field, f"{path}.{field.name}" if path else field.name)
            if self._next.text in (",", ";"):
                self._take()
        if opened:
            self._take()

    def _field(self, token: Token, kind: Descriptor, field: FieldDescriptor, path: str) -> None:
        if not field.is_repeated and path in self.lines:
            lines = f"{self.lines[path]} and {token.line}"
            message = f"`{field.name}` of {kind.name} stands twice, on lines {lines}; it can be set once"
            raise self._wrong(token, message)
        colon = self._is(":")
        if colon:
            self._take()
        elif field.message_type is None:
            raise self._wrong(self._next, f"`{field.name}` needs a `:` and a value, found `{self._next.text}`")
        if not self._is("["):
            self._value(token, kind, field, path, in_list=False)
            return
        if not field.is_repeated:
            raise self._wrong(self._next, f"`{field.name}` of {kind.name} holds one value, found a list")
        bracket = self._take()
        while not self._is("]"):
            self._value(self._next, kind, field, path, in_list=True)
            if self._is(","):
                self._take()
            elif not self._is("]"):
                raise self._wrong(bracket, f"the list `[` of `{field.name}` is never closed; `]` is missing")
        self._take()

    def _value(self, token: Token, kind: Descriptor, field: FieldDescriptor, path: str, *, in_list: bool) -> None:
        if field.is_repeated:
            self.lines.setdefault(path, token.line)
            path = self._new_row(path, token)
        self.lines[path] = token.line
        opener = self._take()
        if field.message_type is None:
            self._scalar(opener, kind, field)
        elif opener.text in _CLOSER and opener.kind == "symbol":
            closer = _CLOSER[opener.text]
            split = f"{closer}, {opener.text} " if in_list else f"{closer} {field.name} {opener.text} "
            self.message(field.message_type, path, opened=opener, split=split)
        else:
            raise self._wrong(
                opener, f"`{field.name}` of {kind.name} is a block: expected `{{`, found {_shown(opener)}"
            )

    def _scalar(self, token: Token, kind: Descriptor, field: FieldDescriptor) -> None:
        if token.text in "\"'" and token.kind == "symbol":
            raise self._wrong(token, f"the text of `{field.name}` is never closed; its quote is missing")
        name = f"`{field.name}` of {kind.name}"
        if field.enum_type is not None:
            values = field.enum_type.values_by_name
            by_number = token.kind == "number" and token.text in map(str, field.enum_type.values_by_number)
            if token.text not in values and not by_number:
                raise self._wrong(
                    token,
                    f"{name} is one of {', '.join(values)}; found {_shown(token)}{_near(token.text, values)}",
                )
        elif field.type in (FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_BYTES):
            if token.kind != "string":
                raise self._wrong(token, f"{name} is text in quotes; found {_shown(token)}")
            while self._next.kind == "string":
                self._take()
        elif field.type == FieldDescriptor.TYPE_BOOL:
            if token.text not in _TRUE_OR_FALSE:
                near = _near(token.text.lower(), ("true", "false"))
                raise self._wrong(token, f"{name} is true or false; found {_shown(token)}{near}")
        elif field.type in _INTEGER_RANGE:
            low, high = _INTEGER_RANGE[field.type]
            if (
                not _INTEGER.fullmatch(token.text)
                or not low <= int(token.text, 0 if "x" in token.text.lower() else 10) <= high
            ):
                raise self._wrong(token, f"{name} is a whole number from {low} to {high}; found {_shown(token)}")
        elif token.kind == "string" or not _FLOAT.fullmatch(token.text):
            raise self._wrong(token, f"{name} is a number; found {_shown(token)}")

    def _new_row(self, path: str, token: Token) -> str:
        row = f"{path}[{self._rows[path]}]"
        self._rows[path] += 1
        self.lines[row] = token.line
        return row

    def _is(self, text: str) -> bool:
        """Whether the next token is this symbol; the empty text means the end."""
        return self._next.text == text and self._next.kind in ("symbol", "end")

    def _take(self) -> Token:
        token = self._next
        self._next = next(self._tokens, token)
        return token

    def _wrong(self, token: Token, message: str) -> TeachboxError:
        return self.error(message, where=f"{self.where}:{token.line}")

    def _extension(self, bracket: Token, kind: Descriptor) -> TeachboxError:
        name = ""
        while not self._is("]") and self._next.kind != "end":
            name += self._take().text
        allowed = "no extension of it is known here" if kind.is_extendable else "it can have none"
        return self._wrong(bracket, f"unknown extension `[{name}]` in message {kind.name}; {allowed}")

    def _excluded(self, token: Token, path: str, kind: Descriptor, other: str, oneof: str) -> TeachboxError:
        first = self.lines[f"{path}.{other}" if path else other]
        return self._wrong(
            token,
            f"`{other}` (line {first}) and `{token.text}` (line {token.line}) exclude one another: "
            f"{kind.name} has one {oneof.removesuffix('_oneof')}; keep one of the two",
        )


def _shown(token: Token) -> str:
    return f"`{token.text}`" if token.text else "the end of the file"


def _near(text: str, names: Iterable[str]) -> str:
    near = difflib.get_close_matches(text, list(names), n=1)
    return f"; did you mean `{near[0]}`?" if near else ""


def _no_such_field(kind: Descriptor, name: str, root: Descriptor) -> str:
    message = f"no field `{name}` in message {kind.name}"
    near = _near(name, kind.fields_by_name)
    if near:
        return message + near
    owners = sorted(owner.name for owner in _within(root).values() if name in owner.fields_by_name)
    if owners:
        return f"{message}; it belongs to {', '.join(owners[:3])}: is a bracket too many or missing before it?"
    return f"{message}; it has {', '.join(kind.fields_by_name) or 'none'}"


def _within(kind: Descriptor) -> dict[str, Descriptor]:
    """Full name → message, for `kind` and everything that it can hold."""
    found: dict[str, Descriptor] = {}
    waiting = [kind]
    while waiting:
        message = waiting.pop()
        if message.full_name not in found:
            found[message.full_name] = message
            waiting += [field.message_type for field in message.fields if field.message_type is not None]
    return found
