"""How the work goes, in Chromium: figures, charts and their tables, by key and by mouse."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from serving_app import DATASET

pytestmark = pytest.mark.browser


def test_figures_charts_and_tables(serve, annotate, seer, artifacts):
    app = serve(8, model=seer)
    person = annotate(app)
    person.sees("flight-00.jpg")
    expect(person.options).to_have_count(5)
    person.press("a")
    person.sees("flight-01.jpg")
    person.drag((30, 450), (130, 550))
    person.press("a")
    person.sees("flight-02.jpg")
    person.sees_saved()
    name, category = "DetectionBoxes_Precision/mAP", "DetectionBoxes_PerformanceByCategory/mAP/"
    for version, (mean, balloon) in enumerate([(0.2, 0.3), (0.45, 0.5), (0.62, 0.7)], 1):
        metrics = {name: mean, f"{category}balloon": balloon, f"{category}bird": mean - 0.1}
        app.store.add_metrics(DATASET, version=version, step=40 * version, metrics=metrics)
    app.store.start_run(DATASET, steps=40, answers=2)
    app.store.set_trainer_status(DATASET, state="training", step=10, steps=40)
    person.press("m")
    dialog = person.page.get_by_role("dialog", name="Progress")
    expect(dialog.locator(".figures")).to_contain_text("2 (25 %)")
    expect(dialog.locator(".figures")).to_contain_text("50 % of 2")
    expect(dialog.locator(".figures")).to_contain_text("step 10 of 40")
    charts = dialog.locator(".chart")
    titles = ["Corrections: boxes an image", "How well the suggestions fit", "Learning curve: average precision"]
    expect(charts.locator("figcaption")).to_have_text(titles)
    expect(charts.nth(0).locator("polyline")).to_have_count(3)
    charts.nth(2).get_by_text("As a table").click()
    expect(charts.nth(2).locator("tr").nth(3)).to_have_text("30.620.70.52")
    person.page.screenshot(path=artifacts / "page-progress.png")
    # The page's keys do nothing behind it.
    person.press("a", "Escape")
    expect(dialog).to_be_hidden()
    person.sees("flight-02.jpg")
    person.page.get_by_role("button", name="Progress: how the work goes").click()
    expect(dialog).to_be_visible()
    dialog.get_by_role("button", name="Close").click()
    assert len(app.answers()) == 2


def test_before_the_first_answer(serve, annotate):
    person = annotate(serve(2))
    person.sees("flight-00.jpg")
    person.press("m")
    dialog = person.page.get_by_role("dialog", name="Progress")
    expect(dialog).to_contain_text("No version has been evaluated")
    expect(dialog.locator(".chart")).to_have_count(0)
