"""Published checkpoints of TensorFlow 2: what they were trained with is built with exactly their names and shapes, and
takes every value of a file with these keys."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from object_files import write_objects

from teachbox.config.load import load_pipeline

pytestmark = pytest.mark.tf

_ENDING = "/.ATTRIBUTES/VARIABLE_VALUE"


@pytest.mark.parametrize("name", ["ssd_mobilenet_v2_fpnlite_320", "ssd_efficientdet_d0"])
def test_a_published_checkpoint_has_our_names_and_shapes(oracles: Path, tmp_path: Path, name: str):
    from teachbox.detector.build import build_detector
    from teachbox.detector.weights import restore

    folder = oracles / "real_checkpoint_keys"
    detector = build_detector(load_pipeline(folder / f"{name}.pipeline.config").message.model)
    found = {name: list(variable.shape) for name, variable in detector.checkpoint_variables().items()}
    entries = json.loads((folder / f"{name}.json").read_text())["entries"]
    stored = {entry["checkpoint_key"].removesuffix(_ENDING): entry["shape"] for entry in entries}
    # Beside the variables there are counters, and the graph of objects.
    assert found == {name: shape for name, shape in stored.items() if name.startswith("model/")}
    assert len(found) == len(detector.checkpoint_variables()) > 300

    random = np.random.default_rng(0)
    arrays = {path: random.normal(size=shape).astype(np.float32) for path, shape in stored.items() if shape}
    report = restore(detector.checkpoint_variables(), write_objects(tmp_path, arrays), checkpoint_type="full")
    assert (len(report.taken), report.left, report.unused) == (len(found), {}, [])
    for path, variable in detector.checkpoint_variables().items():
        np.testing.assert_array_equal(variable.numpy(), arrays[path], err_msg=path)
