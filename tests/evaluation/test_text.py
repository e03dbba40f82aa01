"""An evaluation as text: the table and the JSON of a case worked by hand, and those of nothing at all."""

from __future__ import annotations

import json
import math

from drawn_images import HERE, LABELS, NEAR, THERE, result

from teachbox.config.protos.eval_pb2 import EvalConfig
from teachbox.evaluation.matching import Thresholds
from teachbox.evaluation.summary import Evaluated, summarize
from teachbox.evaluation.text import as_json, metric, share, table

HALF = Thresholds(score=0.5, iou=0.5)
THREE = {**LABELS, 3: "bird"}
IMAGES = [
    # Right, there already, right but below the threshold; and a dog that is called a cat.
    result([HERE, THERE], [HERE, NEAR, THERE], scores=[0.9, 0.8, 0.4]),
    result([HERE], [HERE], true_classes=[2], scores=[0.6]),
]
SUMMARY = summarize(
    (Evaluated(f"{place}.png", b"", image) for place, image in enumerate(IMAGES)), THREE, EvalConfig(), HALF
)
NOTHING = summarize([], THREE, EvalConfig(), HALF)


def test_the_table_by_hand():
    lines = table(SUMMARY, {"model": "m.ckpt", "images from": "some.record"}).splitlines()
    assert lines[:3] == ["model        m.ckpt", "images from  some.record", ""]
    heading = next(place for place, line in enumerate(lines) if line.startswith("class"))
    assert lines[heading - 1] == "Detections with a score from 0.5 on; right from an overlap (IoU) of 0.5 on:"
    cells = [line.split() for line in lines[heading + 1 :]]
    assert cells[0] == ["cat", "1", "2", "3", "1", "0", "1", "1", "0.333", "0.500", "0.750", "0.667", "0.900"]
    assert cells[1] == ["dog", "1", "1", "0", "0", "1", "0", "0", "–", "0.000", "0.000", "–", "–"]
    assert lines[heading + 3].split()[-3] == "0.375"
    assert lines[-1] == "(1 more classes are neither in the images nor detected.)"
    # Columns stand under their headings.
    assert len({len(line) for line in lines[heading : heading + 3]}) == 1


def test_json_has_none_where_nothing_counts():
    found = json.loads(json.dumps(as_json(SUMMARY, {"model": "m.ckpt"}), allow_nan=False))
    assert found["about"] == {"model": "m.ckpt"}
    assert found["images"] == 2
    cat, dog, bird = found["classes"]
    assert (cat["right"], cat["missed"], cat["false"], cat["average_precision"]) == (1, 1, 1, 0.75)
    assert (dog["precision"], dog["recall"], dog["best_f1"]) == (None, 0, None)
    assert (bird["recall"], bird["average_precision"]) == (None, None)
    matrix = found["confusion_matrix"]
    assert matrix["labels"] == ["cat", "dog", "bird", None]
    assert matrix["counts"] == [[1, 0, 0, 1], [1, 0, 0, 0], [0, 0, 0, 0], [1, 0, 0, 0]]
    assert {row["image"] for row in found["worst_images"]} == {"0.png", "1.png"}


def test_nothing_was_evaluated():
    text = table(NOTHING, {})
    assert "nan" not in text
    assert "(3 more classes are neither in the images nor detected.)" in text
    found = json.loads(json.dumps(as_json(NOTHING, {}), allow_nan=False))
    assert found["images"] == 0
    assert found["worst_images"] == []
    assert found["all"]["precision"] is None


def test_numbers_and_none():
    assert (metric(0.12345), metric(-1.0), metric(math.nan)) == ("0.1235", "–", "–")
    assert (share(0.5), share(math.nan)) == ("0.500", "–")
