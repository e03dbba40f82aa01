"""How long a training step takes, beside the same detector's plain forward pass.

    python benchmarks/train_step.py pipeline.config … [--images N] [--repeats N] [--json FILE]

For each config: seconds of a step at the config's batch size (at most --images), of a forward pass of the same batch,
their ratio, seconds of the first call (tracing and compiling) and peak memory. Step and pass are measured in turns, so
that other work on the machine hardly shows in the ratio. `KERAS_BACKEND` chooses the backend.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
from step_times import first_call, in_processes, interleaved, name_of, peak_mib, synthetic_batch

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def measure(config: Path, most_images: int, repeats: int, size: tuple[int, int]) -> dict[str, Any]:
    """The figures of one config, in this process."""
    import keras

    from teachbox.config.load import load_pipeline
    from teachbox.config.supported import num_classes
    from teachbox.data.resizers import build_resizer
    from teachbox.detector.build import build_detector
    from teachbox.training.backend import compiled
    from teachbox.training.loop import Learner, batch_spec
    from teachbox.training.optimizers import build_optimizer
    from teachbox.training.signatures import static_size

    pipeline = load_pipeline(config)
    model, train = pipeline.message.model, pipeline.message.train_config
    detector = build_detector(model)
    images = min(train.batch_size, most_images)
    resizer = build_resizer(getattr(model, model.WhichOneof("model")).image_resizer)
    height, width = (own or other for own, other in zip(static_size(resizer), size, strict=True))
    max_boxes = pipeline.message.train_input_reader.max_number_of_boxes
    spec = batch_spec(images, height, width, max_boxes)
    batch = synthetic_batch(images, height, width, num_classes(pipeline)[1], max_boxes)

    optimizer, schedule = build_optimizer(train.optimizer)
    learner = Learner(detector, optimizer, schedule, spec, clip_norm=train.gradient_clipping_by_norm)
    first = first_call(lambda: learner.run(batch))
    learner.run(batch)
    peak = peak_mib()

    def forward(given: dict[str, Any]) -> Any:
        found = detector(detector.preprocess(given["image"]), given["true_shape"], training=False)
        found.pop("feature_maps", None)
        return [value for value in keras.tree.flatten(found) if hasattr(value, "shape")]

    plain = compiled(forward, spec, state=detector.variables)
    times = interleaved(
        [lambda: learner.run(batch), lambda: [keras.ops.convert_to_numpy(value) for value in plain(batch)]], repeats
    )
    step, seconds = times[:, 0], times[:, 1]
    return {
        "model": name_of(config),
        "backend": keras.backend.backend(),
        "images": images,
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
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--size", type=int, nargs=2, default=(600, 800), help="of images that a config leaves open")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        print(json.dumps(measure(args.configs[0], args.images, args.repeats, tuple(args.size))))
        return
    options = ["--images", str(args.images), "--repeats", str(args.repeats), "--size", *map(str, args.size)]
    found = in_processes(__file__, args.configs, options)
    if args.json:
        args.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
