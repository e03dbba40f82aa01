"""The canvas in Chromium: zoom, pan, ways to draw, polygons, what is shown; assertions are on what the store holds."""

from __future__ import annotations

import itertools
import math

import pytest
from PIL import Image
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

FIRST = "flight-00.jpg"
PIXEL = 1.2


def box_of(span):
    return [span[key] for key in ("x", "y", "width", "height")]


@pytest.fixture
def empty(serve, annotate, scenes):
    """The first scene without a model."""
    app = serve(2)
    person = annotate(app)
    person.sees(FIRST)
    return app, person, scenes[0].path


def spans_after_accept(app, person, path):
    person.press("a")
    person.sees("flight-01.jpg")
    person.sees_saved()
    return app.answer_to(path)["spans"]


def view_of(person):
    person.page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    data = person.page.locator("#canvas").evaluate("canvas => ({...canvas.dataset})")
    return {key: float(data[key]) for key in ("scale", "x", "y")}


def test_the_wheel_zooms_to_the_pointer_and_what_is_drawn_there_is_to_the_pixel(empty):
    app, person, path = empty
    fitted = view_of(person)
    corner = person.at(0, 0)
    # A wheel's place is in whole pixels of the screen.
    before = round(corner[0]) + 400, round(corner[1]) + 300
    under = [(at - start) / fitted["scale"] for at, start in zip(before, corner, strict=True)]
    person.page.mouse.move(*before)
    for _ in range(6):
        person.page.mouse.wheel(0, -120)
    zoomed = view_of(person)
    assert zoomed["scale"] == pytest.approx(fitted["scale"] * 2 ** (720 / 260))
    assert person.at(*under) == pytest.approx(before, abs=0.01)
    person.drag((380.25, 280.5), (420.75, 310.25))
    person.press("0")
    assert view_of(person) == fitted
    (span,) = spans_after_accept(app, person, path)
    assert box_of(span) == pytest.approx([380.25, 280.5, 40.5, 29.75], abs=0.2)


def test_keys_zoom_and_fit_and_the_next_image_is_fitted(empty):
    _, person, _ = empty
    fitted = view_of(person)
    person.press("+", "+", "+", "-")
    assert view_of(person)["scale"] == pytest.approx(fitted["scale"] * 1.25**2)
    person.press("a")
    person.sees("flight-01.jpg")
    assert view_of(person) == fitted


def test_space_and_drag_pans_and_answers_nothing_while_space_alone_ignores(empty):
    app, person, path = empty
    person.press("+", "+", "+")
    before = view_of(person)
    mouse, keyboard = person.page.mouse, person.page.keyboard
    mouse.move(500, 400)
    keyboard.down("Space")
    mouse.down()
    mouse.move(450, 430)
    mouse.move(400, 460)
    mouse.up()
    keyboard.up("Space")
    after = view_of(person)
    assert (after["x"] - before["x"], after["y"] - before["y"]) == pytest.approx((-100, 60))
    person.sees(FIRST)
    expect(person.options).to_have_count(0)
    person.press("Space")
    person.sees("flight-01.jpg")
    person.sees_saved()
    assert app.answer_to(path)["answer"] == "ignore"


def test_the_middle_button_pans(empty):
    _, person, _ = empty
    person.press("+", "+", "+")
    before = view_of(person)
    person.page.mouse.move(500, 400)
    person.page.mouse.down(button="middle")
    person.page.mouse.move(530, 380)
    person.page.mouse.up(button="middle")
    after = view_of(person)
    assert (after["x"] - before["x"], after["y"] - before["y"]) == pytest.approx((30, -20))


def test_two_fingers_pinch_about_their_middle_and_draw_nothing(empty):
    _, person, _ = empty
    before = view_of(person)
    middle = person.at(480, 320)
    touch = person.page.context.new_cdp_session(person.page)

    def send(kind, spread):
        points = [
            {"x": middle[0] - spread, "y": middle[1], "id": 1},
            {"x": middle[0] + spread, "y": middle[1], "id": 2},
        ]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [] if kind == "touchEnd" else points})

    send("touchStart", 50)
    for spread in (60, 70, 80, 90, 100):
        send("touchMove", spread)
    send("touchEnd", 100)
    after = view_of(person)
    assert after["scale"] == pytest.approx(before["scale"] * 2, rel=0.02)
    assert person.at(480, 320) == pytest.approx(middle, abs=3)
    expect(person.options).to_have_count(0)


def test_two_clicks_draw_a_box_and_escape_drops_the_first(empty):
    app, person, path = empty
    person.click(100, 100)
    person.press("Escape")
    person.click(200, 150)
    person.click(320, 260)
    (span,) = spans_after_accept(app, person, path)
    assert box_of(span) == pytest.approx([200, 150, 120, 110], abs=PIXEL)


def test_four_extreme_points_draw_a_box_in_any_order_and_one_is_taken_back(empty):
    app, person, path = empty
    person.press("e")
    for point in ((300, 100), (390, 210), (700, 600)):
        person.click(*point)
        if point == (700, 600):
            person.press("Backspace")
    person.click(210, 180)
    person.click(310, 330)
    person.has_boxes("balloon")
    (span,) = spans_after_accept(app, person, path)
    assert box_of(span) == pytest.approx([210, 100, 180, 230], abs=PIXEL)
    assert span["type"] == "rect"


def test_a_polygon_is_drawn_pulled_split_and_its_hull_trains(empty):
    app, person, path = empty
    person.press("p")
    for point in ((200, 100), (400, 100), (400, 300), (200, 300)):
        person.click(*point)
    person.press("Enter")
    person.has_boxes("balloon")
    person.page.get_by_role("option").click()
    person.drag_handle("corner-2", (60, 40))
    person.drag_handle("edge-0", (0, -50))
    person.press("Escape")
    (span,) = spans_after_accept(app, person, path)
    assert span["type"] == "polygon"
    flat = [value for point in span["points"] for value in point]
    assert flat == pytest.approx([200, 100, 300, 50, 400, 100, 460, 340, 200, 300], abs=2 * PIXEL)
    assert box_of(span) == pytest.approx([200, 50, 260, 290], abs=2 * PIXEL)


def test_a_polygon_is_closed_by_a_click_on_its_first_corner_and_loses_a_corner_by_alt_click(empty):
    app, person, path = empty
    person.press("p")
    for point in ((200, 100), (400, 100), (400, 300), (200, 300), (201, 101)):
        person.click(*point)
    person.page.get_by_role("option").click()
    person.page.locator("[data-handle=corner-3]").click(modifiers=["Alt"])
    (span,) = spans_after_accept(app, person, path)
    flat = [value for point in span["points"] for value in point]
    assert flat == pytest.approx([200, 100, 400, 100, 400, 300], abs=PIXEL)


def test_boxes_hide_while_the_key_is_held_and_cannot_be_hit(serve, annotate, seer):
    app = serve(2, model=seer)
    person = annotate(app)
    person.sees(FIRST)
    expect(person.options).to_have_count(5)
    span = seer.spans(FIRST, 1)[0]
    at = (span["x"], span["y"] + span["height"] / 2)
    person.page.mouse.move(5, 5)
    shown = pixel(person, *at)
    person.page.keyboard.down("v")
    hidden = pixel(person, *at)
    person.page.keyboard.up("v")
    assert shown == pixel(person, *at) != hidden


def pixel(person, x, y):
    """Colours of the canvas along a piece of a line through a pixel of the image."""
    person.page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    view = view_of(person)
    return person.page.evaluate(
        """([x, y]) => [...document.getElementById("canvas").getContext("2d").getImageData(x - 3, y, 7, 9).data]""",
        [round(view["x"] + x * view["scale"]), round(view["y"] + y * view["scale"])],
    )


def test_what_is_shown_is_set_and_remembered(empty):
    _, person, _ = empty
    crosshair = person.page.locator(".cross-across")
    person.page.mouse.move(*person.at(300, 200))
    expect(crosshair).to_be_visible()
    person.press("g", "t", "]", "}")
    expect(crosshair).to_be_hidden()
    person.press("e")
    person.page.reload()
    person.sees(FIRST)
    for name, pressed in {"crosshair": "false", "tags": "false", "light": "true", "tool-extreme": "true"}.items():
        expect(person.page.locator(f"[data-command={name}]")).to_have_attribute("aria-pressed", pressed)
    expect(person.page.locator("#brightness")).to_have_value("1.1")
    person.press("\\")
    expect(person.page.locator("[data-command=light]")).to_have_attribute("aria-pressed", "false")


def test_brightness_and_contrast_change_the_image(empty):
    _, person, _ = empty
    person.page.mouse.move(5, 5)
    before = pixel(person, 480, 600)
    person.press("]", "]", "]")
    assert sum(pixel(person, 480, 600)) > sum(before)
    person.press("\\")
    assert pixel(person, 480, 600) == before


def test_pixels_are_squares_when_they_are_large(empty):
    _, person, _ = empty
    person.page.mouse.move(*person.at(480, 600))
    for _ in range(14):
        person.page.mouse.wheel(0, -120)
    scale = view_of(person)["scale"]
    assert scale > 20
    rows = person.page.evaluate(
        """() => { const c = document.getElementById("canvas"), [x, y] = [c.width >> 1, c.height >> 1];
        return [...c.getContext("2d").getImageData(x, y, 200, 1).data].reduce((all, v, i) => {
            if (i % 4 === 0) all.push(v); return all; }, []) }"""
    )
    changes = [at for at in range(1, 200) if rows[at] != rows[at - 1]]
    assert len(changes) <= math.ceil(200 / scale) + 1
    steps = {b - a for a, b in itertools.pairwise(changes)}
    assert all(min(abs(step - n * scale) for n in range(1, 9)) <= 1.01 for step in steps)


def test_a_small_box_far_away_can_be_grabbed(serve, annotate, tmp_path, store):
    path = tmp_path / "wide.jpg"
    Image.new("RGB", (6000, 4000), "#446688").save(path, quality=50)
    from serving_app import App

    app = App(store, [path])
    app.start()
    try:
        person = annotate(app)
        person.sees("wide.jpg")
        person.press("+")
        person.drag((3000, 2000), (3040, 2030))
        expect(person.options).to_have_count(1)
        person.press("0")
        view_of(person)
        # Far away it is 6 by 4 pixels of the screen; five beside it is near enough.
        person.click(3000 - 4 / view_of(person)["scale"], 2015)
        expect(person.page.get_by_role("option", selected=True)).to_have_count(1)
        body = person.page.locator("#box-body").bounding_box()
        assert min(body["width"], body["height"]) >= 10
        for handle in person.page.locator("#handles > :not([hidden])").all():
            area = handle.bounding_box()
            assert min(area["width"], area["height"]) >= 10
    finally:
        app.stop()


def test_what_is_painted_over_what_was_kept_looks_as_if_all_were_painted_anew(empty):
    _, person, _ = empty
    canvas = person.page.locator("#canvas")

    def looks():
        view_of(person)
        return canvas.evaluate("canvas => canvas.toDataURL()")

    def check(*keys):
        person.press(*keys)
        person.page.mouse.move(5, 5)
        seen = looks()
        # Labels away and back again: nothing that was kept is of use after that.
        person.press("t")
        assert looks() != seen
        person.press("t")
        assert looks() == seen

    for x in (100, 300, 500):
        person.drag((x, 100), (x + 80, 180))
        check()
    check("Tab", "ArrowRight", "ArrowRight")
    check("Alt+ArrowDown")
    check("Tab")
    check("Delete")
    check("z", "z")
    check("Escape")
    person.drag((340, 140), (340, 300))
    check()
