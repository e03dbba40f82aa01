"""Real configs: every sample config and every config of an oracle is a test of its own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_SHARED = Path(os.environ.get("TEACHBOX_SHARED", Path(__file__).parents[3] / "shared"))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "config_file" in metafunc.fixturenames:
        files = sorted((_SHARED / "oracles").rglob("*.config"))
        metafunc.parametrize("config_file", files, ids=[str(file.relative_to(_SHARED / "oracles")) for file in files])


@pytest.fixture(scope="session")
def post_config() -> str:
    """The pipeline.config of the original post."""
    path = _SHARED / "reference" / "original-post.txt"
    if not path.is_file():
        pytest.skip(f"real data is missing: no file {path} (TEACHBOX_SHARED names another place)")
    text = path.read_text(encoding="utf-8")
    return text.split("Contents of pipeline.config\n", 1)[1].split("NOTE: Here we setup", 1)[0].lstrip("\n")
