"""A table of boxes as a TFRecord file: one row a box, or an image without boxes.

Two layouts, told apart by the header: `path,xmin,ymin,xmax,ymax,label` and
`filename,width,height,class,xmin,ymin,xmax,ymax`; more columns may stand beside. Coordinates are pixels of
the upright image.
"""

from __future__ import annotations

import csv
import logging
import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from teachbox import boxes as box_math
from teachbox import images
from teachbox.config.label_map import load_label_map
from teachbox.data.tf_example_encoder import encode_example
from teachbox.data.tfrecord import write_records
from teachbox.errors import DataError, LabelMapError
from teachbox.labels import LabelMap

log = logging.getLogger(__name__)

_SIDES = ("ymin", "xmin", "ymax", "xmax")
_LAYOUTS = {"path": "label", "filename": "class"}  # column of the image → column of its label


@dataclass
class Summary:
    """What became of a CSV file."""

    images: int = 0
    """Images written, with and without boxes."""
    boxes: int = 0
    """Boxes written."""
    dropped: int = 0
    """Boxes left out: no width or height inside the image."""
    skipped: int = 0
    """Images left out: they cannot be read."""


@dataclass
class _Box:
    line: int
    label: str
    rows: tuple[float, float, float, float]  # ymin, xmin, ymax, xmax


@dataclass
class _Image:
    name: str
    path: Path
    line: int
    size: tuple[int, int] | None  # height, width as the CSV says
    boxes: list[_Box] = field(default_factory=list)


def create_tfrecord(
    csv_input: str | os.PathLike[str],
    label_map_path: str | os.PathLike[str],
    output_path: str | os.PathLike[str],
    base_path: str | os.PathLike[str] | None = None,
) -> Summary:
    """Write the images and boxes of a CSV file to a TFRecord file, in the order in which the images first
    appear.

    Image names are looked up under `base_path`; without it, from the working directory, then beside the CSV
    file. A box is clipped to its image; one without width or height there is dropped, an image that cannot be
    read is skipped, both with a logged warning. Raises `DataError` with the line for a row that cannot be
    understood or an image that does not exist, also where not one image can be read; `LabelMapError` for a
    label that the map does not hold. The file is there whole or not at all.
    """
    summary = Summary()
    write_records(output_path, csv_examples(csv_input, load_label_map(Path(label_map_path)), base_path, summary))
    return summary


def csv_examples(
    csv_input: str | os.PathLike[str],
    label_map: LabelMap,
    base_path: str | os.PathLike[str] | None = None,
    summary: Summary | None = None,
) -> Iterator[bytes]:
    """The images and boxes of a CSV file as serialized tf.Examples; `summary` says afterwards what became of them.

    Looked up, left out and refused as in `create_tfrecord`; the whole file is checked before the first comes.
    """
    source = Path(csv_input)
    table = _read_table(source, label_map, Path(base_path) if base_path is not None else None)
    return _serialized(table, source, label_map, summary or Summary())


def _read_table(source: Path, label_map: LabelMap, base: Path | None) -> list[_Image]:
    """The images of the CSV file by first appearance, every row checked, so that nothing is written for a bad
    file.
    """
    found: dict[str, _Image] = {}
    try:
        with source.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, skipinitialspace=True)
            image_column, label_column = _layout(reader.fieldnames or [], source)
            for row in reader:
                where = f"{source}:{reader.line_num}"
                name = (row[image_column] or "").strip()
                if not name:
                    raise DataError(f"the column {image_column!r} is empty; every row names an image", where=where)
                if name not in found:
                    path = _locate(name, base, source, where)
                    found[name] = _Image(name, path, reader.line_num, _size(row, where))
                box = _box(row, label_column, reader.line_num, where)
                if box is not None:
                    _check_label(box.label, label_map, where)
                    found[name].boxes.append(box)
    except OSError as error:
        raise DataError(f"the CSV file cannot be read ({error.strerror})", where=str(source)) from error
    except (csv.Error, UnicodeDecodeError) as error:
        raise DataError(f"not a CSV file in UTF-8 ({error})", where=str(source)) from error
    if not found:
        raise DataError("the CSV file has a header and no rows", where=str(source))
    return list(found.values())


def _layout(columns: Sequence[str], source: Path) -> tuple[str, str]:
    for image_column, label_column in _LAYOUTS.items():
        if {image_column, label_column, *_SIDES} <= set(columns):
            return image_column, label_column
    raise DataError(
        f"the columns are {', '.join(columns) or 'missing'}; needed are path,xmin,ymin,xmax,ymax,label or "
        "filename,width,height,class,xmin,ymin,xmax,ymax",
        where=f"{source}:1",
    )


def _locate(name: str, base: Path | None, source: Path, where: str) -> Path:
    tried = [base / name] if base is not None else [Path(name), source.parent / name]
    for path in tried:
        if path.is_file():
            return path
    places = " nor as ".join(str(path) for path in dict.fromkeys(tried))
    hint = "" if base is not None else "; --base-path names the folder of the images"
    raise DataError(f"no image {name!r}: not found as {places}{hint}", where=where)


def _size(row: dict[str, str | None], where: str) -> tuple[int, int] | None:
    height, width = (_number(row, key, where) if row.get(key) else None for key in ("height", "width"))
    return (int(height), int(width)) if height is not None and width is not None else None


def _box(row: dict[str, str | None], label_column: str, line: int, where: str) -> _Box | None:
    """The box of a row; None where all four sides are empty: an image without boxes."""
    if not any((row[side] or "").strip() for side in _SIDES):
        return None
    label = (row[label_column] or "").strip()
    if not label:
        raise DataError(f"the column {label_column!r} is empty; a box needs a label", where=where)
    ymin, xmin, ymax, xmax = (_number(row, side, where) for side in _SIDES)
    return _Box(line, label, (ymin, xmin, ymax, xmax))


def _number(row: dict[str, str | None], column: str, where: str) -> float:
    text = (row[column] or "").strip()
    try:
        value = float(text)
    except ValueError as error:
        raise DataError(f"the column {column!r} is {text!r}; it must be a number of pixels", where=where) from error
    if not math.isfinite(value):
        raise DataError(f"the column {column!r} is {text}; it must be a number of pixels", where=where)
    return value


def _check_label(label: str, label_map: LabelMap, where: str) -> None:
    try:
        label_map.id_of(label)
    except LabelMapError as error:
        raise LabelMapError(str(error), where=where) from error


def _serialized(table: list[_Image], source: Path, label_map: LabelMap, summary: Summary) -> Iterator[bytes]:
    for entry in table:
        try:
            image = images.upright(entry.path.read_bytes(), where=str(entry.path))
        except (DataError, OSError) as error:
            log.warning("%s:%d: skipped an image that cannot be read: %s", source, entry.line, error)
            summary.skipped += 1
            continue
        if entry.size not in (None, (image.height, image.width)):
            log.warning(
                "%s:%d: %s is said to have %s pixels (height, width) and has %s; boxes may be misplaced",
                source,
                entry.line,
                entry.name,
                entry.size,
                (image.height, image.width),
            )
        rows = np.array([box.rows for box in entry.boxes], dtype=np.float64).reshape(-1, 4)
        clipped = box_math.clip(rows, image.height, image.width)
        normalized = box_math.normalize(clipped, image.height, image.width)
        keep = box_math.not_degenerate(normalized)
        for box, kept in zip(entry.boxes, keep, strict=True):
            if not kept:
                log.warning(
                    "%s:%d: dropped a box without width or height inside %s (ymin, xmin, ymax, xmax: %s)",
                    source,
                    box.line,
                    entry.name,
                    box.rows,
                )
        labels = [box.label for box, kept in zip(entry.boxes, keep, strict=True) if kept]
        yield encode_example(
            image,
            normalized[keep],
            labels,
            [label_map.id_of(label) for label in labels],
            filename=entry.name,
            source_id=entry.name,
        )
        summary.images += 1
        summary.boxes += len(labels)
        summary.dropped += len(entry.boxes) - len(labels)
    if not summary.images:
        raise DataError(f"none of the {len(table)} images can be read; the log says why", where=str(source))
