"""The page as a whole: what was measured, every number, the curves, the confusion matrix, the worst images."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import resources

from teachbox import __version__
from teachbox.evaluation.classes import ClassSummary
from teachbox.evaluation.report.curves import curve_figures
from teachbox.evaluation.report.markup import Markup, join, tag, void
from teachbox.evaluation.report.matrix import largest_mistakes, matrix_table
from teachbox.evaluation.report.pictures import picture_figures
from teachbox.evaluation.summary import Summary
from teachbox.evaluation.text import HEADINGS, class_cells, metric, share, shown_classes

# The page asks nobody for anything, whatever a file's name or a label holds.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def report_page(summary: Summary, about: Mapping[str, str], names: Mapping[int, str]) -> str:
    """The HTML of a page about an evaluation; `about`: what was measured, on what; `names`: class id → name."""
    css = resources.files(__package__).joinpath("report.css").read_text(encoding="utf-8")
    head = tag(
        "head",
        Markup('<meta charset="utf-8"/>'),
        void("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        void("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("title", f"Evaluation of {about.get('model', 'a detector')}"),
        tag("style", Markup(css)),
    )
    sections = [
        ("glance", "At a glance", _glance(summary)),
        ("metrics", "Metrics", _metrics(summary)),
        ("classes", "Classes", _classes(summary)),
        ("curves", "Precision and recall", _curves(summary)),
        ("confusion", "Confusion matrix", _confusion(summary)),
        ("worst", "Worst images", _worst(summary, names)),
    ]
    links = tag("ul", [tag("li", tag("a", title, href=f"#{id}")) for id, title, _ in sections])
    body = tag(
        "body",
        tag(
            "header",
            tag("h1", "Evaluation"),
            tag("dl", [join(tag("dt", name), tag("dd", value)) for name, value in about.items()]),
            tag("nav", links, aria_label="Sections"),
        ),
        tag(
            "main",
            [tag("section", tag("h2", title, id=id), content, aria_labelledby=id) for id, title, content in sections],
        ),
        tag("footer", tag("p", f"Made by Teachbox {__version__}.")),
    )
    return "<!doctype html>\n" + tag("html", head, body, lang="en") + "\n"


def _at(summary: Summary) -> str:
    at = summary.thresholds
    return f"score ≥ {at.score:g}, overlap (IoU) ≥ {at.iou:g}"


def _glance(summary: Summary) -> Markup:
    all_ = summary.together
    tiles = [
        ("images", str(summary.images)),
        ("true boxes", str(all_.true_boxes)),
        ("right", str(all_.right)),
        ("under another label", str(all_.confused)),
        ("missed", str(all_.missed)),
        ("false", str(all_.false)),
        ("precision", share(all_.precision)),
        ("recall", share(all_.recall)),
        ("mean AP", share(all_.average_precision)),
    ]
    best = all_.best()
    advice = (
        ""
        if best is None
        else tag(
            "p",
            f"Over all classes, F1 is best ({share(best.f1)}) with detections from score {share(best.score)} on: "
            f"precision {share(best.precision)}, recall {share(best.recall)}.",
        )
    )
    return join(
        tag("p", f"Counts at {_at(summary)}; mean AP over all scores at the same overlap."),
        tag("dl", [tag("div", tag("dt", name), tag("dd", value)) for name, value in tiles], class_="tiles"),
        advice,
        _unknown(summary),
    )


def _unknown(summary: Summary) -> Markup:
    if not summary.unknown:
        return Markup("")
    told = ", ".join(f"class {id} ({count} times)" for id, count in summary.unknown.items())
    return tag("p", f"Left out, since the label map does not hold them: {told}.", class_="note")


def _metrics(summary: Summary) -> Markup:
    rows = [
        tag("tr", tag("th", name, scope="row"), tag("td", metric(value))) for name, value in summary.metrics.items()
    ]
    head = tag("tr", tag("th", "metric", scope="col"), tag("th", "value", scope="col"))
    return join(
        tag("p", "Under their public names, as in TensorBoard; – where there is nothing to count."),
        _scrolled("Metrics", tag("table", tag("thead", head), tag("tbody", rows), class_="numbers")),
    )


def _classes(summary: Summary) -> Markup:
    shown = shown_classes(summary)
    head = tag("tr", [tag("th", heading, scope="col") for heading in HEADINGS])
    foot = _row(summary.together)
    body = tag("tbody", [_row(one) for one in shown])
    text = (
        f"Counts, precision and recall at {_at(summary)}. AP is the area under the precision–recall curve over all "
        "scores; best F1 the best balance of precision and recall, and the score from which it is reached. In the last "
        "row AP is the mean over the classes, everything else counts all boxes together."
    )
    table = tag("table", tag("thead", head), body, tag("tfoot", foot), class_="numbers")
    return join(tag("p", text), _scrolled("Classes", table), _hidden(len(summary.classes) - len(shown)))


def _row(one: ClassSummary) -> Markup:
    first, *others = class_cells(one)
    return tag("tr", tag("th", first, scope="row"), [tag("td", cell) for cell in others])


def _hidden(count: int) -> Markup:
    if not count:
        return Markup("")
    what = "1 more class is" if count == 1 else f"{count} more classes are"
    return tag("p", f"{what} neither in the images nor detected.", class_="note")


def _curves(summary: Summary) -> Markup:
    figures = curve_figures(summary)
    if not figures:
        return tag("p", "There are no true boxes, so there is no curve.")
    key = tag(
        "ul",
        tag("li", _key("line"), "precision at each recall, as the score falls"),
        tag("li", _key("area"), "what AP measures: the best precision at this recall or a higher one"),
        tag("li", _key("here"), f"from score {summary.thresholds.score:g} on"),
        tag("li", _key("best"), "the best F1"),
        class_="key",
    )
    without = [one.name for one in summary.classes if one.curve is None and one.detections]
    note = "No curve, since they are in no image: " + ", ".join(without) + "."
    return join(
        tag("p", f"Over all scores, at an overlap (IoU) of {summary.thresholds.iou:g} and more."),
        key,
        tag("div", figures, class_="grid curves"),
        tag("p", note, class_="note") if without else "",
    )


def _key(kind: str) -> Markup:
    shapes = {
        "line": void("path", d="M1 12L12 5L23 9", class_="line"),
        "area": void("path", d="M1 15V4H12V9H23V15Z", class_="area"),
        "here": void("circle", cx=12, cy=8, r=5, class_="here"),
        "best": void("path", d="M12 0l8 8l-8 8l-8 -8Z", class_="best"),
    }
    return tag("svg", shapes[kind], viewBox="0 0 24 16", aria_hidden="true", class_="curve")


def _confusion(summary: Summary) -> Markup:
    names = [one.name for one in summary.classes]
    text = (
        f"A row for each true class, a column for each detected one, at {_at(summary)}. The column background counts "
        "true boxes that nothing found, the row background detections where nothing is to be found. Classes that are "
        "in no image have no row, those that were not detected no column. The stronger a cell's colour, the larger its "
        "share of its row."
    )
    mistakes = largest_mistakes(summary.matrix, names)
    listed = join(tag("h3", "Most often confused"), tag("ol", [tag("li", one) for one in mistakes])) if mistakes else ""
    table = matrix_table(summary.matrix, names)
    return join(tag("p", text), _scrolled("Confusion matrix", table), listed)


def _worst(summary: Summary, names: Mapping[int, str]) -> Markup:
    if not summary.worst:
        return tag("p", "No image has a mistake." if summary.images else "There is no image.")
    text = (
        f"By their error score, at {_at(summary)}: 1 for each true box that is missed or found under another label, "
        "and for each false detection its score."
    )
    key = tag(
        "ul",
        [
            tag("li", _box_key(kind), words)
            for kind, words in (
                ("true right", "true, and found"),
                ("found right", "detected, and right"),
                ("true missed", "true, and missed"),
                ("found false", "✗ detected, and nothing there"),
                ("true confused", "true, found under another label"),
                ("found confused", "detected, of another label"),
                ("unasked", "true, not asked for: difficult, a group or a crowd"),
            )
        ],
        class_="key",
    )
    return join(tag("p", text), key, tag("div", picture_figures(summary.worst, names), class_="grid pictures"))


def _box_key(kind: str) -> Markup:
    place = {"x": 3, "y": 3, "width": 18, "height": 10}
    edge = void("rect", class_="edge", stroke_width="4.5", **place)
    return tag(
        "svg",
        edge,
        void("rect", class_=kind, stroke_width="2.5", **place),
        viewBox="0 0 24 16",
        aria_hidden="true",
        class_="picture",
    )


def _scrolled(name: str, table: str | Iterable[str]) -> Markup:
    """A table that may be wider than the page; it can be scrolled with the keys too."""
    return tag("div", table, class_="scrolled", tabindex=0, role="region", aria_label=f"{name}: table")
