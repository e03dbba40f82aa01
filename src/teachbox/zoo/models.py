"""What the zoo's pages say of each model, from models.csv: speed, AP, outputs, and where its archive is."""

from __future__ import annotations

import csv
import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple
from urllib.parse import urljoin

from teachbox.errors import UsageError

BASE = "http://download.tensorflow.org/models/object_detection/"
Order = Literal["zoo", "name", "speed", "ap"]


class Table(NamedTuple):
    """What the numbers of a table mean; None where it has none, or its page does not say."""

    speed: str | None
    measure: str | None


_TITAN = "a 600×600 image on a GeForce GTX TITAN X"
TABLES = {
    "TF1 COCO": Table(_TITAN, "COCO mAP, rounded"),
    "TF1 COCO Pixel 1": Table("one image on a Pixel 1", "COCO mAP"),
    "TF1 COCO Pixel 4 Edge TPU": Table("one image on a Pixel 4 Edge TPU", "COCO mAP"),
    "TF1 COCO Pixel 4 DSP": Table("one image on a Pixel 4 DSP", "COCO mAP"),
    "TF1 COCO Pixel 6 Edge TPU": Table("one image on a Pixel 6 Edge TPU", "COCO 2017 mAP"),
    "TF1 KITTI": Table(_TITAN, "Pascal mAP@0.5"),
    "TF1 Open Images": Table(_TITAN, "Open Images mAP@0.5"),
    "TF1 iNaturalist": Table(_TITAN, "Pascal mAP@0.5"),
    "TF1 AVA": Table(_TITAN, "Pascal mAP@0.5"),
    "TF1 Snapshot Serengeti": Table(None, "COCO mAP@0.5"),
    "TF2 COCO": Table(None, "COCO 2017 mAP"),
    "TF2 ImageNet": Table(None, None),
}


@dataclass(frozen=True)
class ZooModel:
    """One model. `speed_ms` and `ap` mean what `TABLES[table]` says, and are None where nothing is published."""

    table: str
    name: str
    title: str
    """What the zoo's page calls it, where that is another name."""
    speed_ms: float | None
    ap: float | None
    """Of its boxes."""
    note: str
    """Another AP that is published, and of what."""
    outputs: tuple[str, ...]
    """`Boxes`, `Masks`, `Keypoints`; empty for a backbone alone."""
    archive: str
    """Address of the tar.gz, from `BASE` unless it is a whole one."""
    config: str
    """The parts of its detector, as the text of a pipeline.config; for a backbone, of a detector that takes it."""

    @property
    def checkpoint_version(self) -> Literal["V1", "V2"]:
        """The `fine_tune_checkpoint_version` of its checkpoint."""
        return "V1" if self.table.startswith("TF1") else "V2"

    @property
    def checkpoint_type(self) -> Literal["detection", "classification"]:
        """The `fine_tune_checkpoint_type` to restore it with."""
        return "detection" if self.outputs else "classification"

    def address(self, base: str = BASE) -> str:
        """Where its archive is, with `base` in the place of the zoo's own address."""
        return urljoin(base.rstrip("/") + "/", self.archive)


def zoo_models() -> list[ZooModel]:
    """All models, in the order of the zoo's pages."""
    with Path(__file__).with_name("models.csv").open(encoding="utf-8", newline="") as file:
        return [_model(row) for row in csv.DictReader(file)]


def _model(row: dict[str, str]) -> ZooModel:
    return ZooModel(
        table=row["table"],
        name=row["name"],
        title=row["title"],
        speed_ms=float(row["speed_ms"]) if row["speed_ms"] else None,
        ap=float(row["ap"]) if row["ap"] else None,
        note=row["note"],
        outputs=tuple(filter(None, row["outputs"].split("/"))),
        archive=row["archive"],
        config=row["config"],
    )


def select(models: Iterable[ZooModel], words: Sequence[str], order: Order = "zoo") -> list[ZooModel]:
    """Those of `models` that hold all the words in name, title, table or outputs; without words, all of them.

    `speed` puts the quickest first, `ap` the best; what has no such number comes last.
    """
    wanted = [word.lower() for word in words]
    found = [model for model in models if all(word in _text(model) for word in wanted)]
    if order == "name":
        return sorted(found, key=lambda model: model.name)
    if order == "speed":
        return sorted(found, key=lambda model: (model.speed_ms is None, model.speed_ms or 0.0))
    if order == "ap":
        return sorted(found, key=lambda model: (model.ap is None, -(model.ap or 0.0)))
    return found


def _text(model: ZooModel) -> str:
    return " ".join((model.name, model.title, model.table, *model.outputs)).lower()


def find_model(name: str) -> ZooModel:
    """The model with this name or title. Raises `UsageError` that names those that come near."""
    models = zoo_models()
    for model in models:
        if name.lower() in (model.name, model.title.lower()):
            return model
    near = difflib.get_close_matches(name.lower(), [model.name for model in models], n=3)
    near = near or [model.name for model in select(models, name.split())][:3]
    hint = f"; did you mean {' or '.join(near)}?" if near else ""
    raise UsageError(f"the zoo has no model {name!r}{hint} (teachbox zoo lists them)")
