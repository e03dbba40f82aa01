"""What reaches an open page by itself: predictions, the trainer's doings, the loss of the server."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from serving_app import DATASET

pytestmark = pytest.mark.browser

FIRST = "flight-00.jpg"


def texts(spans):
    return [f"{span['label']} {span['score']:.2f}" for span in spans]


def test_suggestions_appear_on_the_image_that_is_shown(serve, annotate, seer, scenes):
    seer.version = None
    app = serve(3, model=seer)
    person = annotate(app)
    person.sees(FIRST)
    expect(person.page.locator("#model-text")).to_have_text("No model served yet")
    expect(person.options).to_have_count(0)
    seer.version = 1
    person.has_boxes(*texts(seer.spans(FIRST, 1)))
    expect(person.page.locator("#model-text")).to_have_text("Serving version 1")
    seer.version = 2
    expect(person.page.locator("#model-text")).to_have_text("Serving version 2")
    person.has_boxes(*texts(seer.spans(FIRST, 2)))
    person.press("a")
    person.sees("flight-01.jpg")
    person.sees_saved()
    answer = app.answer_to(scenes[0].path)
    assert (answer["version"], answer["spans"]) == (2, seer.spans(FIRST, 2))


def test_a_late_prediction_never_overwrites_what_a_person_touched(serve, annotate, seer, scenes):
    app = serve(3, model=seer)
    person = annotate(app)
    person.sees(FIRST)
    expect(person.options).to_have_count(5)
    person.drag((30, 450), (130, 550))
    seer.version = 2
    # The images behind it are predicted anew, after the one that is shown.
    expect(person.page.locator("#model-text")).to_have_text("Serving version 2")
    second = scenes[1].path.name
    person.page.wait_for_function(
        "async () => (await (await fetch('status')).json()).served_version === 2"
        " && !(await (await fetch('status')).json()).predicting"
    )
    person.press("a")
    person.sees(second)
    person.has_boxes(*texts(seer.spans(second, 2)))
    person.sees_saved()
    *predicted, drawn = app.answer_to(scenes[0].path)["spans"]
    assert predicted == seer.spans(FIRST, 1)
    assert "score" not in drawn


def test_a_late_prediction_waits_until_the_person_lets_go(serve, annotate, seer):
    app = serve(2, model=seer)
    person = annotate(app)
    person.sees(FIRST)
    person.has_boxes(*texts(seer.spans(FIRST, 1)))
    x = seer.spans(FIRST, 1)[0]
    person.click(x["x"] + x["width"] / 2, x["y"] + x["height"] / 2)
    expect(person.page.get_by_role("option", selected=True)).to_have_count(1)
    seer.version = 9
    expect(person.page.locator("#model-text")).to_have_text("Serving version 9")
    with person.page.expect_response("**/get_session_questions"):
        person.press("Escape")
        person.sees(FIRST)
        person.press("a")
    person.sees_saved()
    (answer,) = app.answers()
    assert answer["version"] in (1, 9)
    assert answer["spans"] == seer.spans(FIRST, answer["version"])


def test_the_line_tells_what_the_trainer_does(serve, annotate, seer):
    app = serve(2, model=seer)
    person = annotate(app)
    person.sees(FIRST)
    trainer, bar = person.page.locator("#trainer-text"), person.page.get_by_role("progressbar", name="Training")
    app.store.set_trainer_status(DATASET, state="waiting")
    expect(trainer).to_have_text("Waiting for answers")
    app.store.set_trainer_status(DATASET, state="training", run=1, step=37, steps=100)
    expect(trainer).to_have_text("Training: step 37 of 100")
    expect(bar).to_have_js_property("value", 0.37)
    app.store.set_trainer_status(DATASET, state="evaluating")
    expect(trainer).to_have_text("Evaluating")
    expect(bar).to_be_hidden()
    app.store.add_metrics(DATASET, version=1, step=100, metrics={"DetectionBoxes_Precision/mAP": 0.4567})
    app.store.set_trainer_status(DATASET, state="waiting")
    expect(person.page.locator("#model-text")).to_have_text("Serving version 1 · mAP 0.46")
    app.store.set_trainer_status(DATASET, state="failed", message="the disk is full")
    expect(trainer).to_have_text("Trainer failed: the disk is full")


def test_answers_given_while_the_server_is_gone_are_stored_once_when_it_is_back(serve, annotate, artifacts):
    app = serve(6)
    person = annotate(app)
    person.sees(FIRST)
    person.press("a")
    person.sees("flight-01.jpg")
    person.sees_saved()
    app.stop()
    expect(person.banner).to_contain_text("The server does not answer")
    person.drag((100, 100), (200, 200))
    person.press("a")
    person.sees("flight-02.jpg")
    person.press("x")
    person.sees("flight-03.jpg")
    expect(person.saved).to_have_text("2 not saved – retrying")
    person.page.screenshot(path=artifacts / "page-server-gone.png")
    app.start()
    expect(person.banner).to_be_hidden()
    person.sees_saved()
    assert [(task["meta"]["file"], task["answer"], len(task["spans"])) for task in app.answers()] == [
        ("flight-00.jpg", "accept", 0),
        ("flight-01.jpg", "accept", 1),
        ("flight-02.jpg", "reject", 0),
    ]
    for number in (3, 4, 5):
        person.sees(f"flight-0{number}.jpg")
        person.press("a")
    expect(person.page.get_by_role("heading", name="No more images")).to_be_visible()
    person.sees_saved()
    assert len(app.answers()) == 6


def test_an_answer_whose_acknowledgement_was_lost_is_stored_once(serve, annotate):
    app = serve(3)
    person = annotate(app)
    person.sees(FIRST)

    def lose_the_acknowledgement(route):
        route.fetch()
        route.abort()

    person.page.route("**/give_answers", lose_the_acknowledgement, times=1)
    person.press("a")
    person.sees("flight-01.jpg")
    expect(person.saved).to_have_text("Not saved – retrying")
    person.sees_saved()
    rows = app.store.effective_answers(DATASET)
    assert [row.task["meta"]["file"] for row in rows] == [FIRST]
    assert app.store.last_answer_id(DATASET) == rows[0].id


def test_an_answer_that_was_not_sent_outlives_a_reload(serve, annotate, scenes):
    app = serve(3)
    person = annotate(app)
    person.sees(FIRST)
    person.page.route("**/give_answers", lambda route: route.abort())
    person.drag((100, 100), (200, 200))
    person.press("a")
    person.sees("flight-01.jpg")
    expect(person.saved).to_have_text("Not saved – retrying")
    assert app.answers() == []
    person.page.unroute("**/give_answers")
    person.page.reload()
    person.sees("flight-01.jpg")
    person.sees_saved()
    assert len(app.answer_to(scenes[0].path)["spans"]) == 1


def test_two_named_sessions_get_different_images(serve, annotate, page, browser):
    app = serve(8)
    one = annotate(app, "?session=ada")
    one.sees(FIRST)
    with browser.new_context() as context:
        other = context.new_page()
        other.goto(app.url + "?session=bob")
        expect(other.locator("#file")).to_have_text("flight-04.jpg")
    one.press("a")
    one.sees("flight-01.jpg")
    one.sees_saved()
    assert [row.session_id for row in app.store.effective_answers(DATASET)] == [f"{DATASET}-ada"]
