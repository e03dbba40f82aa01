"""Evaluation: the detector on examples that it is not trained on, metrics and losses out."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from teachbox.config.protos.eval_pb2 import EvalConfig
from teachbox.data.batch_pipeline import Batch, batch_spec
from teachbox.data.batches import evaluation_batches
from teachbox.data.examples import Example
from teachbox.data.resizers import Resizer
from teachbox.evaluation.metrics_sets import measure
from teachbox.evaluation.results import ImageResult, in_pixels
from teachbox.training.backend import Values, compiled, side_step
from teachbox.training.losses import all_losses
from teachbox.training.signatures import static_shape


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
        self.labels = dict(labels)
        """Id from 1 → name; names may change from one evaluation to the next."""
        self._batches = evaluation_batches((), resizer, 1, max_boxes, side_step=side_step())
        height, width, channels = static_shape(resizer)
        spec = batch_spec(1, height, width, max_boxes, channels=channels)
        self._detect = compiled(self._run, spec, state=detector.variables)
        self.losses: dict[str, float] = {}
        """Mean losses of the images of the last evaluation, by their public names."""

    def __call__(self, examples: Sequence[Example], stopped: Callable[[], bool] = lambda: False) -> Evaluation | None:
        """Evaluate on `examples`; an image that cannot be read is logged and left out.

        None where `stopped`, asked after each image, says that nobody waits for it any more.
        """
        images = []
        with contextlib.closing(self.detections(examples)) as detections:
            for found in detections:
                if stopped():
                    return None
                images.append(found)
        metrics = measure([result for _, result in images], self.labels, self._config)
        metrics = {name: value for name, value in metrics.items() if not np.isnan(value)}
        return Evaluation(metrics | self.losses, images)

    def detections(self, examples: Iterable[Example]) -> Generator[tuple[Example, ImageResult]]:
        """Each of `examples` that can be read, and what is detected on it; then `losses` are those of them all.

        No more than a few examples are held at a time. What `examples` raises is raised.
        """
        under_way: deque[Example] = deque()

        def remembered() -> Iterator[Example]:
            for example in examples:
                under_way.append(example)
                yield example

        self._batches.reset(remembered())
        self.losses = {}
        sums: dict[str, float] = {}
        count = 0
        for batch in self._batches:
            found, losses = self._detect(batch)
            for name, value in losses.items():
                sums[name] = sums.get(name, 0.0) + float(value)
            count += 1
            key = batch["key"].numpy()[0].decode()
            # They come in order; what cannot be read does not come.
            while (example := under_way.popleft()).key != key:
                pass
            height, width = (int(side) for side in batch["original_shape"].numpy()[0, :2])
            yield example, _result(example, found, height, width)
        self.losses = {name: value / count for name, value in sums.items()}

    def _run(self, batch: Batch) -> tuple[Values, Values]:
        predictions = self._detector(self._detector.preprocess(batch["image"]), batch["true_shape"], training=False)
        losses = all_losses(self._detector, predictions, batch)
        return self._detector.postprocess(predictions, batch["true_shape"]), losses


def _result(example: Example, tensors: Values, height: int, width: int) -> ImageResult:
    found = {name: keras.ops.convert_to_numpy(value)[0] for name, value in tensors.items()}
    count = int(found["num_detections"])
    return in_pixels(
        height,
        width,
        (example.boxes, np.asarray(example.classes) + 1),
        (
            found["detection_boxes"][:count],
            found["detection_scores"][:count],
            found["detection_classes"][:count].astype(np.int64) + 1,
        ),
        crowd=example.is_crowd,
        difficult=getattr(example, "difficult", None),
        group_of=getattr(example, "group_of", None),
        verified=getattr(example, "verified", None),
    )
