"""The scripted annotator: how it counts, reads and answers. What it does over HTTP is in tests/e2e."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teachbox.annotation import make_span
from teachbox.errors import DataError
from teachbox.recipes.play import answer_task, count_right, read_boxes


def task(*spans, file="a.jpg"):
    return {"_input_hash": 1, "_task_hash": 2, "meta": {"file": file}, "spans": list(spans)}


def test_counting_by_hand():
    true = task(make_span("cat", 0, 0, 10, 10), make_span("dog", 0, 20, 10, 30))
    shown = task(
        make_span("cat", 0, 0, 10, 9, score=0.9),  # right: IoU 0.9
        make_span("cat", 0, 0, 10, 10, score=0.8),  # the same cat again
        make_span("cat", 0, 20, 10, 30, score=0.7),  # a dog, not a cat
        make_span("dog", 0, 26, 10, 36, score=0.6),  # IoU 0.25
    )
    assert count_right(shown, true) == 1


def test_nothing_shown_or_nothing_there():
    box = make_span("cat", 0, 0, 10, 10)
    assert count_right(task(), task(box)) == 0
    assert count_right(task(box), task()) == 0
    assert count_right({}, {}) == 0


boxes = st.tuples(st.integers(0, 50), st.integers(0, 50), st.integers(1, 50), st.integers(1, 50))


@given(st.lists(boxes, max_size=6, unique=True))
def test_the_truth_is_all_right(rows):
    truth = task(*[make_span(f"label {index}", y, x, y + h, x + w) for index, (y, x, h, w) in enumerate(rows)])
    assert count_right(truth, truth) == len(rows)


def test_answers(tmp_path):
    known = {"a.jpg": [("cat", (1.0, 2.0, 30.0, 40.0))]}
    answer = answer_task(task(make_span("dog", 0, 0, 5, 5)), known)
    assert answer["answer"] == "accept"
    assert [(s["label"], s["x"], s["y"], s["width"], s["height"]) for s in answer["spans"]] == [("cat", 1, 2, 29, 38)]
    assert answer_task(task(file="b.jpg"), known)["answer"] == "ignore"


def test_suggestions_that_fit_are_kept_and_all_else_is_drawn():
    known = {
        "a.jpg": [("cat", (0.0, 0.0, 10.0, 10.0)), ("dog", (20.0, 0.0, 30.0, 10.0)), ("dog", (50.0, 0.0, 60.0, 10.0))]
    }
    fits = make_span("cat", 0, 0, 10, 9, score=0.9)  # IoU 0.9
    loose = make_span("dog", 0, 20, 10, 27, score=0.8)  # IoU 0.7
    other = make_span("cat", 0, 50, 10, 60, score=0.7)  # a dog
    shown = task(other, loose, fits)
    dogs = [make_span("dog", 0, 20, 10, 30), make_span("dog", 0, 50, 10, 60)]
    assert answer_task(shown, known, 0.8)["spans"] == [fits, *dogs]
    assert answer_task(shown, known, 0.7)["spans"] == [fits, loose, dogs[1]]
    assert answer_task(shown, known)["spans"] == [make_span("cat", 0, 0, 10, 10), *dogs]
    assert answer_task(task(), known, 0.8)["spans"] == [make_span("cat", 0, 0, 10, 10), *dogs]
    assert shown == task(other, loose, fits)


def test_reading_boxes(tmp_path):
    file = tmp_path / "boxes.csv"
    file.write_text("filename,width,height,class,xmin,ymin,xmax,ymax\na.jpg,9,9,cat,1,2,3,4\na.jpg,9,9,dog,5,6,7,8\n")
    assert read_boxes(file) == {"a.jpg": [("cat", (1, 2, 3, 4)), ("dog", (5, 6, 7, 8))]}
    file.write_text("filename,class,xmin,ymin,xmax,ymax\na.jpg,cat,1,2,x,4\n")
    with pytest.raises(DataError, match=r"boxes.csv:2: needs filename"):
        read_boxes(file)
