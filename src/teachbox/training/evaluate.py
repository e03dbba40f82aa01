"""Evaluation: the detector on examples that it is not trained on, metrics and losses out."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from teachbox import boxes as box_math
from teachbox.config.protos.eval_pb2 import EvalConfig
from teachbox.data.batches import Batch, Example, evaluation_batches
from teachbox.data.examples import decode_example
from teachbox.data.resizers import Resizer
from teachbox.data.tfrecord import read_records
from teachbox.evaluation.metrics_sets import measure
from teachbox.evaluation.results import ImageResult
from teachbox.labels import LabelMap
from teachbox.training.backend import Values, compiled
from teachbox.training.loop import all_losses, batch_spec
from teachbox.training.signatures import static_size
from teachbox.wire import example_pb2


@dataclass(frozen=True)
class EvaluationExample(Example):
    """An example of a record, with what only the metrics of Pascal VOC and Open Images ask for."""

    difficult: NDArray[np.bool_] | None = None
    """[N], boxes hard to see; none where None."""
    group_of: NDArray[np.bool_] | None = None
    """[N], boxes around a group; none where None."""
    verified: NDArray[np.integer] | None = None
    """Label ids, from 1, that were looked for in the whole image; none where None."""


@dataclass(frozen=True)
class Evaluation:
    """What an evaluation found."""

    metrics: dict[str, float]
    """Metrics of all sets and mean losses, by their public names; what has nothing to count is left out, or -1."""
    images: list[tuple[Example, ImageResult]]
    """Each example that could be read, and what was detected on it."""


class Evaluator:
    """Evaluates one detector, its weights as they are at the time; compiled once, for one image at a time.

    One at a time, as in the original: losses are means over images, whatever is computed together.
    """

    def __init__(
        self,
        detector: Any,
        resizer: Resizer,
        labels: Mapping[int, str],
        max_boxes: int,
        config: EvalConfig | None = None,
    ) -> None:
        """`labels`: id from 1 → name; `max_boxes`: how many true boxes of an image the losses use.

        `config` names the metrics sets; COCO's where it is None or names none.
        """
        self._detector = detector
        self._config = config or EvalConfig()
        self._labels = dict(labels)
        self._batches = evaluation_batches((), resizer, 1, max_boxes)
        height, width = static_size(resizer)
        spec = batch_spec(1, height, width, max_boxes)
        self._detect = compiled(self._run, spec, state=detector.variables)

    def __call__(self, examples: Sequence[Example]) -> Evaluation:
        """Evaluate on `examples`; an image that cannot be read is logged and left out."""
        by_key = {example.key: example for example in examples}
        self._batches.reset(examples)
        images: list[tuple[Example, ImageResult]] = []
        sums: dict[str, float] = {}
        for batch in self._batches:
            found, losses = self._detect(batch)
            for name, value in losses.items():
                sums[name] = sums.get(name, 0.0) + float(value)
            example = by_key[batch["key"].numpy()[0].decode()]
            height, width = (int(side) for side in batch["original_shape"].numpy()[0, :2])
            images.append((example, _result(example, found, height, width)))
        metrics = measure([result for _, result in images], self._labels, self._config)
        metrics = {name: value for name, value in metrics.items() if not np.isnan(value)}
        return Evaluation(metrics | {name: value / len(images) for name, value in sums.items()}, images)

    def _run(self, batch: Batch) -> tuple[Values, Values]:
        predictions = self._detector(self._detector.preprocess(batch["image"]), batch["true_shape"], training=False)
        losses = all_losses(self._detector, predictions, batch)
        return self._detector.postprocess(predictions, batch["true_shape"]), losses


def _result(example: Example, tensors: Values, height: int, width: int) -> ImageResult:
    found = {name: keras.ops.convert_to_numpy(value)[0] for name, value in tensors.items()}
    count = int(found["num_detections"])
    return ImageResult(
        box_math.to_pixels(example.boxes, height, width),
        np.asarray(example.classes) + 1,
        box_math.to_pixels(found["detection_boxes"][:count], height, width),
        found["detection_scores"][:count],
        found["detection_classes"][:count].astype(np.int64) + 1,
        crowd=example.is_crowd,
        difficult=getattr(example, "difficult", None),
        group_of=getattr(example, "group_of", None),
        verified=getattr(example, "verified", None),
    )


def sample_examples(paths: Sequence[str], labels: LabelMap, count: int, seed: int) -> list[Example]:
    """`count` examples (all, where there are fewer) of TFRecord files, drawn evenly, the same for the same seed.

    Raises `DataError` and `LabelMapError` where a record cannot be used.
    """
    chooser = random.Random(seed)
    kept: list[tuple[int, bytes]] = []
    for place, record in enumerate(read_records(paths)):
        if len(kept) < count:
            kept.append((place, record))
        elif (slot := chooser.randrange(place + 1)) < count:
            kept[slot] = (place, record)
    where = ", ".join(paths)
    return [
        _numbered(place, _evaluation_example(record, labels, f"{where}, record {read + 1}"))
        for place, (read, record) in enumerate(sorted(kept))
    ]


def _evaluation_example(record: bytes, labels: LabelMap, where: str) -> EvaluationExample:
    decoded = decode_example(record, labels, where=where)
    return EvaluationExample(
        **_fields(decoded.training_example()),
        difficult=decoded.difficult,
        group_of=decoded.group_of,
        verified=_verified(record, labels),
    )


def _verified(record: bytes, labels: LabelMap) -> NDArray[np.integer]:
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


def _numbered(place: int, example: EvaluationExample) -> EvaluationExample:
    """The example with a key of its own: records may repeat an id, and a key stands for one image."""
    return replace(example, key=f"{place}: {example.key}")


def _fields(example: Example) -> dict[str, Any]:
    return {field.name: getattr(example, field.name) for field in fields(example)}
