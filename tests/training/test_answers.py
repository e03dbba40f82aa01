"""From answers to examples: values by hand; what cannot be used is said once; what is undone is gone."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from project import DATASET, Project

from teachbox.config.label_map import load_label_map
from teachbox.data.cache import ByteCache
from teachbox.data.tf_example_decoder import decode_example
from teachbox.training.answers import AnswerReader, is_held_out

pytestmark = pytest.mark.tf


class Reading:
    def __init__(self, folder: Path) -> None:
        self.project = Project(folder)
        self.reports: list[tuple[int, str]] = []
        self.reader = self.fresh_reader()

    def fresh_reader(self) -> AnswerReader:
        return AnswerReader(
            self.project.store,
            DATASET,
            load_label_map(self.project.label_map),
            ByteCache(10**6),
            lambda id, message: self.reports.append((id, message)),
        )


@pytest.fixture
def reading(tmp_path: Path) -> Reading:
    return Reading(tmp_path)


def test_nothing_yet(reading: Reading) -> None:
    accepted = reading.reader.read(0)
    assert (accepted.examples, accepted.new, accepted.last_id) == ({}, [], 0)


def test_accepted_answers_become_examples(reading: Reading) -> None:
    project = reading.project
    empty = {**project.task(2), "spans": []}
    ids = project.answer(
        project.task(1), empty, {**project.task(3), "answer": "reject"}, {**project.task(4), "answer": "ignore"}
    )
    accepted = reading.reader.read(0)
    assert list(accepted.examples) == accepted.new == ids[:2]
    assert accepted.last_id == ids[3]
    example = accepted.examples[ids[0]]
    xmin, ymin, xmax, ymax = project.corners(1)
    assert example.boxes.tolist() == [pytest.approx([ymin / 80, xmin / 100, ymax / 80, xmax / 100])]
    assert example.classes.tolist() == [0]
    assert len(accepted.examples[ids[1]].boxes) == 0
    records = reading.reader.records(accepted.new)
    decoded = [decode_example(record) for record in records]
    assert [one.texts for one in decoded] == [["square"], []]
    assert decoded[0].boxes.tolist() == example.boxes.tolist()
    assert decoded[0].encoded == project.image(1).read_bytes()


def test_only_later_answers_are_new(reading: Reading) -> None:
    project = reading.project
    (first,) = project.answer(project.task(1))
    (second,) = project.answer(project.task(2))
    accepted = reading.reader.read(first)
    assert sorted(accepted.examples) == [first, second]
    assert accepted.new == [second]


def test_held_out_images_are_not_trained_on(reading: Reading) -> None:
    tasks = [reading.project.task(number) for number in range(12)]
    ids = reading.project.answer(*tasks)
    held = [id for id, task in zip(ids, tasks, strict=True) if is_held_out(task["_input_hash"], 0.5)]
    assert 0 < len(held) < 12
    reading.reader.hold_out = 0.5
    accepted = reading.reader.read(0)
    assert list(accepted.examples) == accepted.new == [id for id in ids if id not in held]
    reading.reader.hold_out = 0.0
    everything = reading.reader.read(0)
    assert [example.key for example in accepted.held] == [everything.examples[id].key for id in held]
    assert everything.held == []


def test_a_changed_answer_replaces_and_an_undone_one_leaves(reading: Reading) -> None:
    project = reading.project
    first, second = project.answer(project.task(1), project.task(2))
    seen = reading.reader.read(0).last_id
    (changed,) = project.answer({**project.task(1), "spans": []})
    project.store.undo_answer(DATASET, "session", project.task(2)["_task_hash"])
    accepted = reading.reader.read(seen)
    assert list(accepted.examples) == accepted.new == [changed]
    assert len(accepted.examples[changed].boxes) == 0
    assert accepted.last_id > changed > second > first


def test_what_cannot_be_used_is_reported_once_and_left_out(reading: Reading) -> None:
    project = reading.project
    unknown, good, missing, pathless = (
        project.task(1, label="sqare"),
        project.task(2),
        project.task(3),
        project.task(4),
    )
    del pathless["path"]
    ids = project.answer(unknown, good, missing, pathless)
    project.image(3).write_bytes(b"no image any more")
    for _ in range(2):
        accepted = reading.reader.read(0)
        assert accepted.new == [ids[1]]
        assert accepted.last_id == ids[3]
    assert [id for id, _ in reading.reports] == [ids[0], ids[2], ids[3]]
    texts = [message for _, message in reading.reports]
    assert "did you mean 'square'" in texts[0]
    assert "3.png" in texts[1]
    assert "path" in texts[2]
    # A restarted trainer tries them again, and does not repeat itself.
    again = reading.fresh_reader()
    again.reported.update(id for id, _ in reading.reports)
    assert again.read(0).new == [ids[1]]
    assert len(reading.reports) == 3


@given(st.integers(-(2**63), 2**63 - 1), st.floats(0, 0.5), st.floats(0, 0.5))
def test_what_is_held_out_stays_so_when_more_is(input_hash: int, one: float, other: float) -> None:
    less, more = sorted((one, other))
    assert is_held_out(input_hash, more) or not is_held_out(input_hash, less)
    assert not is_held_out(input_hash, 0.0)


def test_a_fifth_is_held_out() -> None:
    assert [is_held_out(number, 0.2) for number in (0, 1999, 2000, 9999, 10_000, -1)] == [
        True,
        True,
        False,
        False,
        True,
        False,
    ]
