"""A recipe of one's own: is it day or night in these photographs? The darkest are asked first.

teachbox day-or-night -F examples/recipes/day_or_night.py light ~/photos
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from PIL import Image, ImageStat

import teachbox

OPTIONS = [
    {"id": "day", "text": "Day", "color": "#e69f00"},
    {"id": "night", "text": "Night", "color": "#0072b2"},
    {"id": "neither", "text": "Cannot be told"},
]


def brightness(path: Path) -> float:
    """Mean of the grey values, 0 (black) to 1 (white)."""
    with Image.open(path) as image:
        return ImageStat.Stat(image.convert("L").resize((32, 32))).mean[0] / 255


@teachbox.recipe(
    "day-or-night",
    dataset=teachbox.Arg(help="name of the dataset that the answers go to"),
    folder=teachbox.Arg(help="folder of images"),
    wanted=teachbox.Arg("--wanted", "-w", help="so many answers are the whole work"),
)
def day_or_night(dataset: str, folder: Path, wanted: int = 100) -> dict:
    """Ask of each photograph whether it shows day or night, the darkest first."""
    light = {path: brightness(path) for path in folder.glob("*.jpg")}
    tasks = [
        {"image": str(path), "text": "Day or night", "options": OPTIONS, "meta": {"brightness": round(light[path], 2)}}
        for path in sorted(light, key=light.__getitem__)
    ]
    counts: Counter[str] = Counter()

    def validate_answer(answer: dict) -> None:
        if answer["answer"] == "accept" and not answer["accept"]:
            raise ValueError("choose an option first, or ignore the image")

    def before_db(answers: list[dict]) -> list[dict]:
        return [{**answer, "light": next(iter(answer["accept"]), None)} for answer in answers]

    def update(answers: list[dict]) -> None:
        counts.update(answer["light"] for answer in answers if answer["answer"] == "accept")

    return {
        "dataset": dataset,
        "view_id": "choice",
        "stream": tasks,
        "validate_answer": validate_answer,
        "before_db": before_db,
        "update": update,
        "progress": lambda session, total: total / wanted,
        "on_load": lambda controller: print(f"{len(tasks)} photographs, from {controller.url}"),
        "on_exit": lambda controller: print("This time:", dict(counts)),
        "config": {"choice_auto_accept": True, "hide_meta": False},
    }
