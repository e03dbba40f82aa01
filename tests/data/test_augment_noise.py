"""Patches, noise and compression: by hand, and by what must hold for any image."""

from __future__ import annotations

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

GRAY = np.full((60, 100, 3), 128, np.uint8)


def changed(text: str, image: np.ndarray, seed: int = 0, count: int = 0) -> np.ndarray:
    """The image after one step; `count` boxes are seen to stay."""
    step = build_augmentations([text_format.Parse(text, preprocessor_pb2.PreprocessingStep())])
    boxes, labels, weights = tf.random.uniform([count, 4]), tf.range(count), tf.random.uniform([count])
    found, *rest = step(Sample(tf.constant(image), boxes, labels, weights), tf.constant([seed, 1]))[:4]
    for after, before in zip(rest, (boxes, labels, weights), strict=True):
        np.testing.assert_array_equal(after, before)
    return found.numpy()


def test_one_black_patch_by_hand():
    places = set()
    for number in range(30):
        text = "random_black_patches { max_black_patches: 1 probability: 1 size_to_image_ratio: 0.2 }"
        black = np.argwhere(changed(text, GRAY, number)[:, :, 0] == 0)
        top_left, bottom_right = black.min(axis=0), black.max(axis=0) + 1
        # A fifth of the shorter side, all within the image.
        assert (bottom_right - top_left).tolist() == [12, 12]
        assert len(black) == 144
        places.add(tuple(top_left))
    assert len(places) > 20
    assert max(x for _, x in places) > 60


def test_black_patches_are_there_as_often_as_asked():
    text = "random_black_patches { max_black_patches: %d probability: %g size_to_image_ratio: 0.05 }"
    assert np.array_equal(changed(text % (10, 0), GRAY), GRAY)
    assert np.array_equal(changed(text % (0, 1), GRAY), GRAY)
    there = sum(bool((changed(text % (1, 0.3), GRAY, n) == 0).any()) for n in range(200))
    assert abs(there - 60) <= 4 * (200 * 0.3 * 0.7) ** 0.5
    # Nine black pixels each; ten of them seldom overlap by much.
    many = [int((changed(text % (10, 1), GRAY, n)[:, :, 0] == 0).sum()) for n in range(10)]
    assert max(many) <= 90
    assert np.mean(many) > 75


def test_gaussian_noise_in_one_patch_by_hand():
    text = """random_patch_gaussian {
        min_patch_size: 20 max_patch_size: 20 min_gaussian_stddev: 0.05 max_gaussian_stddev: 0.05 }"""
    deviations, sizes = [], set()
    for number in range(30):
        difference = changed(text, GRAY, number) - 128.0
        touched = np.argwhere(difference.any(axis=2))
        deviations.append(difference[difference != 0].std())
        sizes.add(tuple(touched.max(axis=0) - touched.min(axis=0) + 1))
    assert np.mean(deviations) == pytest.approx(0.05 * 255, rel=0.05)
    # Whole ones, and ones that reach beyond the edge: to their half.
    assert (20, 20) in sizes
    assert all(10 <= side <= 20 for size in sizes for side in size)
    assert len(sizes) > 3


def test_the_patch_s_size_and_noise_are_drawn():
    text = "random_patch_gaussian { min_patch_size: 5 max_patch_size: 15 max_gaussian_stddev: 0.2 }"
    areas, deviations = [], []
    for number in range(40):
        difference = changed(text, GRAY, number) - 128.0
        areas.append(int(difference.any(axis=2).sum()))
        deviations.append(difference[difference != 0].std())
    assert max(areas) <= 225
    assert len(set(areas)) > 8
    assert min(deviations) < 15
    assert 35 < max(deviations) < 60
    kept = changed("random_patch_gaussian { random_coef: 1 }", GRAY)
    np.testing.assert_array_equal(kept, GRAY)


def test_jpeg_by_hand():
    image = np.random.default_rng(0).integers(0, 256, (24, 32, 3), dtype=np.uint8)
    for quality in (5, 90):
        text = f"random_jpeg_quality {{ min_jpeg_quality: {quality} max_jpeg_quality: {quality} }}"
        expected = tf.io.decode_jpeg(tf.io.encode_jpeg(image, quality=quality)).numpy()
        np.testing.assert_array_equal(changed(text, image), expected)
        in_float = changed(text, image.astype(np.float32))
        assert in_float.dtype == np.float32
        np.testing.assert_array_equal(in_float, expected)
    np.testing.assert_array_equal(changed("random_jpeg_quality { random_coef: 1 }", image), image)
    text = "random_jpeg_quality { random_coef: 0.5 }"
    different = {changed(text, image, n).tobytes() for n in range(30)}
    assert image.tobytes() in different
    assert len(different) > 8


STEPS = [
    "random_black_patches {}",
    "random_black_patches { size_to_image_ratio: 1 }",
    "random_patch_gaussian {}",
    "random_patch_gaussian { random_coef: 0.5 max_gaussian_stddev: 0.1 max_patch_size: 5 }",
    "random_jpeg_quality {}",
    "random_jpeg_quality { random_coef: 0.5 min_jpeg_quality: 50 }",
]


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(STEPS),
    st.integers(0, 2**31 - 1),
    st.tuples(st.integers(1, 40), st.integers(1, 40)),
    st.integers(0, 3),
)
def test_size_and_range_stay_and_the_seed_decides(text: str, seed: int, size: tuple[int, int], count: int):
    image = np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)
    found = changed(text, image, seed, count)
    assert found.shape == image.shape
    assert found.min() >= 0
    assert found.max() <= 255
    np.testing.assert_array_equal(changed(text, image, seed), found)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("random_black_patches { max_black_patches: -1 }", "max_black_patches is -1"),
        ("random_black_patches { size_to_image_ratio: 1.5 }", "size_to_image_ratio is 1.5"),
        ("random_patch_gaussian { min_patch_size: 0 }", "min_patch_size is 0 and max_patch_size 250"),
        ("random_patch_gaussian { min_gaussian_stddev: 2 }", "min_gaussian_stddev 2 is above max_gaussian_stddev 1"),
        ("random_jpeg_quality { max_jpeg_quality: 101 }", "max_jpeg_quality is 101; it must be from 0 to 100"),
    ],
)
def test_numbers_that_make_no_sense(text: str, message: str):
    with pytest.raises(ConfigError, match=message):
        changed(text, GRAY)
