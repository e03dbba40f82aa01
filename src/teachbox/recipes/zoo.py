"""zoo, zoo fetch: the public model zoo of the Object Detection API, and one of its models into a project."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from teachbox.errors import ConfigError, UsageError
from teachbox.recipes.recipe import Arg, command
from teachbox.zoo.models import BASE, TABLES, ZooModel, find_model, select, zoo_models

if TYPE_CHECKING:
    from teachbox.zoo.download import Progress
    from teachbox.zoo.fetch import Fetched

MIRROR_VARIABLE = "TEACHBOX_ZOO_MIRROR"


@command(
    "zoo",
    words=Arg(help="only models whose name, table or outputs hold all these words, such as: ssd mobilenet", many=True),
    sort=Arg("--sort", help="zoo: as its pages have it; speed: the quickest first; ap: the best first"),
    usable=Arg("--usable", help="only models that a detector built here can start from"),
    as_json=Arg("--json", help="as JSON, with everything that is known of each"),
)
def zoo(
    words: list[str] | None = None,
    *,
    sort: Literal["zoo", "name", "speed", "ap"] = "zoo",
    usable: bool = False,
    as_json: bool = False,
) -> None:
    """List the public models of the Object Detection API: milliseconds an image, AP, outputs, address.

    The last column says whether a detector built here can start from the model, or why not. `teachbox zoo fetch NAME
    PROJECT` downloads one.
    """
    from teachbox.zoo.usable import why_not

    rows = [(model, why_not(model)) for model in select(zoo_models(), words or [], sort)]
    if usable:
        rows = [(model, reason) for model, reason in rows if reason is None]
    if as_json:
        print(json.dumps([_as_json(model, reason) for model, reason in rows], indent=2, ensure_ascii=False))
        return
    if not rows:
        raise UsageError(f"no model of the zoo fits {' '.join(words or [])!r}" + (" and is usable" if usable else ""))
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    print("\n".join(_listing(rows, width)))


def _as_json(model: ZooModel, reason: str | None) -> dict[str, Any]:
    speed, measure = TABLES[model.table]
    return {
        "name": model.name,
        "title": model.title or model.name,
        "table": model.table,
        "speed_ms": model.speed_ms,
        "speed_of": speed,
        "ap": model.ap,
        "ap_of": measure,
        "note": model.note,
        "outputs": list(model.outputs),
        "address": model.address(),
        "checkpoint_version": model.checkpoint_version,
        "checkpoint_type": model.checkpoint_type,
        "usable": reason is None,
        "why_not": reason,
    }


def _listing(rows: Sequence[tuple[ZooModel, str | None]], width: int | None) -> Iterator[str]:
    """A line each; where the addresses find no room in `width`, each on a line of its own."""
    cells = [("name", "ms", "AP", "outputs", "table", "usable")]
    cells += [(*_cells(model), "yes" if reason is None else f"no, {reason}") for model, reason in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    right = {1, 2}
    lines = [
        "  ".join(f"{cell:>{widths[at]}}" if at in right else f"{cell:<{widths[at]}}" for at, cell in enumerate(row))
        for row in cells
    ]
    addresses = ["address", *(model.address() for model, _ in rows)]
    beside = width is None or len(lines[0]) + 2 + max(map(len, addresses)) <= width
    for line, address in zip(lines, addresses, strict=True):
        yield f"{line}  {address}" if beside else f"{line.rstrip()}\n    {address}"
    yield ""
    for name in dict.fromkeys(model.table for model, _ in rows):
        speed, measure = TABLES[name]
        told = [f"ms for {speed}"] if speed else []
        told += [f"AP is {measure}"] if measure else ["backbones alone, trained to classify"]
        yield f"{name}: {'; '.join(told)}"


def _cells(model: ZooModel) -> tuple[str, str, str, str, str]:
    speed = "–" if model.speed_ms is None else f"{model.speed_ms:g}"
    ap = "–" if model.ap is None else f"{model.ap:g}"
    return model.name, speed, ap, "/".join(model.outputs) or "–", model.table


@command(
    "zoo fetch",
    name=Arg(help="name of the model, as teachbox zoo lists it"),
    project=Arg(help="folder of the project; the model goes into PROJECT/zoo/NAME"),
    mirror=Arg(
        "--mirror", help=f"address that stands in for {BASE.rstrip('/')} (or {MIRROR_VARIABLE} in the environment)"
    ),
)
def zoo_fetch(name: str, project: Path, mirror: str | None = None) -> None:
    """Download a model of the zoo into a project and say what to write into the pipeline.config.

    What has come is kept when the connection breaks or you stop: run it again and it goes on. HTTP_PROXY and
    HTTPS_PROXY are followed. Without a network, put the archive at PROJECT/zoo/NAME.tar.gz yourself; it is unpacked
    and deleted. The archive's checksum is kept in PROJECT/zoo/SHA256SUMS; a later one that differs is refused.
    """
    from teachbox.zoo.fetch import fetch
    from teachbox.zoo.usable import why_not

    model = find_model(name)
    base = mirror or os.environ.get(MIRROR_VARIABLE) or BASE
    if not base.startswith(("http://", "https://")):
        raise UsageError(f"the mirror is {base!r}; it must be an address that begins with http:// or https://")
    reason = why_not(model)
    if reason is not None:
        print(f"No detector built here can start from {model.name} ({reason}); it is fetched all the same.")
    with _bar(model.name) as show:
        fetched = fetch(model, project, base, show)
    print("\n".join(_told(model, fetched, project)))


def _told(model: ZooModel, fetched: Fetched, project: Path) -> Iterator[str]:
    """What is there now, and what to do with it."""
    yield f"{model.name} is in {fetched.folder}" + ("" if fetched.new else ", where it was")
    if fetched.checkpoint is None:
        yield "It holds no checkpoint to start from."
    else:
        own = project / "pipeline.config"
        yield f"To start from it, write into train_config of {own if own.exists() else 'your pipeline.config'}:"
        yield f"  fine_tune_checkpoint: {json.dumps(str(fetched.checkpoint.absolute()), ensure_ascii=False)}"
        yield f"  fine_tune_checkpoint_version: {model.checkpoint_version}"
        yield f'  fine_tune_checkpoint_type: "{model.checkpoint_type}"'
    if fetched.config is not None:
        yield f"Its own config is {fetched.config}: {_verdict(fetched.config)}"


def _verdict(config: Path) -> str:
    from teachbox.config.load import load_pipeline
    from teachbox.config.supported import check_supported

    try:
        check_supported(load_pipeline(config))
    except ConfigError as error:
        return error.message
    return "everything in it is built"


@contextmanager
def _bar(name: str) -> Iterator[Callable[[Progress], None]]:
    """A bar on the terminal for the progress of a download; nothing where there is no terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn, TransferSpeedColumn
    from rich.progress import Progress as Bar

    console = Console(stderr=True)
    columns = TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn()
    with Bar(*columns, TimeRemainingColumn(), console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task(name, total=None)
        yield lambda progress: bar.update(task, completed=progress.done, total=progress.size)
