"""Versions of several annotators: shown together, one taken by key or click, corrected, accepted."""

from __future__ import annotations

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


def versions(page):
    return page.get_by_role("group", name="Versions, take one to begin with").get_by_role("button")


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
