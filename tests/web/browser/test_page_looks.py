"""Screenshots of the page's main states, kept as artefacts; one of them is the README's."""

from __future__ import annotations

import shutil

import pytest
from playwright.sync_api import expect
from serving_app import DATASET

pytestmark = pytest.mark.browser


@pytest.fixture
def at_work(serve, annotate, seer, page):
    """Some images answered, the trainer in the middle of a round, two suggestions corrected and a box drawn."""

    def set_up(**media):
        page.emulate_media(**media)
        third = seer.truth["flight-02.jpg"]
        # The model knows the large ones and misses the rest.
        large, small = third[:2], third[2]
        seer.truth = {**seer.truth, "flight-02.jpg": [*large, third[3]]}
        app = serve(model=seer)
        app.store.set_trainer_status(DATASET, state="training", run=2, step=37, steps=100)
        app.store.add_metrics(DATASET, version=1, step=100, metrics={"DetectionBoxes_Precision/mAP": 0.62})
        person = annotate(app)
        for number, key in enumerate(("a", "x")):
            person.sees(f"flight-0{number}.jpg")
            expect(person.options).to_have_count(5)
            person.press(key)
        person.sees("flight-02.jpg")
        expect(person.options).to_have_count(3)
        expect(person.page.locator("#trainer-text")).to_have_text("Training: step 37 of 100")
        person.sees_saved()
        person.click(large[1]["x"] + large[1]["width"] / 2, large[1]["y"] + large[1]["height"] / 2)
        person.drag_handle("nw", (3, 3))
        person.drag_handle("se", (-2, -2))
        person.press("Escape")
        left, top, right, bottom = (
            *(small["x"] - 3, small["y"] - 3),
            *(small["x"] + small["width"] + 3, small["y"] + small["height"] + 3),
        )
        person.drag((left, top), (right, bottom))
        person.click((left + right) / 2, (top + bottom) / 2)
        expect(person.page.locator("#handles > :not([hidden])")).to_have_count(8)
        expect(person.options).to_have_text(["balloon 0.97", "balloon edited", "bird 0.85", "balloon"])
        return person

    return set_up


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_at_work(at_work, artifacts, readme_screenshot, scheme):
    person = at_work(color_scheme=scheme)
    name = {"light": "page.png", "dark": "page-dark.png"}[scheme]
    person.page.screenshot(path=artifacts / name)
    if readme_screenshot and scheme == "light":
        readme_screenshot.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(artifacts / name, readme_screenshot)


@pytest.mark.parametrize(("name", "width", "height"), [("tablet", 820, 1080), ("half", 640, 400), ("wide", 1920, 1080)])
def test_nothing_is_cut_off_at_any_size(at_work, artifacts, name, width, height):
    person = at_work()
    person.page.set_viewport_size({"width": width, "height": height})
    person.page.screenshot(path=artifacts / f"page-{name}.png")
    for button in ("accept", "reject", "ignore", "undo"):
        area = person.page.locator(f"#{button}").bounding_box()
        assert area["x"] >= 0
        assert area["x"] + area["width"] <= width
        assert area["y"] + area["height"] <= height
    overflow = (
        "document.documentElement.scrollWidth > innerWidth || document.documentElement.scrollHeight > innerHeight"
    )
    assert not person.page.evaluate(overflow)
    stage = person.page.locator("#stage").bounding_box()
    assert min(stage["width"], stage["height"]) > 120
