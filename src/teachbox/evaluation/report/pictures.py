"""The worst images as figures: the picture with true and detected boxes drawn over it, and its mistakes in words."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from teachbox.evaluation.matching import asked_for
from teachbox.evaluation.report.markup import Markup, number, tag, void
from teachbox.evaluation.summary import Picture

_GREATEST_SIDE = 480
_QUALITY = 80
_TOLD = 6
_CHARACTER = 0.53  # of the size of the letters: how wide one is, about


@dataclass(frozen=True)
class _Box:
    """A box to draw: what it is, its row in pixels of the image, and the words on it."""

    kind: str
    row: NDArray[np.floating]
    text: str
    below: bool
    """Whether the words stand at the lower edge."""


def picture_figures(pictures: Sequence[Picture], names: Mapping[int, str]) -> list[Markup]:
    """A figure for each picture; `names`: class id → name."""
    return [_figure(place, picture, names) for place, picture in enumerate(pictures, 1)]


def _figure(place: int, picture: Picture, names: Mapping[int, str]) -> Markup:
    mistakes = list(_mistakes(picture, names))
    more = [f"and {len(mistakes) - _TOLD} more"] if len(mistakes) > _TOLD else []
    heading = tag("strong", f"{place}. {picture.image.name}")
    caption = [heading, f" error {picture.error:.2f}", tag("ul", [tag("li", one) for one in mistakes[:_TOLD] + more])]
    return tag("figure", _drawing(picture, names), tag("figcaption", caption), class_="picture")


def _drawing(picture: Picture, names: Mapping[int, str]) -> Markup:
    address, scale, width, height = _thumbnail(picture.image.encoded)
    letters = max(width / 28, 9)
    boxes = list(_boxes(picture, names))
    drawn = [_outline(box, scale, letters / 5) for box in boxes]
    words = list(_words([box for box in boxes if box.text], scale, letters, width, height))
    return tag(
        "svg",
        void("image", href=address, width=width, height=height),
        drawn,
        words,
        viewBox=f"0 0 {width} {height}",
        role="img",
        aria_label=f"{picture.image.name} with its true and detected boxes; the mistakes are told below",
    )


def _thumbnail(encoded: bytes) -> tuple[str, float, int, int]:
    """The image as a small JPEG in an address, its scale, width and height."""
    with Image.open(io.BytesIO(encoded)) as opened:
        image = opened.convert("RGB")
    scale = min(1.0, _GREATEST_SIDE / max(image.size))
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    buffer = io.BytesIO()
    image.resize(size).save(buffer, "JPEG", quality=_QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode(), scale, *size


def _boxes(picture: Picture, names: Mapping[int, str]) -> Iterator[_Box]:
    """True boxes first, so that detections lie above them."""
    result, matched = picture.image.result, picture.matched
    asked = asked_for(result)[0]
    true, found = result.true_boxes, result.boxes
    for row in np.flatnonzero(~asked).tolist():
        yield _Box("unasked", true[row], f"{names[int(result.true_classes[row])]} (not asked for)", True)
    for pair in matched.right:
        yield _Box("true right", true[pair.truth], "", True)
    for pair in matched.confused:
        yield _Box("true confused", true[pair.truth], names[int(result.true_classes[pair.truth])], True)
    for row in matched.missed:
        yield _Box("true missed", true[row], f"missed: {names[int(result.true_classes[row])]}", True)
    for kind, rows in (
        ("right", [pair.detection for pair in matched.right]),
        ("confused", [pair.detection for pair in matched.confused]),
        ("false", matched.false),
    ):
        for row in rows:
            text = f"{names[int(result.classes[row])]} {result.scores[row]:.2f}"
            yield _Box(f"found {kind}", found[row], f"✗ {text}" if kind == "false" else text, False)


def _mistakes(picture: Picture, names: Mapping[int, str]) -> Iterator[str]:
    result, matched = picture.image.result, picture.matched
    for row in matched.missed:
        yield f"missed: {names[int(result.true_classes[row])]}"
    for truth, detection in matched.confused:
        true, found = names[int(result.true_classes[truth])], names[int(result.classes[detection])]
        yield f"{true} found as {found} ({result.scores[detection]:.2f})"
    for row in matched.false:
        yield f"false: {names[int(result.classes[row])]} ({result.scores[row]:.2f})"


def _outline(box: _Box, scale: float, line: float) -> Markup:
    """The box, with a dark edge behind so that it stands out on any picture."""
    ymin, xmin, ymax, xmax = (float(value) * scale for value in box.row)
    place = {"x": xmin, "y": ymin, "width": max(xmax - xmin, 0.0), "height": max(ymax - ymin, 0.0)}
    edge = void("rect", class_="edge", stroke_width=line * 0.9, **place)
    return Markup(edge + void("rect", class_=box.kind, stroke_width=line * 0.5, **place))


def _words(boxes: Sequence[_Box], scale: float, letters: float, width: int, height: int) -> Iterator[Markup]:
    """The words on each box, inside the picture and not over those of another, as long as there is room."""
    high = letters * 1.35
    taken: list[tuple[float, float, float]] = []
    for box in boxes:
        ymin, xmin, ymax, _ = (float(value) * scale for value in box.row)
        wide = len(box.text) * letters * _CHARACTER + letters * 0.6
        x = min(max(xmin, 0.0), max(width - wide, 0.0))
        y = min(max(ymax - high if box.below else ymin, 0.0), height - high)
        down = -high if box.below else high
        while any(x < left + long and left < x + wide and abs(y - top) < high for left, top, long in taken):
            y += down
            if not 0 <= y <= height - high:
                break
        y = min(max(y, 0.0), height - high)
        taken.append((x, y, wide))
        yield void("rect", x=x, y=y, width=wide, height=high, class_=f"chip {box.kind}")
        yield tag("text", box.text, x=x + letters * 0.3, y=y + letters, font_size=number(letters))
