"""All of the work by finger alone, in Chromium on a tablet; the assertions are on what the store holds."""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import expect
from serving_app import DATASET

from teachbox.annotation import make_span

pytestmark = pytest.mark.browser

FIRST, SECOND, THIRD = (f"flight-0{number}.jpg" for number in range(3))
FAINT = [make_span("airship", 500, 40, 560, 140, score=0.47, version=1, source="flights")]


@pytest.fixture
def browser_context_args(browser_context_args):
    """A tablet, upright."""
    return {**browser_context_args, "viewport": {"width": 820, "height": 1180}, "has_touch": True}


class Finger:
    """One finger on the page; it never presses a key."""

    def __init__(self, person):
        self.page = person.page
        self._at = person.at
        self._session = self.page.context.new_cdp_session(self.page)

    def touches(self, kind, *place, at_s=0.0):
        """`touchStart` or `touchMove` at a place on the screen, or `touchEnd`; `at_s` seconds from now."""
        points = [dict(zip("xy", place, strict=True))] if place else []
        told = {"type": kind, "touchPoints": points, "timestamp": time.time() + at_s}
        self._session.send("Input.dispatchTouchEvent", told)

    def taps(self, name, role="button"):
        self.page.get_by_role(role, name=name).tap()

    def answers(self, how):
        self.page.locator(f"#{how}").tap()

    def taps_image(self, x, y):
        self.page.touchscreen.tap(*self._at(x, y))

    def drags(self, start, end):
        """From one place on the screen to another, where it rests: Chromium takes a tap after a swipe for its end."""
        (x, y), (to_x, to_y) = start, end
        self.touches("touchStart", x, y, at_s=-0.8)
        self.touches("touchMove", (x + to_x) / 2, (y + to_y) / 2, at_s=-0.7)
        self.touches("touchMove", to_x, to_y, at_s=-0.6)
        self.touches("touchMove", to_x, to_y, at_s=-0.4)
        self.touches("touchEnd", at_s=-0.2)

    def drags_image(self, start, end):
        self.drags(self._at(*start), self._at(*end))

    def drags_handle(self, side, by):
        """By pixels of the image."""
        handle = self.page.locator(f"[data-handle={side}]")
        expect(handle).to_be_visible()
        box = handle.bounding_box()
        scale = float(self.page.locator("#canvas").get_attribute("data-scale"))
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        self.drags((x, y), (x + by[0] * scale, y + by[1] * scale))


@pytest.fixture
def by_finger(annotate):
    """`by_finger(app)`: the page at its first image, and the finger on it."""

    def begin(app):
        person = annotate(app)
        person.sees(FIRST)
        return person, Finger(person)

    return begin


def middle(span):
    return span["x"] + span["width"] / 2, span["y"] + span["height"] / 2


def place(span):
    return [span[key] for key in ("x", "y", "width", "height")]


def test_suggestions_are_judged_moved_relabelled_and_taken_back(serve, by_finger, seer, scenes):
    seer.faint = FAINT
    app = serve(model=seer)
    person, finger = by_finger(app)
    predicted = seer.spans(FIRST, 1)
    expect(person.options).to_have_count(5)
    slider = person.page.get_by_role("slider", name="From score")
    track = slider.bounding_box()
    y = track["y"] + track["height"] / 2
    person.page.touchscreen.tap(track["x"] + 0.42 * track["width"], y)
    expect(person.options).to_have_count(6)
    finger.taps_image(*middle(predicted[0]))
    finger.taps("Accept this box")
    finger.taps_image(*middle(predicted[1]))
    finger.taps("Reject this box")
    expect(person.options).to_have_count(5)
    finger.taps_image(*middle(predicted[2]))
    finger.drags_image(middle(predicted[2]), (middle(predicted[2])[0] + 30, middle(predicted[2])[1] + 20))
    finger.drags_handle("se", (12, 8))
    finger.taps("airship 3")
    finger.taps("Undo an edit")
    finger.taps("Undo an edit")
    finger.taps("Do it again")
    finger.taps("Clear them")
    expect(person.options).to_have_count(2)
    finger.answers("accept")
    person.sees(SECOND)
    person.sees_saved()
    answer = app.answer_to(scenes[0].path)
    x, y, width, height = place(predicted[2])
    assert answer["spans"][0] == {**predicted[0], "touched": True}
    assert answer["spans"][1]["label"] == predicted[2]["label"]
    assert place(answer["spans"][1]) == pytest.approx([x + 30, y + 20, width + 12, height + 8], abs=1.5)


def test_boxes_are_repeated_snapped_hidden_and_drawn_by_points(serve, by_finger, seer, scenes):
    seer.faint = FAINT
    app = serve(model=seer)
    person, finger = by_finger(app)
    page = person.page
    expect(person.options).to_have_count(5)
    finger.taps("Clear them")
    (wanted,) = FAINT
    x, y, width, height = place(wanted)
    finger.drags_image((x + 4, y + 4), (x + width - 5, y + height - 3))
    finger.taps("Snap the box")
    finger.taps("Box by four extreme points")
    for point in ((260, 500), (300, 460), (340, 510), (310, 560)):
        finger.taps_image(*point)
    expect(person.options).to_have_count(2)
    finger.answers("accept")
    person.sees(SECOND)
    expect(person.options).not_to_have_count(0)
    finger.taps("Clear them")
    finger.taps("The last image’s boxes, once more")
    expect(person.options).to_have_count(2)
    # Held, the button hides them.
    seen = page.locator("#canvas").screenshot()
    hide = page.locator("[data-command=peek]").bounding_box()
    finger.touches("touchStart", hide["x"] + 10, hide["y"] + 10)
    assert painted(page) != seen
    finger.touches("touchEnd")
    assert painted(page) == seen
    finger.answers("flag")
    finger.answers("accept")
    person.sees(THIRD)
    person.sees_saved()
    first, second = (app.answer_to(scene.path) for scene in scenes[:2])
    assert place(first["spans"][0]) == pytest.approx(place(wanted))
    assert place(first["spans"][1]) == pytest.approx([260, 460, 80, 100], abs=1.5)
    assert [place(span) for span in second["spans"]] == [place(span) for span in first["spans"]]
    assert (second["flagged"], first.get("flagged", False)) == (True, False)


def painted(page):
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return page.locator("#canvas").screenshot()


def test_edits_outlive_a_reload_and_answers_are_taken_back(serve, by_finger, scenes):
    app = serve(3)
    person, finger = by_finger(app)
    finger.drags_image((100, 100), (200, 220))
    person.has_boxes("balloon")
    person.page.reload()
    person.sees(FIRST)
    person.has_boxes("balloon")
    finger = Finger(person)
    finger.answers("accept")
    person.sees(SECOND)
    finger.answers("skip")
    person.sees(THIRD)
    finger.answers("reject")
    person.sees(SECOND)
    finger.answers("ignore")
    expect(person.page.get_by_role("heading", name="No more images")).to_be_visible()
    for file in (SECOND, THIRD):
        finger.answers("undo")
        person.sees(file)
    finger.answers("ignore")
    person.sees_saved()
    told = {task["meta"]["file"]: task["answer"] for task in app.answers()}
    assert told == {FIRST: "accept", THIRD: "ignore"}
    assert place(app.answer_to(scenes[0].path)["spans"][0]) == pytest.approx([100, 100, 100, 120], abs=1.5)


def test_an_old_answer_is_found_and_corrected_and_the_work_is_looked_at(serve, by_finger, scenes):
    app = serve(4)
    person, finger = by_finger(app)
    finger.answers("accept")
    person.sees(SECOND)
    finger.answers("reject")
    person.sees(THIRD)
    finger.taps("History: what was answered")
    rows = person.page.locator(".history-row")
    expect(rows.locator(".name")).to_have_text([SECOND, FIRST])
    rows.nth(1).tap()
    person.sees(FIRST)
    expect(person.page.locator("#history")).to_be_hidden()
    finger.drags_image((100, 100), (200, 220))
    finger.answers("accept")
    person.sees(THIRD)
    person.sees_saved()
    assert [span["label"] for span in app.answer_to(scenes[0].path)["spans"]] == ["balloon"]
    assert app.store.last_answer_id(DATASET) == 3
    finger.taps("Progress: how the work goes")
    dialog = person.page.get_by_role("dialog", name="Progress")
    expect(dialog.locator(".figures")).to_contain_text("Answered2 of 4 (50 %)")
    dialog.get_by_role("button", name="Close").tap()
    expect(dialog).to_be_hidden()


def test_a_label_is_added_and_renamed(serve, by_finger, scenes):
    app = serve(2)
    person, finger = by_finger(app)
    page = person.page
    finger.taps("Edit the labels")
    dialog = page.get_by_role("dialog", name="Labels")
    # The tablet's own keyboard writes into a field.
    page.get_by_role("textbox", name="Name of the new label").fill("kite")
    dialog.get_by_role("button", name="Add").tap()
    expect(page.locator("#labels .label .name")).to_have_text(["balloon", "bird", "airship", "kite"])
    dialog.get_by_role("button", name="Close").tap()
    finger.taps("kite 4")
    finger.drags_image((100, 100), (200, 220))
    person.has_boxes("kite")
    finger.answers("accept")
    person.sees(SECOND)
    person.sees_saved()
    assert [span["label"] for span in app.answer_to(scenes[0].path)["spans"]] == ["kite"]


def test_an_option_is_chosen(serve, by_finger, scenes):
    options = [{"id": "clear", "text": "Clear sky"}, {"id": "cloudy", "text": "Clouds"}]
    tasks = [{"path": str(scene.path), "spans": scene.boxes, "options": options} for scene in scenes[:2]]
    app = serve(tasks=tasks, view_id="choice")
    person, finger = by_finger(app)
    finger.taps("Clouds")
    finger.answers("accept")
    person.sees(SECOND)
    person.sees_saved()
    assert app.answer_to(scenes[0].path)["accept"] == ["cloudy"]
