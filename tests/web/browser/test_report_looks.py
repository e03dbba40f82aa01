"""The page about an evaluation in Chromium: readable in both schemes, at any width, and asking nobody for anything."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from teachbox.config.protos.eval_pb2 import EvalConfig
from teachbox.evaluation.matching import Thresholds
from teachbox.evaluation.report.page import report_page
from teachbox.evaluation.results import ImageResult
from teachbox.evaluation.summary import Evaluated, summarize

pytestmark = pytest.mark.browser

NAMES = {id: f"class number {id}" for id in range(1, 13)}

# The smallest contrast of text and what is behind it, by the formula of WCAG 2, and where. A canvas reads any colour.
CONTRAST = """() => {
  const context = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const mixed = (layers) => {
    context.clearRect(0, 0, 1, 1);
    for (const layer of layers) { context.fillStyle = layer; context.fillRect(0, 0, 1, 1); }
    return [...context.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const light = (rgb) => {
    const [r, g, b] = rgb.map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  let least = [99, ""];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || element.closest("svg")) continue;
    const layers = [];
    for (let behind = element; behind; behind = behind.parentElement) {
      layers.unshift(getComputedStyle(behind).backgroundColor);
    }
    const ink = getComputedStyle(element).color;
    const [one, other] = [light(mixed([...layers, ink])), light(mixed(layers))].sort((a, b) => b - a);
    const contrast = (one + 0.05) / (other + 0.05);
    if (contrast < least[0]) least = [contrast, `${element.tagName}.${element.className}: ${element.textContent}`];
  }
  return least;
}"""


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of a page about drawn images: twelve classes, most boxes right, some of each mistake."""
    random = np.random.default_rng(1)
    images = []
    for number in range(30):
        picture = Image.fromarray(random.integers(0, 255, (6, 8, 3), np.uint8)).resize((800, 600))
        buffer = io.BytesIO()
        picture.save(buffer, "JPEG")
        count = 6
        corners = random.uniform(0, 1, (count, 2)) * [400, 600]
        boxes = np.concatenate([corners, corners + random.uniform(80, 200, (count, 2))], axis=1)
        classes = random.integers(1, 13, count)
        kept = random.random(count) < 0.85
        named = np.where(random.random(count) < 0.85, classes, random.integers(1, 13, count))
        found = np.concatenate([boxes[kept] + random.normal(0, 6, (int(kept.sum()), 4)), [[5, 5, 60, 90]]])
        result = ImageResult(
            boxes, classes, found, random.uniform(0.3, 1, len(found)), np.append(named[kept], random.integers(1, 13))
        )
        images.append(Evaluated(f"drawn-{number}-with-a-rather-long-name-of-its-file.jpg", buffer.getvalue(), result))
    summary = summarize(images, NAMES, EvalConfig(), Thresholds(0.5, 0.5))
    about = {"model": "/a/long/path/that/does/not/break/easily/" * 4, "images": "30 drawn ones"}
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(report_page(summary, about, NAMES), encoding="utf-8")
    return path.as_uri()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_readable_in_both_schemes(page, report, artifacts, finds_nothing, scheme) -> None:
    page.emulate_media(color_scheme=scheme)
    page.goto(report)
    finds_nothing(page, "report")
    page.screenshot(path=artifacts / f"report-{scheme}.png", full_page=True)
    contrast, where = page.evaluate(CONTRAST)
    assert contrast >= 4.5, where


@pytest.mark.parametrize("width", [360, 820, 1920])
def test_nothing_makes_the_page_wider_than_the_window(page, report, artifacts, width) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(report)
    page.screenshot(path=artifacts / f"report-{width}.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    # What is wider scrolls by itself, also with the keys.
    table = page.get_by_role("region", name="Confusion matrix").locator(".scrolled")
    table.focus()
    if table.evaluate("it => it.scrollWidth > it.clientWidth"):
        page.keyboard.press("ArrowRight")
        page.wait_for_function("it => it.scrollLeft > 0", arg=table.element_handle())


def test_nobody_is_asked_and_every_picture_is_there(page, report) -> None:
    asked, problems = [], []
    page.on("request", lambda request: asked.append(request.url.partition(",")[0]))
    page.on("console", lambda message: problems.append(message.text))
    page.goto(report)
    # Chromium asks for the page itself, and unpacks what lies in it.
    assert {url for url in asked if not url.startswith("data:image/jpeg;base64")} == {report}
    assert problems == []
    pictures = page.locator("figure.picture > svg")
    assert pictures.count() == 12
    sizes = page.evaluate(
        "Promise.all([...document.querySelectorAll('figure.picture image')].map(async (it) => {"
        " const picture = new Image(); picture.src = it.href.baseVal; await picture.decode();"
        " return picture.naturalWidth; }))"
    )
    assert sizes == [480] * 12
