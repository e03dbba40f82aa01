"""How long a training step takes, beside the same detector's plain forward pass.

    python benchmarks/train_step.py pipeline.config … [--images N] [--micro-batch N] [--repeats N] [--json FILE]

For each config: seconds of a step at the config's batch size (at most --images), of a forward pass of the same batch,
their ratio, seconds of the first call (tracing and compiling) and peak memory. Step and pass are measured in turns, so
that other work on the machine hardly shows in the ratio. A batch of more than --micro-batch images is taken in pieces,
in the step as `teachbox train --micro-batch` does it, and in the pass. `KERAS_BACKEND` chooses the backend.
"""

from __future__ import annotations

import argparse
import json
import math
import os
from pathlib import Path
from typing import Any

import numpy as np
from step_times import first_call, in_processes, interleaved, name_of, peak_mib, synthetic_batch

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def measure(config: Path, args: argparse.Namespace) -> dict[str, Any]:
    """The figures of one config, in this process."""
    import keras

    from teachbox.config.load import load_pipeline
    from teachbox.config.supported import num_classes
    from teachbox.data.batch_pipeline import batch_spec
    from teachbox.data.resizers import build_resizer
    from teachbox.detector.build import build_detector
    from teachbox.training.backend import compiled
    from teachbox.training.learner import Learner
    from teachbox.training.optimizers import build_optimizer
    from teachbox.training.signatures import static_shape

    pipeline = load_pipeline(config)
    model, train = pipeline.message.model, pipeline.message.train_config
    detector = build_detector(model)
    images = min(train.batch_size, args.images)
    at_once = min(images, args.micro_batch or images)
    pieces = math.ceil(images / at_once)
    resizer = build_resizer(getattr(model, model.WhichOneof("model")).image_resizer)
    *sides, channels = static_shape(resizer)
    height, width = (own or other for own, other in zip(sides, args.size, strict=True))
    max_boxes = pipeline.message.train_input_reader.max_number_of_boxes
    spec = batch_spec(at_once, height, width, max_boxes, channels=channels)
    batch = synthetic_batch(at_once, (height, width, channels), num_classes(pipeline)[1], max_boxes)

    optimizer, schedule = build_optimizer(train.optimizer)
    learner = Learner(detector, optimizer, schedule, spec, pieces=pieces, clip_norm=train.gradient_clipping_by_norm)
    first = first_call(lambda: learner.warm(batch))
    learner.run(*[batch] * pieces)
    peak = peak_mib()

    def forward(given: dict[str, Any]) -> Any:
        found = detector(detector.preprocess(given["image"]), given["true_shape"], training=False)
        found.pop("feature_maps", None)
        return [value for value in keras.tree.flatten(found) if hasattr(value, "shape")]

    plain = compiled(forward, spec, state=detector.variables)

    def passes() -> None:
        for _ in range(pieces):
            for value in plain(batch):
                keras.ops.convert_to_numpy(value)

    times = interleaved([lambda: learner.run(*[batch] * pieces), passes], args.repeats, warm_up=args.warm_up)
    step, seconds = times[:, 0], times[:, 1]
    return {
        "model": name_of(config),
        "backend": keras.backend.backend(),
        "images": at_once * pieces,
        "at once": at_once,
        "of": train.batch_size,
        "size": f"{height}x{width}",
        "first_s": first,
        "step_s": float(np.median(step)),
        "forward_s": float(np.median(seconds)),
        "step/forward": float(np.median(step / seconds)),
        "peak_mib": round(peak),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Seconds of a training step.")
    parser.add_argument("configs", type=Path, nargs="+")
    parser.add_argument("--images", type=int, default=8, help="the most images in a batch")
    parser.add_argument("--micro-batch", type=int, help="the most images computed at once")
    parser.add_argument("--warm-up", type=int, default=2, help="turns before the first that counts")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--size", type=int, nargs=2, default=(600, 800), help="of images that a config leaves open")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        print(json.dumps(measure(args.configs[0], args)))
        return
    options = [f"--images={args.images}", f"--repeats={args.repeats}", f"--warm-up={args.warm_up}"]
    options += ["--size", *map(str, args.size)]
    if args.micro_batch:
        options.append(f"--micro-batch={args.micro_batch}")
    found = in_processes(__file__, args.configs, options)
    if args.json:
        args.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
