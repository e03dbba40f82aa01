"""Boxes drawn, moved, resized, relabelled and deleted in Chromium; the assertions are on what the store holds."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from teachbox.annotation import make_span

pytestmark = pytest.mark.browser

FIRST = "flight-00.jpg"
PIXEL = 1.2
"""One pixel of the screen, in pixels of the image, and a little."""


def box_of(span):
    return [span[key] for key in ("x", "y", "width", "height")]


def corners_of(span):
    x, y, width, height = box_of(span)
    return [pytest.approx(c) for c in ([x, y], [x, y + height], [x + width, y + height], [x + width, y])]


@pytest.fixture
def shown(serve, annotate, seer, scenes):
    """The first scene with its suggestions, and where they are."""
    app = serve(3, model=seer)
    person = annotate(app)
    person.sees(FIRST)
    predicted = seer.spans(FIRST, 1)
    person.has_boxes(*(f"{span['label']} {span['score']:.2f}" for span in predicted))
    return app, person, predicted, scenes[0].path


def middle(span):
    return span["x"] + span["width"] / 2, span["y"] + span["height"] / 2


def test_a_drawn_box_is_stored_in_pixels_of_the_image(serve, annotate, scenes):
    app = serve(3)
    person = annotate(app)
    person.sees(FIRST)
    person.drag((100, 50), (300.5, 250))
    person.has_boxes("balloon")
    person.press("a")
    person.sees("flight-01.jpg")
    person.sees_saved()
    answer = app.answer_to(scenes[0].path)
    assert answer["answer"] == "accept"
    (span,) = answer["spans"]
    assert box_of(span) == pytest.approx([100, 50, 200.5, 200], abs=PIXEL)
    assert span["points"] == corners_of(span)
    assert (span["label"], span["type"]) == ("balloon", "rect")
    assert "score" not in span


def test_a_box_dragged_beyond_the_image_ends_at_its_edge(serve, annotate, scenes):
    app = serve(2)
    person = annotate(app)
    person.sees(FIRST)
    person.drag((900, 600), (990, 660))
    person.press("a")
    person.sees("flight-01.jpg")
    person.sees_saved()
    (span,) = app.answer_to(scenes[0].path)["spans"]
    assert span["x"] + span["width"] == 960
    assert span["y"] + span["height"] == 640


def test_suggestions_that_nobody_touched_are_stored_as_they_were_predicted(shown):
    app, person, predicted, path = shown
    person.press("a")
    person.sees("flight-01.jpg")
    person.sees_saved()
    answer = app.answer_to(path)
    assert answer["spans"] == predicted
    assert answer["version"] == 1


def test_moving_a_suggestion_makes_it_the_persons(shown):
    app, person, predicted, path = shown
    x, y = middle(predicted[0])
    person.drag((x, y), (x - 60, y + 40))
    person.has_boxes("balloon edited", *(f"{span['label']} {span['score']:.2f}" for span in predicted[1:]))
    person.press("a")
    person.sees("flight-01.jpg")
    person.sees_saved()
    moved, *others = app.answer_to(path)["spans"]
    x0, y0, width, height = box_of(predicted[0])
    assert box_of(moved) == pytest.approx([x0 - 60, y0 + 40, width, height], abs=PIXEL)
    assert moved["points"] == corners_of(moved)
    from_model = {key: predicted[0][key] for key in ("score", "version")}
    assert {key: moved[key] for key in ("score", "version", "touched")} == {**from_model, "touched": True}
    assert others == predicted[1:]


@pytest.mark.parametrize(
    ("handle", "edges"),
    [
        *[("nw", "left top"), ("n", "top"), ("ne", "right top"), ("e", "right")],
        *[("se", "right bottom"), ("s", "bottom"), ("sw", "left bottom"), ("w", "left")],
    ],
)
def test_each_handle_moves_its_own_edges(shown, handle, edges):
    app, person, predicted, path = shown
    person.click(*middle(predicted[0]))
    person.drag_handle(handle, (12, 9))
    person.press("a")
    person.sees("flight-01.jpg")
    person.sees_saved()
    before, after = predicted[0], app.answer_to(path)["spans"][0]
    was, now = ([s["x"], s["y"], s["x"] + s["width"], s["y"] + s["height"]] for s in (before, after))
    moved = dict(zip(("left", "top", "right", "bottom"), (12, 9, 12, 9), strict=True))
    wanted = [at + (by if name in edges.split() else 0) for at, (name, by) in zip(was, moved.items(), strict=True)]
    assert now == pytest.approx(wanted, abs=PIXEL)
    assert after["touched"] is True


def test_handles_are_large_enough_to_hit(shown):
    _, person, predicted, _ = shown
    person.click(*middle(predicted[-1]))
    expect(person.page.locator("#handles > :not([hidden])")).to_have_count(8)
    for handle in person.page.locator("#handles > :not([hidden])").all():
        area = handle.bounding_box()
        assert min(area["width"], area["height"]) >= 10


def test_a_digit_relabels_the_selected_box(shown):
    app, person, predicted, path = shown
    person.click(*middle(predicted[1]))
    person.press("3", "a")
    person.sees("flight-01.jpg")
    person.sees_saved()
    span = app.answer_to(path)["spans"][1]
    assert span == {**predicted[1], "label": "airship", "touched": True}


def test_scores_of_all_classes_go_with_the_label_that_they_were_given_for(serve, annotate, scenes):
    scores = {"balloon": 0.75, "bird": 0.25}
    spans = [make_span("balloon", 50, left, 150, left + 100, class_scores=scores) for left in (50, 200, 350)]
    app = serve(tasks=[{"path": str(scenes[0].path), "spans": spans}, {"path": str(scenes[1].path)}])
    person = annotate(app)
    person.sees(FIRST)
    person.click(*middle(spans[1]))
    person.press("2", "Escape")
    person.click(*middle(spans[2]))
    person.press("ArrowRight", "a")
    person.sees("flight-01.jpg")
    person.sees_saved()
    left, relabelled, moved = app.answer_to(scenes[0].path)["spans"]
    assert left == spans[0]
    assert (relabelled["label"], "class_scores" in relabelled) == ("bird", False)
    assert (moved["x"], moved["class_scores"]) == (351, scores)


def test_a_digit_chooses_the_label_of_the_next_box(serve, annotate, scenes):
    app = serve(2)
    person = annotate(app)
    person.sees(FIRST)
    person.drag((50, 50), (150, 150))
    person.press("2")
    person.drag((250, 50), (350, 150))
    person.page.get_by_role("button", name="airship").click()
    person.drag((450, 50), (550, 150))
    person.press("a")
    person.sees("flight-01.jpg")
    person.sees_saved()
    assert [span["label"] for span in app.answer_to(scenes[0].path)["spans"]] == ["balloon", "bird", "airship"]


@pytest.mark.parametrize("way", ["Delete", "Backspace", "button"])
def test_a_box_is_deleted(shown, way):
    app, person, predicted, path = shown
    person.click(*middle(predicted[0]))
    if way == "button":
        person.page.get_by_role("button", name="Delete").click()
    else:
        person.press(way)
    expect(person.options).to_have_count(len(predicted) - 1)
    person.press("a")
    person.sees("flight-01.jpg")
    person.sees_saved()
    assert app.answer_to(path)["spans"] == predicted[1:]


def test_edits_are_undone_to_the_last_digit(shown):
    app, person, predicted, path = shown
    x, y = middle(predicted[0])
    person.drag((x, y), (x - 30, y + 30))
    person.press("2", "Delete")
    person.drag((50, 500), (150, 600))
    person.press("z", "z", "z", "Control+z", "a")
    person.sees("flight-01.jpg")
    person.sees_saved()
    assert app.answer_to(path)["spans"] == predicted


def test_shift_draws_over_a_box_and_a_plain_drag_moves_it(serve, annotate, scenes):
    app = serve(2)
    person = annotate(app)
    person.sees(FIRST)
    person.drag((100, 100), (500, 500))
    person.page.keyboard.down("Shift")
    person.drag((200, 200), (300, 300))
    person.page.keyboard.up("Shift")
    person.drag((400, 400), (420, 430))
    person.press("a")
    person.sees("flight-01.jpg")
    person.sees_saved()
    large, small = (box_of(span) for span in app.answer_to(scenes[0].path)["spans"])
    assert large == pytest.approx([120, 130, 400, 400], abs=PIXEL)
    assert small == pytest.approx([200, 200, 100, 100], abs=PIXEL)


def test_escape_drops_a_box_that_is_being_drawn(serve, annotate):
    person = annotate(serve(2))
    person.sees(FIRST)
    mouse = person.page.mouse
    mouse.move(*person.at(100, 100))
    mouse.down()
    mouse.move(*person.at(300, 300))
    person.press("Escape")
    mouse.up()
    expect(person.options).to_have_count(0)


def test_the_list_is_in_step_with_the_canvas_and_works_by_keys(shown):
    app, person, predicted, path = shown
    selected = person.page.get_by_role("option", selected=True)
    person.click(*middle(predicted[2]))
    expect(selected).to_have_text(f"{predicted[2]['label']} {predicted[2]['score']:.2f}")
    person.page.get_by_role("listbox").focus()
    person.press("ArrowDown")
    expect(selected).to_have_text(f"{predicted[3]['label']} {predicted[3]['score']:.2f}")
    expect(person.page.locator("#live")).to_have_text("box 4 of 5, bird, 0.79")
    person.press("Home", "Delete", "a")
    person.sees("flight-01.jpg")
    person.sees_saved()
    assert app.answer_to(path)["spans"] == predicted[1:]
