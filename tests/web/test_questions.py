"""What a view asks beside boxes: tasks and answers are checked, and each question has a hash of its own."""

import pytest

from teachbox.errors import DataError
from teachbox.web.questions import Question

OPTIONS = [{"id": "day", "text": "Day"}, {"id": 2, "text": "Night", "color": "#112233"}]
CHOICE = Question("choice", ("choice",), "single")
CLASSIFICATION = Question("classification", ("classification",))


def test_what_fits_is_taken():
    CHOICE.check_task({"options": OPTIONS})
    CHOICE.check_task({"options": OPTIONS, "accept": [2]})
    CHOICE.check_answer({"options": OPTIONS, "accept": []})
    Question("choice", ("choice",), "multiple").check_answer({"options": OPTIONS, "accept": ["day", 2]})
    CLASSIFICATION.check_task({"label": "balloon"})
    Question("image", ("image",)).check_task({})
    Question("image", ("image",)).check_answer({"accept": "whatever it is"})


@pytest.mark.parametrize(
    ("task", "says"),
    [
        ({}, "a task of the view choice needs `options`, a list of {id, text}; it has None"),
        ({"options": []}, "needs `options`"),
        ({"options": ["day"]}, "an option needs `id`, a text or a whole number, and `text`; got 'day'"),
        ({"options": [{"id": True, "text": "x"}]}, "an option needs `id`"),
        (
            {"options": [{"id": 1, "text": "x", "image": "y.png"}]},
            "an option's `image` is not supported; it may hold",
        ),
        ({"options": [{"id": 1, "text": "x", "color": "red"}]}, "an option's `color` is 'red'; it must be #rrggbb"),
        ({"options": [OPTIONS[0], OPTIONS[0]]}, "two options have the id 'day'"),
        (
            {"options": OPTIONS, "accept": "day"},
            "`accept` is 'day'; it must be a list of ids of the options",
        ),
        ({"options": OPTIONS, "accept": ["dusk"]}, "`accept` is ['dusk']; it must be a list of ids"),
        ({"options": OPTIONS, "accept": [2, 2]}, "an id stands twice"),
        ({"options": OPTIONS, "accept": ["day", 2]}, "one option can be chosen"),
    ],
)
def test_a_choice_that_is_none(task, says):
    with pytest.raises(DataError) as error:
        CHOICE.check_task(task)
    assert says in str(error.value)


VERSION = {"spans": [], "answer": "accept", "sessions": ["a"], "names": ["a"], "groups": []}


@pytest.mark.parametrize(
    ("versions", "says"),
    [
        (None, "a task of the view review needs `versions`, a list of answers; it has None"),
        ([{**VERSION, "answer": "maybe"}], "a version needs `answer`, one of accept, reject, ignore; got"),
        ([{**VERSION, "groups": None}], "a version needs `groups`, a list; got None"),
    ],
)
def test_versions_that_are_none(versions, says):
    question = Question("review", ("review",))
    question.check_task({"versions": [VERSION]})
    with pytest.raises(DataError) as error:
        question.check_task({"versions": versions})
    assert says in str(error.value)


def test_a_classification_without_a_label():
    with pytest.raises(DataError, match="needs `label`, a text; it has None"):
        CLASSIFICATION.check_task({})


def test_words_that_make_it_another_question():
    assert list(CHOICE.words({"options": OPTIONS, "label": "x"})) == ["day", "2"]
    assert list(CLASSIFICATION.words({"label": "balloon"})) == ["balloon"]
    assert list(Question().words({"options": OPTIONS, "label": "x"})) == []
