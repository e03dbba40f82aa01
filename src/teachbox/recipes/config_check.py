"""config check: whether a pipeline.config parses, agrees with itself and can be built."""

from __future__ import annotations

from pathlib import Path

from teachbox.recipes.recipe import Arg, command


@command(
    "config check",
    file=Arg(help="pipeline.config"),
    parse_only=Arg("--parse-only", help="do not ask whether every part of it is built here"),
)
def config_check(file: Path, parse_only: bool = False) -> None:
    """Say whether a pipeline.config can be used; if not, which line is wrong and what would be right."""
    from teachbox.config.check import check_config

    print(check_config(file, parse_only=parse_only))
