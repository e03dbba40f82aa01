"""The bytes of a tf.Example → what they say, as an example for the detector or as a task."""

from __future__ import annotations

import hashlib
import io
import logging
from dataclasses import dataclass
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError
from PIL import Image, UnidentifiedImageError

from teachbox import boxes as box_math
from teachbox.annotation import Task, input_hash, make_span, task_hash
from teachbox.data.examples import FLAGS, Example, Flags, Floats, Ids
from teachbox.data.tf_example_encoder import OBJECT, SCORES, SIDES, inside, kept_rows
from teachbox.errors import DataError, LabelMapError
from teachbox.labels import LabelMap
from teachbox.wire import example_pb2

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class DecodedExample:
    """A tf.Example, read: the image as bytes, its boxes inside the image and none of them empty."""

    encoded: bytes
    format: str
    height: int
    width: int
    filename: str
    source_id: str
    sha256: str
    boxes: Floats
    """[N, 4], `[ymin, xmin, ymax, xmax]` in 0–1."""
    classes: Ids
    """[N], label ids, from 1."""
    texts: list[str]
    """Names of the classes, empty where the record holds none."""
    weights: Floats
    """[N], 1 where the record holds none."""
    area: Floats
    """[N], pixels of the image; the boxes' own where the record holds none."""
    difficult: Flags
    group_of: Flags
    is_crowd: Flags
    truncated: Flags
    scores: Floats | None = None
    """[N, K], how much each box is of each class, by id − 1; None where the record does not say."""

    def training_example(self) -> Example:
        """The same, as the detector is fed it: classes from 0."""
        key = self.source_id or self.filename or self.sha256 or hashlib.sha256(self.encoded).hexdigest()
        return Example(key, self.encoded, self.boxes, self.classes - 1, self.weights, self.is_crowd, self.scores)


def decode_example(serialized: bytes, label_map: LabelMap | None = None, *, where: str | None = None) -> DecodedExample:
    """Read a serialized tf.Example.

    With a label map the text of a class wins over its id, and both must stand in the map, else
    `LabelMapError`. Boxes are clipped, degenerate ones dropped with a warning that names the file. Raises
    `DataError` where the bytes are no tf.Example of an image with boxes; `where` names the record in
    messages.
    """
    example = example_pb2.Example()
    try:
        example.ParseFromString(serialized)
    except DecodeError as error:
        raise DataError("not a serialized tf.Example", where=where) from error
    read = _Reader(example, where)
    encoded = read.one_bytes("image/encoded")
    if not encoded:
        raise DataError("the tf.Example has no image: `image/encoded` is missing or empty", where=where)
    filename = read.one_text("image/filename")
    height, width = read.one_int("image/height"), read.one_int("image/width")
    name = ": ".join(part for part in (where, filename) if part) or "tf.Example"
    if not height or not width:
        height, width = _header_size(encoded, name)

    sides = [read.floats(f"{OBJECT}bbox/{side}") for side in SIDES]
    count = len(sides[0])
    for side, values in zip(SIDES, sides, strict=True):
        if len(values) != count:
            raise DataError(f"`{OBJECT}bbox/{side}` has {len(values)} values, ymin {count}", where=name)
    boxes, keep = inside(np.array(sides, dtype=np.float32).T.reshape(-1, 4), name)

    def per_box(key: str, values: list[Any], default: Any) -> list[Any]:
        return kept_rows(values if values else [default] * count, keep, f"`{OBJECT}{key}`", name)

    raw_texts = read.texts(f"{OBJECT}class/text")
    texts = per_box("class/text", raw_texts, "") if raw_texts else []
    labels = read.ints(f"{OBJECT}class/label")
    ids = _class_ids(texts, per_box("class/label", labels, None) if labels else [], len(boxes), label_map, name)
    area = read.floats(f"{OBJECT}area")
    flags = {key: np.array(per_box(key, read.ints(OBJECT + key), 0), dtype=bool) for key in FLAGS}
    return DecodedExample(
        encoded=encoded,
        format=read.one_text("image/format") or "jpeg",
        height=height,
        width=width,
        filename=filename,
        source_id=read.one_text("image/source_id"),
        sha256=read.one_text("image/key/sha256"),
        boxes=boxes,
        classes=ids,
        texts=texts,
        weights=np.array(per_box("weight", read.floats(f"{OBJECT}weight"), 1.0), dtype=np.float32),
        area=np.array(per_box("area", area, 0), dtype=np.float32)
        if area
        else box_math.area(box_math.to_pixels(boxes, height, width)).astype(np.float32),
        **flags,
        scores=_scores(read.floats(SCORES), keep, label_map, name),
    )


def _scores(values: list[float], keep: Flags, label_map: LabelMap | None, where: str) -> Floats | None:
    """Rows of the kept boxes. Scores that are not of the label map's classes are left out, and that is said."""
    if not values:
        return None
    count = len(keep)
    columns = label_map.max_id if label_map is not None else len(values) // max(count, 1)
    if len(values) != count * columns:
        wanted = f"{count} boxes of {columns} classes" if label_map is not None else f"{count} boxes"
        log.warning("%s: left out `%s`: it has %d values for %s", where, SCORES, len(values), wanted)
        return None
    return np.array(values, np.float32).reshape(count, columns)[keep]


def _class_ids(texts: list[str], labels: list[int], count: int, label_map: LabelMap | None, where: str) -> Ids:
    if label_map is not None and texts:
        return np.array([_id_of(text, label_map, where) for text in texts], dtype=np.int32)
    if len(labels) != count:
        raise LabelMapError(
            "the tf.Example names its classes in words only; a label map is needed to read them"
            if texts
            else "the tf.Example has boxes without classes: neither class/text nor class/label",
            where=where,
        )
    for id in labels if label_map is not None else ():
        if label_map is not None and label_map.name_of(id) is None:
            raise LabelMapError(f"no label with id {id} in {label_map.where or 'the label map'}", where=where)
    return np.array(labels, dtype=np.int32)


def _id_of(text: str, label_map: LabelMap, where: str) -> int:
    """Id of a class by its text: what spans would say, else a record may use the other of name and display
    name.
    """
    if text not in label_map:
        for label in label_map:
            if text in (label.name, label.display_name) and text:
                return label.id
    try:
        return label_map.id_of(text)
    except LabelMapError as error:
        raise LabelMapError(str(error), where=where) from error


def _header_size(encoded: bytes, where: str) -> tuple[int, int]:
    """Height and width as the image's header says, without turning: a record's boxes refer to the pixels as
    stored.
    """
    try:
        with Image.open(io.BytesIO(encoded)) as image:
            return image.height, image.width
    except UnidentifiedImageError as error:
        raise DataError("`image/encoded` is no image", where=where) from error
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise DataError(f"`image/encoded` cannot be read ({error})", where=where) from error


class _Reader:
    """The features of one tf.Example by key and type; a key of another type is a `DataError`."""

    def __init__(self, example: example_pb2.Example, where: str | None) -> None:
        self._features = example.features.feature
        self._where = where

    def _values(self, key: str, kind: str) -> list[Any]:
        if key not in self._features:
            return []
        feature = self._features[key]
        found = feature.WhichOneof("kind")
        if found is None:
            return []
        if found != kind:
            raise DataError(f"`{key}` is a {found}; it must be a {kind}", where=self._where)
        return list(getattr(feature, kind).value)

    def floats(self, key: str) -> list[float]:
        return self._values(key, "float_list")

    def ints(self, key: str) -> list[int]:
        return self._values(key, "int64_list")

    def texts(self, key: str) -> list[str]:
        return [value.decode(errors="replace") for value in self._values(key, "bytes_list")]

    def one_bytes(self, key: str) -> bytes:
        values = self._values(key, "bytes_list")
        return values[0] if values else b""

    def one_text(self, key: str) -> str:
        return self.one_bytes(key).decode(errors="replace")

    def one_int(self, key: str) -> int:
        values = self.ints(key)
        return values[0] if values else 0


def example_to_task(example: DecodedExample, label_map: LabelMap, *, view_id: str = "image_manual") -> Task:
    """The record as a task with its boxes as spans, in pixels of the image. `path` is the file name that it
    gives.
    """
    rows = box_math.to_pixels(example.boxes, example.height, example.width)
    spans = []
    for index, (row, id) in enumerate(zip(rows, example.classes.tolist(), strict=True)):
        text = label_map.name_of(id)
        if text is None:
            raise LabelMapError(
                f"no label with id {id} in {label_map.where or 'the label map'}", where=example.filename
            )
        extra: dict[str, Any] = {flag: True for flag in FLAGS if getattr(example, flag)[index]}
        if example.weights[index] != 1:
            extra["weight"] = float(example.weights[index])
        if example.scores is not None:
            extra["class_scores"] = {
                name: float(score)
                for id, score in enumerate(example.scores[index], 1)
                if (name := label_map.name_of(id)) is not None
            }
        spans.append(make_span(text, *row, **extra))
    hashed = input_hash(example.encoded)
    return {
        "image": f"/image/{hashed}",
        "path": example.filename,
        "width": example.width,
        "height": example.height,
        "spans": spans,
        "meta": {"file": example.filename.replace("\\", "/").rpartition("/")[2]},
        "_input_hash": hashed,
        "_task_hash": task_hash(hashed, view_id, label_map.names),
        "_view_id": view_id,
    }
