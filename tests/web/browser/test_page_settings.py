"""What settings make of the page: which parts there are, which tools, which colours, how dark the image is."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from teachbox.recipes.web_app import page_labels

pytestmark = pytest.mark.browser

FIRST, SECOND = "flight-00.jpg", "flight-01.jpg"


def test_parts_that_are_hidden_have_no_keys_either(serve, annotate, page, scenes):
    app = serve(3, config={"show_stats": False, "hide_meta": True, "show_flag": False, "buttons": ["accept", "undo"]})
    person = annotate(app)
    expect(page.locator("#canvas[data-task]:not([data-task=''])")).to_be_visible()
    for name in ("Reject", "Ignore", "Flag"):
        expect(page.get_by_role("button", name=name, exact=False)).to_have_count(0)
    assert page.locator("#file").is_hidden()
    assert page.locator("#counts").bounding_box()["width"] <= 1
    person.press("x", "Space", "f", "a")
    expect(page.locator("#file")).to_have_text(SECOND)
    person.sees_saved()
    assert [(task["meta"]["file"], task["answer"], "flagged" in task) for task in app.answers()] == [
        (FIRST, "accept", False)
    ]


def test_only_polygons_may_be_drawn(serve, annotate, page, scenes):
    app = serve(1, config={"image_manual_modes": ["polygon"]})
    person = annotate(app)
    person.sees(FIRST)
    expect(page.get_by_role("button", name="Polygon")).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_role("button", name="Box: drag")).to_have_count(0)
    person.press("b")
    for corner in ((100, 100), (200, 100), (200, 220)):
        person.click(*corner)
    person.press("Enter", "a")
    expect(page.get_by_role("heading", name="No more images")).to_be_visible()
    person.sees_saved()
    (span,) = app.answer_to(scenes[0].path)["spans"]
    assert (span["type"], len(span["points"])) == ("polygon", 3)


def test_darkened_image_and_width(serve, annotate, page):
    reading = "canvas => [...canvas.getContext('2d').getImageData(canvas.width / 2, canvas.height / 2, 1, 1).data]"
    light = annotate(serve(1))
    light.sees(FIRST)
    before = page.locator("#canvas").evaluate(reading)
    dark = annotate(serve(1, config={"darken_image": 0.5, "custom_theme": {"cardMaxWidth": 600}}))
    dark.sees(FIRST)
    assert page.locator("#stage").bounding_box()["width"] == 600
    after = page.locator("#canvas").evaluate(reading)
    assert sum(after[:3]) < 0.7 * sum(before[:3])


def test_more_answers_than_the_history_holds_are_not_taken_back(serve, annotate, page):
    app = serve(3, config={"history_length": 1})
    person = annotate(app)
    person.sees(FIRST)
    person.press("a")
    person.sees(SECOND)
    person.press("a")
    person.sees("flight-02.jpg")
    person.press("Backspace")
    person.sees(SECOND)
    expect(page.locator("#undo")).to_have_attribute("aria-disabled", "true")


def test_colours_come_from_theme_then_label_then_palette():
    labels = ["cat", {"name": "dog", "color": "#111111"}, {"name": "owl", "color": "#222222"}]
    assert [label["color"] for label in page_labels(labels, {"owl": "#333333", "fox": "#444444"})] == [
        "#e69f00",
        "#111111",
        "#333333",
    ]


def test_meta_of_a_task_is_dict(serve, annotate, page, scenes):
    first, second = (str(scene.path) for scene in scenes[:2])
    person = annotate(serve(tasks=[{"path": first, "meta": {"camera": "north", "hour": 7}}, {"path": second}]))
    person.sees(FIRST)
    expect(page.locator("#meta")).to_have_text("cameranorthhour7")
    person.press("a")
    person.sees(SECOND)
    expect(page.locator("#meta")).to_be_hidden()


def test_instructions_are_shown_and_their_scripts_do_not_run(serve, annotate, page, tmp_path):
    told = "<h1>Draw tight boxes</h1><script>parent.document.title = document.title = 'run'</script>"
    (tmp_path / "how.html").write_text(told)
    app = serve(2, config={"instructions": str(tmp_path / "how.html")})
    person = annotate(app)
    person.sees(FIRST)
    person.press("h")
    dialog = page.get_by_role("dialog", name="Instructions")
    expect(dialog).to_be_visible()
    frame = page.frame_locator("iframe[title=Instructions]")
    expect(frame.get_by_role("heading", name="Draw tight boxes")).to_be_visible()
    person.press("a")
    person.press("h")
    expect(dialog).to_be_hidden()
    person.sees(FIRST)
    page.get_by_role("button", name="Instructions").click()
    expect(dialog).to_be_visible()
    person.press("Escape")
    expect(dialog).to_be_hidden()
    assert page.title() == "flights · Teachbox"
    page.goto(f"{app.url}instructions")
    expect(page.get_by_role("heading", name="Draw tight boxes")).to_be_visible()
    assert page.title() == ""


def test_without_instructions_there_is_no_button(serve, annotate, page):
    app = serve(1)
    person = annotate(app)
    person.sees(FIRST)
    expect(page.get_by_role("button", name="Instructions")).to_have_count(0)
    person.press("h")
    assert page.get_by_role("dialog").count() == 0
    assert page.request.get(f"{app.url}instructions").status == 404
