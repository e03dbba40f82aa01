"""What the benchmarks of training and inference share: a detector from a config, a batch for it, times, memory."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np


def in_processes(script: str, configs: list[Path], options: list[str]) -> list[dict[str, Any]]:
    """The figures of each config, measured by `script --one` in a process of its own: its memory is its own."""
    found = []
    for config in configs:
        command = [sys.executable, script, "--one", str(config), *options]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            said = done.stderr.strip().splitlines()
            print(f"{name_of(config)}: {said[-1] if said else f'exit status {done.returncode}'}", flush=True)
            continue
        found.append(json.loads(done.stdout.splitlines()[-1]))
        print(row(found[-1]), flush=True)
    return found


def name_of(config: Path) -> str:
    """What a config is called: its own name, or its folder's where all are called alike."""
    return config.parent.name if config.stem == "pipeline" else config.stem


def row(figures: dict[str, Any]) -> str:
    """One line of a table."""
    return "  ".join(
        f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}" if name != "model" else f"{value:36}"
        for name, value in figures.items()
    )


def synthetic_batch(images: int, shape: tuple[int, int, int], classes: int, max_boxes: int) -> dict[str, Any]:
    """Noise with three boxes an image, as `data.batches` gives it."""
    import tensorflow as tf

    random = np.random.default_rng(0)
    corners = random.uniform(0, 0.5, (images, max_boxes, 2))
    boxes = np.concatenate([corners, corners + random.uniform(0.1, 0.5, (images, max_boxes, 2))], axis=-1)
    known = np.arange(max_boxes) < 3
    given = {
        "image": random.uniform(0, 255, (images, *shape)).astype(np.float32),
        "true_shape": np.tile(np.array([shape], np.int32), (images, 1)),
        "boxes": (boxes * known[:, None]).astype(np.float32),
        "classes": (random.integers(0, classes, (images, max_boxes)) * known).astype(np.int32),
        "weights": np.tile(known.astype(np.float32), (images, 1)),
        "num_boxes": np.full(images, 3, np.int32),
    }
    return {name: tf.constant(value) for name, value in given.items()}


def interleaved(functions: Sequence[Callable[[], Any]], repeats: int, warm_up: int = 2) -> np.ndarray:
    """Seconds [repeats, functions] of each of `functions`, which wait for what they compute: one after the other, forth
    and back: whatever else the machine does slows them all alike, and none always runs on another's cold caches."""
    for _ in range(warm_up):
        for function in functions:
            function()
    times = np.zeros((repeats, len(functions)))
    for turn, row in enumerate(times):
        for place in range(len(functions))[:: -1 if turn % 2 else 1]:
            row[place] = first_call(functions[place])
    return times


def first_call(function: Callable[[], Any]) -> float:
    """Seconds of one call; of the first, in which it is traced and compiled."""
    started = time.perf_counter()
    function()
    return time.perf_counter() - started


def peak_mib() -> float:
    """The most memory that this process has held, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
