"""Refusing what a config asks for and is not built, by name: nothing is accepted and ignored."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from google.protobuf.message import Message

from teachbox.errors import ConfigError


def not_built(where: str, found: object, built: str) -> ConfigError:
    """The error that refuses `found` at `where` of the config and says what is `built` instead."""
    return ConfigError(f"{found} is not built; {built}", where=where)


def refuse_others(message: Message, where: str, read: str) -> None:
    """Refuse each field of `message` (at `where` of the config) that says something and is not one of `read`."""
    names = read.split()
    for field, value in message.ListFields():
        if field.name not in names and (field.message_type is not None or value != field.default_value):
            raise ConfigError("is not built; leave it out", where=f"{where}.{field.name}")


def refuse_disagreements(message: Message, where: str, *rules: Callable[[Any], Iterator[tuple[str, str]]]) -> None:
    """Refuse `message` (at `where` of the config) if one of the `rules` of the table finds something wrong."""
    for rule in rules:
        for field, wrong in rule(message):
            raise ConfigError(wrong, where=f"{where}.{field}")
