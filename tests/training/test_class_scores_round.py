"""Scores of all classes through a trainer: loaded, trained on in place of classes, and left out of evaluation."""

from __future__ import annotations

import math
import threading
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf
from project import DATASET, Project

from teachbox.config.label_map import load_label_map
from teachbox.data.batches import training_batches
from teachbox.data.ground_truth import task_to_training_example
from teachbox.training.parts import Parts, build_parts
from teachbox.training.rounds import Trainer

pytestmark = pytest.mark.tf

LOSS = "Loss/classification_loss"


def scored(project: Project, number: int, score: float | None) -> dict[str, Any]:
    task = project.task(number)
    scores = {} if score is None else {"class_scores": {"square": score}}
    return {**task, "spans": [{**task["spans"][0], **scores}]}


def configured(folder: Path, *, load: bool = True, use: bool = True) -> Project:
    folder.mkdir(exist_ok=True)
    project = Project(folder)
    if load:
        project.add("train_input_reader", "  load_multiclass_scores: true")
    if use:
        project.add("train_config", "  use_multiclass_scores: true")
    return project


def losses(parts: Parts, project: Project, score: float | None) -> dict[str, float]:
    """Of one step on an image whose box has this score; the step is taken back."""
    labels = load_label_map(project.label_map)
    example = task_to_training_example(scored(project, 1, score), project.image(1).read_bytes, labels)
    batches = training_batches(
        [example] * 2, parts.resizer, None, 2, parts.max_boxes, seed=1, num_scores=parts.num_scores
    )
    start = parts.learner.snapshot()
    found = parts.learner.run(next(batches))
    parts.learner.restore(start)
    return found


def test_a_score_weighs_what_is_true_against_what_is_not(tmp_path: Path) -> None:
    project = configured(tmp_path)
    parts = build_parts(project.settings())
    assert parts.num_scores == 1
    full, none, some = (losses(parts, project, score) for score in (1.0, 0.0, 0.25))
    # Cross entropy is linear in the target.
    assert some[LOSS] == pytest.approx(0.25 * full[LOSS] + 0.75 * none[LOSS], rel=1e-5)
    assert full[LOSS] != pytest.approx(none[LOSS], rel=1e-3)
    assert losses(parts, project, None)[LOSS] == pytest.approx(full[LOSS], rel=1e-6)
    assert some["Loss/localization_loss"] == full["Loss/localization_loss"]


@pytest.mark.parametrize("load", [True, False])
def test_without_use_it_is_classes_that_are_trained_on(tmp_path: Path, load: bool) -> None:
    project = configured(tmp_path, load=load, use=False)
    parts = build_parts(project.settings())
    assert parts.num_scores == int(load)
    assert losses(parts, project, 0.25) == losses(parts, project, None)


def test_confidences_weigh_what_is_said_and_what_is_not(tmp_path: Path) -> None:
    plain = configured(tmp_path / "plain")
    said = configured(tmp_path / "said")
    said.add("ssd", "    use_confidences_as_targets: true")
    quiet = configured(tmp_path / "quiet")
    quiet.add("ssd", "    use_confidences_as_targets: true implicit_example_weight: 0")
    by_class, by_confidence, explicit = (build_parts(project.settings()) for project in (plain, said, quiet))
    # Where all weighs 1 and each box is of its class, confidences say what classes say.
    wanted = losses(by_class, plain, 1.0)
    assert losses(by_confidence, said, 1.0)[LOSS] == pytest.approx(wanted[LOSS], rel=1e-5)
    # Without the weight of what nobody spoke of, only the anchors of the box are left.
    assert 0 < losses(explicit, quiet, 1.0)[LOSS] < 0.5 * wanted[LOSS]
    # That it is none is said of a box, too: nothing is to be found at its place, and it has no place to learn.
    negative = losses(explicit, quiet, -1.0)
    assert negative[LOSS] > 0
    assert negative["Loss/localization_loss"] == 0


def test_a_box_of_two_labels_is_taught_as_both(tmp_path: Path) -> None:
    """Of two boxes at one place only one is matched; merged, its anchors are of both classes."""
    found = {}
    for merge in (False, True):
        project = configured(tmp_path / str(merge), load=False, use=False)
        project.set("num_classes", 2)
        project.label_map.write_text(project.label_map.read_text() + 'item { id: 2 name: "box" }\n')
        if merge:
            project.add("train_config", "  merge_multiple_label_boxes: true")
        parts = build_parts(project.settings())
        task = project.task(1)
        spans = [{**task["spans"][0], "label": label} for label in ("square", "box")]
        labels = load_label_map(project.label_map)
        examples = [
            task_to_training_example({**task, "spans": some}, project.image(1).read_bytes, labels)
            for some in (spans, spans[:1], spans[1:])
        ]
        for place, example in enumerate(examples):
            batches = training_batches(
                [example] * 2, parts.resizer, None, 2, parts.max_boxes, seed=1, merge_classes=2 if merge else 0
            )
            batch = next(batches)
            start = parts.learner.snapshot()
            found[merge, place] = parts.learner.run(batch)
            parts.learner.restore(start)
            assert batch["num_boxes"].numpy().tolist() == [2 if place == 0 and not merge else 1] * 2
    # One box is what it was.
    for place in (1, 2):
        assert found[True, place][LOSS] == pytest.approx(found[False, place][LOSS], rel=1e-5)
    # Cross entropy is a sum over classes: what both say beside what one says, and not what the first alone does.
    assert found[False, 0][LOSS] == pytest.approx(found[False, 1][LOSS], rel=1e-5)
    assert found[True, 0][LOSS] != pytest.approx(found[False, 0][LOSS], rel=1e-3)


def test_a_round_learns_from_scores_and_evaluation_goes_by_classes(tmp_path: Path) -> None:
    project = configured(tmp_path)
    project.add("train_config", "  data_augmentation_options { convert_class_logits_to_softmax { temperature: 2 } }")
    project.answer(*(scored(project, number, score) for number, score in enumerate((0.25, -1.0, None))))
    settings = project.settings(steps_per_epoch=2, run_eval=True, hold_out=0.5)
    trainer = Trainer(settings, project.store, build_parts(settings), threading.Event())
    try:
        trainer.start()
        accepted = trainer.read_answers()
        trainer.run_round(accepted)
    finally:
        trainer.close()
    run = project.store.runs(DATASET)[-1]
    assert (run.state, run.last_step) == ("finished", 2)
    assert all(math.isfinite(value) for value in project.store.last_metrics(DATASET).values())
    (record,) = (tmp_path / "data").glob("*_train.record")
    written = [
        list(
            tf.train.Example.FromString(bytes).features.feature["image/object/class/multiclass_scores"].float_list.value
        )
        for bytes in tf.data.TFRecordDataset([str(record)]).as_numpy_iterator()
    ]
    given = {0: [0.25], 1: [-1.0], 2: []}
    assert written == [given[id - 1] for id in accepted.new]
