"""Precision–recall curves as SVG: one small picture for each class."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from teachbox.evaluation.classes import Operating
from teachbox.evaluation.matching import Thresholds
from teachbox.evaluation.pascal import Curve
from teachbox.evaluation.report.markup import Markup, number, tag, void
from teachbox.evaluation.summary import Summary
from teachbox.evaluation.text import share

_SIDE = 200.0
_LEFT, _TOP, _RIGHT, _BOTTOM = 34.0, 10.0, 12.0, 36.0
_MOST_POINTS = 300
_TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)


def curve_figures(summary: Summary) -> list[Markup]:
    """A figure for each class that has a curve; of several, also one of all their boxes together."""
    curves = [(one.name, one.curve, one.best()) for one in summary.classes if one.curve is not None]
    together = summary.together
    if len(curves) > 1 and together.curve is not None:
        curves.insert(0, ("all boxes together", together.curve, together.best()))
    return [_figure(name, curve, best, summary.thresholds) for name, curve, best in curves]


def _figure(name: str, curve: Curve, best: Operating | None, thresholds: Thresholds) -> Markup:
    here = _at_threshold(curve, thresholds.score)
    area = share(curve.average_precision())
    told = [f"{name}: AP {area}."]
    if here is not None:
        measured = f"precision {share(here.precision)}, recall {share(here.recall)}"
        told.append(f"From score {thresholds.score:g} on, {measured}.")
    if best is not None:
        told.append(f"Best F1 {share(best.f1)} from score {share(best.score)} on.")
    width, height = _LEFT + _SIDE + _RIGHT, _TOP + _SIDE + _BOTTOM
    picture = tag(
        "svg",
        _axes(),
        void("path", d=_area(curve), class_="area"),
        void("path", d=_line(curve), class_="line"),
        "" if best is None else _diamond(best),
        "" if here is None else _dot(here),
        viewBox=f"0 0 {number(width)} {number(height)}",
        role="img",
        aria_label=" ".join(told),
    )
    return tag("figure", picture, tag("figcaption", tag("strong", name), f" AP {area}"), class_="curve")


def _axes() -> Markup:
    marks = []
    for tick in _TICKS:
        x, y = _x(tick), _y(tick)
        marks.append(void("path", d=f"M{number(x)} {number(_y(0))}V{number(_y(1))}", class_="gridline"))
        marks.append(void("path", d=f"M{number(_x(0))} {number(y)}H{number(_x(1))}", class_="gridline"))
        text = f"{tick:g}"
        marks.append(tag("text", text, x=x, y=_y(0) + 14, text_anchor="middle"))
        marks.append(tag("text", text, x=_x(0) - 5, y=y + 4, text_anchor="end"))
    marks.append(tag("text", "recall", x=_x(0.5), y=_y(0) + 30, text_anchor="middle", class_="axis"))
    middle = f"{number(9)} {number(_y(0.5))}"
    marks.append(
        tag("text", "precision", x=9, y=_y(0.5), text_anchor="middle", transform=f"rotate(-90 {middle})", class_="axis")
    )
    return tag("g", marks, aria_hidden="true")


def _line(curve: Curve) -> str:
    """The precision at each recall, as measured."""
    kept = thinned(curve.recall)
    return (
        "M"
        + "L".join(
            f"{number(_x(recall))} {number(_y(precision))}"
            for recall, precision in zip(curve.recall[kept], curve.precision[kept], strict=True)
        )
        if len(kept)
        else ""
    )


def _area(curve: Curve) -> str:
    """What AP measures: under the best precision at this recall or a higher one."""
    recall, precision = curve.raised()
    steps = [f"M{number(_x(0))} {number(_y(0))}"]
    for row in _evenly(np.flatnonzero(np.diff(recall) > 0) + 1):
        steps.append(f"V{number(_y(precision[row]))}H{number(_x(recall[row]))}")
    return "".join([*steps, f"V{number(_y(0))}Z"])


def thinned(recall: NDArray[np.float64]) -> NDArray[np.intp]:
    """Rows of a curve that its picture needs: the ends of each run of one recall, and not too many of these."""
    if not len(recall):
        return np.zeros(0, np.intp)
    rises = np.flatnonzero(np.diff(recall) > 0)
    ends = np.unique(np.concatenate([[0], rises, rises + 1, [len(recall) - 1]]))
    return _evenly(ends)


def _evenly(rows: NDArray[np.intp]) -> NDArray[np.intp]:
    if len(rows) <= _MOST_POINTS:
        return rows
    return rows[np.linspace(0, len(rows) - 1, _MOST_POINTS).round().astype(np.intp)]


def _at_threshold(curve: Curve, score: float) -> Operating | None:
    counting = int(np.sum(curve.scores >= score))
    if not counting:
        return None
    return Operating(score, float(curve.precision[counting - 1]), float(curve.recall[counting - 1]))


def _dot(at: Operating) -> Markup:
    return void("circle", cx=_x(at.recall), cy=_y(at.precision), r=5, class_="here")


def _diamond(at: Operating) -> Markup:
    x, y = _x(at.recall), _y(at.precision)
    return void("path", d=f"M{number(x)} {number(y - 8)}l8 8l-8 8l-8 -8Z", class_="best")


def _x(recall: float) -> float:
    return _LEFT + recall * _SIDE


def _y(precision: float) -> float:
    return _TOP + (1 - precision) * _SIDE
