"""What a pipeline.config says about evaluating: its labels, its metrics sets, its records. There may be none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from teachbox.config.label_map import load_label_map
from teachbox.config.load import Pipeline, load_pipeline
from teachbox.config.paths import check_placeholders, placeholders, resolve_path
from teachbox.config.protos.eval_pb2 import EvalConfig
from teachbox.config.protos.input_reader_pb2 import InputReader
from teachbox.config.supported import check_labels, check_supported
from teachbox.errors import ConfigError, LabelMapError, UsageError
from teachbox.evaluation.metrics_sets import check_sets
from teachbox.labels import LabelMap


@dataclass(frozen=True)
class EvaluationConfig:
    """A pipeline.config, or None; `builds` says whether its detector is what is evaluated."""

    pipeline: Pipeline | None
    builds: bool

    @classmethod
    def read(cls, path: Path | None, *, builds: bool) -> EvaluationConfig:
        """Read the config, and check it where its detector will be built. Raises `ConfigError`."""
        if path is None:
            return cls(None, builds)
        pipeline = load_pipeline(path)
        if builds:
            check_supported(pipeline)
            check_placeholders(pipeline, unused=["train_config", "train_input_reader", "eval_input_reader"])
        return cls(pipeline, builds)

    def labels(self, path: Path | None, *, use_display_name: bool) -> LabelMap:
        """The label map at `path`, else the one that the config names. Raises `LabelMapError`, `ConfigError`."""
        named = self._reader_with_labels()
        if path is None:
            if self.pipeline is None or named is None:
                raise UsageError("name the label map: --label-map-path, or a --config that names one")
            field, reader = named
            self._check_filled_in(f"{field}.label_map_path")
            path = Path(resolve_path(self.pipeline, reader.label_map_path))
            if not path.is_file():
                raise LabelMapError(f"there is no label map {path}", where=self.pipeline.at(f"{field}.label_map_path"))
        use_display_name = use_display_name or (named is not None and named[1].use_display_name)
        labels = load_label_map(path, use_display_name=use_display_name)
        if self.pipeline is not None and self.builds:
            check_labels(self.pipeline, labels)
        return labels

    def eval_config(self, metrics: Sequence[str] | None) -> EvalConfig:
        """The config's `eval_config`, with these metrics sets instead of its own where there are any.

        Raises `UsageError` for a set that measures something else than boxes.
        """
        config = EvalConfig()
        if self.pipeline is not None:
            config.CopyFrom(self.pipeline.message.eval_config)
        if metrics is None:
            where = "" if self.pipeline is None else self.pipeline.at("eval_config.metrics_set[0]")
            check_sets(config.metrics_set, where=where)
            return config
        check_sets(metrics, where="--metrics")
        config.metrics_set[:] = metrics
        return config

    def records(self) -> list[str]:
        """Paths of the records that `eval_input_reader` names. Raises `UsageError` or `ConfigError` for none."""
        if self.pipeline is None:
            raise UsageError("name the images: --records, --csv-input or --dataset, or a --config that names records")
        readers = self.pipeline.message.eval_input_reader
        paths = [path for reader in readers for path in reader.tf_record_input_reader.input_path]
        if not paths:
            raise ConfigError(
                "eval_input_reader names no record; write one there, or give --records, --csv-input or --dataset",
                where=self.pipeline.where,
            )
        self._check_filled_in("eval_input_reader")
        return [resolve_path(self.pipeline, path) for path in paths]

    def sample_one_of(self) -> int:
        """Of how many records one is looked at, as the first `eval_input_reader` says."""
        readers = [] if self.pipeline is None else self.pipeline.message.eval_input_reader
        return readers[0].sample_1_of_n_examples if readers else 1

    def _reader_with_labels(self) -> tuple[str, InputReader] | None:
        """The first reader that names a label map: of evaluation before training."""
        if self.pipeline is None:
            return None
        message = self.pipeline.message
        readers = [(f"eval_input_reader[{row}]", reader) for row, reader in enumerate(message.eval_input_reader)]
        readers.append(("train_input_reader", message.train_input_reader))
        return next(((field, reader) for field, reader in readers if reader.label_map_path), None)

    def _check_filled_in(self, part: str) -> None:
        """Raises `ConfigError` where a path in `part` of the config still has to be filled in."""
        assert self.pipeline is not None
        for named in placeholders(self.pipeline):
            if named.field_path.startswith(part):
                raise ConfigError(
                    f'{named.field_path} still says "{named.value}"; put the real path there, or name it here',
                    where=self.pipeline.at(named.field_path),
                )
