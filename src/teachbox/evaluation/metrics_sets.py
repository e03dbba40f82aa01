"""The metrics sets that `eval_config.metrics_set` can name."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence

from teachbox.config.protos.eval_pb2 import EvalConfig
from teachbox.errors import UsageError
from teachbox.evaluation.coco import coco_metrics
from teachbox.evaluation.open_images import open_images_challenge_metrics, open_images_v2_metrics
from teachbox.evaluation.pascal import pascal_voc_metrics, precision_at_recall_metrics, weighted_pascal_voc_metrics
from teachbox.evaluation.results import ImageResult

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
OLDER_NAMES = {
    "open_images_V2_detection_metrics": "oid_V2_detection_metrics",
    "oid_challenge_object_detection_metrics": "oid_challenge_detection_metrics",
}
"""What older configs call a set, and what it is called."""

NEEDED_BY_OTHERS: dict[str, str] = {
    "coco_mask_metrics": "masks",
    "coco_panoptic_metrics": "masks",
    "lvis_mask_metrics": "masks",
    "oid_challenge_segmentation_metrics": "masks",
    "pascal_voc_instance_segmentation_metrics": "masks",
    "weighted_pascal_voc_instance_segmentation_metrics": "masks",
    "coco_keypoint_metrics": "keypoints",
}
"""The public sets that measure something else than boxes, and what."""


def check_sets(names: Iterable[str], *, where: str) -> None:
    """Raises `UsageError`, with `where`, for a name that is no set of box metrics."""
    for name in names:
        if name in METRICS_SETS or name in OLDER_NAMES:
            continue
        built = ", ".join(METRICS_SETS)
        if name in NEEDED_BY_OTHERS:
            raise UsageError(f"{name} measures {NEEDED_BY_OTHERS[name]}; the sets for boxes are {built}", where=where)
        near = difflib.get_close_matches(name, METRICS_SETS, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise UsageError(f"there is no metrics set {name!r}; there is {built}{hint}", where=where)


def measure(images: Images, labels: Labels, config: EvalConfig) -> dict[str, float]:
    """All metrics of the sets that the configuration names (COCO's where it names none), by their public names.

    NaN where a metric has nothing to count; COCO's own are -1 there.
    """
    metrics: dict[str, float] = {}
    named = (OLDER_NAMES.get(name, name) for name in config.metrics_set or [DEFAULT])
    for name in dict.fromkeys(named):
        metrics |= METRICS_SETS[name](images, labels, config)
    return metrics
