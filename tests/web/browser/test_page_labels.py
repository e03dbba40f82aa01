"""Labels while labelling, in Chromium: added, renamed and recoloured by keyboard, on every open page, kept."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from serving_app import DATASET

pytestmark = pytest.mark.browser

FIRST, SECOND = "flight-00.jpg", "flight-01.jpg"


def bar(page):
    return page.locator("#labels .label .name")


def editor(page):
    return page.get_by_role("dialog", name="Labels")


def open_editor(person):
    """By its key, until the first field can be typed into."""
    person.press("Shift+L")
    expect(person.page.get_by_role("textbox", name="Name of the new label")).to_be_focused()


def test_added_drawn_renamed_and_there_again_after_a_reload(serve, annotate, scenes, page):
    app = serve(3)
    person = annotate(app)
    person.sees(FIRST)
    open_editor(person)
    page.keyboard.type("kite")
    person.press("Enter")
    expect(bar(page)).to_have_text(["balloon", "bird", "airship", "kite"])
    person.press("Escape", "4")
    person.drag((30, 450), (130, 550))
    person.has_boxes("kite")
    person.press("a")
    person.sees(SECOND)
    person.sees_saved()
    # Renamed with a box of it on the image, by keyboard alone.
    person.drag((30, 450), (130, 550))
    person.has_boxes("kite")
    open_editor(person)
    name = page.get_by_role("textbox", name="Name of kite")
    name.focus()
    person.press("Control+a")
    page.keyboard.type("dragon")
    person.press("Enter")
    expect(bar(page)).to_have_text(["balloon", "bird", "airship", "dragon"])
    person.press("Escape")
    person.has_boxes("dragon")
    person.press("a")
    person.sees("flight-02.jpg")
    person.sees_saved()
    (first, second) = [app.answer_to(scene.path)["spans"][0]["label"] for scene in scenes[:2]]
    assert (first, second) == ("dragon", "dragon")
    with app.store._database.read() as connection:
        logged = connection.exec_driver_sql("SELECT task FROM answers ORDER BY id").scalars().all()
    assert ["kite" in text for text in logged] == [True, False]
    person.press("o")
    expect(page.locator(".history-second")).to_have_text(["Accepted · dragon", "Accepted · dragon"])
    person.press("Escape")
    page.reload()
    person.sees("flight-02.jpg")
    expect(bar(page)).to_have_text(["balloon", "bird", "airship", "dragon"])
    # Taken back, the first image has its box under the new name.
    person.press("Backspace", "Backspace")
    person.sees(FIRST)
    person.has_boxes("dragon")
    assert [label.was for label in app.store.labels(DATASET).all()][-1] == ("kite",)


def test_what_the_server_refuses_is_said_and_escape_gives_it_up(serve, annotate, page):
    person = annotate(serve(1))
    person.sees(FIRST)
    open_editor(person)
    page.keyboard.type("Bird")
    person.press("Enter")
    alert = editor(page).get_by_role("alert")
    expect(alert).to_have_text("there is a label 'bird' already (id 2); choose another name")
    name = page.get_by_role("textbox", name="Name of airship")
    name.fill("balloon")
    name.press("Enter")
    expect(alert).to_contain_text("there is a label 'balloon' already (id 1)")
    name.press("Escape")
    expect(name).to_have_value("airship")
    expect(alert).to_be_hidden()
    name.press("Escape")
    expect(editor(page)).to_be_hidden()
    expect(bar(page)).to_have_text(["balloon", "bird", "airship"])


def test_another_page_hears_of_it_and_a_colour_is_kept(serve, annotate, seer, page, context, scenes):
    app = serve(6, model=seer)  # four of them go to the first page
    other = context.new_page()
    person = annotate(app)
    person.sees(FIRST)
    expect(person.options).to_have_count(5)
    other.goto(app.url + "?session=ann")
    expect(other.locator("#file")).to_have_text("flight-04.jpg")
    open_editor(person)
    color = editor(page).get_by_label("Colour of bird")
    color.evaluate("input => { input.value = '#ff0080'; input.dispatchEvent(new Event('change')); }")
    name = page.get_by_role("textbox", name="Name of bird")
    name.fill("swift")
    name.press("Enter")
    for one in (page, other):
        expect(bar(one)).to_have_text(["balloon", "swift", "airship"])
        expect(one.locator("#labels .label").nth(1)).to_have_attribute("style", "--label: #ff0080;")
        expect(one.locator("#boxes [role=option] .name", has_text="swift")).to_have_count(2)
    # What was predicted under the old name and accepted as it was, is no correction.
    person.press("Escape", "a")
    person.sees(SECOND)
    person.sees_saved()
    answer = app.answer_to(scenes[0].path)
    assert sorted(span["label"] for span in answer["spans"]) == ["balloon"] * 3 + ["swift"] * 2
    assert answer["replaced"] == []
    page.reload()
    person.sees(SECOND)
    expect(page.locator("#labels .label").nth(1)).to_have_attribute("style", "--label: #ff0080;")


def test_a_name_that_is_not_there_is_added_from_the_list_of_labels(serve, annotate, scenes, page):
    app = serve(2)
    person = annotate(app)
    person.sees(FIRST)
    person.press("l")
    page.keyboard.type("zeppelin")
    expect(page.get_by_role("option", name="Add “zeppelin”")).to_be_visible()
    person.press("Enter")
    expect(page.locator("#labels .label[aria-pressed=true] .name")).to_have_text("zeppelin")
    person.drag((30, 450), (130, 550))
    person.has_boxes("zeppelin")
    person.press("a")
    person.sees(SECOND)
    person.sees_saved()
    assert app.answer_to(scenes[0].path)["spans"][0]["label"] == "zeppelin"
    # A name that is there is chosen, not added.
    person.press("l")
    page.keyboard.type("bird")
    expect(page.locator("#label-matches [role=option]")).to_have_text(["bird"])
    person.press("Escape")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_looks_well(serve, annotate, page, artifacts, finds_nothing, scheme):
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    person = annotate(serve(1))
    person.sees(FIRST)
    open_editor(person)
    page.keyboard.type("balloon")
    person.press("Enter")
    expect(editor(page).get_by_role("alert")).to_contain_text("already")
    page.screenshot(path=artifacts / f"page-labels-{scheme}.png")
    finds_nothing(page, "labels edited")
    person.press("Escape")
