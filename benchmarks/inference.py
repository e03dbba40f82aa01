"""How long one image takes, post-processing included, beside the detector's forward pass and its convolutions alone.

    python benchmarks/inference.py pipeline.config … [--repeats N] [--size HEIGHT WIDTH] [--json FILE]

For each config: seconds per image (resized pixels in, detections out), of the forward pass alone, of its convolutions
and dense layers run one by one at the same shapes, the ratios, seconds of the first call and peak memory. They are
measured in turns, and a ratio is the median of those of the turns: other work on the machine hardly shows in it.
"""

from __future__ import annotations

import argparse
import json
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from step_times import first_call, in_processes, interleaved, name_of, peak_mib, synthetic_batch

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
IN_A_ROW = 5
"""How often a convolution runs in one call, so that the call itself does not count."""
PRODUCTS = ("Conv2D", "DepthwiseConv2dNative", "MatMul")


def measure(config: Path, repeats: int, size: tuple[int, int]) -> dict[str, Any]:
    """The figures of one config, in this process."""
    import tensorflow as tf

    from teachbox.config.load import load_pipeline
    from teachbox.config.supported import num_classes
    from teachbox.data.resizers import build_resizer
    from teachbox.detector.build import build_detector
    from teachbox.training.signatures import static_shape

    pipeline = load_pipeline(config)
    model = pipeline.message.model
    detector = build_detector(model)
    resizer = build_resizer(getattr(model, model.WhichOneof("model")).image_resizer)
    *sides, channels = static_shape(resizer)
    height, width = (own or other for own, other in zip(sides, size, strict=True))
    batch = synthetic_batch(1, (height, width, channels), num_classes(pipeline)[1], 1)
    image, true_shape = batch["image"], batch["true_shape"]

    @tf.function(autograph=False)
    def detect(image: tf.Tensor) -> Any:
        predictions = detector(detector.preprocess(image), true_shape, training=False)
        found = detector.postprocess(predictions, true_shape)
        return [found[name] for name in ("detection_boxes", "detection_scores", "detection_classes")]

    @tf.function(autograph=False)
    def forward(image: tf.Tensor) -> Any:
        found = detector(detector.preprocess(image), true_shape, training=False)
        found.pop("feature_maps", None)
        return [value for value in tf.nest.flatten(found) if tf.is_tensor(value)]

    first = first_call(lambda: [value.numpy() for value in detect(image)])
    peak = peak_mib()
    alone = list(products(forward.get_concrete_function(tf.TensorSpec(image.shape, tf.float32))))
    times = interleaved(
        [
            lambda: [value.numpy() for value in detect(image)],
            lambda: [value.numpy() for value in forward(image)],
            *(product for product, _ in alone),
        ],
        repeats,
    )
    whole, plain = times[:, 0], times[:, 1]
    convolutions = times[:, 2:] @ [count / IN_A_ROW for _, count in alone]
    return {
        "model": name_of(config),
        "size": f"{height}x{width}",
        "first_s": first,
        "image_s": float(np.median(whole)),
        "forward_s": float(np.median(plain)),
        "convolutions_s": float(np.median(convolutions)),
        "post/forward": float(np.median((whole - plain) / plain)),
        "image/convolutions": float(np.median(whole / convolutions)),
        "peak_mib": round(peak),
    }


def products(function: Any) -> Iterator[tuple[Any, int]]:
    """Each convolution and matrix product of a graph: what runs it alone, `IN_A_ROW` times, and how often it occurs."""
    import tensorflow as tf

    found: Counter[tuple[Any, ...]] = Counter()
    graphs = [function.graph, *(inner.graph for inner in function.graph._functions.values() if hasattr(inner, "graph"))]
    for operation in (operation for graph in graphs for operation in graph.get_operations()):
        if operation.type in PRODUCTS:
            shapes = tuple(tuple(value.shape.as_list()) for value in operation.inputs)
            assert all(None not in shape for shape in shapes), f"{operation.name} has an open shape"
            options = (
                (operation.get_attr("transpose_a"), operation.get_attr("transpose_b"))
                if operation.type == "MatMul"
                else (
                    tuple(operation.get_attr("strides")),
                    operation.get_attr("padding").decode(),
                    tuple(operation.get_attr("dilations")),
                )
            )
            found[(operation.type, shapes, options)] += 1
    for (kind, (left_shape, right_shape), options), count in found.items():
        left, right = tf.random.normal(left_shape), tf.random.normal(right_shape)

        @tf.function(autograph=False)
        def again_and_again(left: Any, right: Any, kind: str = kind, options: Any = options) -> Any:
            def product(place: Any, last: Any) -> Any:
                # Each needs the one before: none is left out, and none runs beside another.
                weights = right + last * 0.0
                if kind == "MatMul":
                    y = tf.linalg.matmul(left, weights, transpose_a=options[0], transpose_b=options[1])
                else:
                    strides, padding, dilations = options
                    run = tf.raw_ops.Conv2D if kind == "Conv2D" else tf.raw_ops.DepthwiseConv2dNative
                    y = run(input=left, filter=weights, strides=strides, padding=padding, dilations=dilations)
                return place + 1, tf.reshape(y, [-1])[0]

            return tf.while_loop(lambda place, _: place < IN_A_ROW, product, (0, 0.0))[1]

        yield lambda left=left, right=right, run=again_and_again: run(left, right).numpy(), count


def main() -> None:
    parser = argparse.ArgumentParser(description="Seconds per image.")
    parser.add_argument("configs", type=Path, nargs="+")
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--size", type=int, nargs=2, default=(600, 1024), help="of images that a config leaves open")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        print(json.dumps(measure(args.configs[0], args.repeats, tuple(args.size))))
        return
    options = ["--repeats", str(args.repeats), "--size", *map(str, args.size)]
    found = in_processes(__file__, args.configs, options)
    if args.json:
        args.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
