"""The labels of a project: id ↔ name ↔ display name ↔ colour. Reading label_map.pbtxt is `config.label_map`."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from teachbox.errors import LabelMapError

# Okabe and Ito's palette: told apart by colour-blind people too; then it repeats, darker.
PALETTE = ("#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7")


@dataclass(frozen=True)
class Label:
    """One item of a label map. Ids start at 1: 0 is the background."""

    id: int
    name: str
    display_name: str = ""
    color: str = ""


class LabelMap:
    """The labels of a project in the order of their ids."""

    def __init__(self, labels: Sequence[Label], *, where: str | None = None, use_display_name: bool = False) -> None:
        self.where = where
        self.use_display_name = use_display_name
        self._labels = tuple(sorted(labels, key=lambda label: label.id))
        self._by_text: dict[str, Label] = {}
        ids: set[int] = set()
        for label in self._labels:
            if label.id < 1:
                raise LabelMapError(
                    f"item {label.name!r} has id {label.id}; ids start at 1 (0 is the background)", where=where
                )
            text = self.text(label)
            if label.id in ids or text in self._by_text:
                raise LabelMapError(f"id {label.id} or name {text!r} stands twice; each must be unique", where=where)
            ids.add(label.id)
            self._by_text[text] = label

    def text(self, label: Label) -> str:
        """What a span's `label` says for `label`: its name, or its display name where those are used."""
        return (label.display_name or label.name) if self.use_display_name else label.name

    @property
    def names(self) -> list[str]:
        """What spans may say, in the order of the ids."""
        return [self.text(label) for label in self._labels]

    def id_of(self, text: str) -> int:
        """Id of the label that spans call `text`. Raises `LabelMapError`, with the nearest name, if there is none."""
        label = self._by_text.get(text)
        if label is None:
            near = difflib.get_close_matches(text, self._by_text, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise LabelMapError(f"no label {text!r}; it has {', '.join(self.names) or 'none'}{hint}", where=self.where)
        return label.id

    def name_of(self, id: int) -> str | None:
        """What spans say for `id`, or None: a detector may know more classes than the map."""
        for label in self._labels:
            if label.id == id:
                return self.text(label)
        return None

    def color_of(self, text: str) -> str:
        """Colour of the label as `#rrggbb`: its own, or one from the palette by its place."""
        label = self._by_text[text]
        return label.color or PALETTE[self._labels.index(label) % len(PALETTE)]

    @property
    def max_id(self) -> int:
        """The largest id, 0 for an empty map."""
        return self._labels[-1].id if self._labels else 0

    def __iter__(self) -> Iterator[Label]:
        return iter(self._labels)

    def __len__(self) -> int:
        return len(self._labels)

    def __contains__(self, text: object) -> bool:
        return text in self._by_text
