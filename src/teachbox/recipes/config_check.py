"""config check: whether a pipeline.config parses, agrees with itself and can be built."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from teachbox.recipes.recipe import Arg, command

if TYPE_CHECKING:
    from teachbox.config.load import Pipeline


@command(
    "config check",
    file=Arg(help="pipeline.config"),
    parse_only=Arg("--parse-only", help="do not ask whether every part of it is built here"),
)
def config_check(file: Path, parse_only: bool = False) -> None:
    """Say whether a pipeline.config can be used; if not, which line is wrong and what would be right.

    It takes less than a second, but for a config with freeze_variables or update_trainable_variables: what these fit is
    known when the detector is built, which takes some seconds more.
    """
    from teachbox.config.check import check_config

    print(check_config(file, parse_only=parse_only, trained=_trained))


def _trained(pipeline: Pipeline) -> str:
    """How many variables training changes. Raises `ConfigError` for a pattern that fits none."""
    from teachbox.recipes.quiet import load_tensorflow

    load_tensorflow()
    from teachbox.training.worker import prepare_backend

    prepare_backend(40)
    from teachbox.detector.build import build_detector
    from teachbox.training.chosen import chosen_names

    detector = build_detector(pipeline.message.model)
    names = chosen_names(detector, pipeline.message.train_config, pipeline.at)
    return f"{len(names)} of {len(detector.trainable_variables)} variables"
