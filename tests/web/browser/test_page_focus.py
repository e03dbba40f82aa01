"""Where the keyboard's focus goes, what is said aloud, and what moves, in Chromium."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

FIRST = "flight-00.jpg"
FOCUSED = """() => { const it = document.activeElement, area = it.getBoundingClientRect();
    const seen = it.checkVisibility({visibilityProperty: true}) && area.width > 0 && area.height > 0;
    return [it.id || it.closest("[id]")?.id || it.tagName, seen && !it.closest("[inert], [aria-hidden=true]")]; }"""


def test_tab_goes_from_top_to_bottom_and_to_nothing_hidden(serve, annotate, seer, page):
    person = annotate(serve(2, model=seer))
    person.sees(FIRST)
    expect(person.options).to_have_count(5)
    page.locator("#labels button").first.focus()
    order = []
    # From the last part it leaves the page; from the image's own it goes from box to box.
    while (place := page.evaluate(FOCUSED))[0] != "BODY":
        assert place[1], place
        if place[0] not in order[-1:]:
            order.append(place[0])
        person.press("Tab")
    beside = ["delete", "limit", "label-limits", "clear-suggestions", "boxes", "help"]
    answers = ["accept", "reject", "ignore", "undo", "skip", "flag"]
    assert order == ["labels", "edit-labels", "rail", *beside, *answers]


@pytest.mark.parametrize("opener", ["help", "rail"])
def test_the_focus_returns_from_a_panel_to_what_opened_it(serve, annotate, page, opener):
    person = annotate(serve(2))
    person.sees(FIRST)
    name = {"help": "All keys", "rail": "Progress"}[opener]
    button = page.get_by_role("button", name=name).first
    button.focus()
    person.press("Enter")
    expect(page.locator("dialog[open]")).to_be_visible()
    # Inside a dialog the focus stays in it.
    for _ in range(6):
        person.press("Tab")
        assert page.evaluate("document.activeElement.matches('body, dialog[open] *')")
    person.press("Escape")
    expect(page.locator("dialog[open]")).to_have_count(0)
    expect(button).to_be_focused()


def test_what_is_selected_is_said_by_place_label_and_score(serve, annotate, seer, page):
    person = annotate(serve(2, model=seer))
    person.sees(FIRST)
    expect(person.options).to_have_count(5)
    person.press("Tab", "Tab", "Tab")
    third = seer.spans(FIRST, 1)[2]
    said = f"box 3 of 5, {third['label']}, {third['score']:.2f}"
    expect(page.locator("#live")).to_have_text(said)
    expect(page.locator("#box-body")).to_have_attribute("aria-label", said)
    # Changed, it is the person's, and nobody's guess.
    person.press("ArrowRight", "Escape", "Tab", "Tab", "Tab")
    expect(page.locator("#live")).to_have_text(f"box 3 of 5, {third['label']}")


def test_nothing_moves_for_who_wants_it_still(serve, annotate, page):
    page.emulate_media(reduced_motion="reduce")
    person = annotate(serve(2))
    person.sees(FIRST)
    person.drag((100, 100), (200, 200))
    person.press("?")
    longest = page.evaluate(
        """Math.max(...[...document.querySelectorAll("*")].map(it => getComputedStyle(it)).flatMap(
        style => [style.animationDuration, style.transitionDuration]).flatMap(all => all.split(",").map(parseFloat)))"""
    )
    assert longest <= 0.01
