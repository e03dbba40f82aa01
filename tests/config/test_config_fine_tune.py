"""How a config says that a checkpoint is to be restored."""

from __future__ import annotations

import pytest

from teachbox.config.fine_tune import fine_tune_checkpoint_type, restores_heads
from teachbox.config.load import parse_pipeline


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("", "classification"),
        ("from_detection_checkpoint: true", "detection"),
        ("from_detection_checkpoint: false", "classification"),
        ("fine_tune_checkpoint_type: 'full' from_detection_checkpoint: true", "full"),
        ("fine_tune_checkpoint_type: 'classification' from_detection_checkpoint: true", "classification"),
    ],
)
def test_how_a_checkpoint_is_restored(text: str, kind: str):
    assert fine_tune_checkpoint_type(parse_pipeline(f"train_config {{ {text} }}")) == kind


@pytest.mark.parametrize(("text", "heads"), [("", True), (": true", True), (": false", False)])
def test_whether_heads_are_restored(text: str, heads: bool):
    field = f"load_all_detection_checkpoint_vars{text}" if text else ""
    assert restores_heads(parse_pipeline(f"train_config {{ {field} }}")) == heads
