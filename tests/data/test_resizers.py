"""Resizers agree with the original's on all its cases, and refuse numbers that make no image."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import text_format
from hypothesis import given, settings
from hypothesis import strategies as st

from teachbox.config.protos import image_resizer_pb2
from teachbox.data.resizers import Resizer, build_resizer, conditional_shape_resizer, keep_aspect_ratio_resizer
from teachbox.errors import ConfigError

pytestmark = pytest.mark.tf


def resizer(text: str) -> Resizer:
    return build_resizer(text_format.Parse(text, image_resizer_pb2.ImageResizer()))


def picture(height: int, width: int) -> np.ndarray:
    """The input image of the oracle, as its file describes it."""
    y, x, c = np.mgrid[:height, :width, :3]
    return ((7 * y + 13 * x + 50 * c + (y * x) % 31) % 256).astype(np.float32)


def test_agrees_with_the_original(oracles: Path) -> None:
    cases = json.loads((oracles / "functions" / "image_resizers.json").read_text())["cases"]
    assert len(cases) == 80
    for case in cases:
        image = picture(*case["input_hw"])
        resize = tf.function(resizer(case["config"]))
        found, true_shape = (part.numpy() for part in resize(tf.constant(image)))
        assert found.dtype == np.float32
        assert list(found.shape) == case["output_shape"], case["config"]
        assert true_shape.tolist() == case["true_shape"]
        # The same kernels in the same order: equal, but for another rounding where the compiler fuses a
        # multiply-add.
        np.testing.assert_allclose(
            found.ravel()[case["flat_indices"]], case["values"], atol=1e-4, err_msg=case["config"]
        )
        assert found.mean(dtype=np.float64) == pytest.approx(case["mean"], abs=1e-3)


def test_bytes_and_floats_give_the_same() -> None:
    image = picture(33, 47)
    for text in ("fixed_shape_resizer { height: 20 width: 60 }", "keep_aspect_ratio_resizer { min_dimension: 20 }"):
        resize = resizer(text)
        np.testing.assert_array_equal(resize(tf.cast(image, tf.uint8))[0], resize(tf.constant(image))[0])


@pytest.mark.parametrize("method", ["BILINEAR", "NEAREST_NEIGHBOR", "BICUBIC", "AREA"])
def test_the_same_size_changes_nothing(method: str) -> None:
    image = picture(20, 30)
    resized, _ = resizer(f"fixed_shape_resizer {{ height: 20 width: 30 resize_method: {method} }}")(image)
    np.testing.assert_allclose(resized, image, atol=1e-4)


def test_without_half_pixels_by_hand() -> None:
    image = tf.constant([[[0.0] * 3, [10.0] * 3]])
    resized, _ = resizer("fixed_shape_resizer { height: 1 width: 4 }")(image)
    assert resized.numpy()[0, :, 0].tolist() == [0, 5, 10, 10]


@settings(max_examples=40)
@given(st.integers(1, 300), st.integers(1, 300), st.integers(1, 64), st.integers(0, 64))
def test_keep_aspect_ratio_within_its_bounds(height: int, width: int, short: int, more: int) -> None:
    long = short + more
    resize = keep_aspect_ratio_resizer(
        short, long, "nearest", pad_to_max_dimension=True, per_channel_pad_value=(1, 2, 3)
    )
    image = np.full((height, width, 3), 100, np.uint8)
    padded, true_shape = (part.numpy() for part in resize(tf.constant(image)))
    h, w, c = true_shape.tolist()
    assert padded.shape == (long, long, 3)
    assert c == 3
    assert max(h, w) <= long
    assert min(h, w) <= short
    assert min(h, w) == short or max(h, w) == long
    assert np.all(padded[:h, :w] == 100)
    assert np.all(padded[h:] == [1, 2, 3])
    assert np.all(padded[:, w:] == [1, 2, 3])


def test_sizes_by_hand() -> None:
    image = tf.constant(picture(33, 128))
    longest, shortest = (
        resizer(f"conditional_shape_resizer {{ condition: {condition} size_threshold: 60 }}")
        for condition in ("GREATER", "SMALLER")
    )
    # 33 · 60 / 128 = 15.5 and 128 · 60 / 33 = 232.7, cut off.
    assert [resize(image)[0].shape.as_list() for resize in (longest, shortest)] == [[15, 60, 3], [60, 232, 3]]
    for resize in (resizer("conditional_shape_resizer {}"), resizer("identity_resizer {}")):
        same, true_shape = resize(image)
        np.testing.assert_array_equal(same, image)
        assert true_shape.numpy().tolist() == [33, 128, 3]
    padded, true_shape = resizer("pad_to_multiple_resizer { multiple: 20 convert_to_grayscale: true }")(image)
    assert (padded.shape.as_list(), true_shape.numpy().tolist()) == ([40, 140, 1], [33, 128, 1])
    assert not padded[33:].numpy().any()
    assert not padded[:, 128:].numpy().any()


@settings(max_examples=40)
@given(st.integers(1, 300), st.integers(1, 300), st.integers(1, 64))
def test_a_side_meets_the_threshold_or_stays(height: int, width: int, threshold: int) -> None:
    image = tf.fill([height, width, 3], tf.constant(100, tf.uint8))
    for condition, side_of in (("GREATER", max), ("SMALLER", min)):
        found, true_shape = conditional_shape_resizer(condition, threshold, "nearest")(image)
        sides = true_shape.numpy().tolist()[:2]
        assert found.shape.as_list()[:2] == sides
        assert np.all(found == 100)
        before = side_of(height, width)
        stays = before <= threshold if condition == "GREATER" else before >= threshold
        if stays:
            assert sides == [height, width]
        else:
            # In float32 a product just below a whole number is cut off to the one before.
            assert threshold - 1 <= side_of(sides) <= threshold


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no resizer is given"),
        ("pad_to_multiple_resizer { multiple: 0 }", "pad_to_multiple_resizer: multiple is 0; it must be at least 1"),
        ("conditional_shape_resizer { size_threshold: 0 }", "size_threshold is 0; it must be at least 1"),
        ("conditional_shape_resizer { condition: INVALID }", "condition is INVALID; it must be GREATER or SMALLER"),
        (
            "keep_aspect_ratio_resizer { convert_to_grayscale: true pad_to_max_dimension: true "
            "per_channel_pad_value: [1, 2, 3] }",
            "has 3 values; images have 1 channel",
        ),
        ("fixed_shape_resizer { height: 0 }", "height is 0; it must be at least 1"),
        ("keep_aspect_ratio_resizer { min_dimension: 9 max_dimension: 8 }", "larger than max_dimension"),
        (
            "keep_aspect_ratio_resizer { pad_to_max_dimension: true per_channel_pad_value: 1 }",
            "has 1 value; images have 3 channels",
        ),
        ("keep_aspect_ratio_resizer { per_channel_pad_value: [1, 2, 3] }", "no meaning without"),
    ],
)
def test_what_is_refused(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        resizer(text)
