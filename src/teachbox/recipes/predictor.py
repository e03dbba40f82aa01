"""What a model server finds in an image, as spans on a task."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from typing import Any

import numpy as np

from teachbox.annotation import Prediction, Span, Task, make_span
from teachbox.boxes import clip, not_degenerate, to_pixels
from teachbox.images import UprightImage
from teachbox.labels import LabelMap
from teachbox.serving.client import Client, Detections

logger = logging.getLogger(__name__)

FLOOR = 0.05
"""Predictions down to this score are sent to the page, whose slider chooses among them."""
MOST_SPANS = 300
"""No more boxes are sent for one image, the best first."""
_NO_BOXES = np.zeros((0, 4), dtype=np.float32)


def spans_of(
    found: Detections,
    image: UprightImage,
    labels: LabelMap,
    floor: float,
    only: Collection[str] | None = None,
    source: str | None = None,
    most: int = MOST_SPANS,
) -> tuple[list[Span], set[int]]:
    """Detections with a score from `floor` on as spans in pixels, and the class ids that `labels` lacks.

    Boxes are cut to the image; what is left without an area is dropped. `only` names the labels to keep, `source` the
    model. Of more than `most` spans those with the best scores are kept, in the order in which they were found.
    """
    boxes = clip(to_pixels(found.boxes, image.height, image.width), image.height, image.width)
    spans: list[Span] = []
    unknown: set[int] = set()
    for row in np.flatnonzero((found.scores >= floor) & not_degenerate(boxes)):
        name = labels.name_of(int(found.classes[row]))
        if name is None:
            unknown.add(int(found.classes[row]))
        elif only is None or name in only:
            extra: dict[str, Any] = {} if found.version is None else {"version": found.version}
            if source is not None:
                extra["source"] = source
            spans.append(make_span(name, *boxes[row], score=round(float(found.scores[row]), 4), **extra))
    if len(spans) > most:
        best = sorted(range(len(spans)), key=lambda place: -spans[place]["score"])[:most]
        spans = [spans[place] for place in sorted(best)]
    return spans, unknown


class Predictor:
    """Predicts tasks through a model server. May be called from several threads.

    A prediction holds boxes from `FLOOR` on; which of them are shown at first, `threshold` tells.
    """

    def __init__(
        self,
        client: Client,
        labels: Callable[[], LabelMap],
        threshold: float,
        only: Callable[[], Collection[str]] | None = None,
    ) -> None:
        """`labels` and `only` are asked each time: they may change while people label."""
        self._client = client
        self._labels = labels
        self._threshold = threshold
        self._only = only
        self._warned: set[int] = set()

    def predict(self, task: Task, image: UprightImage) -> Prediction:
        """What the served version finds. Raises `ServingError` while no model answers."""
        from teachbox.data.tf_example_encoder import encode_example

        name = str(task.get("meta", {}).get("file", ""))
        example = encode_example(image, _NO_BOXES, [], [], name, str(task.get("_input_hash", "")))
        found = self._client.predict(example)
        floor = min(FLOOR, self._threshold)
        labels, only = self._labels(), None if self._only is None else self._only()
        spans, unknown = spans_of(found, image, labels, floor, only, self._client.model_name)
        for class_id in sorted(unknown - self._warned):
            self._warned.add(class_id)
            logger.warning(
                "the model found class %d, which %s does not hold; such boxes are left out",
                class_id, labels.where or "the label map",
            )  # fmt: skip
        shown = sum(span["score"] >= self._threshold for span in spans)
        logger.info("Using threshold %g, got %d predictions for file %s", self._threshold, shown, name)
        return Prediction(found.version, spans)

    def served_version(self) -> int | None:
        """The newest version that is served, None while there is none."""
        return self._client.served_version()
