"""Changed colours: by hand, against the original, and by what must hold for any image."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import text_format
from hypothesis import given, settings
from hypothesis import strategies as st

from teachbox.config.protos import preprocessor_pb2
from teachbox.data.augment import build_augmentations
from teachbox.data.augmentation.sample import Sample
from teachbox.errors import ConfigError

pytestmark = pytest.mark.tf

ORACLE_IMAGE = np.fromfunction(lambda y, x, c: (7 * y + 13 * x + 50 * c) % 256, (20, 30, 3)).astype(np.float32)
IN_RANGE = [
    "adjust_gamma { gamma: 0.5 gain: 1.5 }",
    "random_pixel_value_scale {}",
    "rgb_to_gray {}",
    "random_rgb_to_gray { probability: 0.5 }",
    "random_adjust_brightness { max_delta: 0.9 }",
    "random_adjust_contrast { min_delta: 0 max_delta: 5 }",
    "random_adjust_hue { max_delta: 1 }",
    "random_adjust_saturation { min_delta: 0 max_delta: 5 }",
    "random_distort_color {}",
    "random_distort_color { color_ordering: 1 }",
]
SHIFTING = [
    "normalize_image { original_minval: 0 original_maxval: 255 }",
    "subtract_channel_mean { means: [1, 2, 3] }",
]


def changed(text: str, image: np.ndarray, seed: int = 0) -> np.ndarray:
    """The image after one step, without boxes."""
    step = build_augmentations([text_format.Parse(text, preprocessor_pb2.PreprocessingStep())])
    before = Sample(tf.constant(image), tf.zeros([0, 4]), tf.zeros([0], tf.int32), tf.zeros([0]))
    found, boxes, classes, weights, _ = step(before, tf.constant([seed, 1]))
    assert (boxes.shape, classes.shape, weights.shape) == ((0, 4), (0,), (0,))
    assert found.dtype == tf.float32
    return found.numpy()


@pytest.fixture
def outputs(oracles: Path) -> dict[str, Any]:
    return json.loads((oracles / "functions" / "preprocessing_deterministic.json").read_text())["outputs"]


@pytest.mark.parametrize(
    ("name", "text", "image"),
    [
        (
            "normalize_image 0..255 to -1..1",
            "normalize_image { original_minval: 0 original_maxval: 255 target_minval: -1 target_maxval: 1 }",
            ORACLE_IMAGE,
        ),
        (
            "subtract_channel_mean 123.68,116.779,103.939",
            "subtract_channel_mean { means: 123.68 means: 116.779 means: 103.939 }",
            ORACLE_IMAGE,
        ),
        ("adjust_gamma 1.5 gain 0.8 on image/255", "adjust_gamma { gamma: 1.5 gain: 0.8 }", ORACLE_IMAGE / 255),
    ],
)
def test_agree_with_the_original(outputs: dict[str, Any], name: str, text: str, image: np.ndarray):
    found, expected = changed(text, image), outputs[name][0]
    np.testing.assert_allclose(found.ravel()[: len(expected["corner"])], expected["corner"], rtol=1e-5, atol=1e-6)
    assert found.mean() == pytest.approx(expected["mean"], rel=1e-5)


def test_gray_agrees_with_the_original_in_all_three_channels(outputs: dict[str, Any]):
    found, expected = changed("rgb_to_gray {}", ORACLE_IMAGE), outputs["rgb_to_gray"][0]
    for channel in range(3):
        gray = found[:, :, channel]
        np.testing.assert_allclose(gray.ravel()[: len(expected["corner"])], expected["corner"], rtol=1e-6)
        assert gray.mean() == pytest.approx(expected["mean"], abs=1e-4)


PIXELS = np.array([[[10, 20, 30], [200, 100, 0]]], np.uint8)


def test_brightness_by_hand():
    deltas = {round(float((changed("random_adjust_brightness {}", PIXELS, n) - PIXELS)[0, 1, 1]), 3) for n in range(30)}
    assert len(deltas) == 30
    assert -51.001 <= min(deltas) < -30
    assert 30 < max(deltas) <= 51.001
    for number in range(5):
        difference = changed("random_adjust_brightness { max_delta: 0.03 }", PIXELS, number).astype(float) - PIXELS
        # The same everywhere, but for the blue 0, which cannot go below.
        np.testing.assert_allclose(difference.ravel()[:5], difference[0, 0, 0], atol=1e-3)


def test_contrast_by_hand():
    found = changed("random_adjust_contrast { min_delta: 0.5 max_delta: 0.5 }", PIXELS)
    np.testing.assert_allclose(found, [[[57.5, 40, 22.5], [152.5, 80, 7.5]]], atol=1e-3)


def test_saturation_by_hand():
    # Saturation 0 leaves the largest channel.
    found = changed("random_adjust_saturation { min_delta: 0 max_delta: 0 }", PIXELS)
    np.testing.assert_allclose(found, [[[30] * 3, [200] * 3]], atol=1e-3)
    kept = changed("random_adjust_saturation { min_delta: 1 max_delta: 1 }", PIXELS)
    np.testing.assert_allclose(kept, PIXELS, atol=1e-3)


def test_hue_keeps_largest_and_smallest_channel():
    seen = set()
    for number in range(20):
        found = changed("random_adjust_hue { max_delta: 0.5 }", PIXELS, number)
        np.testing.assert_allclose(found.max(axis=2), [[30, 200]], atol=1e-3)
        np.testing.assert_allclose(found.min(axis=2), [[10, 0]], atol=1e-3)
        seen.add(int(found[0, 1].argmax()))
    assert seen == {0, 1, 2}
    np.testing.assert_allclose(changed("random_adjust_hue { max_delta: 0 }", PIXELS), PIXELS, atol=1e-3)


def test_each_value_has_a_factor_of_its_own():
    image = np.full((40, 40, 3), 100, np.uint8)
    found = changed("random_pixel_value_scale {}", image)
    assert found.min() >= 90
    assert found.max() <= 110
    assert found.mean() == pytest.approx(100, abs=0.5)
    assert len(np.unique(found)) > 4000
    np.testing.assert_array_equal(changed("random_pixel_value_scale { minval: 3 maxval: 3 }", image), 255)


def test_gray_happens_as_often_as_asked():
    gray = sum(
        bool(np.ptp(changed("random_rgb_to_gray { probability: 0.3 }", PIXELS, n), axis=2).max() < 1e-3)
        for n in range(200)
    )
    assert abs(gray - 60) <= 4 * (200 * 0.3 * 0.7) ** 0.5


def test_the_order_of_distortions_matters():
    image = ORACLE_IMAGE
    one, other = (changed(f"random_distort_color {{ color_ordering: {n} }}", image, 3) for n in (0, 1))
    assert np.abs(one - other).max() > 0.5
    assert np.abs(one - image).mean() > 1


@settings(max_examples=30, deadline=None)
@given(st.sampled_from([*IN_RANGE, *SHIFTING]), st.integers(0, 2**31 - 1), st.integers(1, 20), st.integers(1, 20))
def test_size_and_range_stay_and_the_seed_decides(text: str, seed: int, height: int, width: int):
    image = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    found = changed(text, image, seed)
    assert found.shape == image.shape
    assert np.isfinite(found).all()
    if text in IN_RANGE:
        assert found.min() >= 0
        assert found.max() <= 255.001
    np.testing.assert_array_equal(changed(text, image, seed), found)


def test_boxes_stay_as_they_are():
    steps = build_augmentations(
        text_format.Parse(text, preprocessor_pb2.PreprocessingStep()) for text in [*IN_RANGE, *SHIFTING]
    )
    boxes, classes, weights = tf.constant([[0.1, 0.2, 0.3, 0.4]]), tf.constant([3]), tf.constant([0.5])
    image = tf.constant(PIXELS)
    found = tf.function(steps.__call__)(Sample(image, boxes, classes, weights), tf.constant([1, 1]))
    for after, before in zip(found[1:4], (boxes, classes, weights), strict=True):
        np.testing.assert_array_equal(after, before)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("normalize_image {}", "original_minval 0 is not below original_maxval 0"),
        ("subtract_channel_mean {}", "means has 0 values; images have 3 channels"),
        ("subtract_channel_mean { means: [1, 2] }", "means has 2 values"),
        ("adjust_gamma { gamma: -1 }", "gamma is -1; it must be at least 0"),
        ("random_rgb_to_gray { probability: 2 }", "probability is 2; it must be from 0 to 1"),
        ("random_distort_color { color_ordering: 2 }", "color_ordering is 2; there are 0 and 1"),
        ("random_adjust_contrast { min_delta: 2 }", r"min_delta 2 is above max_delta 1\.25"),
        ("random_adjust_brightness { max_delta: -1 }", "max_delta is -1"),
    ],
)
def test_numbers_that_make_no_sense(text: str, message: str):
    with pytest.raises(ConfigError, match=message):
        changed(text, PIXELS)
