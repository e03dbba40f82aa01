"""Microseconds for an image that each step of augmentation takes, beside decoding it: `python benchmarks/augment.py`.

The image is noise of 480 × 640 as a JPEG, with ten boxes. Each step runs as it does in training, in a compiled graph on
one thread; the median of the repeats is printed, and how many times that of decoding it is.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf
from google.protobuf import text_format

from teachbox.config.protos import preprocessor_pb2
from teachbox.data.augment import BUILDERS, build_augmentations
from teachbox.data.augmentation.sample import Sample

NEEDED = {
    "normalize_image": "original_maxval: 255",
    "subtract_channel_mean": "means: [124, 117, 104]",
    "resize_image": "new_height: 300 new_width: 300",
    "random_resize_method": "target_height: 300 target_width: 300",
    "drop_label_probabilistically": "label: 1",
    "remap_labels": "original_labels: 1 new_label: 2",
}


def median_microseconds(run: Callable[[int], Any], repeats: int) -> float:
    """Of `repeats` calls, after five that are not counted."""
    times = []
    for number in range(-5, repeats):
        begin = time.perf_counter()
        run(number + 5)
        if number >= 0:
            times.append(time.perf_counter() - begin)
    return 1e6 * statistics.median(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("steps", nargs="*", default=sorted(BUILDERS), help="names of steps (all)")
    parser.add_argument("--repeats", type=int, default=100)
    arguments = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)

    chance = np.random.default_rng(0)
    image = tf.constant(chance.integers(0, 256, (480, 640, 3), np.uint8))
    encoded = tf.io.encode_jpeg(image)
    corners = chance.uniform(0, 0.6, (10, 2)).astype(np.float32)
    boxes = tf.constant(np.concatenate([corners, corners + chance.uniform(0.1, 0.4, (10, 2))], 1), tf.float32)
    sample = Sample(image, boxes, tf.ones(10, tf.int32), tf.ones(10))

    decode = median_microseconds(lambda _: tf.io.decode_jpeg(encoded).numpy(), arguments.repeats)
    print(f"{'decoding':<44}{decode:>8.0f} µs")
    for name in arguments.steps:
        option = text_format.Parse(f"{name} {{ {NEEDED.get(name, '')} }}", preprocessor_pb2.PreprocessingStep())
        step = tf.function(build_augmentations([option]).__call__)
        taken = median_microseconds(
            lambda number, step=step: step(sample, tf.constant([0, number])).image.numpy(), arguments.repeats
        )
        print(f"{name:<44}{taken:>8.0f} µs {taken / decode:>6.2f}×")


if __name__ == "__main__":
    main()
