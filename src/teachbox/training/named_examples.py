"""Examples of the records that a pipeline.config names, and the one that needs none."""

from __future__ import annotations

import io
import logging

import numpy as np
from PIL import Image

from teachbox.config.load import Pipeline
from teachbox.config.paths import resolve_path
from teachbox.config.protos.input_reader_pb2 import InputReader
from teachbox.data.evaluation_examples import sample_examples
from teachbox.data.examples import Example
from teachbox.errors import ConfigError, DataError, LabelMapError
from teachbox.labels import LabelMap

log = logging.getLogger(__name__)


def training_examples(pipeline: Pipeline, labels: LabelMap, count: int, seed: int) -> list[Example]:
    """At most `count` of the record in `train_input_reader`; none where it names none, or none that can be read."""
    reader = pipeline.message.train_input_reader
    if not reader.tf_record_input_reader.input_path:
        return []
    try:
        return _sample(pipeline, reader, labels, count, seed)
    except (DataError, LabelMapError) as error:
        log.info("The training step is compiled without a seed record: %s", error)
        return []


def evaluation_examples(pipeline: Pipeline, labels: LabelMap, count: int, seed: int) -> list[Example]:
    """At most `count` of the record in `eval_input_reader`.

    Raises `ConfigError` where it names none, `DataError` and `LabelMapError` where it cannot be read.
    """
    readers = pipeline.message.eval_input_reader
    if not readers or not readers[0].tf_record_input_reader.input_path:
        raise ConfigError("there is nothing to evaluate on: eval_input_reader names no record", where=pipeline.where)
    return _sample(pipeline, readers[0], labels, count, seed)


def _sample(pipeline: Pipeline, reader: InputReader, labels: LabelMap, count: int, seed: int) -> list[Example]:
    paths = [resolve_path(pipeline, path) for path in reader.tf_record_input_reader.input_path]
    return sample_examples(paths, labels, count, seed, reader.sample_1_of_n_examples)


def grey_example(size: int = 64) -> Example:
    """A plain image with one box, to compile a pipeline and a step with."""
    buffer = io.BytesIO()
    Image.new("RGB", (size, size), (127, 127, 127)).save(buffer, "PNG")
    box = np.array([[0.25, 0.25, 0.75, 0.75]], np.float32)
    return Example("a plain image", buffer.getvalue(), box, np.zeros(1, np.int32))
