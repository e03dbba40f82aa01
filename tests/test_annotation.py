"""The JSON that travels: spans, hashes, and what an answer must hold."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from teachbox.annotation import (
    check_answer,
    input_hash,
    make_span,
    span_box,
    span_scores,
    task_boxes,
    task_hash,
)
from teachbox.errors import DataError

pixels = st.floats(0, 10_000)


def answered(**changes: Any) -> dict[str, Any]:
    return {"_input_hash": 1, "_task_hash": 2, "answer": "accept", "spans": [], **changes}


def test_a_span_by_hand() -> None:
    assert make_span("cat", 10, 20, 40, 80, score=0.5, version=3) == {
        "label": "cat",
        "x": 20.0,
        "y": 10.0,
        "width": 60.0,
        "height": 30.0,
        "points": [[20.0, 10.0], [20.0, 40.0], [80.0, 40.0], [80.0, 10.0]],
        "type": "rect",
        "score": 0.5,
        "version": 3,
    }


def test_numpy_numbers_become_json() -> None:
    span = make_span("cat", *np.array([1.5, 2.5, 3.5, 4.5], dtype=np.float32))
    assert json.loads(json.dumps(span)) == span


def test_points_alone_are_enough() -> None:
    assert span_box({"points": [[5, 9], [1, 9], [1, 2], [5, 2]]}) == (2, 1, 9, 5)


def test_sides_win_over_points() -> None:
    assert span_box({"x": 1, "y": 2, "width": 3, "height": 4, "points": [[0, 0]]}) == (2, 1, 6, 4)


@pytest.mark.parametrize(
    "span",
    [
        {},
        {"points": [[1]]},
        {"points": []},
        {"x": "a", "y": 0, "width": 1, "height": 1},
        {"x": float("nan"), "y": 0, "width": 1, "height": 1},
        {"points": [[0, 0], [float("inf"), 1]]},
    ],
)
def test_spans_without_a_box(span: dict[str, Any]) -> None:
    with pytest.raises(DataError, match="span"):
        span_box(span)


@given(pixels, pixels, pixels, pixels)
def test_a_span_keeps_its_box_to_a_ten_thousandth_of_a_pixel(a: float, b: float, c: float, d: float) -> None:
    box = (min(a, b), min(c, d), max(a, b), max(c, d))
    span = make_span("cat", *box)
    assert span_box(span) == pytest.approx(box, abs=1.01e-4)
    assert span_box({"points": span["points"]}) == pytest.approx(box, abs=1.01e-4)


def test_scores_of_all_classes_are_numbers() -> None:
    assert span_scores(make_span("cat", 0, 0, 1, 1)) is None
    span = make_span("cat", 0, 0, 1, 1, class_scores={"cat": 1, "dog": -0.5})
    assert span_scores(span) == {"cat": 1.0, "dog": -0.5}
    assert check_answer(answered(spans=[span])) == "accept"


def test_boxes_of_a_task() -> None:
    boxes, labels = task_boxes({"spans": [make_span("cat", 1, 2, 3, 4), make_span("dog", 5, 6, 7, 8)]})
    assert boxes.tolist() == [[1, 2, 3, 4], [5, 6, 7, 8]]
    assert labels == ["cat", "dog"]


@pytest.mark.parametrize("task", [{}, {"spans": []}, {"spans": None}])
def test_a_task_without_spans_has_no_boxes(task: dict[str, Any]) -> None:
    boxes, labels = task_boxes(task)
    assert boxes.shape == (0, 4)
    assert labels == []


def test_hashes_are_the_same_everywhere() -> None:
    # BLAKE2b of 4 bytes, big-endian, signed: written down, since stored tasks rest on it.
    assert input_hash(b"image") == int.from_bytes(bytes.fromhex("44e87180"), "big", signed=True)


@given(st.binary(), st.lists(st.text()))
def test_hashes_fit_32_bits_and_tell_questions_apart(content: bytes, labels: list[str]) -> None:
    hashed = input_hash(content)
    assert -(2**31) <= hashed < 2**31
    assert task_hash(hashed, "image_manual", labels) == task_hash(hashed, "image_manual", labels)
    assert task_hash(hashed, "image_manual", [*labels, "one more"]) != task_hash(hashed, "image_manual", labels)


@pytest.mark.parametrize("answer", ["accept", "reject", "ignore"])
def test_answers_that_can_be_stored(answer: str) -> None:
    assert check_answer(answered(answer=answer, spans=[make_span("cat", 0, 0, 1, 1)])) == answer


@pytest.mark.parametrize(
    ("task", "message"),
    [
        ("accept", "must be an object"),
        (answered(answer="maybe"), "'maybe'; it must be one of accept, reject, ignore"),
        (answered(_input_hash="1"), "`_input_hash` must be an integer"),
        (answered(spans={}), "`spans` must be a list"),
        (answered(spans=["cat"]), "a span must be an object"),
        (answered(spans=[{"label": "cat"}]), "neither x, y, width, height nor points"),
        (answered(spans=[{**make_span("cat", 0, 0, 1, 1), "label": ""}]), "no label"),
        *(
            (answered(spans=[make_span("cat", 0, 0, 1, 1, class_scores=scores)]), "with a number for each label")
            for scores in ({}, [0.5], 1, {"cat": "0.5"}, {"cat": True}, {"cat": float("nan")})
        ),
    ],
)
def test_answers_that_cannot(task: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        check_answer(task)
