"""What building refuses, the check of a config refuses before anything is built."""

from __future__ import annotations

from pathlib import Path

import pytest
import test_build
import test_efficientdet
import test_pyramid
from google.protobuf import text_format

from teachbox.config.load import load_pipeline, parse_pipeline
from teachbox.config.supported import examine

pytestmark = pytest.mark.tf

CASES = [
    *(("ssd_mobilenet_v1_075", change) for change, _ in test_build.REFUSED),
    *(
        ("ssd_mobilenet_v2_fpnlite_keras", f"feature_extractor {{ depth_multiplier: 0.125 }} {change}")
        for change, _ in test_pyramid.REFUSED
    ),
    *(("ssd_efficientdet_d0_keras", change) for change, _ in test_efficientdet.REFUSED),
]


@pytest.mark.parametrize(("oracle", "change"), CASES)
def test_the_config_is_refused_and_without_the_change_it_is_not(oracles: Path, oracle: str, change: str):
    message = load_pipeline(oracles / oracle / "pipeline.config").message
    assert refused(message) <= {"train_config.fine_tune_checkpoint_version"}
    text_format.Merge(change, message.model.ssd)
    assert any(path.startswith("model.ssd") for path in refused(message))


def refused(message: object) -> set[str]:
    text = text_format.MessageToString(message)
    return {finding.field_path for finding in examine(parse_pipeline(text, "changed.config")).refused}
