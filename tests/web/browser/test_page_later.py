"""Panels that are loaded when they are first opened: what is pressed meanwhile answers no image."""

import time

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

FIRST, SECOND = "flight-00.jpg", "flight-01.jpg"
PANELS = {"m": "progress", "o": "history", "Shift+L": "labels"}


def hold(page, panel):
    """Requests for the panel's program, which wait until they are continued."""
    held = []

    def keep(route):
        held.append(route)

    page.route(f"**/later/{panel}.js*", keep)
    return held


def first_of(held, page):
    """The one request that is held, once it is: the page says that it loads a moment before it asks."""
    deadline = time.monotonic() + 20
    while not held:
        assert time.monotonic() < deadline, "the panel was not asked for"
        page.wait_for_timeout(20)
    (request,) = held
    return request


@pytest.mark.parametrize("key", PANELS)
def test_keys_pressed_while_a_panel_is_loaded_do_not_answer(serve, annotate, page, key):
    app = serve(2)
    held = hold(page, PANELS[key])
    person = annotate(app)
    person.sees(FIRST)
    page.keyboard.press(key)
    expect(page.get_by_role("dialog", name="Loading")).to_be_visible()
    page.keyboard.press("a")
    person.sees(FIRST)
    first_of(held, page).continue_()
    expect(page.get_by_role("dialog", name="Loading")).to_have_count(0)
    if key == "o":
        expect(page.get_by_role("region", name="History")).to_be_visible()
    else:
        expect(page.get_by_role("dialog")).to_be_visible()
    assert app.answers() == []


def test_who_closes_what_is_loading_goes_on_without_it(serve, annotate, page):
    app = serve(2)
    held = hold(page, "progress")
    person = annotate(app)
    person.sees(FIRST)
    page.keyboard.press("m")
    expect(page.get_by_role("dialog", name="Loading")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("a")
    person.sees(SECOND)
    with page.expect_response("**/later/progress.css*"):
        first_of(held, page).continue_()
    expect(page.locator("dialog", has_text="Loading")).to_have_count(0)
    expect(page.get_by_role("dialog")).to_have_count(0)
    person.sees_saved()
    assert [task["answer"] for task in app.answers()] == ["accept"]
