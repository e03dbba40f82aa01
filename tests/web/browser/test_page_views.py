"""Views other than image_manual: by keys and by mouse, what the store holds, and what is said of them."""

from __future__ import annotations

import httpx
import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

FIRST, SECOND, THIRD = (f"flight-0{number}.jpg" for number in range(3))
OPTIONS = [
    {"id": "clear", "text": "Clear sky"},
    {"id": "cloudy", "text": "Clouds", "color": "#56b4e9"},
    {"id": 3, "text": "Cannot be told"},
]


@pytest.fixture
def tasks(scenes):
    """`tasks(2, label="balloon")`: tasks of the first scenes, with their boxes and what else is given."""

    def make(count, **more):
        return [{"path": str(scene.path), "spans": scene.boxes, **more} for scene in scenes[:count]]

    return make


def accepted(app, key="accept"):
    return [(task["meta"]["file"], task["answer"], task.get(key)) for task in app.answers()]


def test_boxes_of_an_image_are_shown_and_not_changed(serve, annotate, page, tasks, scenes):
    app = serve(tasks=tasks(3), view_id="image")
    person = annotate(app)
    person.sees(FIRST)
    expect(person.options).to_have_count(5)
    expect(page.locator("#labels")).to_be_hidden()
    expect(page.get_by_role("button", name="Box: drag")).to_have_count(0)
    person.drag((30, 450), (130, 550))
    box = scenes[0].boxes[0]
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    person.click(*middle)
    expect(page.get_by_role("option", selected=True)).to_have_count(1)
    person.drag(middle, (middle[0] + 60, middle[1] + 60))
    person.press("Delete")
    expect(page.locator("#live")).to_have_text("The boxes of this view are not changed")
    person.press("i", "ArrowRight", "1", "Escape", "a")
    person.sees(SECOND)
    person.press("x")
    person.sees(THIRD)
    page.get_by_role("button", name="Ignore").click()
    expect(page.get_by_role("heading", name="No more images")).to_be_visible()
    person.sees_saved()
    assert accepted(app) == [(FIRST, "accept", None), (SECOND, "reject", None), (THIRD, "ignore", None)]
    assert app.answers()[0]["spans"] == scenes[0].boxes
    assert app.answers()[0]["_view_id"] == "image"


def test_one_label_is_agreed_to_or_not(serve, annotate, page, tasks):
    app = serve(
        tasks=[{**tasks(2)[0], "label": "balloon"}, {**tasks(2)[1], "label": "airship"}], view_id="classification"
    )
    person = annotate(app)
    person.sees(FIRST)
    heading = page.get_by_role("heading", name="balloon", exact=True)
    expect(heading).to_be_visible()
    assert float(heading.evaluate("it => parseFloat(getComputedStyle(it).fontSize)")) >= 24
    person.press("a")
    expect(page.locator("#live")).to_have_text(f"Accepted. {SECOND}, 5 boxes. airship?")
    expect(page.get_by_role("heading", name="airship")).to_be_visible()
    person.press("x")
    expect(page.get_by_role("heading", name="No more images")).to_be_visible()
    expect(page.get_by_role("heading", name="airship")).to_have_count(0)
    person.sees_saved()
    assert accepted(app, "label") == [(FIRST, "accept", "balloon"), (SECOND, "reject", "airship")]


def test_one_option_is_chosen_by_key_and_by_click(serve, annotate, page, tasks):
    app = serve(tasks=tasks(3, options=OPTIONS, text="What is the weather"), view_id="choice")
    person = annotate(app)
    person.sees(FIRST)
    expect(page.get_by_role("heading", name="What is the weather")).to_be_visible()
    options = page.get_by_role("group", name="Options, choose one").get_by_role("button")
    expect(options).to_have_text(["Clear sky1", "Clouds2", "Cannot be told3"])
    person.press("1")
    expect(page.locator("#live")).to_have_text("Clear sky")
    person.press("2")
    expect(page.get_by_role("button", name="Clear sky")).to_have_attribute("aria-pressed", "false")
    expect(page.get_by_role("button", name="Clouds")).to_have_attribute("aria-pressed", "true")
    person.press("a")
    expect(page.locator("#live")).to_have_text(
        f"Accepted. {SECOND}, 5 boxes. What is the weather? 1 Clear sky, 2 Clouds, 3 Cannot be told"
    )
    page.get_by_role("button", name="Cannot be told").click()
    person.press("a")
    person.sees(THIRD)
    person.press("1", "1", "x")
    expect(page.get_by_role("heading", name="No more images")).to_be_visible()
    person.sees_saved()
    assert accepted(app) == [(FIRST, "accept", ["cloudy"]), (SECOND, "accept", [3]), (THIRD, "reject", [])]
    assert app.answers()[0]["options"] == OPTIONS


def test_several_options_outlive_a_reload_and_an_undo(serve, annotate, page, tasks):
    app = serve(tasks=tasks(2, options=OPTIONS), view_id="choice", config={"choice_style": "multiple"})
    person = annotate(app)
    person.sees(FIRST)
    person.press("3", "1")
    expect(page.locator("[aria-pressed=true][data-option]")).to_have_text(["Clear sky1", "Cannot be told3"])
    page.reload()
    person.sees(FIRST)
    expect(page.locator("[aria-pressed=true][data-option]")).to_have_text(["Clear sky1", "Cannot be told3"])
    person.press("a")
    person.sees(SECOND)
    person.sees_saved()
    person.press("Backspace")
    person.sees(FIRST)
    expect(page.locator("[aria-pressed=true][data-option]")).to_have_text(["Clear sky1", "Cannot be told3"])
    person.press("3", "2", "a")
    person.sees(SECOND)
    person.sees_saved()
    assert accepted(app) == [(FIRST, "accept", ["clear", "cloudy"])]


def test_one_key_chooses_and_accepts(serve, annotate, page, tasks):
    app = serve(tasks=tasks(2, options=OPTIONS), view_id="choice", config={"choice_auto_accept": True})
    person = annotate(app)
    person.sees(FIRST)
    person.press("2")
    person.sees(SECOND)
    page.get_by_role("button", name="Clear sky").click()
    expect(page.get_by_role("heading", name="No more images")).to_be_visible()
    person.sees_saved()
    assert accepted(app) == [(FIRST, "accept", ["cloudy"]), (SECOND, "accept", ["clear"])]


def test_the_server_refuses_options_that_there_are_not(serve, annotate, tasks):
    app = serve(tasks=tasks(1, options=OPTIONS), view_id="choice")
    with httpx.Client(base_url=app.url, trust_env=False) as http:
        (task,) = http.post("get_session_questions", json={"n": 1}).json()["tasks"]
        for accept, says in ((["dusk"], "list of ids of the options"), (["clear", 3], "one option can be chosen")):
            answer = {**task, "answer": "accept", "accept": accept}
            response = http.post("give_answers", json={"answers": [answer]})
            assert response.status_code == 400
            assert says in response.json()["error"]
    assert app.answers() == []


def test_boxes_and_a_choice_together(serve, annotate, page, tasks):
    """Digits are the labels', with shift they are the options'."""
    blocks = [{"view_id": "image_manual"}, {"view_id": "choice"}]
    app = serve(tasks=[{**tasks(1)[0], "spans": [], "options": OPTIONS}], view_id="blocks", config={"blocks": blocks})
    person = annotate(app)
    person.sees(FIRST)
    expect(page.get_by_role("group", name="Options, choose one").get_by_role("button").first).to_have_text(
        "Clear sky⇧1"
    )
    person.press("2")
    person.drag((100, 100), (200, 220))
    person.has_boxes("bird")
    person.press("Shift+Digit2", "a")
    expect(page.get_by_role("heading", name="No more images")).to_be_visible()
    person.sees_saved()
    (answer,) = app.answers()
    assert ([span["label"] for span in answer["spans"]], answer["accept"]) == (["bird"], ["cloudy"])
    assert answer["_view_id"] == "blocks"


def test_a_label_and_options_over_boxes_that_are_only_shown(serve, annotate, page, tasks):
    blocks = [{"view_id": view} for view in ("image", "classification", "choice")]
    asked = [{**task, "label": "balloon", "options": OPTIONS} for task in tasks(1)]
    app = serve(tasks=asked, view_id="blocks", config={"blocks": blocks, "choice_style": "multiple"})
    person = annotate(app)
    person.sees(FIRST)
    expect(page.get_by_role("heading", name="balloon")).to_be_visible()
    person.press("1", "3", "x")
    expect(page.get_by_role("heading", name="No more images")).to_be_visible()
    person.sees_saved()
    assert accepted(app) == [(FIRST, "reject", ["clear", 3])]
