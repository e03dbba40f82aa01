"""Training examples, three forms of one thing: an annotated task, the bytes of a tf.Example, what the
detector is fed.

The keys of a tf.Example are the Object Detection API's (`image/encoded`, `image/object/bbox/xmin`, …). No
TensorFlow here: the messages are `teachbox.wire`'s, the same bytes on the wire.
"""

from __future__ import annotations

import hashlib
import io
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from teachbox import boxes as box_math
from teachbox.annotation import Task, input_hash, make_span, span_box, task_hash
from teachbox.errors import DataError, LabelMapError
from teachbox.images import UprightImage
from teachbox.labels import LabelMap
from teachbox.wire import example_pb2

log = logging.getLogger(__name__)

Floats = NDArray[np.float32]
Ids = NDArray[np.int32]
Flags = NDArray[np.bool_]

FLAGS = ("difficult", "group_of", "is_crowd", "truncated")
"""What a box may be besides its class; also the names of a span's optional keys, true or missing."""

_OBJECT = "image/object/"
_SIDES = ("ymin", "xmin", "ymax", "xmax")


@dataclass(frozen=True)
class Example:
    """What the detector learns from, or is measured on: one image and its true boxes."""

    key: str
    """Tells images apart, in messages and in the cache: the same key is the same bytes."""
    encoded: bytes | Callable[[], bytes]
    """JPEG or PNG bytes that need no turning (see `teachbox.images`), or a function that reads them."""
    boxes: Floats
    """[N, 4], `[ymin, xmin, ymax, xmax]` in 0–1 of the image."""
    classes: Ids
    """[N], from 0 (label id − 1)."""
    weights: Floats | None = None
    """[N], how much each box counts in the losses; 1 each where None."""
    is_crowd: Flags | None = None
    """[N], boxes around a crowd, which COCO metrics neither ask for nor count as wrong; none where None."""


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

    def training_example(self) -> Example:
        """The same, as the detector is fed it: classes from 0."""
        key = self.source_id or self.filename or self.sha256 or hashlib.sha256(self.encoded).hexdigest()
        return Example(key, self.encoded, self.boxes, self.classes - 1, self.weights, self.is_crowd)


# ---- task → boxes, tf.Example, training example


@dataclass(frozen=True)
class GroundTruth:
    """The true boxes of a task: clipped to the image, normalized, degenerate ones left out."""

    boxes: Floats
    """[N, 4], `[ymin, xmin, ymax, xmax]` in 0–1."""
    texts: list[str]
    ids: Ids
    """[N], label ids, from 1."""
    weights: Floats
    flags: dict[str, Flags]


def task_name(task: Mapping[str, Any]) -> str:
    """What messages call the task: its path, else its file's name, else its hash."""
    meta = task.get("meta")
    file = meta.get("file") if isinstance(meta, Mapping) else None
    return str(task.get("path") or file or f"task {task.get('_task_hash', '?')}")


def ground_truth(task: Mapping[str, Any], label_map: LabelMap, *, size: tuple[int, int] | None = None) -> GroundTruth:
    """The true boxes of a task; `size` (height, width) of the upright image where the task does not say it.

    Boxes are clipped; what is left without width or height is dropped with a warning that names the task.
    Raises `LabelMapError` for a label that the map does not hold, `DataError` for a task without size or of
    another size.
    """
    where = task_name(task)
    height, width = _size(task, size, where)
    spans = task.get("spans") or []
    try:
        rows = np.array([span_box(span) for span in spans], dtype=np.float64).reshape(-1, 4)
    except DataError as error:
        raise DataError(error.message, where=where) from error
    normalized = box_math.normalize(box_math.clip(rows, height, width), height, width)
    keep = box_math.not_degenerate(normalized)
    for span, row, kept in zip(spans, rows.tolist(), keep, strict=True):
        if not kept:
            log.warning(
                "%s: dropped a box of %r: %s (ymin, xmin, ymax, xmax) has no width or height inside "
                "the image of %d × %d pixels",
                where,
                span.get("label"),
                row,
                width,
                height,
            )
    kept_spans = [span for span, kept in zip(spans, keep, strict=True) if kept]
    texts = [str(span.get("label", "")) for span in kept_spans]
    try:
        ids = np.array([label_map.id_of(text) for text in texts], dtype=np.int32)
    except LabelMapError as error:
        raise LabelMapError(str(error), where=where) from error
    weights = np.array([float(span.get("weight", 1)) for span in kept_spans], dtype=np.float32)
    flags = {name: np.array([bool(span.get(name)) for span in kept_spans], dtype=bool) for name in FLAGS}
    return GroundTruth(normalized[keep], texts, ids, weights, flags)


def _size(task: Mapping[str, Any], size: tuple[int, int] | None, where: str) -> tuple[int, int]:
    said = (task["height"], task["width"]) if task.get("height") and task.get("width") else None
    if said is None and size is None:
        raise DataError("the task has no `width` and `height`; boxes cannot be related to the image", where=where)
    if said is not None and size is not None and said != size:
        raise DataError(
            f"the image is {size[1]} × {size[0]} pixels and was {said[1]} × {said[0]} when annotated; "
            "its boxes would be in the wrong places",
            where=where,
        )
    found = said or size
    assert found is not None
    return found


def task_to_example(task: Mapping[str, Any], image: UprightImage, label_map: LabelMap) -> bytes:
    """The annotated task with its image as a serialized tf.Example. Boxes, warnings and errors as in
    `ground_truth`.
    """
    truth = ground_truth(task, label_map, size=(image.height, image.width))
    name = task_name(task)
    return encode_example(
        image,
        truth.boxes,
        truth.texts,
        truth.ids,
        filename=name,
        source_id=str(task.get("_input_hash", name)),
        weights=truth.weights if np.any(truth.weights != 1) else None,
        **{flag: values for flag, values in truth.flags.items() if np.any(values)},
    )


def task_to_training_example(task: Mapping[str, Any], load: Callable[[], bytes], label_map: LabelMap) -> Example:
    """The annotated task as the detector is fed it; `load` reads its upright JPEG or PNG bytes when they are
    needed.
    """
    truth = ground_truth(task, label_map)
    key = str(task.get("_input_hash", task_name(task)))
    return Example(key, load, truth.boxes, truth.ids - 1, truth.weights, truth.flags["is_crowd"])


def encode_example(
    image: UprightImage,
    boxes: Floats,
    class_texts: Sequence[str],
    class_ids: Iterable[int],
    filename: str,
    source_id: str,
    *,
    weights: Iterable[float] | None = None,
    area: Iterable[float] | None = None,
    difficult: Iterable[bool] | None = None,
    group_of: Iterable[bool] | None = None,
    is_crowd: Iterable[bool] | None = None,
    truncated: Iterable[bool] | None = None,
) -> bytes:
    """A serialized tf.Example with the public keys.

    `boxes` float32 [N, 4] `[ymin, xmin, ymax, xmax]` in 0–1, ids from 1. They are clipped to the image and
    degenerate ones dropped with a warning that names `filename`. `weights` … `truncated` [N] are written
    where given. The same input gives the same bytes.
    """
    boxes = np.asarray(boxes, dtype=np.float32).reshape(-1, 4)
    boxes, keep = _inside(boxes, filename or source_id)
    example = example_pb2.Example()
    feature = example.features.feature

    def put_bytes(key: str, values: Iterable[bytes]) -> None:
        feature[key].bytes_list.value.extend(values)

    def put_ints(key: str, values: Iterable[int]) -> None:
        feature[key].int64_list.value.extend(values)

    def put_floats(key: str, values: Iterable[float]) -> None:
        feature[key].float_list.value.extend(values)

    put_bytes("image/encoded", [image.encoded])
    put_bytes("image/format", [image.format.encode()])
    put_bytes("image/filename", [filename.encode()])
    put_bytes("image/source_id", [source_id.encode()])
    put_bytes("image/key/sha256", [hashlib.sha256(image.encoded).hexdigest().encode()])
    put_ints("image/height", [image.height])
    put_ints("image/width", [image.width])
    for column, side in enumerate(_SIDES):
        put_floats(f"{_OBJECT}bbox/{side}", boxes[:, column].tolist())
    put_bytes(f"{_OBJECT}class/text", [text.encode() for text in _rows(class_texts, keep, "class_texts", filename)])
    put_ints(f"{_OBJECT}class/label", [int(id) for id in _rows(class_ids, keep, "class_ids", filename)])
    for key, numbers in (("weight", weights), ("area", area)):
        if numbers is not None:
            put_floats(_OBJECT + key, [float(value) for value in _rows(numbers, keep, key, filename)])
    flags = {"difficult": difficult, "group_of": group_of, "is_crowd": is_crowd, "truncated": truncated}
    for key, values in flags.items():
        if values is not None:
            put_ints(_OBJECT + key, [int(value) for value in _rows(values, keep, key, filename)])
    return example.SerializeToString(deterministic=True)


def _inside(boxes: Floats, where: str) -> tuple[Floats, Flags]:
    """Boxes clipped to 0–1 without the degenerate ones, and which rows of the input these are."""
    clipped = box_math.clip(boxes, 1, 1)
    keep = box_math.not_degenerate(clipped)
    for row in boxes[~keep]:
        log.warning("%s: dropped a box without width or height inside the image (%s)", where, row.tolist())
    return clipped[keep], keep


def _rows(values: Iterable[Any], keep: Flags, what: str, where: str) -> list[Any]:
    """The values of the kept boxes. Raises `DataError` where there is not one value per box."""
    listed = list(values)
    if len(listed) != len(keep):
        raise DataError(f"{len(listed)} × {what} for {len(keep)} boxes; there must be one per box", where=where)
    return [value for value, kept in zip(listed, keep, strict=True) if kept]


# ---- tf.Example → what it says


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

    sides = [read.floats(f"{_OBJECT}bbox/{side}") for side in _SIDES]
    count = len(sides[0])
    for side, values in zip(_SIDES, sides, strict=True):
        if len(values) != count:
            raise DataError(f"`{_OBJECT}bbox/{side}` has {len(values)} values, ymin {count}", where=name)
    boxes, keep = _inside(np.array(sides, dtype=np.float32).T.reshape(-1, 4), name)

    def per_box(key: str, values: list[Any], default: Any) -> list[Any]:
        return _rows(values if values else [default] * count, keep, f"`{_OBJECT}{key}`", name)

    raw_texts = read.texts(f"{_OBJECT}class/text")
    texts = per_box("class/text", raw_texts, "") if raw_texts else []
    labels = read.ints(f"{_OBJECT}class/label")
    ids = _class_ids(texts, per_box("class/label", labels, None) if labels else [], len(boxes), label_map, name)
    area = read.floats(f"{_OBJECT}area")
    flags = {key: np.array(per_box(key, read.ints(_OBJECT + key), 0), dtype=bool) for key in FLAGS}
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
        weights=np.array(per_box("weight", read.floats(f"{_OBJECT}weight"), 1.0), dtype=np.float32),
        area=np.array(per_box("area", area, 0), dtype=np.float32)
        if area
        else box_math.area(box_math.to_pixels(boxes, height, width)).astype(np.float32),
        **flags,
    )


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
