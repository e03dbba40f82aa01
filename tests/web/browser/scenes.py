"""Drawn scenes: hot-air balloons and birds over hills, with the boxes of what is in them."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFilter

from teachbox.annotation import Span, make_span

WIDTH, HEIGHT = 960, 640
_FINE = 2
_SILKS = [
    ("#d1495b", "#f6e7cb"),
    ("#00798c", "#f2f4f3"),
    ("#edae49", "#7b2d26"),
    ("#5b4b8a", "#f7c1bb"),
    ("#2e8b57", "#f4f1de"),
]


@dataclass(frozen=True)
class Scene:
    """An image file and the boxes of its objects, in pixels."""

    path: Path
    boxes: list[Span]


def draw_scene(path: Path, seed: int, *, balloons: int = 3, birds: int = 2) -> Scene:
    """Draw one scene of 960 × 640 pixels; the same seed gives the same scene."""
    rng = random.Random(seed)
    image = _sky(rng)
    boxes: list[Span] = []
    slots = [0.12, 0.38, 0.63, 0.87]
    rng.shuffle(slots)
    for slot in slots[:balloons]:
        radius = rng.uniform(38, 88)
        boxes.append(_balloon(image, slot * WIDTH, rng.uniform(0.2, 0.42) * HEIGHT, radius, rng.choice(_SILKS)))
    _hills(image, rng)
    for _ in range(birds):
        boxes.append(_bird(image, rng.uniform(60, WIDTH - 60), rng.uniform(330, 420), rng.uniform(14, 22)))
    small = image.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)
    grain = Image.effect_noise((WIDTH, HEIGHT), 14).convert("RGB")
    Image.blend(small, grain, 0.06).save(path, quality=92)
    return Scene(path, boxes)


def _sky(rng: random.Random) -> Image.Image:
    top, bottom = rng.choice([((92, 149, 206), (253, 226, 190)), ((74, 122, 184), (250, 205, 176))])
    column = Image.new("RGB", (1, HEIGHT * _FINE))
    for y in range(column.height):
        share = (y / column.height) ** 0.8
        column.putpixel((0, y), tuple(round(a + (b - a) * share) for a, b in zip(top, bottom, strict=True)))
    sky = column.resize((WIDTH * _FINE, HEIGHT * _FINE))
    clouds = Image.new("L", sky.size, 0)
    pen = ImageDraw.Draw(clouds)
    for _ in range(7):
        x, y = rng.uniform(0, sky.width), rng.uniform(0.05, 0.55) * sky.height
        for _ in range(9):
            dx, dy, r = rng.uniform(-150, 150), rng.uniform(-16, 16), rng.uniform(24, 64)
            pen.ellipse([x + dx - 2 * r, y + dy - r / 2, x + dx + 2 * r, y + dy + r / 2], fill=rng.randint(70, 130))
    sky.paste((255, 252, 246), mask=clouds.filter(ImageFilter.GaussianBlur(26)))
    return sky


def _hills(image: Image.Image, rng: random.Random) -> None:
    pen = ImageDraw.Draw(image)
    for depth, color in enumerate([(134, 158, 168), (96, 132, 124), (62, 103, 84), (40, 74, 58)]):
        base = (0.66 + 0.085 * depth) * image.height
        phase, wave = rng.uniform(0, 6.28), rng.uniform(180, 420)
        line = [
            (x, base + 34 * math.sin(x / wave + phase) + 14 * math.sin(x / 97 + 2 * phase))
            for x in range(0, image.width + 8, 8)
        ]
        pen.polygon([*line, (image.width, image.height), (0, image.height)], fill=color)


def _balloon(image: Image.Image, x: float, y: float, radius: float, silks: tuple[str, str]) -> Span:
    """The silk is a sphere that narrows to a mouth; the basket hangs below."""
    pen = ImageDraw.Draw(image)
    cx, cy, r = x * _FINE, y * _FINE, radius * _FINE
    neck, mouth = cy + 1.32 * r, 0.2 * r
    gores = 10
    for gore in range(gores):
        left, right = (-math.cos(math.pi * side / gores) for side in (gore, gore + 1))
        outline = [_silk_edge(cx, cy, r, mouth, left, t / 24) for t in range(25)]
        outline += [_silk_edge(cx, cy, r, mouth, right, t / 24) for t in range(24, -1, -1)]
        pen.polygon(outline, fill=silks[gore % 2])
    basket = r * 0.17
    top = neck + 0.22 * r
    for side in (-1, 1):
        pen.line([cx + side * mouth * 0.9, neck, cx + side * basket, top], fill="#4a3728", width=3)
    bottom = top + basket * 1.7
    pen.rounded_rectangle([cx - basket, top, cx + basket, bottom], radius=5, fill="#6b4226", outline="#4a2f1b", width=3)
    return make_span("balloon", (cy - r) / _FINE, (cx - r) / _FINE, bottom / _FINE, (cx + r) / _FINE)


def _silk_edge(cx: float, cy: float, r: float, mouth: float, side: float, t: float) -> tuple[float, float]:
    """A point of the meridian at `side` (-1 to 1), `t` from the top (0) to the mouth (1)."""
    y = -r + t * 2.32 * r
    if y <= 0.45 * r:
        half = math.sqrt(max(0.0, r * r - y * y))
    else:
        start = math.sqrt(1 - 0.45**2) * r
        half = start + (mouth - start) * (y - 0.45 * r) / (0.87 * r)
    return cx + side * half, cy + y


def _bird(image: Image.Image, x: float, y: float, span: float) -> Span:
    pen = ImageDraw.Draw(image)
    cx, cy, s = x * _FINE, y * _FINE, span * _FINE
    ink = "#2b2f38"
    pen.polygon(
        [(cx - s, cy - 0.42 * s), (cx - 0.4 * s, cy - 0.3 * s), (cx, cy), (cx - 0.45 * s, cy - 0.12 * s)], fill=ink
    )
    pen.polygon(
        [(cx + s, cy - 0.42 * s), (cx + 0.4 * s, cy - 0.3 * s), (cx, cy), (cx + 0.45 * s, cy - 0.12 * s)], fill=ink
    )
    pen.ellipse([cx - 0.2 * s, cy - 0.14 * s, cx + 0.2 * s, cy + 0.16 * s], fill=ink)
    return make_span("bird", (cy - 0.44 * s) / _FINE, (cx - s) / _FINE, (cy + 0.18 * s) / _FINE, (cx + s) / _FINE)
