"""Examples to measure a detector on, from the records of a TFRecord file, or those made of a CSV file or of answers."""

from __future__ import annotations

import itertools
import logging
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from teachbox.annotation import Task
from teachbox.data.examples import Example
from teachbox.data.ground_truth import task_name
from teachbox.data.sources import read_image
from teachbox.data.tf_example_decoder import decode_example
from teachbox.data.tf_example_encoder import task_to_example
from teachbox.data.tfrecord import read_records
from teachbox.errors import DataError
from teachbox.labels import LabelMap
from teachbox.wire import example_pb2

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class EvaluationExample(Example):
    """An example of a record, with what only measuring asks for."""

    difficult: NDArray[np.bool_] | None = None
    """[N], boxes hard to see; none where None."""
    group_of: NDArray[np.bool_] | None = None
    """[N], boxes around a group; none where None."""
    verified: NDArray[np.integer] | None = None
    """Label ids, from 1, that were looked for in the whole image; none where None."""
    name: str = ""
    """What people call the image: its file's name, where the record tells it."""


def read_examples(records: Iterable[tuple[int, bytes]], labels: LabelMap, where: str) -> Iterator[EvaluationExample]:
    """The examples of serialized tf.Examples, each with its place (from 0) in `where`.

    Raises `DataError` and `LabelMapError` where a record cannot be used.
    """
    for place, record in records:
        decoded = decode_example(record, labels, where=f"{where}, record {place + 1}")
        example = {field.name: getattr(decoded.training_example(), field.name) for field in fields(Example)}
        # Records may repeat an id, and a key stands for one image.
        key = f"{place}: {example.pop('key')}"
        yield EvaluationExample(
            key=key,
            **example,
            difficult=decoded.difficult,
            group_of=decoded.group_of,
            verified=_verified(record, labels),
            name=(decoded.filename or decoded.source_id or key).replace("\\", "/").rpartition("/")[2],
        )


def sample(records: Iterable[bytes], count: int | None, seed: int, one_of: int = 1) -> Iterable[tuple[int, bytes]]:
    """`count` records (None: all) with their places, drawn evenly, the same ones for the same seed.

    Only each `one_of`-th is looked at, from the first: `sample_1_of_n_examples` of the input reader.
    """
    numbered: Iterator[tuple[int, bytes]] = itertools.islice(enumerate(records), 0, None, one_of)
    if count is None:
        return numbered
    chooser = random.Random(seed)
    kept = list(itertools.islice(numbered, count))
    for seen, (place, record) in enumerate(numbered, count):
        if (slot := chooser.randrange(seen + 1)) < count:
            kept[slot] = (place, record)
    return sorted(kept)


def sample_examples(paths: Sequence[str], labels: LabelMap, count: int, seed: int, one_of: int = 1) -> list[Example]:
    """`count` examples (all, where there are fewer) of TFRecord files, drawn evenly, the same for the same seed.

    Of each `one_of` only the first is looked at.
    Raises `DataError` and `LabelMapError` where a record cannot be used.
    """
    return list(read_examples(sample(read_records(paths), count, seed, one_of), labels, ", ".join(paths)))


def task_records(tasks: Iterable[Task], labels: LabelMap) -> Iterator[bytes]:
    """Annotated tasks with their images as serialized tf.Examples; an image that cannot be read is left out, and said.

    Raises `DataError` where not one can be read, `LabelMapError` for a label that the map does not hold.
    """
    count = unreadable = 0
    for count, task in enumerate(tasks, 1):  # noqa: B007
        try:
            path = task.get("path")
            if not isinstance(path, str) or not path:
                raise DataError("the answer does not say where its image is (`path`)", where=task_name(task))
            record = task_to_example(task, read_image(path), labels)
        except DataError as error:
            log.warning("left out: %s", error)
            unreadable += 1
            continue
        yield record
    if count and count == unreadable:
        raise DataError(f"none of the {count} images can be read; the log says why")


def _verified(record: bytes, labels: LabelMap) -> NDArray[np.integer[Any]]:
    """Ids of the classes that the record gives the whole image; as for boxes, words win over numbers."""
    feature = example_pb2.Example.FromString(record).features.feature
    if "image/class/text" in feature and feature["image/class/text"].bytes_list.value:
        texts = {text.decode(errors="replace") for text in feature["image/class/text"].bytes_list.value} - {""}
        ids = [label.id for label in labels if {labels.text(label), label.name, label.display_name} & texts]
    elif "image/class/label" in feature:
        ids = list(feature["image/class/label"].int64_list.value)
    else:
        ids = []
    return np.array(ids, np.int64)
