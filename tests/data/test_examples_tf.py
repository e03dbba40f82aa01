"""TensorFlow reads our tf.Examples and we read TensorFlow's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from teachbox.config.label_map import load_label_map
from teachbox.data.tf_example_decoder import decode_example
from teachbox.data.tf_example_encoder import encode_example
from teachbox.data.tfrecord import read_records
from teachbox.images import UprightImage, upright

pytestmark = pytest.mark.tf

BOXES = np.array([[0.1, 0.2, 0.5, 0.75], [0.0, 0.0, 1.0, 1.0]], np.float32)


def encoded() -> bytes:
    image = UprightImage(b"jpeg bytes", "jpeg", 200, 100)
    return encode_example(image, BOXES, ["dog", "cat"], [2, 1], "d.jpg", "42", is_crowd=[False, True])


def test_tensorflow_s_message_holds_the_same() -> None:
    ours = encoded()
    theirs = tf.train.Example.FromString(ours)
    assert theirs.features.feature["image/object/class/text"].bytes_list.value[:] == [b"dog", b"cat"]
    assert theirs.SerializeToString(deterministic=True) == ours


def test_tensorflow_s_parser_reads_it() -> None:
    read = tf.io.parse_single_example(
        encoded(),
        {
            "image/encoded": tf.io.FixedLenFeature([], tf.string),
            "image/height": tf.io.FixedLenFeature([], tf.int64),
            "image/object/bbox/ymin": tf.io.VarLenFeature(tf.float32),
            "image/object/class/label": tf.io.VarLenFeature(tf.int64),
            "image/object/is_crowd": tf.io.VarLenFeature(tf.int64),
        },
    )
    assert read["image/encoded"].numpy() == b"jpeg bytes"
    assert int(read["image/height"]) == 100
    np.testing.assert_array_equal(read["image/object/bbox/ymin"].values, BOXES[:, 0])
    assert read["image/object/class/label"].values.numpy().tolist() == [2, 1]
    assert read["image/object/is_crowd"].values.numpy().tolist() == [0, 1]


def test_we_read_what_tensorflow_wrote() -> None:
    def floats(*values: float) -> tf.train.Feature:
        return tf.train.Feature(float_list=tf.train.FloatList(value=values))

    def ints(*values: int) -> tf.train.Feature:
        return tf.train.Feature(int64_list=tf.train.Int64List(value=values))

    theirs = tf.train.Example(
        features=tf.train.Features(
            feature={
                "image/encoded": tf.train.Feature(bytes_list=tf.train.BytesList(value=[b"bytes"])),
                "image/height": ints(100),
                "image/width": ints(200),
                "image/object/bbox/ymin": floats(0.1),
                "image/object/bbox/xmin": floats(0.2),
                "image/object/bbox/ymax": floats(0.5),
                "image/object/bbox/xmax": floats(0.75),
                "image/object/class/label": ints(2),
            }
        )
    )
    decoded = decode_example(theirs.SerializeToString())
    np.testing.assert_array_equal(decoded.boxes, BOXES[:1])
    assert (decoded.encoded, decoded.height, decoded.width) == (b"bytes", 100, 200)
    assert decoded.classes.tolist() == [2]


def test_the_raccoon_record(datasets: Path) -> None:
    raccoon = datasets / "raccoon"
    labels = load_label_map(raccoon / "label_map.pbtxt")
    examples = [decode_example(record, labels) for record in read_records(raccoon / "data" / "test.record")]
    assert len(examples) == 40
    assert sum(len(example.boxes) for example in examples) == 44
    assert all(set(example.classes.tolist()) == {1} for example in examples)
    by_name = {example.filename: example for example in examples}
    lines = (raccoon / "data" / "test_labels.csv").read_text().splitlines()[1:]
    for line in lines:
        name, width, height, _, xmin, ymin, xmax, ymax = line.split(",")
        example = by_name[name]
        assert (example.width, example.height) == (int(width), int(height))
        pixels = example.boxes * [int(height), int(width), int(height), int(width)]
        expected = [int(ymin), int(xmin), int(ymax), int(xmax)]
        # The record holds float32 of pixel / size.
        assert np.abs(pixels - expected).max(axis=1).min() < 1e-3
        image = upright(example.encoded)
        assert (image.width, image.height) == (int(width), int(height))
