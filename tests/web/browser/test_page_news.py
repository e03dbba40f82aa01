"""The quiet line about a version that serves since the page was opened, in Chromium."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from serving_app import DATASET

pytestmark = pytest.mark.browser

MEAN, CLASS = "DetectionBoxes_Precision/mAP", "DetectionBoxes_PerformanceByCategory/mAP/"


def round_over(app, version, images, boxes, loss):
    app.store.log_event(DATASET, "trained", run=1, version=version, images=images, boxes=boxes, loss=loss)


def evaluated(app, version, mean, balloon, bird):
    metrics = {MEAN: mean, f"{CLASS}balloon": balloon, f"{CLASS}bird": bird}
    app.store.add_metrics(DATASET, version=version, step=version, metrics=metrics)


def test_what_a_new_version_brings(serve, annotate, seer, artifacts):
    app = serve(4, model=seer)
    person = annotate(app)
    person.sees("flight-00.jpg")
    expect(person.page.locator("#model-text")).to_have_text("Serving version 1")
    news = person.page.locator("#news").get_by_role("status")
    dismiss = person.page.get_by_role("button", name="Dismiss")
    round_over(app, 1, 10, 20, 1.5)
    evaluated(app, 1, 0.25, 0.25, 0.25)
    expect(person.page.locator("#model-text")).to_have_text("Serving version 1 · mAP 0.25")
    expect(news).to_have_text("")  # it served when the page was opened
    expect(dismiss).to_be_hidden()

    # Served before it is evaluated: what it learned from, at once; the focus is where it was.
    round_over(app, 2, 20, 45, 0.75)
    app.store.set_trainer_status(DATASET, state="evaluating")
    person.page.locator("#boxes").focus()
    seer.version = 2
    expect(news).to_have_text(
        "Version 2 serves. It learned from 20 images with 45 boxes (+10 and +25); training loss 1.50 → 0.75. "
        "It is being evaluated."
    )
    expect(person.page.locator("#boxes")).to_be_focused()
    evaluated(app, 2, 0.5, 0.75, 0.2)
    app.store.set_trainer_status(DATASET, state="waiting")
    expect(news).to_have_text(
        "Version 2 is better than the last one measured: mAP 0.25 → 0.50. balloon gained most, 0.25 → 0.75. "
        "bird lost most, 0.25 → 0.20."
    )
    person.page.screenshot(path=artifacts / "page-news.png")
    # It is work as before, and the keys are the image's again after the line is put away.
    dismiss.click()
    expect(news).to_have_text("")
    person.press("a")
    person.sees("flight-01.jpg")
    # Put away, it stays so until another version serves; what it said stands in the figures.
    app.store.set_trainer_status(DATASET, state="training", step=1, steps=40)
    expect(person.page.locator("#trainer-text")).to_have_text("Training: step 1 of 40")
    expect(news).to_have_text("")
    person.press("m")
    dialog = person.page.get_by_role("dialog", name="Progress")
    expect(dialog).to_contain_text("Version 2 is better than the last one measured: mAP 0.25 → 0.50.")
    person.press("Escape")
    evaluated(app, 3, 0.25, 0.75, 0.2)
    seer.version = 3
    expect(news).to_contain_text("Version 3 is worse than the last one measured: mAP 0.50 → 0.25.")


def test_a_version_of_which_nothing_is_known_is_no_news(serve, annotate, seer):
    app = serve(2, model=seer)
    person = annotate(app)
    person.sees("flight-00.jpg")
    expect(person.page.locator("#model-text")).to_have_text("Serving version 1")
    with person.page.expect_response("**/news?version=2"):
        seer.version = 2
    expect(person.page.locator("#model-text")).to_have_text("Serving version 2")
    expect(person.page.get_by_role("button", name="Dismiss")).to_be_hidden()
