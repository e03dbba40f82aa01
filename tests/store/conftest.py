"""A store on SQLite, and answered tasks to put into it."""

from __future__ import annotations

import pytest

from teachbox.store import Store


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path / "teachbox.db") as opened:
        yield opened


@pytest.fixture
def answered():
    """Makes an answered task: `answered(5, "reject")`; its task hash is its input hash + 1000."""

    def make(input_hash, answer="accept", **more):
        span = {"label": "raccoon", "x": 1.5, "y": 2.0, "width": 30.25, "height": 40.0}
        task = {"_input_hash": input_hash, "_task_hash": input_hash + 1000, "path": f"/data/{input_hash}.jpg"}
        return {**task, "spans": [span], "answer": answer, **more}

    return make
