"""The demo's images: drawn scenes with kites, boats and balloons, whose boxes are known."""

from __future__ import annotations

import colorsys
import csv
import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

WIDTH, HEIGHT = 320, 240
LABELS = ("kite", "boat", "balloon")
CSV_COLUMNS = ("filename", "width", "height", "class", "xmin", "ymin", "xmax", "ymax")
JPEG_QUALITY = 90
# Shapes are drawn this much larger and then made smaller: smooth edges.
_SCALE = 3
_SOLID = 64
_RED, _YELLOW, _BLUE, _PURPLE = (0.97, 1.05), (0.11, 0.17), (0.56, 0.68), (0.77, 0.9)

Box = tuple[int, int, int, int]
"""xmin, ymin, xmax, ymax in pixels."""
Color = tuple[int, int, int]


def write_scenes(folder: Path, count: int, seed: int = 0) -> dict[str, list[tuple[str, Box]]]:
    """Draw `count` scenes into `folder/images`, their boxes into `folder/boxes.csv`.

    Returns the boxes by file name. The same seed draws the same scenes.
    """
    images = folder / "images"
    images.mkdir(parents=True, exist_ok=True)
    known: dict[str, list[tuple[str, Box]]] = {}
    for index in range(count):
        image, objects = draw_scene(np.random.default_rng((seed, index)))
        name = f"scene-{index + 1:03}.jpg"
        image.save(images / name, "JPEG", quality=JPEG_QUALITY)
        known[name] = objects
    with (folder / "boxes.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(CSV_COLUMNS)
        for name, objects in known.items():
            rows.writerows([name, WIDTH, HEIGHT, label, *box] for label, box in objects)
    return known


def draw_scene(random: np.random.Generator) -> tuple[Image.Image, list[tuple[str, Box]]]:
    """One scene with one to three objects that hardly overlap: the RGB image and its (label, box) pairs."""
    image = _background(random)
    objects: list[tuple[str, Box]] = []
    for _ in range(int(random.integers(1, 4))):
        label = LABELS[int(random.integers(len(LABELS)))]
        for _attempt in range(20):
            layer = _layer(random, label)
            box = _extent(layer)
            if box is not None and all(_apart(box, other) for _, other in objects):
                image.paste(layer, (0, 0), layer)
                objects.append((label, box))
                break
    return image.filter(ImageFilter.GaussianBlur(float(random.uniform(0, 0.6)))), objects


def _layer(random: np.random.Generator, label: str) -> Image.Image:
    """The object alone on a transparent layer of the scene's size, wholly inside the scene."""
    size = float(random.uniform(55, 110))
    center = (
        float(random.uniform(size / 2, WIDTH - size / 2)),
        float(random.uniform(size / 2, HEIGHT - size / 2)),
    )
    layer = Image.new("RGBA", (WIDTH * _SCALE, HEIGHT * _SCALE), (0, 0, 0, 0))
    _DRAW[label](ImageDraw.Draw(layer), random, center, size)
    return layer.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)


def _extent(layer: Image.Image) -> Box | None:
    return layer.getchannel("A").point(lambda alpha: 255 if alpha >= _SOLID else 0).getbbox()


def _apart(a: Box, b: Box) -> bool:
    shared_width = min(a[2], b[2]) - max(a[0], b[0])
    shared_height = min(a[3], b[3]) - max(a[1], b[1])
    return shared_width < 4 or shared_height < 4


def _background(random: np.random.Generator) -> Image.Image:
    """Sky over water, hills or sand, with clouds of noise and a grain over everything."""
    sky = np.array([random.uniform(120, 200), random.uniform(160, 220), random.uniform(200, 250)])
    ground = np.array(_GROUNDS[int(random.integers(len(_GROUNDS)))]) * random.uniform(0.8, 1.2)
    rows = np.arange(HEIGHT)[:, None, None]
    horizon = random.uniform(0.35, 0.8) * HEIGHT
    light = 1.0 - 0.25 * (rows / HEIGHT)
    pixels = np.where(rows < horizon, sky * light, ground * light) * np.ones((1, WIDTH, 1))
    pixels += 35 * _clouds(random, 24) + 18 * _clouds(random, 6)
    wave = np.sin(rows[..., 0] * random.uniform(0.3, 0.9) + 4 * _clouds(random, 16)[..., 0])
    pixels += np.where(rows >= horizon, 10.0, 0.0) * wave[..., None]
    pixels += random.normal(0, 5, pixels.shape)
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8), "RGB")


_GROUNDS = ((60, 110, 150), (90, 130, 70), (190, 170, 120), (70, 130, 130))


def _clouds(random: np.random.Generator, cell: int) -> NDArray[np.float64]:
    """Smooth noise in −1…1, float [HEIGHT, WIDTH, 1], with blots of about `cell` pixels."""
    coarse = random.uniform(-1, 1, (HEIGHT // cell + 2, WIDTH // cell + 2)).astype(np.float32)
    smooth = Image.fromarray(coarse).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)
    return np.asarray(smooth, dtype=np.float64)[..., None]


def _color(random: np.random.Generator, hues: tuple[float, float], saturation: float = 0.85) -> Color:
    """A bright colour with a hue (0–1) in the range `hues`: each kind of object has colours that it comes in."""
    hue = float(random.uniform(*hues)) % 1.0
    red, green, blue = colorsys.hsv_to_rgb(hue, saturation * random.uniform(0.8, 1.0), random.uniform(0.75, 1.0))
    return round(red * 255), round(green * 255), round(blue * 255)


def _darker(color: Color, factor: float = 0.65) -> Color:
    red, green, blue = (round(value * factor) for value in color)
    return red, green, blue


def _placed(
    points: Sequence[tuple[float, float]], center: tuple[float, float], size: float, angle: float
) -> list[tuple[float, float]]:
    """Points in units of the object's size, turned, moved to `center` and enlarged for drawing."""
    cos, sin = math.cos(angle), math.sin(angle)
    return [
        (
            (center[0] + size * (x * cos - y * sin)) * _SCALE,
            (center[1] + size * (x * sin + y * cos)) * _SCALE,
        )
        for x, y in points
    ]


def _kite(draw: ImageDraw.ImageDraw, random: np.random.Generator, center: tuple[float, float], size: float) -> None:
    angle = float(random.uniform(-0.5, 0.5))
    one, two = _color(random, _RED), _color(random, _YELLOW)
    top, right, bottom, left, middle = _placed(
        [(0, -0.5), (0.3, -0.12), (0, 0.35), (-0.3, -0.12), (0, -0.12)], center, size, angle
    )
    draw.polygon([top, right, middle], fill=one)
    draw.polygon([right, bottom, middle], fill=two)
    draw.polygon([bottom, left, middle], fill=one)
    draw.polygon([left, top, middle], fill=two)
    tail = [(0.05 * math.sin(step * 1.3), 0.35 + 0.03 * step) for step in range(5)]
    draw.line(_placed(tail, center, size, angle), fill=_darker(one), width=2 * _SCALE)


def _boat(draw: ImageDraw.ImageDraw, random: np.random.Generator, center: tuple[float, float], size: float) -> None:
    angle = float(random.uniform(-0.12, 0.12))
    hull, sail = _color(random, _BLUE), (245, 240, int(random.integers(190, 245)))
    turned = -1 if random.uniform() < 0.5 else 1
    draw.polygon(
        _placed([(-0.48, 0.2), (0.48, 0.2), (0.3, 0.42), (-0.32, 0.42)], center, size, angle),
        fill=_darker(hull),
    )
    draw.line(_placed([(0, 0.2), (0, -0.45)], center, size, angle), fill=(80, 50, 30), width=2 * _SCALE)
    draw.polygon(
        _placed([(0.03 * turned, -0.42), (0.36 * turned, 0.14), (0.03 * turned, 0.14)], center, size, angle),
        fill=sail,
    )
    draw.polygon(
        _placed([(-0.03 * turned, -0.3), (-0.24 * turned, 0.14), (-0.03 * turned, 0.14)], center, size, angle),
        fill=hull,
    )


def _balloon(draw: ImageDraw.ImageDraw, random: np.random.Generator, center: tuple[float, float], size: float) -> None:
    one, two = _color(random, _PURPLE), _color(random, _PURPLE, 0.25)
    steps = np.linspace(0, 2 * math.pi, 40)
    for share, color in ((0.32, one), (0.2, two), (0.08, one)):
        ring = [(share * math.sin(step), -0.17 - 0.33 * math.cos(step)) for step in steps]
        draw.polygon(_placed(ring, center, size, 0), fill=color)
    for side in (-1, 1):
        draw.line(
            _placed([(0.2 * side, 0.1), (0.07 * side, 0.34)], center, size, 0),
            fill=(70, 60, 50),
            width=_SCALE,
        )
    draw.polygon(
        _placed([(-0.09, 0.33), (0.09, 0.33), (0.07, 0.48), (-0.07, 0.48)], center, size, 0),
        fill=(120, 80, 40),
    )


_DRAW: dict[str, Callable[[ImageDraw.ImageDraw, np.random.Generator, tuple[float, float], float], None]] = {
    "kite": _kite,
    "boat": _boat,
    "balloon": _balloon,
}
