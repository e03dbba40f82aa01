"""Everything by keyboard, in Chromium; the assertions are on what the store holds."""

from __future__ import annotations

import csv
import random

import numpy as np
import pytest
from playwright.sync_api import expect
from serving_app import App

from teachbox.annotation import Prediction, make_span
from teachbox.boxes import iou

pytestmark = pytest.mark.browser

FIRST = "flight-00.jpg"


def box_of(span):
    return [span[key] for key in ("x", "y", "width", "height")]


@pytest.fixture
def shown(serve, annotate, seer, scenes):
    """The first scene with its suggestions, and what they are."""
    app = serve(4, model=seer)
    person = annotate(app)
    person.sees(FIRST)
    expect(person.options).to_have_count(5)
    return app, person, seer.spans(FIRST, 1), scenes[0].path


def answer_after_accept(app, person, path):
    person.press("a")
    person.sees("flight-01.jpg")
    person.sees_saved()
    return app.answer_to(path)


def test_tab_goes_through_the_boxes_and_out_to_the_page_at_the_end(shown):
    _, person, predicted, _ = shown
    selected, focused = person.page.get_by_role("option", selected=True), person.page.locator(":focus")
    for span in predicted:
        person.press("Tab")
        expect(selected).to_have_text(f"{span['label']} {span['score']:.2f}")
        expect(focused).to_have_id("box-body")
    expect(focused).to_have_attribute("aria-label", "box 5 of 5, bird, 0.73")
    person.press("Tab")
    expect(focused).to_have_id("delete")
    person.press("Shift+Tab")
    expect(focused).to_have_id("box-body")
    person.press("Shift+Tab", "Shift+Tab")
    expect(selected).to_have_text("balloon 0.85")


def test_arrows_move_and_size_a_box_by_pixels_of_the_image(shown):
    app, person, predicted, path = shown
    person.press("Tab", "ArrowLeft", "ArrowUp", "Shift+ArrowUp", "Shift+ArrowLeft", "ArrowRight")
    person.press("Alt+ArrowRight", "Alt+Shift+ArrowDown", "Alt+ArrowUp")
    (moved, *others) = answer_after_accept(app, person, path)["spans"]
    x, y, width, height = box_of(predicted[0])
    assert box_of(moved) == pytest.approx([x - 10, y - 11, width + 1, height + 9], abs=1e-3)
    assert others == predicted[1:]


def test_a_key_held_down_is_one_edit(shown):
    app, person, predicted, path = shown
    person.press("Tab")
    keyboard = person.page.keyboard
    for _ in range(12):
        keyboard.down("ArrowLeft")
    keyboard.up("ArrowLeft")
    person.press("ArrowUp", "z", "z")
    assert answer_after_accept(app, person, path)["spans"] == predicted


def test_a_handle_is_reached_and_moved(shown):
    app, person, predicted, path = shown
    focused = person.page.locator(":focus")
    person.press("Tab", "F2")
    expect(focused).to_have_attribute("aria-label", "top left corner")
    person.press("ArrowLeft", "Shift+ArrowUp", "Tab")
    expect(focused).to_have_attribute("aria-label", "top side")
    person.press("ArrowDown", "Escape")
    expect(focused).to_have_id("box-body")
    x, y, width, height = box_of(predicted[0])
    moved = answer_after_accept(app, person, path)["spans"][0]
    assert box_of(moved) == pytest.approx([x - 1, y - 9, width + 1, height + 9], abs=1e-3)


def test_a_polygon_is_edited_by_keys(serve, annotate, scenes):
    app = serve(2)
    person = annotate(app)
    person.sees(FIRST)
    person.press("p")
    for point in ((200, 100), (400, 100), (400, 300), (200, 300)):
        person.click(*point)
    person.press("Enter", "Tab", "F2", "ArrowLeft", "Tab", "Delete")
    points = answer_after_accept(app, person, scenes[0].path)["spans"][0]["points"]
    assert [value for point in points for value in point] == pytest.approx([199, 100, 400, 300, 200, 300], abs=1.2)


def test_a_box_is_made_copied_and_pasted_on_the_next_image(serve, annotate, scenes):
    app = serve(3)
    person = annotate(app)
    person.sees(FIRST)
    person.press("2", "i", "ArrowRight", "Control+c", "Control+v")
    expect(person.options).to_have_count(2)
    spans = answer_after_accept(app, person, scenes[0].path)["spans"]
    assert [span["label"] for span in spans] == ["bird", "bird"]
    (x, y, width, height), copy = map(box_of, spans)
    assert copy == [x + 10, y + 10, width, height]
    assert 200 < width < 400
    person.press("Control+v", "a")
    person.sees("flight-02.jpg")
    person.sees_saved()
    assert box_of(app.answer_to(scenes[1].path)["spans"][0]) == [x, y, width, height]


def test_a_label_is_chosen_by_its_name(shown):
    app, person, predicted, path = shown
    person.press("Tab", "l")
    person.page.keyboard.type("ship")
    expect(person.page.locator("#label-matches [role=option]")).to_have_text(["airship", "Add “ship”"])
    person.press("Enter")
    person.has_boxes("airship edited", *(f"{span['label']} {span['score']:.2f}" for span in predicted[1:]))
    person.press("/")
    person.page.keyboard.type("a")
    person.press("Escape")
    assert answer_after_accept(app, person, path)["spans"][0]["label"] == "airship"


def test_a_flag_is_stored_and_a_skipped_image_comes_again_with_what_was_done_to_it(shown, scenes):
    app, person, _, path = shown
    person.press("Tab", "Delete", "n")
    person.sees("flight-01.jpg")
    person.press("f", "a")
    person.sees("flight-02.jpg")
    person.press("f", "f", "a")
    person.sees("flight-03.jpg")
    person.press("a")
    person.sees(FIRST)
    expect(person.options).to_have_count(4)
    person.press("a")
    person.sees_saved()
    expect(person.page.get_by_role("heading", name="No more images")).to_be_visible()
    assert [task["meta"]["file"] for task in app.answers()] == [f"flight-0{n}.jpg" for n in (1, 2, 3, 0)]
    assert len(app.answer_to(path)["spans"]) == 4
    assert app.answer_to(scenes[1].path)["flagged"] is True
    assert "flagged" not in app.answer_to(scenes[2].path)


def test_a_key_is_changed_a_conflict_is_told_and_it_is_kept_for_one_person(serve, annotate, page):
    app = serve(4)
    person = annotate(app, "?session=ada")
    person.sees(FIRST)
    person.press("?")
    said = page.locator("#key-said")
    page.get_by_role("button", name="Change a for: Accept").click()
    person.press("3")
    expect(said).to_have_text("3 chooses a label. Press another key.")
    person.press("x")
    expect(said).to_have_text("x is “Reject”. Press it again to take it from there.")
    person.press("q")
    expect(said).to_have_text("q: Accept.")
    person.press("Escape", "a")
    expect(page.locator("#accept kbd")).to_have_text("q")
    person.page.reload()
    person.sees(FIRST)
    person.press("q")
    person.sees("flight-01.jpg")
    person.sees_saved()
    assert [task["answer"] for task in app.answers()] == ["accept"]
    page.goto(app.url + "?session=bob")
    expect(page.locator("#accept kbd")).to_have_text("a")


def test_digits_of_tenth_labels_come_before_the_key_that_fits(serve, annotate):
    person = annotate(serve(2))
    person.sees(FIRST)
    scale = person.page.locator("#canvas").get_attribute("data-scale")
    person.press("+", "+", "0")
    expect(person.page.locator("#canvas")).to_have_attribute("data-scale", scale)


# Thirty images with a detector that is right, beside it, wrong or blind as one is after some rounds.


def raccoons(folder):
    """The first thirty images of the training split, and their boxes."""
    boxes = {}
    with (folder / "raccoon" / "data" / "train_labels.csv").open() as lines:
        for row in csv.DictReader(lines):
            corners = [float(row[key]) for key in ("ymin", "xmin", "ymax", "xmax")]
            boxes.setdefault(row["filename"], []).append(corners)
    # Some images are there twice; the page shows each once.
    contents = {}
    for name in sorted(boxes):
        contents.setdefault((folder / "raccoon" / "images" / name).read_bytes(), name)
    names = list(contents.values())[:30]
    return [folder / "raccoon" / "images" / name for name in names], {name: boxes[name] for name in names}


class Detector:
    """Says of each image what it would say after forty: most boxes right, some beside, some missing, some too many."""

    def __init__(self, truth):
        self.truth = truth

    def served_version(self):
        return 1

    def predict(self, task, image):
        name = task["meta"]["file"]
        rng = random.Random(name)
        spans = []
        for ymin, xmin, ymax, xmax in self.truth[name]:
            kind = rng.random()
            slip = (0.02 if kind < 0.6 else 0.14) * min(ymax - ymin, xmax - xmin)
            if kind < 0.9:
                corners = [corner + rng.uniform(-slip, slip) for corner in (ymin, xmin, ymax, xmax)]
                spans.append(make_span("raccoon", *corners, score=0.9, version=1))
        if rng.random() < 0.12:
            spans.append(make_span("raccoon", 4, 4, 64, 84, score=0.6, version=1))
        return Prediction(1, spans)


def overlap(a, b):
    """Intersection over union of two `[ymin, xmin, ymax, xmax]`."""
    return float(iou(np.array([a]), np.array([b])).item())


def corners_of(span):
    x, y, width, height = box_of(span)
    return [y, x, y + height, x + width]


class Typist:
    """Corrects an image by keys alone, and counts them."""

    def __init__(self, person):
        self.person = person
        self.strokes = 0

    def press(self, *keys):
        self.strokes += len(keys)
        self.person.press(*keys)

    def steps(self, by, less, more):
        """Keys for a way of so many pixels, to within five."""
        return [f"Shift+{more if by > 0 else less}"] * round(abs(by) / 10)

    def fit(self, at, to):
        """Bring the selected box from one place to another."""
        (top, left, bottom, right), (to_top, to_left, to_bottom, to_right) = at, to
        down, across = round((to_top - top) / 10) * 10, round((to_left - left) / 10) * 10
        self.press(*self.steps(down, "ArrowUp", "ArrowDown"), *self.steps(across, "ArrowLeft", "ArrowRight"))
        for by, less, more in (
            (to_bottom - bottom - down, "ArrowUp", "ArrowDown"),
            (to_right - right - across, "ArrowLeft", "ArrowRight"),
        ):
            self.press(*(f"Alt+{key}" for key in self.steps(by, less, more)))

    def correct(self, predicted, truth):
        """Delete what is wrong, fit what is beside, make what is missing."""
        missing = list(truth)
        for span in predicted:
            at = corners_of(span)
            best = max(missing, key=lambda box: overlap(at, box), default=None)
            self.press("Tab")
            if best is None or overlap(at, best) < 0.5:
                self.press("Delete")
                # With nothing selected the next tab begins at the first box again.
                continue
            missing.remove(best)
            if overlap(at, best) < 0.85:
                self.fit(at, best)
        return missing


def test_thirty_images_by_keyboard_alone(datasets, store, annotate, capsys):
    paths, truth = raccoons(datasets)
    detector = Detector(truth)
    app = App(store, paths, detector, labels=[{"name": "raccoon", "color": "#e69f00"}])
    app.start()
    counts = []
    try:
        person = annotate(app)
        for path in paths:
            person.sees(path.name)
            predicted = detector.predict({"meta": {"file": path.name}}, None).spans
            expect(person.options).to_have_count(len(predicted))
            typist = Typist(person)
            wrong = any(
                max((overlap(corners_of(span), box) for box in truth[path.name]), default=0) < 0.85
                for span in predicted
            )
            if wrong or len(predicted) != len(truth[path.name]):
                for box in typist.correct(predicted, truth[path.name]):
                    typist.press("i")
                    typist.fit(inserted(person), box)
            typist.press("a")
            counts.append((path.name, typist.strokes))
        person.sees_saved()
        stored = {task["meta"]["file"]: task for task in app.answers()}
    finally:
        app.stop()
    with capsys.disabled():
        print("\nkey strokes per image:")
        for name, strokes in counts:
            print(f"  {name:20} {strokes}")
        total = sum(strokes for _, strokes in counts)
        print(f"  all: {total}, mean {total / 30:.1f}, untouched (1 key): {sum(n == 1 for _, n in counts)} of 30")
    assert len(stored) == 30
    for name, boxes in truth.items():
        spans = stored[name]["spans"]
        assert len(spans) == len(boxes), name
        for box in boxes:
            assert max(overlap(corners_of(span), box) for span in spans) >= 0.7, name
    untouched = [name for name, strokes in counts if strokes == 1]
    assert len(untouched) >= 10
    for name in untouched:
        assert stored[name]["spans"] == detector.predict({"meta": {"file": name}}, None).spans


def inserted(person):
    """Where the page puts a box that the keyboard makes: in the middle, a quarter of the image on each side."""
    width, height = (int(part) for part in person.page.locator("#size").inner_text().split(" × "))
    w, h = round(width / 4), round(height / 4)
    x, y = round((width - w) / 2), round((height - h) / 2)
    return [y, x, y + h, x + w]
