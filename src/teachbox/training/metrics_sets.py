"""The metrics sets that `eval_config.metrics_set` can name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from teachbox.config.protos.eval_pb2 import EvalConfig
from teachbox.training.metrics import ImageResult, coco_metrics
from teachbox.training.open_images import open_images_challenge_metrics, open_images_v2_metrics
from teachbox.training.pascal import pascal_voc_metrics, precision_at_recall_metrics, weighted_pascal_voc_metrics

Images = Sequence[ImageResult]
Labels = Mapping[int, str]
"""Id from 1 → name."""

DEFAULT = "coco_detection_metrics"


def _coco(images: Images, labels: Labels, config: EvalConfig) -> dict[str, float]:
    return coco_metrics(
        images,
        labels,
        per_category=config.include_metrics_per_category,
        all_per_category=config.all_metrics_per_category,
    )


def _precision_at_recall(images: Images, labels: Labels, config: EvalConfig) -> dict[str, float]:
    return precision_at_recall_metrics(images, labels, config.recall_lower_bound, config.recall_upper_bound)


METRICS_SETS: dict[str, Callable[[Images, Labels, EvalConfig], dict[str, float]]] = {
    DEFAULT: _coco,
    "pascal_voc_detection_metrics": lambda images, labels, _: pascal_voc_metrics(images, labels),
    "weighted_pascal_voc_detection_metrics": lambda images, labels, _: weighted_pascal_voc_metrics(images, labels),
    "oid_V2_detection_metrics": lambda images, labels, _: open_images_v2_metrics(images, labels),
    "oid_challenge_detection_metrics": lambda images, labels, _: open_images_challenge_metrics(images, labels),
    "precision_at_recall_detection_metrics": _precision_at_recall,
}


def measure(images: Images, labels: Labels, config: EvalConfig) -> dict[str, float]:
    """All metrics of the sets that the configuration names (COCO's where it names none), by their public names.

    NaN where a metric has nothing to count; COCO's own are -1 there.
    """
    metrics: dict[str, float] = {}
    for name in dict.fromkeys(config.metrics_set or [DEFAULT]):
        metrics |= METRICS_SETS[name](images, labels, config)
    return metrics
