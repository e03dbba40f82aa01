"""How the work goes, in Chromium: figures, charts and their tables, by key and by mouse."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from serving_app import DATASET

pytestmark = pytest.mark.browser


def rows_of(chart):
    """A chart's table, without its row of names."""
    chart.get_by_text("As a table").click()
    return [row.locator("td").all_inner_texts() for row in chart.locator("tr:has(td)").all()]


def test_what_was_done_is_what_is_shown(serve, annotate, seer):
    app = serve(8, model=seer)
    person = annotate(app)
    person.sees("flight-00.jpg")
    expect(person.options).to_have_count(5)
    person.press("a")  # untouched
    person.sees("flight-01.jpg")
    expect(person.options).not_to_have_count(0)
    person.drag((30, 450), (130, 550))  # one added
    person.press("a")
    person.sees("flight-02.jpg")
    expect(person.options).not_to_have_count(0)
    person.press("Tab", "Delete", "Tab", "ArrowRight")  # one removed, one moved
    person.press("a")
    person.sees("flight-03.jpg")
    seer.version = 2
    expect(person.page.locator("#model-text")).to_have_text("Serving version 2")
    person.press("x")
    person.sees("flight-04.jpg")
    person.has_boxes(*(f"{span['label']} {span['score']:.2f}" for span in seer.spans("flight-04.jpg", 2)))
    person.press("a")
    person.sees("flight-05.jpg")
    person.sees_saved()

    person.press("m")
    dialog = person.page.get_by_role("dialog", name="Progress")
    figures = dialog.locator(".figures")
    expect(figures).to_contain_text("Answered5 of 8 (62 %)")
    expect(figures).to_contain_text("Accepted untouched50 % of 4")  # a rejected image says nothing of the suggestions
    first, *others = app.store.effective_answers(DATASET)
    pace = sum(len(one.task["spans"]) for one in others) / (others[-1].created - first.created) * 60
    expect(figures).to_contain_text(f"Boxes a minute{pace:.1f}")
    charts = dialog.locator(".chart")
    names = "accepted images with suggestionsaddedmovedremoved"
    expect(charts.nth(0).locator("tr").first).to_have_text(names)
    assert rows_of(charts.nth(0)) == [
        ["1", "0", "0", "0"],
        ["2", "1", "0", "0"],
        ["3", "0", "1", "1"],
        ["4", "0", "0", "0"],
    ]
    (_, agreement, untouched), later = rows_of(charts.nth(1))
    assert untouched == "0.33"
    assert 0.8 < float(agreement) < 1  # one box too few, one too many, one a pixel beside
    assert later == ["2", "1", "1"]


def test_learning_curve_round_and_board(serve, annotate, seer, artifacts):
    app = serve(2, model=seer)
    person = annotate(app)
    person.sees("flight-00.jpg")
    expect(person.page.locator("#model-text")).to_have_text("Serving version 1")
    name, category = "DetectionBoxes_Precision/mAP", "DetectionBoxes_PerformanceByCategory/mAP/"
    for version, (mean, balloon) in enumerate([(0.2, 0.3), (0.45, 0.5), (0.62, 0.7)], 1):
        metrics = {name: mean, f"{category}balloon": balloon, f"{category}bird": mean - 0.1}
        app.store.add_metrics(DATASET, version=version, step=40 * version, metrics=metrics)
    app.store.start_run(DATASET, steps=40, answers=2)
    app.store.set_trainer_status(DATASET, state="training", step=10, steps=40)
    person.press("m")
    dialog = person.page.get_by_role("dialog", name="Progress")
    expect(dialog.locator(".figures")).to_contain_text("step 10 of 40")
    expect(dialog).to_contain_text("Version 1 serves: mAP 0.20.")
    curve = dialog.locator(".chart")
    expect(curve.locator("figcaption")).to_have_text("Learning curve: average precision")
    rows = [["1", "0.2", "0.3", "0.1"], ["2", "0.45", "0.5", "0.35"], ["3", "0.62", "0.7", "0.52"]]
    assert rows_of(curve) == rows
    person.page.screenshot(path=artifacts / "page-progress.png")

    # One class beside the mean; an evaluation that comes meanwhile changes neither the choice nor the open table.
    dialog.get_by_label("Classes").select_option("bird")
    expect(curve.locator("polyline")).to_have_count(2)
    app.store.add_metrics(DATASET, version=4, step=160, metrics={name: 0.7, f"{category}balloon": 0.8})
    app.board = ":6006"
    expect(curve.locator("tr").nth(4)).to_have_text("40.7–")
    expect(curve.locator("tr").nth(3)).to_have_text("30.620.52")
    board = dialog.get_by_role("link", name="TensorBoard")
    expect(board).to_have_attribute("href", "http://127.0.0.1:6006")
    dialog.get_by_label("Classes").select_option("none, the mean alone")
    expect(curve.locator("polyline")).to_have_count(1)
    # The page's keys do nothing behind it.
    person.press("a", "Escape")
    expect(dialog).to_be_hidden()
    person.page.get_by_role("button", name="Progress: how the work goes").click()
    expect(dialog).to_be_visible()
    dialog.get_by_role("button", name="Close").click()
    assert app.answers() == []


def test_before_the_first_answer(serve, annotate):
    person = annotate(serve(2))
    person.sees("flight-00.jpg")
    person.press("m")
    dialog = person.page.get_by_role("dialog", name="Progress")
    expect(dialog).to_contain_text("No version has been evaluated")
    expect(dialog.locator(".chart")).to_have_count(0)
