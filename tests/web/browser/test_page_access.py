"""axe-core finds nothing on any state of the page; right to left, small and enlarged it can be used."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

FIRST = "flight-00.jpg"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(serve, annotate, seer, page, finds_nothing, scheme):
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    app = serve(2, model=seer)
    person = annotate(app)
    person.sees(FIRST)
    expect(person.options).to_have_count(5)
    finds_nothing(page, "suggestions")
    person.drag((30, 450), (130, 550))
    person.press("Tab")
    expect(page.get_by_role("option", selected=True)).to_have_count(1)
    finds_nothing(page, "a box selected")
    page.get_by_role("button", name="Brightness and contrast").click()
    finds_nothing(page, "brightness open")
    page.get_by_role("button", name="Brightness and contrast").click()
    person.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    finds_nothing(page, "keys open")
    person.press("Escape")
    person.press("l")
    expect(page.locator("#label-palette")).to_be_visible()
    finds_nothing(page, "labels open")
    person.press("Escape")
    page.get_by_text("Each label").click()
    expect(page.locator("#limit-rows input").first).to_be_visible()
    finds_nothing(page, "limits open")
    person.press("m")
    expect(page.get_by_role("dialog", name="Progress")).to_be_visible()
    finds_nothing(page, "progress open")
    person.press("Escape")
    page.context.set_offline(True)
    person.press("a")
    expect(person.banner).to_contain_text("Not sent yet")
    finds_nothing(page, "unsent")
    page.context.set_offline(False)
    person.sees_saved()
    person.sees("flight-01.jpg")
    page.get_by_role("button", name="History: what was answered").click()
    expect(page.locator(".history-row")).to_have_count(1)
    finds_nothing(page, "history open")
    person.press("x")
    expect(page.get_by_role("heading", name="No more images")).to_be_visible()
    person.sees_saved()
    finds_nothing(page, "finished")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_the_other_views(serve, annotate, page, scenes, finds_nothing, scheme):
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    path, spans = str(scenes[0].path), scenes[0].boxes
    options = [{"id": number, "text": f"Kind {number}", "color": "#56b4e9"} for number in range(3)]
    version = {"spans": spans[:2], "answer": "accept", "sessions": ["x"], "names": ["ada"], "groups": [0, 1]}
    versions = [version, {**version, "spans": spans[:1], "names": ["ben"], "groups": [0]}]
    for view_id in ("image", "classification", "choice", "review", "blocks"):
        config = {"blocks": [{"view_id": "image_manual"}, {"view_id": "choice"}]} if view_id == "blocks" else {}
        asked = {"path": path, "spans": spans, "label": "balloon", "options": options, "versions": versions}
        person = annotate(serve(tasks=[{**asked, "meta": {"hour": 7}}], view_id=view_id, config=config))
        person.sees(FIRST)
        person.press("1", "Tab")
        expect(page.get_by_role("option", selected=True)).to_have_count(1)
        finds_nothing(page, view_id)


def test_axe_finds_nothing_where_an_image_is_broken(serve, annotate, page, finds_nothing):
    page.route("**/image/*", lambda route: route.fulfill(status=404, json={"error": "the file is gone"}))
    annotate(serve(2))
    expect(page.get_by_role("heading", name="This image cannot be shown")).to_be_visible()
    finds_nothing(page, "broken image")


def test_axe_finds_nothing_where_the_page_is_refused(serve, page, finds_nothing):
    app = serve(1)
    page.goto(app.url + "?session=%0A")
    expect(page.get_by_role("heading", name="The server refused the page")).to_be_visible()
    finds_nothing(page, "refused")


def test_right_to_left_the_panels_change_sides_and_boxes_stay(serve, annotate, scenes, page):
    app = serve(2)
    person = annotate(app)
    person.sees(FIRST)
    person.drag((100, 100), (200, 220))
    page.evaluate("document.documentElement.dir = 'rtl'")
    stage = page.locator("#stage").bounding_box()
    assert page.locator("aside").bounding_box()["x"] < stage["x"] < page.locator("#rail").bounding_box()["x"]
    person.drag((300, 300), (400, 400))
    person.press("a")
    person.sees("flight-01.jpg")
    person.sees_saved()
    spans = app.answer_to(scenes[0].path)["spans"]
    assert [span["x"] for span in spans] == pytest.approx([100, 300], abs=2)


@pytest.mark.parametrize(("width", "height"), [(640, 400), (640, 900), (820, 1080)])
def test_enlarged_or_on_a_tablet_everything_can_be_reached(serve, annotate, page, width, height):
    page.set_viewport_size({"width": width, "height": height})
    person = annotate(serve(2))
    person.sees(FIRST)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for button in ("accept", "reject", "ignore", "undo", "skip", "flag"):
        area = page.get_by_role("button", name=button).first.bounding_box()
        assert area["x"] >= 0, button
        assert area["x"] + area["width"] <= width, button
        assert area["y"] + area["height"] <= height, button
