"""Every detector against the original implementation's numbers: one test a folder of the oracles."""

from __future__ import annotations

import os
from pathlib import Path

import keras
import pytest
from oracle_list import ORACLES, Oracle
from parity import compare

pytestmark = pytest.mark.tf

# Batch statistics of maps of one pixel (two images) amplify rounding in training mode. The oracles were computed
# without oneDNN; with it on, the last feature map's predictions differ by 0.08 and the norm of the gradient by 8 %.
BACKEND = keras.backend.backend()
SAME_KERNELS = BACKEND != "tensorflow" or os.environ.get("TF_ENABLE_ONEDNN_OPTS") == "0"


def marks(oracle: Oracle) -> list[pytest.MarkDecorator]:
    left_out = oracle.slow or (BACKEND != "tensorflow" and BACKEND not in oracle.elsewhere)
    return [pytest.mark.slow] if left_out else []


@pytest.mark.parametrize("oracle", [pytest.param(oracle, id=oracle.name, marks=marks(oracle)) for oracle in ORACLES])
def test_agrees_with_the_original(oracles: Path, oracle: Oracle):
    if not SAME_KERNELS:
        pytest.skip("other kernels than the oracles': set TF_ENABLE_ONEDNN_OPTS=0 (make test does)")
    rows = list(compare(oracle.golden(oracles), oracle.allowed_here()))
    assert len(rows) > 20
    wrong = [str(row) for row in rows if not row.passed]
    assert not wrong, f"{len(wrong)} of {len(rows)}:\n" + "\n".join(wrong[:20])
