"""Answers given, taken back, kept and sent in Chromium; the assertions are on what the store holds."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect
from serving_app import DATASET

from teachbox.annotation import input_hash

pytestmark = pytest.mark.browser


def test_keys_answer_and_the_counters_count(serve, annotate, scenes):
    app = serve(5)
    person = annotate(app)
    for key, scene in zip(("a", "x", "Space", "a"), scenes, strict=False):
        person.sees(scene.path.name)
        person.press(key)
    person.sees("flight-04.jpg")
    person.sees_saved()
    assert [(task["meta"]["file"], task["answer"]) for task in app.answers()] == [
        ("flight-00.jpg", "accept"),
        ("flight-01.jpg", "reject"),
        ("flight-02.jpg", "ignore"),
        ("flight-03.jpg", "accept"),
    ]
    expect(person.page.locator("#count-accept")).to_have_text("2")
    expect(person.page.locator("#count-reject")).to_have_text("1")
    expect(person.page.locator("#count-ignore")).to_have_text("1")
    expect(person.page.locator("#progress-text")).to_have_text("80 % answered")


def test_an_image_without_objects_is_accepted_as_such(serve, annotate, scenes):
    app = serve(2)
    person = annotate(app)
    person.sees("flight-00.jpg")
    person.page.get_by_role("button", name="Accept: no objects").click()
    person.sees("flight-01.jpg")
    person.drag((100, 100), (200, 200))
    expect(person.page.get_by_role("button", name=re.compile("^Accept a$"))).to_be_visible()
    person.sees_saved()
    answer = app.answer_to(scenes[0].path)
    assert (answer["answer"], answer["spans"]) == ("accept", [])


def test_space_ignores_after_a_click_and_presses_a_button_that_the_keyboard_is_on(serve, annotate):
    app = serve(4)
    person = annotate(app)
    person.sees("flight-00.jpg")
    person.page.get_by_role("button", name="Reject").click()
    person.sees("flight-01.jpg")
    person.press("Space")
    person.sees("flight-02.jpg")
    person.page.get_by_role("button", name="Accept").focus()
    person.press("Tab", "Space")
    person.sees("flight-03.jpg")
    person.sees_saved()
    assert [task["answer"] for task in app.answers()] == ["reject", "ignore", "reject"]


def test_undo_brings_the_image_back_as_it_was_answered(serve, annotate, seer, scenes):
    app = serve(4, model=seer)
    person = annotate(app)
    person.sees("flight-00.jpg")
    expect(person.options).to_have_count(5)
    person.drag((30, 450), (130, 550))
    person.press("x")
    person.sees("flight-01.jpg")
    person.press("Space")
    person.sees("flight-02.jpg")
    person.press("Backspace", "Backspace")
    person.sees("flight-00.jpg")
    expect(person.options).to_have_count(6)
    person.press("z")
    expect(person.options).to_have_count(5)
    person.sees_saved()
    assert app.answers() == []
    person.press("a")
    person.sees("flight-01.jpg")
    person.sees_saved()
    answer = app.answer_to(scenes[0].path)
    assert (answer["answer"], answer["spans"]) == ("accept", seer.spans("flight-00.jpg", 1))
    expect(person.page.locator("#count-reject")).to_have_text("0")
    expect(person.page.locator("#count-ignore")).to_have_text("0")


def test_undo_leaves_the_edits_of_the_image_that_it_leaves(serve, annotate):
    person = annotate(serve(3))
    person.sees("flight-00.jpg")
    person.press("a")
    person.sees("flight-01.jpg")
    person.drag((100, 100), (200, 200))
    person.page.locator("#undo").click()
    person.sees("flight-00.jpg")
    person.press("a")
    person.sees("flight-01.jpg")
    person.has_boxes("balloon")


def test_a_reload_keeps_the_task_and_the_last_answer_can_still_be_taken_back(serve, annotate, scenes):
    app = serve(4)
    person = annotate(app)
    person.sees("flight-00.jpg")
    person.drag((100, 100), (200, 200))
    person.press("a")
    person.sees("flight-01.jpg")
    person.sees_saved()
    person.page.reload()
    person.sees("flight-01.jpg")
    person.press("Backspace")
    person.sees("flight-00.jpg")
    person.has_boxes("balloon")
    person.press("Delete")
    person.click(150, 150)
    person.press("Delete", "x")
    person.sees("flight-01.jpg")
    person.sees_saved()
    answer = app.answer_to(scenes[0].path)
    assert (answer["answer"], answer["spans"]) == ("reject", [])


def test_the_next_image_is_there_at_once(serve, annotate):
    person = annotate(serve())
    person.sees("flight-00.jpg")
    measure = """key => new Promise(done => {
        const canvas = document.getElementById("canvas");
        const before = canvas.dataset.task;
        const start = performance.now();
        const look = () => canvas.dataset.task && canvas.dataset.task !== before
            ? done(performance.now() - start) : requestAnimationFrame(look);
        document.dispatchEvent(new KeyboardEvent("keydown", {key, code: "KeyA", bubbles: true}));
        look();
    })"""
    # Three are held ahead: as many answers, given in a row, never wait for the server.
    times = [person.page.evaluate(measure, "a") for _ in range(3)]
    assert sorted(times)[1] < 100, times


def test_the_end_is_told_and_the_last_answer_can_be_taken_back(serve, annotate, artifacts):
    app = serve(1)
    person = annotate(app)
    person.sees("flight-00.jpg")
    person.press("a")
    expect(person.page.get_by_role("heading", name="No more images")).to_be_visible()
    expect(person.page.locator("#notice-text")).to_have_text("Every image is answered.")
    expect(person.page.locator("#progress-text")).to_have_text("100 % answered")
    expect(person.page.get_by_role("button", name="Accept")).to_be_disabled()
    person.sees_saved()
    person.page.screenshot(path=artifacts / "page-done.png")
    person.press("Backspace")
    person.sees("flight-00.jpg")
    person.sees_saved()
    assert app.answers() == []


def test_an_image_that_cannot_be_shown_is_not_accepted(serve, annotate, artifacts, scenes, page):
    app = serve(2)
    gone = input_hash(scenes[0].path.read_bytes())
    page.route(f"**/image/{gone}", lambda route: route.fulfill(status=404, json={"error": "the file is gone"}))
    person = annotate(app)
    expect(person.page.get_by_role("heading", name="This image cannot be shown")).to_be_visible()
    expect(person.page.get_by_role("button", name="Accept")).to_be_disabled()
    person.page.screenshot(path=artifacts / "page-broken.png")
    person.press("a", "Space")
    person.sees("flight-01.jpg")
    person.sees_saved()
    assert [task["answer"] for task in app.answers()] == ["ignore"]


def test_a_refused_answer_says_why_and_the_image_comes_again(serve, annotate):
    app = serve(3)
    person = annotate(app)
    person.sees("flight-00.jpg")
    refusal = {"error": "`spans` must be a list"}
    person.page.route("**/give_answers", lambda route: route.fulfill(status=400, json=refusal), times=1)
    person.press("a")
    expect(person.banner).to_contain_text("`spans` must be a list")
    person.sees("flight-01.jpg")
    person.press("a")
    person.sees("flight-00.jpg")
    person.press("x")
    person.sees("flight-02.jpg")
    person.sees_saved()
    assert sorted(task["answer"] for task in app.answers()) == ["accept", "reject"]
    expect(person.banner).to_be_hidden()


def test_the_save_key_saves_nothing_twice(serve, annotate):
    app = serve(2)
    person = annotate(app)
    person.sees("flight-00.jpg")
    person.press("a")
    person.sees("flight-01.jpg")
    person.press("Control+s")
    expect(person.page.locator("#live")).to_have_text(re.compile("saved"))
    person.sees_saved()
    assert len(app.store.effective_answers(DATASET)) == 1
