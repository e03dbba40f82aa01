"""What `teachbox evaluate` measures, and on what: three kinds of models, three kinds of data, each behind one type."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from teachbox.config.load import Pipeline
from teachbox.config.protos.eval_pb2 import EvalConfig
from teachbox.data.evaluation_examples import EvaluationExample
from teachbox.data.tf_example_encoder import encode_example
from teachbox.errors import DataError, ForeignServer, ModelMissing, ServerDown, UsageError
from teachbox.evaluation.results import ImageResult, in_pixels
from teachbox.evaluation.summary import Evaluated
from teachbox.images import UprightImage
from teachbox.labels import LabelMap
from teachbox.recipes.quiet import load_tensorflow
from teachbox.serving.client import Client, Detections
from teachbox.serving.rest_client import RestClient

log = logging.getLogger(__name__)

ANSWER_SECONDS = 60.0
"""How long a server may take for one image: the first one may have to wait for it to warm up."""
_NO_BOXES = np.zeros((0, 4), np.float32)
_PNG = b"\x89PNG"


@dataclass
class Model:
    """A model that can be asked, whatever it is."""

    name: str
    """What people call it."""
    detect: Callable[[Iterable[EvaluationExample]], Iterator[Evaluated]]
    """Detects on each example that can be read; what cannot be is logged."""
    losses: Callable[[], dict[str, float]] = dict
    """After `detect`: the mean losses, where the model knows any."""


@dataclass(frozen=True)
class Data:
    """Examples that can be read, whatever they come from."""

    name: str
    """What people call them."""
    records: Callable[[LabelMap], Iterable[bytes]]
    """Serialized tf.Examples."""


# ---- models


def from_checkpoint(pipeline: Pipeline, checkpoint: Path, labels: Mapping[int, str], config: EvalConfig) -> Model:
    """The detector of a pipeline.config with the weights of a checkpoint. Raises `CheckpointError`, `ConfigError`."""
    from teachbox.training.worker import prepare_backend

    load_tensorflow()
    prepare_backend(40)
    from teachbox.training.restored import restored_evaluator

    evaluator, prefix = restored_evaluator(pipeline, labels, checkpoint, config)

    def detect(examples: Iterable[EvaluationExample]) -> Iterator[Evaluated]:
        for example, result in evaluator.detections(examples):
            assert isinstance(example, EvaluationExample)
            yield Evaluated(example.name, _bytes(example), result)

    return Model(f"{pipeline.where} with {prefix}", detect, lambda: evaluator.losses)


def from_saved_model(folder: Path) -> Model:
    """An exported version, or the newest in a folder of them. Raises `ServingError`."""
    load_tensorflow()
    from teachbox.serving.local import LocalModel

    model = LocalModel(folder)
    return Model(str(model.folder), _asking(model.predict))


def from_server(address: str, model_name: str) -> Model:
    """A model on a running server, `HOST:PORT` (gRPC) or `http://HOST:PORT` (REST). Raises `ServingError`."""
    version, predict = (_rest if "://" in address else _grpc)(address, model_name)

    def ask(serialized: bytes, _: bytes) -> Detections:
        return predict(serialized, ANSWER_SECONDS)

    known = "" if version is None else f", version {version}"
    return Model(f"{model_name} at {address}{known}", _asking(ask))


Predict = Callable[[bytes, float], Detections]


def _rest(address: str, model_name: str) -> tuple[int | None, Predict]:
    if not address.startswith(("http://", "https://")):
        raise UsageError(f"--server {address}: give HOST:PORT for gRPC, or http://HOST:PORT for REST")
    client = RestClient(address, model_name)
    version = client.served_version()
    if version is None:
        raise ModelMissing(f"the model server has no loaded version of model {model_name!r}", where=address)
    return version, client.predict


def _grpc(address: str, model_name: str) -> tuple[int | None, Predict]:
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        raise UsageError(f"--server {address}: give HOST:PORT for gRPC, or http://HOST:PORT for REST")
    client = Client(host.strip("[]"), int(port), model_name)
    state = client.probe()
    if state == "down":
        raise ServerDown("no model server answers here", where=address)
    if state == "no_model":
        raise ModelMissing(f"the model server has no loaded version of model {model_name!r}", where=address)
    if state == "foreign":
        raise ForeignServer(
            "what answers here does not speak the TensorFlow Serving API over gRPC; for the REST port write "
            f"http://{address}",
            where=address,
        )
    return client.served_version(), client.predict


def _asking(
    predict: Callable[[bytes, bytes], Detections],
) -> Callable[[Iterable[EvaluationExample]], Iterator[Evaluated]]:
    """Detects with `predict`: a serialized tf.Example and the encoded image to their detections."""

    def detect(examples: Iterable[EvaluationExample]) -> Iterator[Evaluated]:
        for example in examples:
            encoded = _bytes(example)
            try:
                height, width = _decoded_size(encoded, example.name)
            except DataError as error:
                log.warning("skipped: %s", error)
                continue
            format = "png" if encoded.startswith(_PNG) else "jpeg"
            image = UprightImage(encoded, format, width, height)
            found = predict(encode_example(image, _NO_BOXES, [], [], example.name, example.key), encoded)
            yield Evaluated(example.name, encoded, _result(example, found, height, width))

    return detect


def _result(example: EvaluationExample, found: Detections, height: int, width: int) -> ImageResult:
    return in_pixels(
        height,
        width,
        (example.boxes, np.asarray(example.classes) + 1),
        (found.boxes, found.scores, found.classes),
        crowd=example.is_crowd,
        difficult=example.difficult,
        group_of=example.group_of,
        verified=example.verified,
    )


def _bytes(example: EvaluationExample) -> bytes:
    return example.encoded if isinstance(example.encoded, bytes) else example.encoded()


def _decoded_size(encoded: bytes, where: str) -> tuple[int, int]:
    """Height and width as stored: the boxes of a record refer to the pixels as they are. Raises `DataError`."""
    try:
        with Image.open(io.BytesIO(encoded)) as image:
            image.load()
            return image.height, image.width
    except UnidentifiedImageError as error:
        raise DataError("no image", where=where) from error
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise DataError(f"the image cannot be read ({error})", where=where) from error


# ---- data


def from_records(patterns: Sequence[str]) -> Data:
    """TFRecord files."""
    from teachbox.data.tfrecord import read_records

    load_tensorflow()
    return Data(", ".join(patterns), lambda _: read_records(patterns))


def from_csv(csv_input: Path, base_path: Path | None) -> Data:
    """The images that a CSV file names, with their boxes."""
    from teachbox.data.csv_records import csv_examples

    return Data(str(csv_input), lambda labels: csv_examples(csv_input, labels, base_path))


def from_dataset(dataset: str, db: str) -> Data:
    """The accepted answers of a dataset. Raises `StoreError` where there is none of that name."""
    from teachbox.data.evaluation_examples import task_records
    from teachbox.recipes.database import check_dataset, open_existing

    with open_existing(db) as store:
        check_dataset(store, dataset)
        if not store.answer_counts(dataset)["accept"]:
            raise DataError(f"dataset {dataset} has no accepted answer to evaluate on", where=db)

    def records(labels: LabelMap) -> Iterator[bytes]:
        with open_existing(db) as store:
            answers = store.iter_effective_answers(dataset, "accept")
            yield from task_records((answer.task for answer in answers), labels)

    return Data(f"accepted answers of dataset {dataset}", records)
