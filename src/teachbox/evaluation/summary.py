"""Everything that is told about an evaluation, gathered in one pass over its images."""

from __future__ import annotations

import heapq
import itertools
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from teachbox.config.protos.eval_pb2 import EvalConfig
from teachbox.evaluation.classes import ClassSummary, summarize_classes
from teachbox.evaluation.confusion import Counts, confusion_matrix
from teachbox.evaluation.matching import Matched, Thresholds, error_score, match
from teachbox.evaluation.metrics_sets import measure
from teachbox.evaluation.results import ImageResult


@dataclass(frozen=True)
class Evaluated:
    """One image of an evaluation."""

    name: str
    encoded: bytes
    """JPEG or PNG bytes."""
    result: ImageResult


@dataclass(frozen=True)
class Picture:
    """An image that is shown, with what became of its boxes."""

    image: Evaluated
    matched: Matched
    error: float


@dataclass(frozen=True)
class Summary:
    """What was found on all images together."""

    images: int
    thresholds: Thresholds
    metrics: dict[str, float]
    """By their public names; NaN (COCO: -1) where a metric has nothing to count."""
    classes: list[ClassSummary]
    together: ClassSummary
    matrix: Counts
    """See `confusion_matrix`; in the order of `classes`."""
    worst: list[Picture]
    """Those with the highest error score, none with 0."""
    unknown: dict[int, int]
    """Class ids that the labels lack, and how many detections of them were left out."""


def summarize(
    images: Iterable[Evaluated],
    labels: Mapping[int, str],
    config: EvalConfig,
    thresholds: Thresholds,
    worst: int = 12,
) -> Summary:
    """Measure `images`; `labels`: id from 1 → name. Of the images' bytes, only those of the `worst` are kept."""
    labels = dict(sorted(labels.items()))
    results: list[tuple[ImageResult, Matched]] = []
    unknown: Counter[int] = Counter()
    kept: list[tuple[float, int, Picture]] = []
    order = itertools.count()
    for image in images:
        result = _known(image.result, labels, unknown)
        matched = match(result, thresholds)
        results.append((result, matched))
        error = error_score(matched, result.scores)
        if error > 0 and worst > 0:
            # Of equal ones, the first stays.
            entry = (error, -next(order), Picture(replace(image, result=result), matched, error))
            (heapq.heappush if len(kept) < worst else heapq.heappushpop)(kept, entry)
    matrix = confusion_matrix(results, list(labels))
    measured = [result for result, _ in results]
    classes, together = summarize_classes(measured, labels, matrix, thresholds.iou)
    return Summary(
        images=len(results),
        thresholds=thresholds,
        metrics=measure(measured, labels, config),
        classes=classes,
        together=together,
        matrix=matrix,
        worst=[picture for _, _, picture in sorted(kept, key=lambda entry: entry[:2], reverse=True)],
        unknown=dict(sorted(unknown.items())),
    )


def _known(result: ImageResult, labels: Mapping[int, str], unknown: Counter[int]) -> ImageResult:
    """The result without detections of classes that have no label; `unknown` counts them."""
    rows = np.isin(result.classes, list(labels))
    if rows.all():
        return result
    unknown.update(int(id) for id in result.classes[~rows])
    return replace(result, boxes=result.boxes[rows], scores=result.scores[rows], classes=result.classes[rows])
