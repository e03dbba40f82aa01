"""What a recipe does to answers before they are stored."""

import pytest

from teachbox.errors import DataError
from teachbox.web.hooks import Hooks
from teachbox.web.instructions import read_instructions

ANSWER = {"_task_hash": 1, "_input_hash": 2, "answer": "accept", "spans": []}


def refuse(answer):
    assert answer["spans"], "draw a box"


def test_without_hooks_answers_stay():
    assert Hooks().prepared([ANSWER]) == [ANSWER]
    assert Hooks(refuse).prepared([]) == []


def test_an_answer_is_refused_with_the_recipes_words():
    with pytest.raises(DataError, match="draw a box"):
        Hooks(refuse).prepared([{**ANSWER, "spans": [1]}, ANSWER])
    assert Hooks(refuse).prepared([{**ANSWER, "spans": [1]}]) == [{**ANSWER, "spans": [1]}]


def test_what_is_stored_is_what_before_db_returns():
    assert Hooks(None, lambda answers: [{**one, "note": "x"} for one in answers]).prepared([ANSWER]) == [
        {**ANSWER, "note": "x"}
    ]


@pytest.mark.parametrize("returned", [None, [], [ANSWER, ANSWER], ["x"], [{**ANSWER, "_task_hash": 3}]])
def test_before_db_loses_no_answer_and_changes_none_for_another(returned):
    with pytest.raises(DataError, match="before_db must return the same answers, _task_hash, _input_hash, answer unch"):
        Hooks(None, lambda answers: returned).prepared([ANSWER])


def test_instructions_are_html_or_text(tmp_path):
    (tmp_path / "a.html").write_text("<b>bold</b>")
    (tmp_path / "a.txt").write_text("a < b & c")
    assert read_instructions(str(tmp_path / "a.html")) == "<b>bold</b>"
    assert ">a &lt; b &amp; c</pre>" in read_instructions(str(tmp_path / "a.txt"))


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("none.html", "none.html: the instructions cannot be read (No such file or directory)"),
        ("a.pdf", "a.pdf: instructions must be a file .html, .htm, .txt, .md"),
        ("latin.txt", "latin.txt: the instructions cannot be read (it is not UTF-8)"),
    ],
)
def test_instructions_that_cannot_be_read(tmp_path, name, says):
    (tmp_path / "latin.txt").write_bytes(b"\xe9\xff")
    with pytest.raises(DataError) as error:
        read_instructions(str(tmp_path / name))
    assert str(error.value) == f"{tmp_path}/{says}"
