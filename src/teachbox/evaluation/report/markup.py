"""HTML and SVG from Python, escaped."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

Attribute = str | int | float | None


class Markup(str):
    """Text that is HTML already; all other text is escaped."""

    __slots__ = ()


def tag(name: str, /, *children: str | Iterable[str], **attributes: Attribute) -> Markup:
    """`<name …>…</name>`; of an attribute's name a last `_` falls away, others become `-`; None leaves it out."""
    return Markup(f"<{name}{_attributes(attributes)}>{join(*children)}</{name}>")


def void(name: str, /, **attributes: Attribute) -> Markup:
    """An element that has no content: `<name …/>`."""
    return Markup(f"<{name}{_attributes(attributes)}/>")


def join(*children: str | Iterable[str]) -> Markup:
    """The children one after the other; what is not markup is escaped."""
    parts = []
    for child in children:
        if isinstance(child, str):
            parts.append(child if isinstance(child, Markup) else escape(child))
        else:
            parts.append(join(*child))
    return Markup("".join(parts))


def number(value: float) -> str:
    """A coordinate with one decimal at most."""
    return f"{value:.1f}".rstrip("0").rstrip(".")


def _attributes(attributes: dict[str, Attribute]) -> str:
    parts = []
    for name, value in attributes.items():
        if value is not None:
            text = number(value) if isinstance(value, float) else str(value)
            parts.append(f' {name.rstrip("_").replace("_", "-")}="{escape(text)}"')
    return "".join(parts)
