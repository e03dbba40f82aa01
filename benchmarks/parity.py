"""How near our detectors are to the numbers of the original implementation: a table of all oracles.

    python benchmarks/parity.py ORACLES [NAME …] [--json FILE]

For each model the largest deviation of each kind beside what is allowed; exit status 1 if one is exceeded.
`KERAS_BACKEND=jax` or `torch` compares on that backend.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import sys
import time
from itertools import groupby
from pathlib import Path

# The oracles were computed with these kernels; it must be said before TensorFlow is imported.
os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "detector"))

from oracle_list import ORACLES, Oracle
from parity import Row, compare

KINDS = ("preprocessed", "predictions", "feature_maps", "detections", "targets", "losses", "training", "gradient",
         "statistics")  # fmt: skip


def worst_by_kind(rows: list[Row]) -> dict[str, Row]:
    """Of each kind the row nearest to, or furthest beyond, what is allowed."""
    ordered = sorted(rows, key=lambda row: row.kind)
    return {
        kind: max(group, key=lambda row: row.deviation / row.allowed if row.passed else float("inf"))
        for kind, group in groupby(ordered, key=lambda row: row.kind)
    }


def line(oracle: Oracle, worst: dict[str, Row], seconds: float) -> str:
    """One line of the table: deviation/allowed of each kind."""
    cells = [
        f"{worst[kind].deviation:.0e}/{worst[kind].allowed:.0e}{'' if worst[kind].passed else '!'}"
        if kind in worst
        else "-"
        for kind in KINDS
    ]
    return f"{oracle.name:32}" + "".join(f"{cell:>15}" for cell in cells) + f"{seconds:7.0f}"


def main() -> int:
    parser = argparse.ArgumentParser(description="Our detectors against the oracles.")
    parser.add_argument("oracles", type=Path, help="the folder with the oracles")
    parser.add_argument("names", nargs="*", help="models to compare; all if none is named")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    arguments = parser.parse_args()
    unknown = set(arguments.names) - {oracle.name for oracle in ORACLES}
    if unknown:
        parser.error(f"no such oracle: {', '.join(sorted(unknown))}")

    print(f"{'deviation/allowed':32}" + "".join(f"{kind:>15}" for kind in KINDS) + f"{'s':>7}")
    exceeded, figures, reasons = [], {}, {}
    chosen = [oracle for oracle in ORACLES if not arguments.names or oracle.name in arguments.names]
    for oracle in chosen:
        started = time.perf_counter()
        rows = list(compare(oracle.golden(arguments.oracles), oracle.allowed_here()))
        worst = worst_by_kind(rows)
        print(line(oracle, worst, time.perf_counter() - started), flush=True)
        exceeded += [f"{oracle.name}: {row}" for row in rows if not row.passed]
        figures[oracle.name] = {kind: [row.deviation, row.allowed, row.quantity] for kind, row in worst.items()}
        for kind, reason in oracle.allowed.reasons.items():
            reasons.setdefault(f"{kind}: {reason}", []).append(oracle.name)
        gc.collect()
    print("\nWider than usual, and why:" if reasons else "")
    for reason, names in reasons.items():
        print(f"  {reason} [{', '.join(names)}]")
    for text in exceeded:
        print(f"EXCEEDED {text}")
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=1))
    failed = len({text.split(":", 1)[0] for text in exceeded})
    print(f"parity: {len(chosen) - failed} of {len(chosen)} oracles within what is allowed")
    return 1 if exceeded else 0


if __name__ == "__main__":
    sys.exit(main())
