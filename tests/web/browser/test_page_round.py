"""The whole round in Chromium with the real trainer and model server: label, wait, correct, look at the store."""

from __future__ import annotations

import re
import time

import pytest
from live import PATIENCE_S, ROUND, Command
from playwright.sync_api import expect

from teachbox.recipes import demo
from teachbox.recipes.demo_scenes import LABELS, write_scenes
from teachbox.recipes.play import read_boxes
from teachbox.store import Store

pytestmark = [pytest.mark.browser, pytest.mark.e2e, pytest.mark.tf]

# The untaught detector scores about 0.1 everywhere; after so many steps what it knows is above.
THRESHOLD, STEPS = 0.2, 40
PIXEL = 2.0
"""A pixel of the screen, in pixels of the image, and a little."""


@pytest.fixture
def command(tmp_path):
    """The loop on drawn scenes; its detector starts from random weights."""
    write_scenes(tmp_path, 60, seed=3)
    demo._write_project(tmp_path)
    running = Command(tmp_path, THRESHOLD, STEPS)
    yield running
    running.kill()


def draw(person, boxes):
    """Draw the boxes, each with the key of its label; with shift, a suggestion under the pointer stays where it is."""
    for label, (xmin, ymin, xmax, ymax) in boxes:
        person.press(str(LABELS.index(label) + 1))
        person.page.keyboard.down("Shift")
        person.drag((xmin, ymin), (xmax, ymax))
        person.page.keyboard.up("Shift")


def box_of(span):
    return [span["x"], span["y"], span["x"] + span["width"], span["y"] + span["height"]]


def test_a_person_teaches_the_detector(command, annotate):
    known = read_boxes(command.project / "boxes.csv")
    person = annotate(command)
    page = person.page
    file = page.locator("#file")
    expect(page.locator("#model-text")).to_contain_text("Serving", timeout=PATIENCE_S * 1000)

    # A round's worth of images, boxes drawn by hand.
    drawn = []
    for _ in range(ROUND):
        expect(file).not_to_have_text(drawn[-1] if drawn else "–")
        name = file.inner_text()
        person.sees(name)
        draw(person, known[name])
        expect(person.options).to_have_count(len(known[name]))
        person.press("a")
        drawn.append(name)
    person.sees_saved()
    expect(page.locator("#trainer-text")).to_have_text(
        re.compile(rf"Training: step \d+ of {STEPS}"), timeout=PATIENCE_S * 1000
    )

    # Later images arrive with boxes of a newer version; until there is one, the person goes on labelling.
    deadline = time.monotonic() + 2 * PATIENCE_S
    while not page.locator("#boxes .suggestion").count():
        assert time.monotonic() < deadline, "no predicted box has come"
        expect(file).not_to_have_text(drawn[-1])
        name = file.inner_text()
        person.sees(name)
        if page.locator("[role=option]").count() == 0 and page.locator("#trainer-text").inner_text().startswith("Wait"):
            draw(person, known[name])
            person.press("a")
            drawn.append(name)
        else:
            page.wait_for_timeout(200)
    corrected = file.inner_text()
    person.options.first.click()
    person.drag_handle("se", (12, 9))
    # Until an edit, boxes of a newer version take the place of those shown. Of many, the list makes only some.
    expect(page.locator("#boxes [aria-selected=true]:not(.suggestion)")).to_have_count(1)
    shown = int(page.locator("#box-count").inner_text())
    person.press("a")
    person.sees_saved()

    with Store.open(command.project / "teachbox.db") as store:
        answers = {answer.task["meta"]["file"]: answer for answer in store.effective_answers("scenes")}
        versions = [version.version for version in store.versions("scenes")]
        runs = store.runs("scenes")
    assert set(answers) == {*drawn, corrected}
    assert {answer.answer for answer in answers.values()} == {"accept"}
    for name in drawn[:ROUND]:
        spans = answers[name].task["spans"]
        assert [span["label"] for span in spans] == [label for label, _ in known[name]]
        for span, (_, box) in zip(spans, known[name], strict=True):
            assert box_of(span) == pytest.approx(list(box), abs=PIXEL)
    assert runs[0].state == "finished"
    assert runs[0].version in versions
    task = answers[corrected].task
    assert task["version"] in versions[1:]
    edited = [span for span in task["spans"] if span.get("touched")]
    untouched = [span for span in task["spans"] if not span.get("touched")]
    assert len(edited) == 1
    assert len(untouched) == shown - 1
    assert {span["version"] for span in untouched} <= {task["version"]}
