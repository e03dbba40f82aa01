"""The confusion matrix as a table, and its largest mistakes as a list."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from teachbox.evaluation.confusion import Counts
from teachbox.evaluation.report.markup import Markup, tag

NOTHING = "background"
_VERTICAL_FROM = 7
_LISTED = 10


def matrix_table(matrix: Counts, names: Sequence[str]) -> Markup:
    """The matrix with sums; a row for each class that is in the images, a column for each that was detected.

    `names`: in the order of the matrix.
    """
    rows, columns = _anywhere(matrix.sum(axis=1)), _anywhere(matrix.sum(axis=0))
    labels = [*names, NOTHING]
    head = tag(
        "tr",
        tag("td", "true ↓ detected as →", class_="corner"),
        [tag("th", tag("span", labels[column]), scope="col") for column in columns],
        tag("th", tag("span", "all true boxes"), scope="col", class_="sum"),
    )
    body = [
        tag(
            "tr",
            tag("th", labels[row], scope="row"),
            [_cell(matrix, labels, row, column) for column in columns],
            tag("td", "" if row == len(names) else str(matrix[row].sum()), class_="sum"),
        )
        for row in rows
    ]
    sums = ["" if column == len(names) else str(matrix[:, column].sum()) for column in columns]
    foot = tag(
        "tr",
        tag("th", "all detections", scope="row"),
        [tag("td", text) for text in sums],
        tag("td", ""),
    )
    kind = "matrix upright" if len(columns) >= _VERTICAL_FROM else "matrix"
    return tag("table", tag("thead", head), tag("tbody", body), tag("tfoot", foot), class_=kind)


def largest_mistakes(matrix: Counts, names: Sequence[str]) -> list[str]:
    """The pairs of classes that are taken for each other most often, as sentences."""
    classes = matrix[:-1, :-1].copy()
    np.fill_diagonal(classes, 0)
    order = np.argsort(-classes, axis=None, kind="stable")[:_LISTED]
    pairs = [divmod(int(place), len(names)) for place in order]
    return [
        f"{names[row]} taken for {names[column]}: {classes[row, column]} of {matrix[row].sum()}"
        for row, column in pairs
        if classes[row, column]
    ]


def _anywhere(sums: NDArray[np.int64]) -> list[int]:
    """The places with something in them, and that of the background."""
    kept = sums > 0
    kept[-1] = True
    return [int(place) for place in np.flatnonzero(kept)]


def _cell(matrix: Counts, labels: Sequence[str], row: int, column: int) -> Markup:
    background = len(labels) - 1
    if row == column == background:
        # Nothing that was not found: there is no counting that.
        return tag("td", "", class_="never")
    count, whole = int(matrix[row, column]), int(matrix[row].sum())
    if not count:
        return tag("td", "0", class_="zero")
    if row == background:
        of_class = int(matrix[:, column].sum())
        title = f"{count} of {of_class} detections of {labels[column]} are where nothing is to be found"
    elif column == background:
        title = f"{count} of {whole} {labels[row]} are missed"
    else:
        title = f"{count} of {whole} {labels[row]} are found as {labels[column]}"
    kind = "right" if row == column else "wrong"
    return tag("td", str(count), class_=kind, title=title, style=f"--share: {count / whole:.3f}")
