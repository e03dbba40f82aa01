"""The starter config with one thing changed, and what is said against it."""

from __future__ import annotations

import pytest

from teachbox.config.load import Pipeline, parse_pipeline
from teachbox.config.starter import Numbers, starter_text
from teachbox.config.supported import check_supported
from teachbox.errors import ConfigError

STARTER = starter_text(2, None, Numbers())


def changed(old: str, new: str) -> tuple[Pipeline, int]:
    """The starter with one piece of text replaced, and the line of that."""
    assert STARTER.count(old) == 1, old
    line = 1 + STARTER[: STARTER.index(old)].count("\n")
    return parse_pipeline(STARTER.replace(old, new), "my.config"), line


def refusal(pipeline: Pipeline) -> str:
    with pytest.raises(ConfigError) as caught:
        check_supported(pipeline)
    return str(caught.value)
