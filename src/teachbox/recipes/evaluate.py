"""evaluate: how good a model is on images whose boxes are known: metrics, counts, a page of mistakes."""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeVar

from teachbox.errors import DataError, UsageError
from teachbox.recipes.database import DB_HELP
from teachbox.recipes.recipe import Arg, command
from teachbox.recipes.settings import db_address

log = logging.getLogger(__name__)

SEED = 0
"""Of the images that --eval-steps draws: the trainer's own, so that both draw the same."""


@command(
    "evaluate",
    config_path=Arg("--config", "-c", help="pipeline.config: the detector of --checkpoint, and what else it names"),
    checkpoint=Arg("--checkpoint", help="its weights: path/to/model.ckpt-400, or a model_dir for the newest in it"),
    saved_model=Arg("--saved-model", help="an exported version, or an export_dir for the newest in it"),
    server=Arg("--server", help="a model server: HOST:PORT for gRPC, http://HOST:PORT for REST"),
    model_name=Arg("--model-name", help="name of the model there"),
    records=Arg("--records", help="TFRecord files, also patterns, with commas between (default: eval_input_reader's)"),
    csv_input=Arg("--csv-input", help="CSV file: path,xmin,ymin,xmax,ymax,label or filename,width,height,class,…"),
    base_path=Arg("--base-path", help="folder that the paths in the CSV file start from"),
    dataset=Arg("--dataset", help="name of a dataset: its accepted answers"),
    db=Arg("--db", help=DB_HELP),
    label_map_path=Arg("--label-map-path", "-lmp", help="label_map.pbtxt, instead of the one that the config names"),
    use_display_name=Arg("--use-display-name", "-D", help="call classes by the label map's display names"),
    metrics=Arg("--metrics", help="metrics sets, with commas between (default: those of eval_config, else COCO's)"),
    eval_steps=Arg("--eval-steps", "-es", help="so many images, drawn evenly (default: all)"),
    threshold=Arg("--threshold", "-t", help="score from which a detection counts in the table and on the page"),
    iou=Arg("--iou", help="overlap from which it is right there"),
    json_file=Arg("--json", help="write all numbers as JSON; -: to standard output, instead of the table"),
    report=Arg("--report", help="write a page (.html): curves, confusion matrix, the worst images"),
    worst=Arg("--worst", help="how many of the worst images the page shows"),
)
def evaluate(
    *,
    config_path: Path | None = None,
    checkpoint: Path | None = None,
    saved_model: Path | None = None,
    server: str | None = None,
    model_name: str | None = None,
    records: list[str] | None = None,
    csv_input: Path | None = None,
    base_path: Path | None = None,
    dataset: str | None = None,
    db: str | None = None,
    label_map_path: Path | None = None,
    use_display_name: bool = False,
    metrics: list[str] | None = None,
    eval_steps: int | None = None,
    threshold: float = 0.5,
    iou: float = 0.5,
    json_file: str | None = None,
    report: Path | None = None,
    worst: int = 12,
) -> None:
    """Measure a model on images whose boxes are known.

    The model is one of: --config with --checkpoint; --saved-model; --server with --model-name. The images are one of:
    --records; --csv-input, perhaps with --base-path; --dataset; else those of the config's eval_input_reader.
    """
    _check_model(config_path, checkpoint, saved_model, server, model_name)
    _check_images(records, csv_input, base_path, dataset)
    _check_numbers(threshold, iou, eval_steps, worst)
    _check_files(json_file, report)

    from teachbox.data.evaluation_examples import read_examples, sample
    from teachbox.evaluation.matching import Thresholds
    from teachbox.evaluation.summary import summarize
    from teachbox.evaluation.text import as_json, table
    from teachbox.recipes import evaluated
    from teachbox.recipes.evaluation_config import EvaluationConfig

    asked = EvaluationConfig.read(config_path, builds=checkpoint is not None)
    labels = asked.labels(label_map_path, use_display_name=use_display_name)
    names = {label.id: labels.text(label) for label in labels}
    config = asked.eval_config(metrics)
    one_of = 1
    if csv_input is not None:
        data = evaluated.from_csv(csv_input, base_path)
    elif dataset is not None:
        data = evaluated.from_dataset(dataset, db_address(db))
    elif records is not None:
        data = evaluated.from_records(records)
    else:
        data = evaluated.from_records(asked.records())
        one_of = asked.sample_one_of()
    chosen = sample(data.records(labels), eval_steps, SEED, one_of)
    if server is not None:
        model = evaluated.from_server(server, str(model_name))
    elif saved_model is not None:
        model = evaluated.from_saved_model(saved_model)
    else:
        assert asked.pipeline is not None
        assert checkpoint is not None
        model = evaluated.from_checkpoint(asked.pipeline, checkpoint, names, config)

    progress = _Progress()
    images = progress.after(model.detect(progress.before(read_examples(chosen, labels, data.name))))
    summary = summarize(images, names, config, Thresholds(threshold, iou), worst)
    if not summary.images:
        raise DataError("there is no image to evaluate on", where=data.name)
    summary.metrics.update(model.losses())
    for id, count in summary.unknown.items():
        log.warning("the model found class %d, which %s does not hold, %d times; left out", id, labels.where, count)
    about = {
        "model": model.name,
        "images": f"{progress.text} of {data.name}",
        "label map": str(labels.where),
        "made": time.strftime("%Y-%m-%d %H:%M"),
    }
    if report is not None:
        from teachbox.evaluation.report.page import report_page

        _write(str(report), report_page(summary, about, names))
    if json_file != "-":
        print(table(summary, about), end="")
        if report is not None:
            print(f"\nThe page: {report}")
    if json_file is not None:
        _write(json_file, json.dumps(as_json(summary, about), indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def _check_model(
    config_path: Path | None,
    checkpoint: Path | None,
    saved_model: Path | None,
    server: str | None,
    model_name: str | None,
) -> None:
    """Raises `UsageError` unless exactly one model is named, with all that belongs to it."""
    given = [
        option
        for option, value in (("--checkpoint", checkpoint), ("--saved-model", saved_model), ("--server", server))
        if value is not None
    ]
    if not given:
        raise UsageError(
            "name the model: --config FILE with --checkpoint PREFIX, --saved-model FOLDER, or --server ADDRESS with "
            "--model-name NAME"
        )
    if len(given) > 1:
        raise UsageError(f"{' and '.join(given)} name two models; give one of them")
    if checkpoint is not None and config_path is None:
        raise UsageError("--checkpoint needs --config, the pipeline.config that describes its detector")
    if (server is None) != (model_name is None):
        raise UsageError("--server and --model-name belong together; give both or none")


def _check_images(
    records: list[str] | None, csv_input: Path | None, base_path: Path | None, dataset: str | None
) -> None:
    given = [
        option
        for option, value in (("--records", records), ("--csv-input", csv_input), ("--dataset", dataset))
        if value is not None
    ]
    if len(given) > 1:
        raise UsageError(f"{' and '.join(given)} name two sets of images; give one of them")
    if base_path is not None and csv_input is None:
        raise UsageError("--base-path names the folder of the images of a --csv-input; give that too")
    if base_path is not None and not base_path.is_dir():
        raise UsageError(f"--base-path {base_path}: there is no such folder")


def _check_numbers(threshold: float, iou: float, eval_steps: int | None, worst: int) -> None:
    if not 0 <= threshold <= 1:
        raise UsageError(f"--threshold is {threshold:g}; it must be from 0 to 1")
    if not 0 < iou <= 1:
        raise UsageError(f"--iou is {iou:g}; it must be above 0 and at most 1")
    if eval_steps is not None and eval_steps < 1:
        raise UsageError(f"--eval-steps is {eval_steps}; it must be 1 or more")
    if worst < 0:
        raise UsageError(f"--worst is {worst}; it must not be negative")


def _check_files(json_file: str | None, report: Path | None) -> None:
    """Raises `UsageError` where a result could not be written, before anything is computed."""
    if report is not None and report.suffix.lower() not in (".html", ".htm"):
        raise UsageError(f"--report {report}: the page is HTML; give a name that ends in .html")
    files = [(option, Path(file)) for option, file in (("--json", json_file), ("--report", report)) if file is not None]
    for option, file in files:
        if str(file) == "-":
            continue
        if file.is_dir():
            raise UsageError(f"{option} {file}: this is a folder; give the name of a file")
        if not file.absolute().parent.is_dir():
            raise UsageError(f"{option} {file}: there is no folder {file.parent}")


def _write(file: str, text: str) -> None:
    """Write a result to a file, whole or not at all, or to standard output (`-`)."""
    if file == "-":
        sys.stdout.write(text)
        return
    path = Path(file)
    beside = path.with_name(f".{path.name}.part")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)


T = TypeVar("T")


class _Progress:
    """Counts the images that go into a model and those that come out; says so while a person looks on."""

    def __init__(self) -> None:
        self.into = self.out_of = 0

    def before(self, examples: Iterable[T]) -> Iterator[T]:
        for example in examples:
            self.into += 1
            yield example

    def after(self, images: Iterable[T]) -> Iterator[T]:
        shown = sys.stderr.isatty()
        for image in images:
            self.out_of += 1
            if shown:
                print(f"\r{self.out_of} images", end="", file=sys.stderr, flush=True)
            yield image
        if shown and self.out_of:
            print("\r\033[K", end="", file=sys.stderr, flush=True)

    @property
    def text(self) -> str:
        """How many images there were, and how many could not be read."""
        left_out = self.into - self.out_of
        return f"{self.out_of}" + (f" ({left_out} left out, which cannot be read)" if left_out else "")
