"""What a training recipe is told, checked before anything starts: config, label map, checkpoint."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from teachbox.config.label_map import load_label_map
from teachbox.config.load import Pipeline, load_pipeline
from teachbox.config.paths import check_placeholders, resolve_path
from teachbox.config.supported import check_labels, check_supported, examine
from teachbox.errors import CheckpointError, ConfigError, LabelMapError
from teachbox.labels import LabelMap

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Project:
    """A pipeline.config that can be built, and the labels that go with it."""

    pipeline: Pipeline
    labels: LabelMap
    label_map_path: Path
    shown: list[str]
    """The labels offered to the annotator, and predicted: those of --label, or all."""


def open_project(
    config_path: Path,
    *,
    label_map_path: Path | None = None,
    shown: Sequence[str] | None = None,
    use_display_name: bool = False,
    run_eval: bool = False,
) -> Project:
    """Read and check config and label map. Raises `ConfigError`, `LabelMapError` or `CheckpointError`.

    A `label_map_path` given here stands before the one in the config.
    """
    pipeline = load_pipeline(config_path)
    check_supported(pipeline)
    for finding in examine(pipeline).no_effect:
        logger.info("%s: %s", pipeline.at(finding.field_path), finding.text)
    check_placeholders(pipeline, unused=_unused(label_map_path, run_eval))
    if label_map_path is not None:
        logger.info("Overriding label_map_path given in the odapi config file")
    else:
        label_map_path = _label_map_of(pipeline)
    named = pipeline.message.train_input_reader.use_display_name
    labels = load_label_map(label_map_path, use_display_name=use_display_name or named)
    check_labels(pipeline, labels)
    for text in shown or ():
        labels.id_of(text)
    _check_checkpoint(pipeline)
    return Project(pipeline, labels, label_map_path, list(shown or labels.names))


def _unused(label_map_path: Path | None, run_eval: bool) -> list[str]:
    """Parts of a config in which a path may still have to be filled in, since nobody reads it."""
    unused = ["train_input_reader.tf_record_input_reader"]
    if label_map_path is not None:
        unused += ["train_input_reader.label_map_path"]
    if not run_eval:
        unused += ["eval_config", "eval_input_reader"]
    return unused


def _label_map_of(pipeline: Pipeline) -> Path:
    value = pipeline.message.train_input_reader.label_map_path
    if not value:
        raise ConfigError(
            "train_input_reader has no label_map_path; write one there, or give --label-map-path",
            where=pipeline.at("train_input_reader"),
        )
    path = Path(resolve_path(pipeline, value))
    if not path.is_file():
        raise LabelMapError(f"there is no label map {path}", where=pipeline.at("train_input_reader.label_map_path"))
    return path


def _check_checkpoint(pipeline: Pipeline) -> None:
    value = pipeline.message.train_config.fine_tune_checkpoint
    if not value:
        return
    prefix = Path(resolve_path(pipeline, value))
    if not prefix.with_name(f"{prefix.name}.index").is_file():
        raise CheckpointError(
            f"fine_tune_checkpoint {value!r} does not exist (there is no {prefix}.index); name a checkpoint, "
            "such as model.ckpt, without .index or .data-…",
            where=pipeline.at("train_config.fine_tune_checkpoint"),
        )
