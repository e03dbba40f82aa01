"""The metrics sets besides COCO's: the original's numbers, cases by hand, what always holds, and the empty case."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from drawn_images import HERE, LABELS, NEAR, ROW, THERE, result, some_images
from hypothesis import given
from hypothesis import strategies as st

from teachbox.config.built import ROWS, Built
from teachbox.config.protos.eval_pb2 import EvalConfig
from teachbox.errors import UsageError
from teachbox.evaluation.coco import COCO_KEYS, UNDEFINED, coco_metrics
from teachbox.evaluation.metrics_sets import METRICS_SETS, NEEDED_BY_OTHERS, OLDER_NAMES, check_sets, measure
from teachbox.evaluation.pascal import Curve, count, curve, pascal_voc_metrics
from teachbox.evaluation.results import ImageResult

OTHERS = sorted(set(METRICS_SETS) - {"coco_detection_metrics"})
CLOSE = 1e-12
"""The same arithmetic in float64: exact, but for the order of a sum."""


def config(*names: str, **fields: Any) -> EvalConfig:
    return EvalConfig(metrics_set=names, **fields)


@pytest.fixture(scope="session")
def original(oracles: Path) -> dict[str, Any]:
    return json.loads((oracles / "functions" / "metrics.json").read_text())


@pytest.fixture(scope="session")
def images(original: dict[str, Any]) -> list[ImageResult]:
    return [
        ImageResult(
            np.array(image["groundtruth_boxes"], np.float32).reshape(-1, 4),
            np.array(image["groundtruth_classes"], np.int64),
            np.array(image["detection_boxes"], np.float32).reshape(-1, 4),
            np.array(image["detection_scores"], np.float32),
            np.array(image["detection_classes"], np.int64),
            crowd=np.array(image["groundtruth_is_crowd"], np.bool_),
            difficult=np.array(image["groundtruth_difficult"], np.bool_),
            group_of=np.array(image["groundtruth_group_of"], np.bool_),
            # They count from 0 in the file: the original subtracts 1 in place, and they were written after that.
            verified=np.array(image["verified_labels"], np.int64) + 1,
        )
        for image in original["images"]
    ]


@pytest.fixture(scope="session")
def labels(original: dict[str, Any]) -> dict[int, str]:
    return {category["id"]: category["name"] for category in original["categories"]}


def numbers(values: Any) -> Any:
    return float("nan") if values is None else values


# The original's numbers


CASES: dict[str, dict[str, float]] = {
    "coco_detection_metrics": {},
    "coco_detection_metrics, no crowd flags": {},
    "pascal_voc_detection_metrics": {},
    "pascal_voc_detection_metrics, no difficult flags": {},
    "weighted_pascal_voc_detection_metrics": {},
    "oid_V2_detection_metrics": {},
    "oid_challenge_detection_metrics": {},
    "precision_at_recall_detection_metrics (0.0 to 1.0)": {},
    "precision_at_recall_detection_metrics (0.2 to 0.6)": {"recall_lower_bound": 0.2, "recall_upper_bound": 0.6},
}
GENERIC = "generic evaluator with corloc and precision/recall arrays"


def test_no_case_of_the_original_is_left_out(original) -> None:
    assert set(original["results"]) == {*CASES, GENERIC}
    assert {re.split("[, ]", key, maxsplit=1)[0] for key in CASES} == set(METRICS_SETS)


@pytest.mark.parametrize(("key", "fields"), CASES.items())
def test_agrees_with_the_original(original, images, labels, key: str, fields: dict[str, float]) -> None:
    if "no difficult" in key:
        images = [replace(image, difficult=None) for image in images]
    if "no crowd" in key:
        images = [replace(image, crowd=None) for image in images]
    expected = {name: numbers(value) for name, value in original["results"][key].items()}
    found = measure(images, labels, config(re.split("[, ]", key, maxsplit=1)[0], **fields))
    # Every name, and every number.
    assert found == pytest.approx(expected, abs=CLOSE, nan_ok=True)


def test_curves_and_locations_agree_with_the_original(original, images, labels) -> None:
    expected = original["results"][GENERIC]
    counted = count([replace(image, group_of=None) for image in images], len(labels))
    pascal = pascal_voc_metrics(images, labels)
    compared = {"Precision/mAP@0.5IOU": pascal["PascalBoxes_Precision/mAP@0.5IOU"]}
    for id, name in labels.items():
        found = curve([counted[id - 1]])
        of_class = {
            "AP": pascal[f"PascalBoxes_PerformanceByCategory/AP@0.5IOU/{name}"],
            "CorLoc": counted[id - 1].cor_loc,
            "Precision": math.nan if found is None else found.precision.tolist(),
            "Recall": math.nan if found is None else found.recall.tolist(),
        }
        compared |= {f"PerformanceByCategory/{kind}@0.5IOU/{name}": value for kind, value in of_class.items()}
    compared["Precision/meanCorLoc@0.5IOU"] = np.nanmean([one.cor_loc for one in counted])
    assert set(compared) == set(expected)
    for key, value in compared.items():
        assert value == pytest.approx(numbers(expected[key]), abs=CLOSE, nan_ok=True), key


def test_all_coco_metrics_by_category_add_up(images, labels) -> None:
    fields = {"include_metrics_per_category": True, "all_metrics_per_category": True}
    found = measure(images, labels, config(**fields))
    assert {key: found[key] for key in COCO_KEYS} == coco_metrics(images, labels)
    assert len(found) == 12 + len(labels) * 13
    for key in COCO_KEYS:
        parts = [found[f"{key} ByCategory/{name}"] for name in labels.values()]
        assert found[key] == pytest.approx(np.mean([part for part in parts if part != UNDEFINED]), abs=CLOSE)
    for name in labels.values():
        by_category = found[f"DetectionBoxes_PerformanceByCategory/mAP/{name}"]
        assert by_category == found[f"DetectionBoxes_Precision/mAP ByCategory/{name}"]
    first_only = measure(images, labels, config(include_metrics_per_category=True))
    assert len(first_only) == 12 + len(labels)
    # As in the original, the second switch needs the first.
    assert len(measure(images, labels, config(all_metrics_per_category=True))) == 12


# By hand


def test_by_hand() -> None:
    images = [
        # Right, taken already, right.
        result([HERE, THERE], [HERE, NEAR, THERE], scores=[0.9, 0.8, 0.7]),
        # A dog that is not found.
        result([HERE], [], true_classes=[2]),
    ]
    found = measure(images, LABELS, config(*OTHERS))
    # Precision 1, 1/2, 2/3 at recall 1/2, 1/2, 1.
    cat = (1 + 2 / 3) / 2
    for prefix in ("PascalBoxes", "WeightedPascalBoxes", "OpenImagesV2", "OpenImagesDetectionChallenge"):
        assert found[f"{prefix}_PerformanceByCategory/AP@0.5IOU/cat"] == pytest.approx(cat)
        assert found[f"{prefix}_PerformanceByCategory/AP@0.5IOU/dog"] == 0
    assert found["PascalBoxes_Precision/mAP@0.5IOU"] == pytest.approx(cat / 2)
    # Together, the recall is 1/3 and 2/3.
    assert found["WeightedPascalBoxes_Precision/mAP@0.5IOU"] == pytest.approx((1 + 2 / 3) / 3)


def test_difficult_boxes_count_for_pascal_neither_way() -> None:
    image = result([HERE, THERE], [THERE, HERE], scores=[0.9, 0.8], difficult=[False, True])
    alone = [result([HERE], [HERE])]
    for prefix, name in (("PascalBoxes", "pascal_voc"), ("PrecisionAtRecallBoxes", "precision_at_recall")):
        one = config(f"{name}_detection_metrics")
        found = measure([image], LABELS, one)
        assert found == pytest.approx(measure(alone, LABELS, one), nan_ok=True)
        assert found[f"{prefix}_Precision/mAP@0.5IOU"] == 1


def test_groups_of_open_images() -> None:
    group = [0, 0, 200, 200]
    inside = [[0, 0, 50, 50], [100, 100, 150, 150]]
    found = [result([THERE, group], [*inside, THERE], scores=[0.9, 0.8, 0.7], group_of=[False, True])]
    missed = [result([THERE, group], [THERE], group_of=[False, True])]
    v2, challenge = "OpenImagesV2_Precision/mAP@0.5IOU", "OpenImagesDetectionChallenge_Precision/mAP@0.5IOU"
    names = ("oid_V2_detection_metrics", "oid_challenge_detection_metrics", "pascal_voc_detection_metrics")
    assert measure(found, LABELS, config(*names))[v2] == 1
    assert measure(missed, LABELS, config(*names))[v2] == 1
    assert measure(found, LABELS, config(*names))[challenge] == 1
    assert measure(missed, LABELS, config(*names))[challenge] == 0.5
    # For Pascal it is one large box, which nothing overlaps enough: wrong, wrong, right, of two.
    assert measure(found, LABELS, config(*names))["PascalBoxes_Precision/mAP@0.5IOU"] == pytest.approx(1 / 3 / 2)


def test_the_challenge_counts_what_was_looked_for() -> None:
    key = "OpenImagesDetectionChallenge_Precision/mAP@0.5IOU"
    images = [result([HERE], [HERE], scores=[0.5]), result([THERE], [HERE], classes=[1], true_classes=[2])]
    # Cats were not looked for in the second image.
    assert measure(images, LABELS, config("oid_challenge_detection_metrics"))[key] == 0.5
    images[1] = replace(images[1], verified=np.array([1]))
    assert measure(images, LABELS, config("oid_challenge_detection_metrics"))[key] == 0.25


def test_boxes_without_area_are_no_detections() -> None:
    image = result([HERE], [[0, 0, 0, 50], HERE], scores=[0.9, 0.8])
    assert measure([image], LABELS, config("pascal_voc_detection_metrics"))["PascalBoxes_Precision/mAP@0.5IOU"] == 1


def test_a_part_of_the_recall_is_named() -> None:
    image = result([HERE, THERE], [HERE, THERE], scores=[0.9, 0.8])
    some = config("precision_at_recall_detection_metrics", recall_lower_bound=0.1, recall_upper_bound=0.75)
    # Only the point at recall 1/2 is inside.
    assert measure([image], LABELS, some)["PrecisionAtRecallBoxes_Precision/mAP@0.5IOU@[0.1,0.8]Recall"] == 0.5


# Several at once


def test_coco_is_the_default_and_several_add_up(images, labels) -> None:
    coco = coco_metrics(images, labels)
    assert measure(images, labels, config()) == measure(images, labels, config("coco_detection_metrics")) == coco
    names = ("pascal_voc_detection_metrics", "coco_detection_metrics")
    both = measure(images, labels, config(*names, "pascal_voc_detection_metrics"))
    assert both == pytest.approx(coco | measure(images, labels, config(names[0])), nan_ok=True, abs=0)


def test_every_public_set_is_here_or_refused_by_name(oracles: Path) -> None:
    schema = json.loads((oracles / "config_schema.json").read_text())
    assert sorted([*METRICS_SETS, *NEEDED_BY_OTHERS]) == sorted(schema["metrics_set_names"])
    check_sets(METRICS_SETS, where="--metrics")
    for name, needed in NEEDED_BY_OTHERS.items():
        with pytest.raises(UsageError, match=f"--metrics: {name} measures {needed}"):
            check_sets(["coco_detection_metrics", name], where="--metrics")
    with pytest.raises(UsageError, match="did you mean oid_V2_detection_metrics"):
        check_sets(["oid_v2_detection_metrics"], where="--metrics")


def test_the_table_of_what_is_built_names_these_sets() -> None:
    verdict = ROWS.table["eval_config"]["metrics_set"]
    assert isinstance(verdict, Built)
    assert set(verdict.values) == {*METRICS_SETS, *OLDER_NAMES}


# What always holds


@pytest.mark.parametrize("name", OTHERS)
def test_nothing_to_be_found(name: str) -> None:
    for images in ([], [result([], [])], [result([], [HERE])]):
        found = measure(images, LABELS, config(name))
        assert len(found) == 3
        assert all(math.isnan(value) for value in found.values())
    missed = measure([result([HERE], [])], LABELS, config(name))
    assert sorted(value for value in missed.values() if not math.isnan(value)) == [0, 0]


@given(images=st.lists(some_images(), max_size=4), low=st.floats(0, 0.5, width=32))
def test_always_from_0_to_1_or_undefined(images: list[ImageResult], low: float) -> None:
    found = measure(images, LABELS, config(*OTHERS, recall_lower_bound=low))
    assert all(math.isnan(value) or -CLOSE <= value <= 1 + CLOSE for value in found.values())


@given(boxes=st.lists(ROW, min_size=1, max_size=6, unique_by=lambda row: str(row[:2])))
def test_the_truth_as_detections_is_perfect(boxes) -> None:
    rows = [row[0] for row in boxes]
    classes = [row[1] for row in boxes]
    image = result(rows, rows, classes=classes, true_classes=classes, difficult=[row[2] for row in boxes])
    found = measure([image], LABELS, config(*OTHERS))
    assert all(math.isnan(value) or value == pytest.approx(1) for value in found.values())
    assert found["OpenImagesV2_Precision/mAP@0.5IOU"] == pytest.approx(1)


@given(hits=st.lists(st.booleans(), min_size=1, max_size=20))
def test_the_area_is_that_of_the_raised_curve(hits: list[bool]) -> None:
    right = np.cumsum(hits)
    recall = right / max(right[-1], 1)
    found = Curve(right / np.arange(1, len(hits) + 1), recall, np.linspace(1, 0, len(hits)))
    # The mean over the hits of the best precision from there on.
    best = [max(found.precision[place:]) for place, hit in enumerate(hits) if hit]
    assert found.average_precision() == pytest.approx(sum(best) / max(right[-1], 1))


@pytest.mark.parametrize(
    ("older", "name"),
    [
        ("open_images_V2_detection_metrics", "oid_V2_detection_metrics"),
        ("oid_challenge_object_detection_metrics", "oid_challenge_detection_metrics"),
    ],
)
def test_what_older_configs_call_a_set(images, labels, older: str, name: str) -> None:
    check_sets([older], where="here")
    assert measure(images, labels, config(older, name)) == pytest.approx(
        measure(images, labels, config(name)), nan_ok=True
    )
