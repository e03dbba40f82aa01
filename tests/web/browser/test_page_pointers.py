"""The page under fingers and a pen, as Chromium tells of them."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.browser

FIRST = "flight-00.jpg"


class Touch:
    """Fingers and a pen at pixels of the image."""

    def __init__(self, person):
        self._person = person
        self._session = person.page.context.new_cdp_session(person.page)

    def fingers(self, kind, *points, places=None):
        """`touchStart`, `touchMove` or `touchEnd`, with each finger that is on the screen."""
        on = places or [self._person.at(*point) for point in points]
        told = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(on)]
        self._session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": told})

    def pen(self, kind, x, y, force=0.5):
        """`mousePressed`, `mouseMoved` or `mouseReleased`."""
        at = dict(zip("xy", self._person.at(x, y), strict=True))
        down = {"button": "left", "buttons": 0 if kind == "mouseReleased" else 1, "clickCount": 1}
        self._session.send(
            "Input.dispatchMouseEvent", {"type": kind, **at, **down, "pointerType": "pen", "force": force}
        )


@pytest.fixture
def touched(serve, annotate):
    """The app, a person at its first image, and what touches it."""
    app = serve(2)
    person = annotate(app)
    person.sees(FIRST)
    return app, person, Touch(person)


def boxes_after_accept(app, person, path):
    person.press("a")
    person.sees("flight-01.jpg")
    person.sees_saved()
    return [[span[key] for key in ("x", "y", "width", "height")] for span in app.answer_to(path)["spans"]]


def view_of(page):
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return {key: float(page.locator("#canvas").get_attribute(f"data-{key}")) for key in ("scale", "x", "y")}


def test_a_finger_draws_and_two_fingers_zoom(touched, scenes):
    app, person, touch = touched
    touch.fingers("touchStart", (100, 100))
    touch.fingers("touchMove", (150, 150))
    touch.fingers("touchMove", (200, 220))
    touch.fingers("touchEnd")
    person.has_boxes("balloon")
    before = view_of(person.page)["scale"]
    start, end = (
        [person.at(*point) for point in pair] for pair in ([(400, 300), (500, 300)], [(300, 300), (600, 300)])
    )
    touch.fingers("touchStart", places=start)
    touch.fingers("touchMove", places=end)
    touch.fingers("touchEnd")
    assert view_of(person.page)["scale"] > 2 * before
    person.has_boxes("balloon")
    (box,) = boxes_after_accept(app, person, scenes[0].path)
    assert box == pytest.approx([100, 100, 100, 120], abs=2)


def test_two_fingers_pan_and_draw_nothing(touched, scenes):
    app, person, touch = touched
    person.press("+", "+", "+")
    before = view_of(person.page)
    start = [person.at(400, 300), person.at(440, 330)]
    touch.fingers("touchStart", places=start[:1])
    touch.fingers("touchStart", places=start)
    for step in (10, 20, 30):
        touch.fingers("touchMove", places=[(x - step, y + step / 2) for x, y in start])
    after = view_of(person.page)
    assert after["scale"] == pytest.approx(before["scale"], rel=0.01)
    assert [after["x"] - before["x"], after["y"] - before["y"]] == pytest.approx([-30, 15], abs=1)
    # The one that stays a moment longer draws nothing either.
    touch.fingers("touchEnd", places=[(start[0][0] - 30, start[0][1] + 15)])
    touch.fingers("touchMove", places=[(start[0][0] + 60, start[0][1] + 60)])
    touch.fingers("touchEnd")
    assert boxes_after_accept(app, person, scenes[0].path) == []


def test_a_pen_draws_alike_however_hard_it_is_pressed(touched, scenes):
    app, person, touch = touched
    for force, x in ((0.05, 100), (1.0, 300)):
        touch.pen("mousePressed", x, 100, force)
        touch.pen("mouseMoved", x + 40, 150, force)
        touch.pen("mouseMoved", x + 80, 190, force)
        touch.pen("mouseReleased", x + 80, 190, 0)
    person.has_boxes("balloon", "balloon")
    boxes = boxes_after_accept(app, person, scenes[0].path)
    assert boxes == [pytest.approx([x, 100, 80, 90], abs=1.5) for x in (100, 300)]


def test_a_hand_beside_the_pen_does_nothing(touched, scenes):
    app, person, touch = touched
    before = view_of(person.page)
    # It comes down first, and moves as the hand does; and comes once more, with a knuckle.
    touch.fingers("touchStart", (500, 500))
    touch.pen("mousePressed", 100, 100)
    touch.fingers("touchMove", (520, 520))
    touch.pen("mouseMoved", 150, 150)
    touch.fingers("touchEnd")
    touch.fingers("touchStart", (500, 500), (600, 520))
    touch.fingers("touchMove", (450, 500), (650, 520))
    touch.pen("mouseMoved", 180, 200)
    touch.pen("mouseReleased", 180, 200)
    touch.fingers("touchEnd")
    person.has_boxes("balloon")
    assert view_of(person.page) == before
    (box,) = boxes_after_accept(app, person, scenes[0].path)
    assert box == pytest.approx([100, 100, 80, 100], abs=1.5)
