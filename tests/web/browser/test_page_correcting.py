"""Correcting the model's boxes, in Chromium, by mouse and by keys; the assertions are on what the store holds."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from teachbox.annotation import make_span

pytestmark = pytest.mark.browser

FIRST = "flight-00.jpg"
FAINT = [
    make_span("airship", 500, 40, 560, 140, score=0.47, version=1, source="flights"),
    make_span("bird", 500, 300, 560, 400, score=0.21, version=1, source="flights"),
    make_span("airship", 500, 600, 560, 700, score=0.08, version=1, source="flights"),
]


def said(spans):
    return [f"{span['label']} {span['score']:.2f}" for span in spans]


@pytest.fixture
def shown(serve, annotate, seer, scenes):
    """The first scene with its suggestions, three more hidden, and what is shown."""
    seer.faint = FAINT
    app = serve(model=seer)
    person = annotate(app)
    person.sees(FIRST)
    predicted = seer.spans(FIRST, 1)
    person.has_boxes(*said(predicted))
    return app, person, predicted, scenes[0].path


def after_accept(app, person, path):
    person.press("a")
    person.sees("flight-01.jpg")
    person.sees_saved()
    return app.answer_to(path)


def slide(page, name, value):
    page.get_by_role("slider", name=name).fill(str(value))


def test_keys_show_more_suggestions_or_fewer_and_what_is_hidden_is_never_stored(shown):
    app, person, predicted, path = shown
    expect(person.page.locator("#limit-count")).to_have_text("5 of 8")
    person.press(",")
    person.has_boxes(*said([*predicted, FAINT[0]]))
    expect(person.page.locator("#live")).to_have_text("Suggestions from 0.45: 6 suggestions")
    person.press(".", ".", ".", ".", ".", ".", ".")
    person.has_boxes(*said(predicted[:3]))
    answer = after_accept(app, person, path)
    assert answer["spans"] == predicted[:3]
    assert answer["replaced"] == []
    assert "candidates" not in answer


def test_the_slider_is_live_and_remembered_for_each_person(shown):
    app, person, predicted, path = shown
    page = person.page
    slide(page, "From score", 0.2)
    person.has_boxes(*said([*predicted, *FAINT[:2]]))
    expect(page.locator("#limit-value")).to_have_text("0.20")
    page.reload()
    person.sees(FIRST)
    person.has_boxes(*said([*predicted, *FAINT[:2]]))
    assert after_accept(app, person, path)["spans"] == [*predicted, *FAINT[:2]]
    page.goto(app.url + "?session=bob")
    expect(page.locator("#limit-value")).to_have_text("0.50")


def test_a_label_has_a_limit_of_its_own_until_it_gives_it_up(shown):
    app, person, predicted, path = shown
    page = person.page
    page.get_by_text("Each label").click()
    slide(page, "Suggestions of airship", 0.05)
    person.has_boxes(*said([*predicted, FAINT[0], FAINT[2]]))
    slide(page, "From score", 0.9)
    person.has_boxes(*said([*predicted[:2], FAINT[0], FAINT[2]]))
    page.get_by_role("button", name="airship: as all labels").click()
    person.has_boxes(*said(predicted[:2]))
    # By keys: of the selected box's label, or of the label of the next box.
    person.press("2", *"<" * 14)
    person.has_boxes(*said([*predicted[:2], *predicted[3:], FAINT[1]]))
    assert after_accept(app, person, path)["spans"] == [*predicted[:2], *predicted[3:], FAINT[1]]


def test_a_suggestion_from_below_that_is_moved_stays_and_is_stored_with_its_origin(shown):
    app, person, predicted, path = shown
    person.press(",")
    person.has_boxes(*said([*predicted, FAINT[0]]))
    person.press("Shift+Tab", "Shift+Tab")
    person.drag((90, 530), (120, 550))
    person.press(".", ".")
    person.has_boxes(*said(predicted), "airship edited")
    answer = after_accept(app, person, path)
    assert answer["spans"][:-1] == predicted
    moved = answer["spans"][-1]
    assert (moved["score"], moved["version"], moved["source"], moved["touched"]) == (0.47, 1, "flights", True)
    assert (moved["x"], moved["y"]) == pytest.approx((70, 520), abs=1.2)
    assert answer["replaced"] == [FAINT[0]]


def touched(span):
    return {**span, "touched": True}


def test_boxes_are_accepted_and_rejected_by_keys_one_after_another(shown):
    app, person, predicted, path = shown
    _, second, third, *others = said(predicted)
    person.press("y", "y")
    person.has_boxes(f"{predicted[0]['label']} accepted", second, third, *others)
    person.press("d", "y")
    person.has_boxes(f"{predicted[0]['label']} accepted", f"{predicted[2]['label']} accepted", *others)
    expect(person.page.get_by_role("option", selected=True)).to_have_text(others[0])
    person.press("z", "z")
    person.has_boxes(f"{predicted[0]['label']} accepted", second, third, *others)
    person.press("Shift+z")
    answer = after_accept(app, person, path)
    assert answer["spans"] == [touched(predicted[0]), *predicted[2:]]
    assert answer["replaced"] == predicted[:2]


def test_boxes_are_accepted_and_rejected_by_mouse(shown):
    app, person, predicted, path = shown
    page = person.page
    x, y, width, height = (predicted[1][key] for key in ("x", "y", "width", "height"))
    page.mouse.move(*person.at(x + width / 2, y + height / 2))
    page.get_by_role("button", name="Accept this box").click()
    person.has_boxes(said(predicted)[0], f"{predicted[1]['label']} accepted", *said(predicted[2:]))
    x, y, width, height = (predicted[0][key] for key in ("x", "y", "width", "height"))
    page.mouse.move(*person.at(x + width / 2, y + height / 2))
    page.get_by_role("button", name="Reject this box").click()
    person.has_boxes(f"{predicted[1]['label']} accepted", *said(predicted[2:]))
    expect(page.locator("#verdict")).to_be_hidden()
    assert after_accept(app, person, path)["spans"] == [touched(predicted[1]), *predicted[2:]]


def test_all_suggestions_are_cleared_and_brought_back(shown):
    app, person, predicted, path = shown
    person.press("y", "y", "c")
    person.has_boxes(f"{predicted[0]['label']} accepted")
    person.press("z")
    expect(person.options).to_have_count(5)
    person.press("c", "c")
    expect(person.page.locator("#live")).to_have_text("No suggestion is shown")
    answer = after_accept(app, person, path)
    assert answer["spans"] == [touched(predicted[0])]
    assert answer["replaced"] == predicted


def test_the_last_images_boxes_are_repeated(serve, annotate, scenes):
    app = serve(3)
    person = annotate(app)
    person.sees(FIRST)
    person.press("r")
    expect(person.page.locator("#live")).to_have_text("No other box on the last image")
    person.drag((100, 50), (300, 250))
    person.press("2")
    person.drag((400, 50), (500, 150))
    first = after_accept(app, person, scenes[0].path)["spans"]
    person.press("r")
    person.has_boxes("balloon", "bird")
    person.press("r", "a")
    person.sees("flight-02.jpg")
    person.sees_saved()
    assert app.answer_to(scenes[1].path)["spans"] == first


def test_a_drawn_box_snaps_to_a_hidden_prediction_and_to_a_shown_one(shown):
    app, person, predicted, path = shown
    person.press("3")
    person.drag((35, 505), (130, 565))
    person.press("s")
    x, y, width, height = (predicted[0][key] for key in ("x", "y", "width", "height"))
    person.page.keyboard.down("Shift")
    person.drag((x + 6, y + 6), (x + width, y + height))
    person.page.keyboard.up("Shift")
    person.press("s")
    expect(person.options).to_have_count(6)
    *others, hidden, seen = after_accept(app, person, path)["spans"]
    assert others == predicted[1:]
    assert hidden == touched(FAINT[0])
    assert seen == touched({**predicted[0], "label": "airship"})


def test_a_box_drawn_twice_and_a_tiny_one_are_marked_and_may_be_stored_all_the_same(serve, annotate, scenes):
    app = serve(2)
    person = annotate(app)
    person.sees(FIRST)
    doubts = person.page.locator("#doubts")
    person.drag((100, 50), (300, 250))
    expect(doubts).to_be_hidden()
    person.press("Tab", "Control+c", "Control+v", "ArrowLeft", "Shift+ArrowUp", "ArrowLeft", "Escape")
    person.has_boxes("balloon twice", "balloon twice")
    expect(doubts).to_have_text("Twice at one place: balloon.")
    person.press("2", "i", "Alt+Shift+ArrowUp", *["Alt+Shift+ArrowLeft"] * 30)
    person.has_boxes("balloon twice", "balloon twice", "bird tiny")
    expect(doubts).to_have_text("Twice at one place: balloon. Very small: bird.")
    answer = after_accept(app, person, scenes[0].path)
    assert [span["label"] for span in answer["spans"]] == ["balloon", "balloon", "bird"]
    assert answer["spans"][2]["width"] == 3
    expect(doubts).to_be_hidden()
