"""Names, options and settings with HTML in them are text; what came in all the same would not run."""

from __future__ import annotations

import shutil

import pytest
from playwright.sync_api import expect

from teachbox.annotation import make_span

pytestmark = pytest.mark.browser

EVIL = "\"'><img src=x onerror=ran=1><script>ran=1</script>"
MEAN, CLASS = "DetectionBoxes_Precision/mAP", "DetectionBoxes_PerformanceByCategory/mAP/"
NOTHING_RAN = "typeof ran === 'undefined' && !document.querySelector('img[onerror], script:not([src], #project)')"


@pytest.fixture
def hostile(scenes, tmp_path):
    """An image whose file is named by HTML, with a box, options and facts that are."""
    path = tmp_path / "<img src=x onerror=ran=1>.jpg"
    shutil.copy(scenes[0].path, path)
    return {
        "path": str(path),
        "spans": [make_span(EVIL, 100, 100, 200, 200)],
        "options": [{"id": EVIL, "text": EVIL}],
        "text": EVIL,
        "meta": {EVIL: EVIL},
    }


@pytest.fixture
def labels():
    return [{"name": EVIL, "color": "#e69f00"}, {"name": "plain", "color": "#56b4e9"}]


@pytest.mark.parametrize("view_id", ["image_manual", "choice"])
def test_html_in_names_is_text(serve, annotate, page, hostile, labels, store, view_id):
    store.add_metrics("flights", version=1, step=10, metrics={MEAN: 0.6, CLASS + EVIL: 0.5})
    app = serve(tasks=[hostile], labels=labels, view_id=view_id)
    person = annotate(app, "?session=%3Cimg%20src%3Dx%20onerror%3Dran%3D1%3E")
    person.sees("<img src=x onerror=ran=1>.jpg")
    person.has_boxes(EVIL)
    expect(page.locator("#meta dt")).to_have_text(EVIL)
    if view_id == "choice":
        expect(page.get_by_role("heading", name=EVIL)).to_be_visible()
        expect(page.locator("#question .name")).to_have_text(EVIL)
    else:
        expect(page.locator("#labels")).to_contain_text(EVIL)
        person.press("Shift+l")
        expect(page.get_by_label(f"Name of {EVIL}")).to_have_value(EVIL)
        person.press("Escape", "l")
        expect(page.locator("#label-matches")).to_contain_text(EVIL)
        person.press("Escape")
    person.press("m")
    expect(page.locator(".curve .legend")).to_have_text(f"all (mAP) 0.6{EVIL} 0.5")
    person.press("Escape", "a")
    person.sees_saved()
    page.get_by_role("button", name="History: what was answered").click()
    expect(page.locator(".history-row .name")).to_have_text("<img src=x onerror=ran=1>.jpg")
    assert page.evaluate(NOTHING_RAN)


def test_a_colour_that_is_none_is_grey(serve, annotate, page, store):
    """The server refuses it too; the page does not count on that."""
    store.add_metrics("flights", version=1, step=10, metrics={MEAN: 0.6, f"{CLASS}ghost": 0.5})
    app = serve(1, config={"custom_theme": {"labels": {"ghost": "#123456"}}})

    def answer(route):
        told = route.fetch()
        route.fulfill(response=told, body=told.text().replace("#123456", '\\"/>\\u003cimg src=x onerror=ran=1>'))

    page.route(app.url, answer)
    person = annotate(app)
    person.sees("flight-00.jpg")
    person.press("m")
    expect(page.locator(".curve polyline").last).to_have_attribute("stroke", "#8b95a5")
    assert page.evaluate(NOTHING_RAN)


def test_what_is_not_the_page_s_own_does_not_run(serve, page, scenes):
    app = serve(1)
    page.goto(app.url)
    expect(page.locator("#file")).to_have_text(scenes[0].path.name)
    page.evaluate("""() => {
        window.refused = [];
        document.addEventListener("securitypolicyviolation", event => refused.push(event.effectiveDirective));
        const add = (name, more) => document.body.append(Object.assign(document.createElement(name), more));
        add("div", {innerHTML: "<img src=static/none.svg onerror=ran=1><p style='color:red'>"});
        add("script", {textContent: "ran=1"});
        add("style", {textContent: "p {color: red}"});
        add("script", {src: "http://127.0.0.1:9/x.js"});
        add("img", {src: "http://127.0.0.1:9/x.png"});
        add("base", {href: "http://127.0.0.1:9/"});
        add("iframe", {src: "http://127.0.0.1:9/"});
        fetch("http://127.0.0.1:9/").catch(() => {});
    }""")
    page.wait_for_function("refused.length >= 9")
    assert sorted(page.evaluate("refused")) == [
        "base-uri",
        "connect-src",
        "frame-src",
        "img-src",
        "script-src-attr",
        "script-src-elem",
        "script-src-elem",
        "style-src-attr",
        "style-src-elem",
    ]
    assert page.evaluate("typeof ran === 'undefined'")


def test_no_other_page_holds_it_in_a_frame(serve, page):
    app = serve(1)
    with page.expect_console_message(lambda said: "frame-ancestors" in said.text):
        page.set_content(f"<iframe src='{app.url}'></iframe>")
