"""Versions of several annotators: shown together, one taken by key or click, corrected, accepted."""

from __future__ import annotations

import threading

import pytest
from playwright.sync_api import expect

from teachbox.annotation import make_span
from teachbox.recipes.versions import review_tasks

pytestmark = pytest.mark.browser

FIRST, SECOND = "flight-00.jpg", "flight-01.jpg"
LEFT, RIGHT = make_span("balloon", 100, 100, 200, 200), make_span("bird", 300, 400, 360, 480)
LEFT_BESIDE = make_span("balloon", 104, 104, 204, 204)


@pytest.fixture
def tasks(store, scenes):
    """Two images that ada and ben have answered: about the first they differ."""
    for name, first in (("ada", [LEFT]), ("ben", [LEFT_BESIDE, RIGHT])):
        answers = [
            {"path": str(scene.path), "_input_hash": place, "_task_hash": place, "answer": "accept", "spans": spans}
            for place, (scene, spans) in enumerate(zip(scenes[:2], (first, [LEFT]), strict=True))
        ]
        store.add_answers("sky", f"sky-{name}", answers)
    return review_tasks({"sky": store.answers_by_session("sky")})


def versions(page, name="Versions, take one to begin with"):
    return page.get_by_role("group", name=name).get_by_role("button")


def reviewed(store, scenes, view_id, said, **asked):
    """Tasks of the first two scenes, about which each person of `said` gave these answers."""
    for name, answers in said.items():
        given = [
            {"path": str(scene.path), "_input_hash": place, "_task_hash": place, "_view_id": view_id, **asked, **answer}
            for place, (scene, answer) in enumerate(zip(scenes[:2], answers, strict=True))
        ]
        store.add_answers("sky", f"sky-{name}", given)
    return review_tasks({"sky": store.answers_by_session("sky")})


def color_at(page, person, x, y):
    """The colour of the canvas at a point of the screen beside a pixel of the image."""
    corner = page.locator("#canvas").bounding_box()
    at = person.at(x, y)
    reading = "(canvas, at) => [...canvas.getContext('2d').getImageData(at[0], at[1], 1, 1).data.slice(0, 3)]"
    return page.locator("#canvas").evaluate(reading, [round(at[0] - corner["x"]), round(at[1] - corner["y"])])


def test_a_version_is_taken_by_key_corrected_and_accepted(serve, annotate, page, tasks):
    app = serve(tasks=tasks, view_id="review")
    person = annotate(app)
    person.sees(FIRST)
    expect(page.get_by_role("heading", name="2 versions, 67 % agreement")).to_be_visible()
    expect(versions(page)).to_have_text(["ada1 box⇧1", "ben2 boxes⇧2"])
    person.has_boxes("balloon", "bird")
    person.press("Shift+Digit1")
    expect(page.locator("#live")).to_have_text("ada: 1 box")
    person.has_boxes("balloon")
    expect(versions(page).nth(0)).to_have_attribute("aria-pressed", "true")
    person.press("z")
    person.has_boxes("balloon", "bird")
    versions(page).nth(0).click()
    person.has_boxes("balloon")
    person.press("Tab", "ArrowRight", "a")
    person.sees(SECOND)
    expect(page.get_by_role("heading", name="1 version, 100 % agreement")).to_be_visible()
    person.sees_saved()
    (answer,) = app.answers()
    assert [(span["label"], span["x"], span["y"]) for span in answer["spans"]] == [("balloon", 101, 100)]
    assert [version["names"] for version in answer["versions"]] == [["ada"], ["ben"]]
    assert [version["spans"] for version in answer["versions"]] == [[LEFT], [LEFT_BESIDE, RIGHT]]
    assert answer["answer"] == "accept"


def test_each_version_has_a_colour_and_what_is_not_agreed_a_name(serve, annotate, page, tasks):
    person = annotate(serve(tasks=tasks, view_id="review"))
    person.sees(FIRST)
    person.press("Shift+Digit1")
    person.has_boxes("balloon")
    page.wait_for_timeout(100)
    # Beneath ben's bird, which ada has not, stands a tag in ben's colour.
    left, bottom = person.at(400, 360)
    scale = float(page.locator("#canvas").get_attribute("data-scale"))
    assert color_at(page, person, 400 - 4 / scale, 360 + 11 / scale) == [61, 219, 255]
    assert left > 0
    assert bottom > 0


def test_what_is_asked_is_said(serve, annotate, page, tasks):
    person = annotate(serve(tasks=list(reversed(tasks)), view_id="review"))
    person.sees(SECOND)
    person.press("a")
    expect(page.locator("#live")).to_have_text(
        f"Accepted. {FIRST}, 2 boxes. 2 versions, 67 % agreement; ⇧1 ada, 1 box; ⇧2 ben, 2 boxes"
    )


def test_an_image_that_comes_late_is_said(serve, annotate, page, tasks):
    rest_comes = threading.Event()
    person = annotate(serve(tasks=list(reversed(tasks)), view_id="review", rest_comes=rest_comes))
    person.sees(SECOND)
    person.press("a")
    expect(page.get_by_text("Loading the next image")).to_be_visible()
    assert page.locator("#live").inner_text().strip() == "Accepted."
    rest_comes.set()
    expect(page.locator("#live")).to_have_text(
        f"{FIRST}, 2 boxes. 2 versions, 67 % agreement; ⇧1 ada, 1 box; ⇧2 ben, 2 boxes"
    )


def test_what_was_chosen_is_taken_by_key_corrected_and_accepted(serve, annotate, page, store, scenes, finds_nothing):
    options = [{"id": text, "text": text} for text in ("calm", "windy", "stormy")]
    said = {
        "ada": [{"answer": "accept", "accept": ["calm", "windy"]}, {"answer": "accept", "accept": ["calm"]}],
        "ben": [{"answer": "accept", "accept": ["stormy"]}, {"answer": "accept", "accept": ["calm"]}],
    }
    app = serve(tasks=reviewed(store, scenes, "choice", said, options=options), view_id="review")
    person = annotate(app)
    person.sees(FIRST)
    expect(page.get_by_role("heading", name="2 versions, 0 % agreement")).to_be_visible()
    expect(versions(page)).to_have_text(["adacalm, windy⇧1", "benstormy⇧2"])
    chosen = page.locator("#question .option[aria-pressed=true] .name")
    expect(chosen).to_have_text(["stormy"])
    finds_nothing(page, "review of a choice")
    person.press("Shift+Digit1")
    expect(chosen).to_have_text(["calm", "windy"])
    expect(versions(page).nth(0)).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#live")).to_have_text("ada: calm, windy")
    person.press("2")
    expect(chosen).to_have_text(["calm"])
    expect(versions(page).nth(0)).to_have_attribute("aria-pressed", "false")
    person.press("a")
    person.sees(SECOND)
    expect(page.locator("#live")).to_have_text(
        f"Accepted. {SECOND}, 0 boxes. Choose all that apply? 1 calm, 2 windy, 3 stormy "
        "1 version, 100 % agreement; ⇧1 ada and ben, calm"
    )
    person.sees_saved()
    (answer,) = app.answers()
    assert (answer["answer"], answer["accept"], answer["spans"], answer["_view_id"]) == (
        "accept",
        ["calm"],
        [],
        "review",
    )
    assert [version["accept"] for version in answer["versions"]] == [["calm", "windy"], ["stormy"]]


def test_the_answer_of_a_version_is_given_by_its_key(serve, annotate, page, store, scenes, finds_nothing):
    said = {
        "ada": [{"answer": "accept"}, {"answer": "accept"}],
        "ben": [{"answer": "reject"}, {"answer": "accept"}],
    }
    tasks = reviewed(store, scenes, "classification", said, label="balloon", spans=[LEFT])
    app = serve(tasks=tasks, view_id="review")
    person = annotate(app)
    person.sees(FIRST)
    person.has_boxes("balloon")
    expect(versions(page, "Versions, give the answer of one")).to_have_text(["adaaccept⇧1", "benreject⇧2"])
    expect(page.get_by_role("heading", name="balloon", exact=True)).to_be_visible()
    finds_nothing(page, "review of a classification")
    person.press("Shift+Digit2")
    person.sees(SECOND)
    person.press("a")
    person.sees_saved()
    first, second = app.answers()
    assert [(one["answer"], one["label"], one["spans"]) for one in (first, second)] == [
        ("reject", "balloon", [LEFT]),
        ("accept", "balloon", [LEFT]),
    ]
    assert [version["answer"] for version in first["versions"]] == ["accept", "reject"]


def test_polygons_are_drawn_and_taken_as_polygons(serve, annotate, page, store, scenes):
    corners = [[100, 100], [300, 100], [200, 300]]
    polygon = {"label": "bird", "x": 100, "y": 100, "width": 200, "height": 200, "points": corners, "type": "polygon"}
    box = make_span("bird", 100, 100, 300, 300)
    said = {"ada": [{"answer": "accept", "spans": [polygon]}] * 2, "ben": [{"answer": "accept", "spans": [box]}] * 2}
    app = serve(tasks=reviewed(store, scenes, "image_manual", said), view_id="review")
    person = annotate(app)
    person.sees(FIRST)
    expect(versions(page).nth(1)).to_have_attribute("aria-pressed", "true")
    # Hulls are the same, shapes are not.
    expect(versions(page).nth(0)).to_have_attribute("aria-pressed", "false")
    person.press("Shift+Digit1")
    expect(versions(page).nth(0)).to_have_attribute("aria-pressed", "true")
    expect(versions(page).nth(1)).to_have_attribute("aria-pressed", "false")
    page.wait_for_timeout(100)
    scale = float(page.locator("#canvas").get_attribute("data-scale"))
    ada, ben = [255, 79, 163], [61, 219, 255]

    def across(x, y):
        """Colours beside a point at the left, as far as lines lie around each other."""
        return [color_at(page, person, x - out / scale, y) for out in range(9)]

    # The polygon's left side goes inwards from corner to corner; ben's box has its side where the hull does.
    assert ada in across(150, 200)
    assert ben not in across(150, 200)
    assert ada not in across(100, 200)
    assert ben in across(100, 200)
    person.press("a")
    person.sees(SECOND)
    person.sees_saved()
    (answer,) = app.answers()
    assert answer["spans"] == [polygon]
