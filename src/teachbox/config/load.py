"""Reading a pipeline.config: the message, and the line of each of its fields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from teachbox.config.protos.pipeline_pb2 import TrainEvalPipelineConfig
from teachbox.config.text import read_text
from teachbox.errors import ConfigError, TeachboxError


@dataclass(frozen=True)
class Pipeline:
    """A pipeline.config: the message, the file that it came from (none for text), its text, and its lines."""

    message: TrainEvalPipelineConfig
    path: Path | None
    text: str
    where: str = "pipeline.config"
    lines: Mapping[str, int] = field(default_factory=dict, repr=False)

    def line_of(self, field_path: str) -> int | None:
        """Line of a field, such as `model.ssd.box_coder` or `eval_input_reader[0].shuffle`; None if unset."""
        return self.lines.get(field_path)

    def at(self, field_path: str) -> str:
        """`FILE:LINE` for the `where` of an error: of a field, or of the block around it if it is unset."""
        path = field_path
        while path and path not in self.lines:
            path = path[: max(path.rfind("."), 0)]
        return f"{self.where}:{self.lines[path]}" if path else self.where


def load_pipeline(path: Path | str) -> Pipeline:
    """The pipeline.config at `path`. Raises `ConfigError` with the line and what would be right there."""
    path = Path(path)
    return _parse(read_file(path, ConfigError), where=str(path), path=path)


def parse_pipeline(text: str, where: str = "pipeline.config") -> Pipeline:
    """A pipeline.config from its text; errors name `where`."""
    return _parse(text, where=where, path=None)


def _parse(text: str, *, where: str, path: Path | None) -> Pipeline:
    message, lines = read_text(text, TrainEvalPipelineConfig, where=where, error=ConfigError)
    return Pipeline(message, path, text, where, lines)


def read_file(path: Path, error: type[TeachboxError]) -> str:
    """The text of a file; `error` if it is missing, no file, not readable or not UTF-8."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise error("no such file", where=str(path)) from None
    except UnicodeDecodeError as exception:
        raise error(f"this is no text file (byte {exception.start} is not UTF-8)", where=str(path)) from exception
    except OSError as exception:
        raise error(f"cannot be read: {exception.strerror}", where=str(path)) from exception
