"""The history in Chromium: what was answered is filtered, opened, corrected; the store is asked what it holds."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect
from serving_app import DATASET

pytestmark = pytest.mark.browser


def rows(person):
    return person.page.locator(".history-row")


def files(person, *names):
    expect(rows(person).locator(".name")).to_have_text(list(names))


def answer_first(person, *keys):
    """Answer the first images, each with a key; wait until all is saved."""
    for number, key in enumerate(keys):
        person.sees(f"flight-0{number}.jpg")
        person.press(key)
    person.sees(f"flight-0{len(keys)}.jpg")
    person.sees_saved()


def test_an_old_answer_is_corrected_by_mouse(serve, annotate, seer, scenes, artifacts):
    app = serve(8, model=seer)
    person = annotate(app)
    person.sees("flight-00.jpg")
    expect(person.options).to_have_count(5)
    answer_first(person, "a", "x", "Space", "a")
    page = person.page
    page.get_by_role("button", name="History: what was answered").click()
    files(person, "flight-03.jpg", "flight-02.jpg", "flight-01.jpg", "flight-00.jpg")
    expect(rows(person).nth(2)).to_contain_text("Rejected · 3 balloon, 2 bird")
    size = "image => image.complete && [image.naturalWidth, image.naturalHeight].join()"
    expect(rows(person).first.locator("img")).to_have_js_property("complete", True)
    assert rows(person).first.locator("img").evaluate(size) == "128,85"
    # What is begun on the image in hand is there again afterwards.
    person.drag((30, 450), (130, 550))
    rows(person).nth(3).click()
    person.sees("flight-00.jpg")
    expect(person.page.locator("#boxes [role=option]")).to_have_count(5)
    first = seer.spans("flight-00.jpg", 1)[0]
    person.click(first["x"] + first["width"] / 2, first["y"] + first["height"] / 2)
    person.press("Delete")
    page.screenshot(path=artifacts / "page-history.png")
    person.press("a")
    person.sees("flight-04.jpg")
    expect(person.page.locator("#boxes [role=option]")).to_have_count(6)
    files(person, "flight-00.jpg", "flight-03.jpg", "flight-02.jpg", "flight-01.jpg")
    expect(rows(person).first).to_contain_text("11 % changed")
    person.sees_saved()
    answer = app.answer_to(scenes[0].path)
    assert (len(answer["spans"]), answer["replaced"]) == (4, [first])
    # The older answer is in the log as it was.
    older = app.store.history(DATASET).answer(1).task
    assert (older["answer"], older["spans"], older["replaced"]) == ("accept", seer.spans("flight-00.jpg", 1), [])
    assert app.store.last_answer_id(DATASET) == 5


def test_everything_by_keyboard(serve, annotate, scenes):
    app = serve(6)
    person = annotate(app)
    answer_first(person, "a", "a", "a")
    page = person.page
    person.press("o")
    files(person, "flight-02.jpg", "flight-01.jpg", "flight-00.jpg")
    expect(page.get_by_role("listbox", name="Answers, the newest first")).to_be_focused()
    person.press("ArrowDown", "ArrowDown")
    expect(rows(person).nth(1)).to_have_attribute("aria-selected", "true")
    person.press("Enter")
    person.sees("flight-01.jpg")
    person.press("i", "x")
    person.sees("flight-03.jpg")
    person.sees_saved()
    files(person, "flight-01.jpg", "flight-02.jpg", "flight-00.jpg")
    assert (app.answer_to(scenes[1].path)["answer"], len(app.answer_to(scenes[1].path)["spans"])) == ("reject", 1)
    # Opened, and put away as it was.
    person.press("o", "End", "Enter")
    person.sees("flight-00.jpg")
    person.press("i", "n")
    person.sees("flight-03.jpg")
    person.page.reload()
    person.sees("flight-03.jpg")
    person.press("o")
    files(person, "flight-01.jpg", "flight-02.jpg", "flight-00.jpg")
    person.press("Escape")
    assert app.store.last_answer_id(DATASET) == 4
    person.press("o", "Escape")
    expect(page.locator("#history")).to_be_hidden()
    person.press("a")
    person.sees("flight-04.jpg")


def test_a_correction_is_taken_back_like_any_answer(serve, annotate, scenes):
    app = serve(5)
    person = annotate(app)
    answer_first(person, "a", "a")
    person.press("o")
    files(person, "flight-01.jpg", "flight-00.jpg")
    person.press("End", "Enter")
    person.sees("flight-00.jpg")
    person.press("x")
    person.sees("flight-02.jpg")
    person.press("Backspace")
    person.sees("flight-00.jpg")
    person.press("Space")
    person.sees("flight-02.jpg")
    person.sees_saved()
    assert app.answer_to(scenes[0].path)["answer"] == "ignore"


def test_filters(serve, annotate, seer, browser):
    app = serve(8, model=seer)
    person = annotate(app, "?session=ada")
    person.sees("flight-00.jpg")
    expect(person.options).to_have_count(5)
    person.press("f", "a")
    person.sees("flight-01.jpg")
    person.press("Delete", "x")
    person.sees("flight-02.jpg")
    first = seer.spans("flight-02.jpg", 1)[0]
    person.click(first["x"] + first["width"] / 2, first["y"] + first["height"] / 2)
    person.press("Delete", "a")
    person.sees("flight-03.jpg")
    person.sees_saved()
    with browser.new_context() as context:
        other = context.new_page()
        other.goto(app.url + "?session=bob")
        expect(other.locator("#file")).to_have_text("flight-07.jpg")
        expect(other.locator("#accept")).to_be_enabled()
        other.keyboard.press("a")
        expect(other.locator("#saved")).to_have_text("Saved")
    person.press("o")
    page = person.page
    files(person, "flight-07.jpg", "flight-02.jpg", "flight-01.jpg", "flight-00.jpg")

    def only(name, value, *found):
        page.get_by_label(name, exact=True).select_option(value)
        files(person, *found)
        page.get_by_label(name, exact=True).select_option("")

    only("Answer", "reject", "flight-01.jpg")
    only("Annotator", f"{DATASET}-bob", "flight-07.jpg")
    only("Against the model", "0.001", "flight-02.jpg")
    only("Label", "airship")
    expect(page.locator(".history-note")).to_have_text("")
    page.get_by_label("Flagged").check()
    files(person, "flight-00.jpg")
    expect(rows(person)).to_contain_text("Flagged")
    # A letter that chooses in a field answers nothing.
    page.get_by_label("Answer", exact=True).focus()
    person.press("a")
    person.sees("flight-03.jpg")
    assert len(app.answers()) == 4


def test_the_list_has_no_end_but_the_log_s(serve, annotate, scenes):
    app = serve(2)
    tasks = [
        {
            **{"_input_hash": number, "_task_hash": number, "path": f"/of-old/{number:03}.jpg", "answer": "accept"},
            **{"spans": [], "width": 9, "height": 9},
        }
        for number in range(130)
    ]
    app.store.add_answers(DATASET, "of-old", tasks)
    person = annotate(app)
    person.sees("flight-00.jpg")
    asked = []
    person.page.on("request", lambda request: asked.append(request.url) if "/history?" in request.url else None)
    person.press("o")
    expect(rows(person)).to_have_count(40)
    person.press("End")
    expect(rows(person)).to_have_count(80)
    person.press("End")
    expect(rows(person)).to_have_count(120)
    person.press("End")
    expect(rows(person)).to_have_count(130)
    assert [re.sub(r".*\?", "", url) for url in asked] == ["", "before=91", "before=51", "before=11"]
    person.press("End")
    # Its image is nowhere: that is said, and nothing is answered for it.
    person.press("Enter")
    expect(person.page.get_by_role("heading", name="This image cannot be shown")).to_be_visible()
    person.press("n")
    person.sees("flight-00.jpg")
