"""image.manual: draw boxes, without a model."""

from __future__ import annotations

from teachbox.recipes.recipe import Arg, Components, recipe
from teachbox.recipes.streams import source_stream


@recipe(
    "image.manual",
    dataset=Arg(help="name of the dataset that the answers go to"),
    source=Arg(help="folder of images, one image, a JSONL file of tasks, or an address"),
    label=Arg("--label", "-l", help="labels to offer, with commas between"),
    exclude=Arg("--exclude", "-e", help="datasets whose images are left out, with commas between"),
)
def image_manual(*, dataset: str, source: str, label: list[str], exclude: list[str] | None = None) -> Components:
    """Draw boxes on images in the browser; nothing is predicted and nothing is trained."""
    return {
        "dataset": dataset,
        "stream": source_stream(source),
        "view_id": "image_manual",
        "exclude": exclude or [],
        "config": {"labels": label},
    }
