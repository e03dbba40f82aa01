"""Evaluation: the detector on examples that it is not trained on, COCO metrics and losses out."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from teachbox import boxes as box_math
from teachbox.data.batches import Batch, Example, evaluation_batches
from teachbox.data.examples import decode_example
from teachbox.data.resizers import Resizer
from teachbox.data.tfrecord import read_records
from teachbox.labels import LabelMap
from teachbox.training.loop import all_losses, batch_spec
from teachbox.training.metrics import ImageResult, coco_metrics
from teachbox.training.signatures import static_size


@dataclass(frozen=True)
class Evaluation:
    """What an evaluation found."""

    metrics: dict[str, float]
    """COCO detection metrics and mean losses, by their public names."""
    images: list[tuple[Example, ImageResult]]
    """Each example that could be read, and what was detected on it."""


class Evaluator:
    """Evaluates one detector, its weights as they are at the time; compiled once, for one image at a time.

    One at a time, as in the original: losses are means over images, whatever is computed together.
    """

    def __init__(self, detector: Any, resizer: Resizer, labels: Mapping[int, str], max_boxes: int) -> None:
        """`labels`: id from 1 → name; `max_boxes`: how many true boxes of an image are used."""
        self._detector = detector
        self._labels = dict(labels)
        self._batches = evaluation_batches((), resizer, 1, max_boxes)
        height, width = static_size(resizer)
        spec = batch_spec(1, height, width, max_boxes)
        self._fed = tuple(spec)
        self._detect = tf.function(self._run, input_signature=[spec], autograph=False)

    def __call__(self, examples: Sequence[Example]) -> Evaluation:
        """Evaluate on `examples`; an image that cannot be read is logged and left out."""
        by_key = {example.key: example for example in examples}
        self._batches.reset(examples)
        images: list[tuple[Example, ImageResult]] = []
        sums: dict[str, float] = {}
        for batch in self._batches:
            found, losses = self._detect({key: batch[key] for key in self._fed})
            for name, value in losses.items():
                sums[name] = sums.get(name, 0.0) + float(value)
            example = by_key[batch["key"].numpy()[0].decode()]
            height, width = (int(side) for side in batch["original_shape"].numpy()[0, :2])
            images.append((example, _result(example, found, height, width)))
        metrics = coco_metrics([result for _, result in images], self._labels)
        return Evaluation(metrics | {name: value / len(images) for name, value in sums.items()}, images)

    def _run(self, batch: Batch) -> tuple[dict[str, tf.Tensor], dict[str, tf.Tensor]]:
        predictions = self._detector(self._detector.preprocess(batch["image"]), training=False)
        losses = all_losses(self._detector, predictions, batch)
        return self._detector.postprocess(predictions, batch["true_shape"]), losses


def _result(example: Example, found: Mapping[str, tf.Tensor], height: int, width: int) -> ImageResult:
    count = int(found["num_detections"][0])
    return ImageResult(
        box_math.to_pixels(example.boxes, height, width),
        np.asarray(example.classes) + 1,
        box_math.to_pixels(found["detection_boxes"].numpy()[0, :count], height, width),
        found["detection_scores"].numpy()[0, :count],
        found["detection_classes"].numpy()[0, :count].astype(np.int64) + 1,
        example.is_crowd,
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
    return _with_keys(
        decode_example(record, labels, where=f"{where}, record {place + 1}").training_example()
        for place, record in sorted(kept)
    )


def _with_keys(examples: Iterable[Example]) -> list[Example]:
    """The examples with keys of their own: records may repeat an id, and a key stands for one image."""
    return [
        Example(f"{place}: {one.key}", one.encoded, one.boxes, one.classes, one.weights, one.is_crowd)
        for place, one in enumerate(examples)
    ]
