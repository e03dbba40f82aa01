"""Turned, resized and repeated images: by hand, against the original, and by what must hold for any image."""

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
from sample_spec import sample_spec

from teachbox.config.protos import preprocessor_pb2
from teachbox.data.augment import build_augmentations
from teachbox.data.augmentation.geometry import self_concat
from teachbox.data.augmentation.sample import Sample
from teachbox.errors import ConfigError

pytestmark = pytest.mark.tf

ORACLE_IMAGE = np.fromfunction(lambda y, x, c: (7 * y + 13 * x + 50 * c) % 256, (20, 30, 3)).astype(np.float32)
NO_BOXES = np.zeros((0, 4), np.float32)


def changed(text: str, image: np.ndarray, boxes: Any = NO_BOXES, seed: int = 0) -> tuple[np.ndarray, ...]:
    """The sample after one step; classes are 0, 1, … and weights 0.5, 1, 1.5, …"""
    step = build_augmentations([text_format.Parse(text, preprocessor_pb2.PreprocessingStep())])
    rows = np.asarray(boxes, np.float32).reshape(-1, 4)
    weights = 0.5 + 0.5 * tf.range(len(rows), dtype=tf.float32)
    before = Sample(tf.constant(image), tf.constant(rows), tf.range(len(rows)), weights)
    found = step(before, tf.constant([seed, 1]))[:4]
    return tuple(part.numpy() for part in found)


@pytest.fixture
def oracle(oracles: Path) -> dict[str, Any]:
    return json.loads((oracles / "functions" / "preprocessing_deterministic.json").read_text())


def test_a_quarter_turn_agrees_with_the_original(oracle: dict[str, Any]):
    image, boxes, *_ = changed("random_rotation90 { probability: 1 }", ORACLE_IMAGE, oracle["boxes"])
    expected_image, expected_boxes = oracle["outputs"]["random_rotation90 probability 1 (image, boxes)"]
    assert list(image.shape) == expected_image["shape"]
    assert image.ravel()[:12].tolist() == expected_image["corner"]
    assert image.mean() == pytest.approx(expected_image["mean"], abs=1e-4)
    np.testing.assert_allclose(boxes, expected_boxes, atol=1e-6)


def test_a_quarter_turn_by_hand():
    image = np.arange(6, dtype=np.uint8).reshape(2, 3, 1) * np.ones(3, np.uint8)
    turned, boxes, *_ = changed("random_rotation90 { probability: 1 }", image, [[0.0, 0.0, 0.5, 1 / 3]])
    assert turned[:, :, 0].tolist() == [[2, 5], [1, 4], [0, 3]]
    np.testing.assert_allclose(boxes, [[2 / 3, 0, 1, 0.5]], atol=1e-6)
    assert turned.dtype == np.uint8
    seen = {changed("random_rotation90 {}", image, seed=n)[0].shape for n in range(20)}
    assert seen == {(2, 3, 3), (3, 2, 3)}


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        # TensorFlow 1: output i samples place i · 4/2, without a half pixel.
        ("BILINEAR", [0, 80]),
        ("NEAREST_NEIGHBOR", [0, 80]),
        ("BICUBIC", [0, 80]),
        ("AREA", [20, 140]),
    ],
)
def test_methods_of_resizing_by_hand(method: str, expected: list[float]):
    row = np.array([0, 40, 80, 200], np.uint8)[None, :, None] * np.ones(3, np.uint8)
    image, boxes, *_ = changed(
        f"resize_image {{ new_height: 1 new_width: 2 method: {method} }}", row, [[0, 0.25, 1, 0.5]]
    )
    np.testing.assert_allclose(image[0, :, 0], expected, atol=1e-4)
    assert boxes.tolist() == [[0, 0.25, 1, 0.5]]


def test_a_random_method_is_one_of_four():
    image = np.random.default_rng(0).integers(0, 256, (7, 9, 3), dtype=np.uint8)
    fixed = {
        method: changed(f"resize_image {{ new_height: 11 new_width: 5 method: {method} }}", image)[0]
        for method in ("BILINEAR", "NEAREST_NEIGHBOR", "BICUBIC", "AREA")
    }
    seen = set()
    for number in range(30):
        found, *_ = changed("random_resize_method { target_height: 11 target_width: 5 }", image, seed=number)
        fitting = [method for method, expected in fixed.items() if np.allclose(found, expected, atol=1e-3)]
        assert len(fitting) == 1
        seen.update(fitting)
    assert seen == set(fixed)


def test_a_random_scale():
    image = np.zeros((40, 60, 3), np.uint8)
    heights = []
    for number in range(40):
        found, boxes, *_ = changed("random_image_scale {}", image, [[0.1, 0.2, 0.3, 0.4]], number)
        assert abs(found.shape[1] / found.shape[0] - 1.5) < 0.05
        np.testing.assert_allclose(boxes, [[0.1, 0.2, 0.3, 0.4]])
        heights.append(found.shape[0])
    assert 20 <= min(heights) < 30
    assert 60 < max(heights) <= 80
    exact, *_ = changed("random_image_scale { min_scale_ratio: 1.5 max_scale_ratio: 1.5 }", image)
    assert exact.shape == (60, 90, 3)


def test_an_image_is_scaled_down_to_its_pixels_but_never_up():
    image = np.full((60, 90, 3), 7, np.uint8)
    text = "random_downscale_to_target_pixels { min_target_pixels: 600 max_target_pixels: 600 }"
    assert changed(text, image)[0].shape == (20, 30, 3)
    bounds = "random_downscale_to_target_pixels { min_target_pixels: 1000 max_target_pixels: 4000 }"
    pixels = [changed(bounds, image, seed=n)[0][:, :, 0].size for n in range(30)]
    assert 950 < min(pixels) < 2000
    assert 3000 < max(pixels) < 4100
    assert changed("random_downscale_to_target_pixels {}", image)[0].shape == (60, 90, 3)
    kept = text.replace("min_target", "random_coef: 1 min_target")
    np.testing.assert_array_equal(changed(kept, image)[0], image)


def test_an_image_beside_and_below_itself_by_hand():
    image = np.array([[[1] * 3, [2] * 3]], np.uint8)
    before = Sample(tf.constant(image), tf.constant([[0.0, 0.5, 1.0, 1.0]]), tf.constant([4]), tf.constant([0.5]))
    below, beside = self_concat(before, 0), self_concat(before, 1)
    assert below.image.numpy()[:, :, 0].tolist() == [[1, 2], [1, 2]]
    assert below.boxes.numpy().tolist() == [[0, 0.5, 0.5, 1], [0.5, 0.5, 1, 1]]
    assert beside.image.numpy()[:, :, 0].tolist() == [[1, 2, 1, 2]]
    assert beside.boxes.numpy().tolist() == [[0, 0.25, 1, 0.5], [0, 0.75, 1, 1]]
    assert (beside.classes.numpy().tolist(), beside.weights.numpy().tolist()) == ([4, 4], [0.5, 0.5])


def test_both_ways_have_a_probability_of_their_own():
    image = np.zeros((3, 5, 3), np.uint8)

    def shapes(down: float, across: float, number: int = 0) -> tuple[tuple[int, ...], ...]:
        text = f"concat_vertical_probability: {down} concat_horizontal_probability: {across}"
        found, boxes, *_ = changed(f"random_self_concat_image {{ {text} }}", image, [[0, 0, 1, 1]], number)
        assert np.all((boxes >= 0) & (boxes <= 1))
        return found.shape, boxes.shape

    assert shapes(1, 0) == ((6, 5, 3), (2, 4))
    assert shapes(0, 1) == ((3, 10, 3), (2, 4))
    assert shapes(1, 1) == ((6, 10, 3), (4, 4))
    assert len({shapes(0.5, 0.5, number) for number in range(40)}) == 4


STEPS = [
    "random_rotation90 {}",
    "random_image_scale {}",
    "resize_image { new_height: 9 new_width: 14 }",
    "random_resize_method { target_height: 9 target_width: 14 }",
    "random_downscale_to_target_pixels { random_coef: 0.3 min_target_pixels: 10 max_target_pixels: 900 }",
    "random_self_concat_image { concat_vertical_probability: 0.5 concat_horizontal_probability: 0.5 }",
]


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(STEPS),
    st.integers(0, 2**31 - 1),
    st.tuples(st.integers(1, 40), st.integers(1, 40)),
    st.integers(0, 3),
)
def test_boxes_stay_inside_with_their_share_of_the_area(text: str, seed: int, size: tuple[int, int], count: int):
    random = np.random.default_rng(seed)
    image = random.integers(0, 256, (*size, 3), dtype=np.uint8)
    corners = np.sort(random.random((count, 2, 2)), axis=1)
    boxes = corners.reshape(-1, 4).astype(np.float32)
    found, moved, classes, weights = changed(text, image, boxes, seed)
    assert min(found.shape) >= 1
    assert np.all((moved >= 0) & (moved <= 1))
    np.testing.assert_allclose(weights, 0.5 + 0.5 * classes)
    # All boxes together have the same part of the image before and after: copies of them share it.
    areas = [float(np.prod(rows[:, 2:] - rows[:, :2], axis=1).sum()) for rows in (boxes, moved)]
    assert areas[1] == pytest.approx(areas[0], abs=1e-5)
    for first, again in zip((found, moved, classes, weights), changed(text, image, boxes, seed), strict=True):
        np.testing.assert_array_equal(first, again)


def test_steps_are_composed_in_a_graph():
    steps = build_augmentations(text_format.Parse(text, preprocessor_pb2.PreprocessingStep()) for text in STEPS)
    signature = [sample_spec(2), tf.TensorSpec([2], tf.int32)]
    run = tf.function(steps.__call__, input_signature=signature)
    image = tf.constant(ORACLE_IMAGE.astype(np.uint8))
    image, boxes, *_ = run(Sample(image, NO_BOXES, np.zeros(0, np.int32), NO_BOXES[:, 0], NO_BOXES[:, :2]), [1, 2])
    assert (image.shape[2], boxes.shape) == (3, (0, 4))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("random_rotation90 { keypoint_rot_permutation: 1 }", "keypoint_rot_permutation is not built"),
        ("random_image_scale { min_scale_ratio: 3 }", "min_scale_ratio is 3 and max_scale_ratio 2"),
        ("resize_image { new_height: 3 }", "new_width is 0; it must be at least 1"),
        ("random_resize_method {}", "target_height is 0; it must be at least 1"),
        ("random_downscale_to_target_pixels { random_coef: -1 }", "random_coef is -1"),
        ("random_self_concat_image { concat_vertical_probability: 2 }", "concat_vertical_probability is 2"),
        ("random_downscale_to_target_pixels { min_target_pixels: 600000 }", "min_target_pixels is 600000"),
    ],
)
def test_numbers_that_make_no_sense(text: str, message: str):
    with pytest.raises(ConfigError, match=message):
        changed(text, ORACLE_IMAGE)
