"""An image with boxes → the bytes of a tf.Example.

The keys are the Object Detection API's (`image/encoded`, `image/object/bbox/xmin`, …). No TensorFlow here: the
messages are `teachbox.wire`'s, the same bytes on the wire.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from teachbox import boxes as box_math
from teachbox.data.examples import Flags, Floats
from teachbox.data.ground_truth import ground_truth, task_name
from teachbox.errors import DataError
from teachbox.images import UprightImage
from teachbox.labels import LabelMap
from teachbox.wire import example_pb2

log = logging.getLogger(__name__)

OBJECT = "image/object/"
SCORES = f"{OBJECT}class/multiclass_scores"
"""Of each box as many numbers as there are classes, in the order of their ids, box after box."""
SIDES = ("ymin", "xmin", "ymax", "xmax")


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
        scores=truth.scores,
        **{flag: values for flag, values in truth.flags.items() if np.any(values)},
    )


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
    scores: Floats | None = None,
) -> bytes:
    """A serialized tf.Example with the public keys.

    `boxes` float32 [N, 4] `[ymin, xmin, ymax, xmax]` in 0–1, ids from 1. They are clipped to the image and
    degenerate ones dropped with a warning that names `filename`. `weights` … `truncated` [N] and `scores` [N, K]
    are written where given. The same input gives the same bytes.
    """
    boxes = np.asarray(boxes, dtype=np.float32).reshape(-1, 4)
    boxes, keep = inside(boxes, filename or source_id)
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
    for column, side in enumerate(SIDES):
        put_floats(f"{OBJECT}bbox/{side}", boxes[:, column].tolist())
    put_bytes(f"{OBJECT}class/text", [text.encode() for text in kept_rows(class_texts, keep, "class_texts", filename)])
    put_ints(f"{OBJECT}class/label", [int(id) for id in kept_rows(class_ids, keep, "class_ids", filename)])
    for key, numbers in (("weight", weights), ("area", area)):
        if numbers is not None:
            put_floats(OBJECT + key, [float(value) for value in kept_rows(numbers, keep, key, filename)])
    flags = {"difficult": difficult, "group_of": group_of, "is_crowd": is_crowd, "truncated": truncated}
    for key, values in flags.items():
        if values is not None:
            put_ints(OBJECT + key, [int(value) for value in kept_rows(values, keep, key, filename)])
    if scores is not None:
        put_floats(SCORES, np.ravel(kept_rows(scores, keep, "scores", filename)).tolist())
    return example.SerializeToString(deterministic=True)


def inside(boxes: Floats, where: str) -> tuple[Floats, Flags]:
    """Boxes clipped to 0–1 without the degenerate ones, and which rows of the input these are."""
    clipped = box_math.clip(boxes, 1, 1)
    keep = box_math.not_degenerate(clipped)
    for row in boxes[~keep]:
        log.warning("%s: dropped a box without width or height inside the image (%s)", where, row.tolist())
    return clipped[keep], keep


def kept_rows(values: Iterable[Any], keep: Flags, what: str, where: str) -> list[Any]:
    """The values of the kept boxes. Raises `DataError` where there is not one value per box."""
    listed = list(values)
    if len(listed) != len(keep):
        raise DataError(f"{len(listed)} × {what} for {len(keep)} boxes; there must be one per box", where=where)
    return [value for value, kept in zip(listed, keep, strict=True) if kept]
