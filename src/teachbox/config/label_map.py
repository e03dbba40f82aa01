"""label_map.pbtxt ↔ `LabelMap`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from google.protobuf import text_format

from teachbox.config.load import read_file
from teachbox.config.protos.string_int_label_map_pb2 import StringIntLabelMap
from teachbox.config.text import read_text
from teachbox.errors import LabelMapError
from teachbox.labels import Label, LabelMap

_BACKGROUND = "background"


def load_label_map(path: Path | str, use_display_name: bool = False) -> LabelMap:
    """The label map at `path`. Raises `LabelMapError` with the line and what would be right there."""
    path = Path(path)
    return parse_label_map(read_file(path, LabelMapError), str(path), use_display_name)


def parse_label_map(text: str, where: str = "label_map.pbtxt", use_display_name: bool = False) -> LabelMap:
    """A label map from its text; errors name `where`. An item for the background (id 0) is left out."""
    message, lines = read_text(text, StringIntLabelMap, where=where, error=LabelMapError)
    labels: list[Label] = []
    lines_of: dict[int | str, int] = {}  # id, or what spans say → its line
    for row, item in enumerate(message.item):
        line = lines[f"item[{row}]"]
        id_line = lines.get(f"item[{row}].id", line)
        if item.HasField("id") and item.id == 0 and _BACKGROUND in (item.name, item.display_name):
            continue
        if not item.name:
            raise LabelMapError("this item has no name", where=f"{where}:{line}")
        if not item.HasField("id"):
            raise LabelMapError(f"item {item.name!r} has no id; ids start at 1", where=f"{where}:{line}")
        if item.id < 1:
            raise LabelMapError(
                f"item {item.name!r} has id {item.id}; ids start at 1 (0 is the background)",
                where=f"{where}:{id_line}",
            )
        shown = use_display_name and item.display_name
        said = item.display_name if shown else item.name
        said_line = lines[f"item[{row}].display_name" if shown else f"item[{row}].name"]
        for what, key, key_line in (("id", item.id, id_line), ("name", said, said_line)):
            if key in lines_of:
                both = f"{lines_of[key]} and {key_line}"
                raise LabelMapError(
                    f"{what} {key!r} stands twice, on lines {both}; each must be unique",
                    where=f"{where}:{key_line}",
                )
            lines_of[key] = key_line
        labels.append(Label(item.id, item.name, item.display_name))
    if not labels:
        raise LabelMapError("holds no item; write `item { id: 1 name: 'raccoon' }` for each label", where=where)
    return LabelMap(labels, where=where, use_display_name=use_display_name)


def dump_label_map(labels: Iterable[Label]) -> str:
    """The text of label_map.pbtxt for `labels` (a `LabelMap`, or any labels)."""
    message = StringIntLabelMap()
    for label in labels:
        item = message.item.add(id=label.id, name=label.name)
        if label.display_name:
            item.display_name = label.display_name
    return text_format.MessageToString(message, as_utf8=True)
