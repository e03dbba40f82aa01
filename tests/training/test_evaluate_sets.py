"""From the flags of a tf.Example to the metrics sets that a configuration names."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from project import Project
from tiny import TinyDetector, resizer

from teachbox.config.label_map import parse_label_map
from teachbox.config.protos.eval_pb2 import EvalConfig
from teachbox.data.evaluation_examples import EvaluationExample, sample_examples
from teachbox.data.tf_example_encoder import encode_example
from teachbox.data.tfrecord import write_records
from teachbox.images import UprightImage
from teachbox.training.evaluate import Evaluator
from teachbox.wire import example_pb2

pytestmark = pytest.mark.tf

LABELS = parse_label_map(
    "item { id: 1 name: '/m/1' display_name: 'square' } item { id: 2 name: '/m/2' display_name: 'circle' }",
    use_display_name=True,
)
ALWAYS = [0.25, 0.25, 0.75, 0.75]
"""What the tiny detector says of every image."""


def record(project: Project, boxes: list[list[float]], *, texts: list[str] | None = None, **flags) -> bytes:
    image = UprightImage(project.image(1).read_bytes(), "png", 100, 80)
    rows = np.array(boxes, np.float32).reshape(-1, 4)
    texts = texts or ["/m/1"] * len(rows)
    return encode_example(image, rows, texts, [1] * len(rows), "1.png", "1", **flags)


def with_image_classes(serialized: bytes, *, texts: tuple[bytes, ...] = (), ids: tuple[int, ...] = ()) -> bytes:
    example = example_pb2.Example.FromString(serialized)
    if texts:
        example.features.feature["image/class/text"].bytes_list.value.extend(texts)
    if ids:
        example.features.feature["image/class/label"].int64_list.value.extend(ids)
    return example.SerializeToString(deterministic=True)


def examples(tmp_path: Path, *records: bytes) -> list[EvaluationExample]:
    write_records(tmp_path / "eval.record", records)
    found = sample_examples([str(tmp_path / "eval.record")], LABELS, 10, 0)
    assert all(isinstance(one, EvaluationExample) for one in found)
    return found  # type: ignore[return-value]


def listed(values: NDArray[Any] | None) -> list[Any] | None:
    return None if values is None else values.tolist()


def evaluator(*names: str) -> Evaluator:
    config = EvalConfig(metrics_set=names)
    return Evaluator(TinyDetector(), resizer, {label.id: LABELS.text(label) for label in LABELS}, 5, config)


def test_what_a_record_says_is_kept(tmp_path: Path) -> None:
    project = Project(tmp_path)
    boxes = [[0, 0, 0.5, 0.5], ALWAYS]
    first, second, third = examples(
        tmp_path,
        record(project, boxes, difficult=[True, False], group_of=[False, True], is_crowd=[True, True]),
        with_image_classes(record(project, []), texts=(b"/m/2", b"unheard of", b""), ids=(1,)),
        with_image_classes(record(project, boxes[:1]), ids=(1, 2)),
    )
    assert listed(first.difficult) == [True, False]
    assert listed(first.group_of) == [False, True]
    assert listed(first.is_crowd) == [True, True]
    assert listed(first.verified) == []
    # Words win over numbers, as for boxes; what the label map does not hold cannot be detected either.
    assert listed(second.verified) == [2]
    assert listed(third.verified) == [1, 2]
    assert len({first.key, second.key, third.key}) == 3


def test_the_flags_reach_the_metrics_that_were_asked_for(tmp_path: Path) -> None:
    project = Project(tmp_path)
    elsewhere = [0.0, 0.0, 0.2, 0.2]
    given = examples(tmp_path, record(project, [elsewhere, ALWAYS], difficult=[True, False]))
    pascal, challenge = "PascalBoxes_Precision/mAP@0.5IOU", "OpenImagesDetectionChallenge_Precision/mAP@0.5IOU"
    found = evaluator("pascal_voc_detection_metrics", "oid_challenge_detection_metrics")(given).metrics
    assert found[pascal] == 1
    assert found[challenge] == 0.5
    assert found["PascalBoxes_PerformanceByCategory/AP@0.5IOU/square"] == 1
    # Nothing to be found: left out, since no number says so.
    assert "PascalBoxes_PerformanceByCategory/AP@0.5IOU/circle" not in found
    assert not any(name.startswith("DetectionBoxes") for name in found)
    assert "Loss/total_loss" in found

    plain = [replace(one, difficult=None, group_of=np.array([True, False])) for one in given]
    found = evaluator("pascal_voc_detection_metrics", "oid_V2_detection_metrics")(plain).metrics
    assert found[pascal] == 0.5
    assert found["OpenImagesV2_Precision/mAP@0.5IOU"] == 1


def test_classes_of_the_image_reach_the_challenge(tmp_path: Path) -> None:
    project = Project(tmp_path)
    key = "OpenImagesDetectionChallenge_Precision/mAP@0.5IOU"
    empty = record(project, [])
    there = record(project, [ALWAYS])
    ask = evaluator("oid_challenge_detection_metrics")
    assert ask(examples(tmp_path, there, empty)).metrics[key] == 1
    # Of two detections of one score, the last counts first; there it is wrong.
    assert ask(examples(tmp_path, there, with_image_classes(empty, texts=(b"/m/1",)))).metrics[key] == 0.5


def test_all_sets_without_any_example() -> None:
    assert evaluator("pascal_voc_detection_metrics", "precision_at_recall_detection_metrics")([]).metrics == {}
