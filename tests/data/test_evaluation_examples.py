"""Records, CSV files and answers as examples to measure on: the same boxes from each, and what is left out."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from teachbox.annotation import make_span
from teachbox.config.label_map import parse_label_map
from teachbox.data.csv_records import csv_examples
from teachbox.data.evaluation_examples import read_examples, sample, task_records
from teachbox.data.sources import make_task
from teachbox.errors import DataError, LabelMapError

LABELS = parse_label_map("item { id: 1 name: 'kite' } item { id: 2 name: 'boat' }")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in range(3):
        Image.new("RGB", (40, 20), (number, 0, 0)).save(tmp_path / f"{number}.png")
    return tmp_path


def task(folder: Path, number: int, *spans) -> dict:
    made = make_task(str(folder / f"{number}.png"), "image_manual", ["kite", "boat"])
    return {**made, "spans": list(spans), "answer": "accept"}


def test_a_csv_file_and_answers_say_the_same(folder: Path) -> None:
    (folder / "boxes.csv").write_text(
        "path,xmin,ymin,xmax,ymax,label\n0.png,4,2,20,12,boat\n1.png,,,,,\n0.png,0,0,40,20,kite\n"
    )
    from_csv = list(read_examples(enumerate(csv_examples(folder / "boxes.csv", LABELS)), LABELS, "boxes.csv"))
    tasks = [task(folder, 0, make_span("boat", 2, 4, 12, 20), make_span("kite", 0, 0, 20, 40)), task(folder, 1)]
    from_answers = list(read_examples(enumerate(task_records(tasks, LABELS)), LABELS, "answers"))
    for examples in (from_csv, from_answers):
        first, second = examples
        assert (first.name, second.name) == ("0.png", "1.png")
        assert first.boxes.tolist() == pytest.approx(np.array([[0.1, 0.1, 0.6, 0.5], [0, 0, 1, 1]]))
        assert first.classes.tolist() == [1, 0]
        assert (second.boxes.shape, second.classes.shape) == ((0, 4), (0,))
        assert first.key != second.key
        assert first.encoded == (folder / "0.png").read_bytes()


def test_answers_that_cannot_be_read_are_left_out(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    good, gone, nowhere = task(folder, 0), task(folder, 1), task(folder, 2)
    (folder / "1.png").unlink()
    del nowhere["path"]
    with caplog.at_level(logging.WARNING):
        assert len(list(task_records([good, gone, nowhere], LABELS))) == 1
    assert [("1.png" in line, "`path`" in line) for line in caplog.messages] == [(True, False), (False, True)]
    with pytest.raises(DataError, match="none of the 2 images can be read"):
        list(task_records([gone, nowhere], LABELS))
    assert list(task_records([], LABELS)) == []
    with pytest.raises(LabelMapError, match="no label 'kit'"):
        list(task_records([task(folder, 0, make_span("kit", 0, 0, 5, 5))], LABELS))


def test_a_record_that_cannot_be_used_is_named(folder: Path) -> None:
    with pytest.raises(DataError, match=r"eval\.record, record 8: not a serialized"):
        list(read_examples([(7, b"nothing of the kind")], LABELS, "eval.record"))


def test_the_sample_is_even_and_in_order() -> None:
    records = [bytes([number]) for number in range(50)]
    assert list(sample(records, None, 0)) == list(enumerate(records))
    assert list(sample(records, 60, 0)) == list(enumerate(records))
    chosen = list(sample(records, 5, 1))
    assert len({place for place, _ in chosen}) == 5
    assert chosen == sorted(chosen)
    assert all(records[place] == record for place, record in chosen)
    assert chosen == list(sample(records, 5, 1)) != list(sample(records, 5, 2))
    assert list(sample([], 5, 1)) == []
    drawn = np.zeros(50)
    for seed in range(400):
        for place, _ in sample(records, 10, seed):
            drawn[place] += 1
    # 80 each; the standard deviation is 8.
    assert 80 - 5 * 8 < drawn.min() <= drawn.max() < 80 + 5 * 8


def test_of_each_n_records_the_first_is_looked_at() -> None:
    records = [bytes([number]) for number in range(10)]
    assert list(sample(records, None, 0, 4)) == [(0, b"\x00"), (4, b"\x04"), (8, b"\x08")]
    drawn = [tuple(place for place, _ in sample(records, 2, seed, 4)) for seed in range(200)]
    assert {place for pair in drawn for place in pair} == {0, 4, 8}
    # Each pair comes up as often: four standard deviations of 200 draws with a third each.
    assert all(abs(drawn.count(pair) - 200 / 3) < 27 for pair in ((0, 4), (0, 8), (4, 8)))
