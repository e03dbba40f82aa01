"""The page about an evaluation: what stands on it, that it is whole HTML, and that nothing comes from elsewhere."""

from __future__ import annotations

import io
import re
from html.parser import HTMLParser

import numpy as np
from drawn_images import HERE, NEAR, THERE, result, some_images
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from teachbox.config.protos.eval_pb2 import EvalConfig
from teachbox.evaluation.matching import Thresholds
from teachbox.evaluation.pascal import Curve
from teachbox.evaluation.report.curves import thinned
from teachbox.evaluation.report.markup import join, tag, void
from teachbox.evaluation.report.matrix import largest_mistakes, matrix_table
from teachbox.evaluation.report.page import report_page
from teachbox.evaluation.results import ImageResult
from teachbox.evaluation.summary import Evaluated, Summary, summarize

NAMES = {1: "cat", 2: 'dog <b> & "co"', 5: "bird"}
ABOUT = {"model": "model <1>", "images": "some"}
VOID = {"meta", "path", "circle", "rect", "image"}


def png() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (700, 350), (40, 90, 40)).save(buffer, "PNG")
    return buffer.getvalue()


def summary(*images: ImageResult, worst: int = 12) -> Summary:
    named = [Evaluated(f"image <{place}>.png", png(), image) for place, image in enumerate(images)]
    return summarize(named, NAMES, EvalConfig(), Thresholds(0.5, 0.5), worst)


class Page(HTMLParser):
    """Reads a page; fails where an element is not closed in its place."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, name: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((name, dict(attributes)))
        self.open.append(name)

    def handle_startendtag(self, name: str, attributes: list[tuple[str, str | None]]) -> None:
        assert name in VOID
        self.elements.append((name, dict(attributes)))

    def handle_endtag(self, name: str) -> None:
        assert self.open.pop() == name

    def handle_data(self, text: str) -> None:
        if self.open and self.open[-1] != "style":
            self.texts.append(text)

    def all(self, name: str, **wanted: str) -> list[dict[str, str | None]]:
        return [found for tag, found in self.elements if tag == name and wanted.items() <= {**found}.items()]

    @property
    def text(self) -> str:
        return " ".join(self.texts)


def page(found: Summary) -> Page:
    return Page(report_page(found, ABOUT, NAMES))


MIXED = (
    # A cat found and found twice, a dog called a cat; a crowd.
    result([HERE, THERE], [HERE, NEAR, THERE], true_classes=[1, 2], scores=[0.9, 0.8, 0.7]),
    result([HERE, THERE], [[300, 300, 340, 340]], true_classes=[1, 2], crowd=[True, False], scores=[0.6]),
)


def test_what_stands_on_it() -> None:
    read = page(summary(*MIXED))
    assert read.all("html", lang="en")
    assert [name for name, _ in read.elements if re.fullmatch("h[1-6]", name)] == ["h1", *["h2"] * 5, "h3", "h2"]
    # Every section is named by its heading, and every link leads to one.
    ids = [found["id"] for found in read.all("h2")]
    assert [found["aria-labelledby"] for found in read.all("section")] == ids
    assert [found["href"] for found in read.all("a")] == [f"#{id}" for id in ids]
    assert "Evaluation of model <1>" in read.text
    assert "score ≥ 0.5, overlap (IoU) ≥ 0.5" in read.text
    assert "DetectionBoxes_Precision/mAP@.50IOU" in read.text
    assert f"{NAMES[2]} taken for cat: 1 of 2" in read.text
    # One curve for each class that is there, and one for all; each says in words what it shows.
    told = [found["aria-label"] or "" for found in read.all("svg", role="img")]
    assert [text.split(":")[0] for text in told if "AP" in text] == ["all boxes together", "cat", NAMES[2]]
    assert "cat: AP 1.000. From score 0.5 on, precision 0.250, recall 1.000. Best F1 1.000 from score 0.900 on." in told
    # Both images have mistakes; the second one has more: a missed dog and a false cat.
    assert "1. image <0>.png" in read.text
    assert " error 1.80" in read.text
    assert f"{NAMES[2]} found as cat (0.70)" in read.text
    assert f"missed: {NAMES[2]}" in read.text
    assert "cat (not asked for)" in read.text


def test_nothing_comes_from_elsewhere_and_nothing_is_run() -> None:
    html = report_page(summary(*MIXED), ABOUT, NAMES)
    read = Page(html)
    (policy,) = read.all("meta", **{"http-equiv": "Content-Security-Policy"})
    assert (policy["content"] or "").startswith("default-src 'none'; ")
    assert not {"script", "link", "iframe", "object"} & {name for name, _ in read.elements}
    addresses = [value for _, found in read.elements for key, value in found.items() if key in ("href", "src")]
    assert {value[:1] if value.startswith("#") else value[:23] for value in addresses if value} == {
        "#",
        "data:image/jpeg;base64,",
    }
    assert "url(" not in html
    assert "@import" not in html
    assert "://" not in html
    assert not any(key.startswith("on") for _, found in read.elements for key in found)
    assert "<b>" not in html


def test_thumbnails_are_small_and_boxes_in_their_scale() -> None:
    read = page(summary(result([[0, 0, 350, 700]], [])))
    (image,) = read.all("image")
    assert (image["width"], image["height"]) == ("480", "240")
    (missed,) = read.all("rect", **{"class": "true missed", "width": "480"})
    assert (missed["x"], missed["y"], missed["height"]) == ("0", "0", "240")


def test_empty_cases() -> None:
    nothing = page(summary())
    assert "There is no image." in nothing.text
    assert "there is no curve" in nothing.text
    perfect = page(summary(result([HERE], [HERE])))
    assert "No image has a mistake." in perfect.text
    assert "Most often confused" not in perfect.text
    only_false = page(summary(result([], [HERE])))
    assert "there is no curve" in only_false.text
    assert "2 more classes are neither in the images nor detected." in only_false.text
    unknown = page(summary(result([HERE], [HERE], classes=[9])))
    assert "Left out, since the label map does not hold them: class 9 (1 times)." in unknown.text
    without = page(summary(result([HERE], [HERE, THERE], classes=[1, 5])))
    assert "No curve, since they are in no image: bird." in without.text
    assert page(summary(*MIXED, worst=0)).all("image") == []


def test_matrix_table_by_hand() -> None:
    matrix = np.array([[3, 1, 0, 2], [0, 0, 0, 0], [0, 0, 0, 1], [4, 0, 0, 0]])
    names = ["cat", "dog", "bird"]
    read = Page(matrix_table(matrix, names))
    cells = [text for text in read.texts if text.strip()]
    assert cells == [
        *("true ↓ detected as →", "cat", "dog", "background", "all true boxes"),
        *("cat", "3", "1", "2", "6"),
        *("bird", "0", "0", "1", "1"),
        *("background", "4", "0"),
        *("all detections", "7", "1"),
    ]
    titles = [found["title"] for found in read.all("td") if "title" in found]
    assert titles == [
        "3 of 6 cat are found as cat",
        "1 of 6 cat are found as dog",
        "2 of 6 cat are missed",
        "1 of 1 bird are missed",
        "4 of 7 detections of cat are where nothing is to be found",
    ]
    shares = [found["style"] for found in read.all("td") if "style" in found]
    assert shares == [f"--share: {share}" for share in ("0.500", "0.167", "0.333", "1.000", "1.000")]
    assert largest_mistakes(matrix, names) == ["cat taken for dog: 1 of 6"]
    assert largest_mistakes(np.zeros((1, 1), int), []) == []
    assert {found["scope"] for found in read.all("th")} == {"col", "row"}


def test_markup_is_escaped() -> None:
    assert tag("p", "a < b", [tag("b", "&"), '"'], class_='x"y', aria_label=None) == (
        '<p class="x&quot;y">a &lt; b<b>&amp;</b>&quot;</p>'
    )
    assert void("path", stroke_width=1.25, x=2.0, y=3) == '<path stroke-width="1.2" x="2" y="3"/>'
    assert join() == ""


@given(hits=st.lists(st.booleans(), min_size=1, max_size=2000))
@settings(max_examples=30)
def test_a_curve_is_thinned_to_what_is_seen(hits: list[bool]) -> None:
    recall = np.cumsum(hits) / len(hits)
    kept = thinned(recall)
    assert len(kept) <= 300
    assert (kept[0], kept[-1]) == (0, len(hits) - 1)
    assert np.all(np.diff(kept) > 0)
    if len(kept) < 300:
        assert set(recall[kept]) == set(recall)


def test_a_curve_without_detections_has_no_line() -> None:
    assert thinned(np.zeros(0)).tolist() == []
    nothing = np.zeros(0)
    assert Curve(nothing, nothing, nothing).raised()[1].tolist() == [0, 0]
    read = page(summary(result([HERE], [])))
    (line,) = [found for found in read.all("path", **{"class": "line"}) if found["d"] == ""]
    assert line["d"] == ""


@given(images=st.lists(some_images(), max_size=3))
@settings(max_examples=25)
def test_every_evaluation_has_a_page(images: list[ImageResult]) -> None:
    read = page(summary(*images))
    assert len(read.all("h2")) == 6
    assert "nan" not in read.text.lower().split()
