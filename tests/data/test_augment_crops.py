"""Crops and pads: by hand, and by what must hold for any image: boxes move with what they frame."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import text_format
from hypothesis import given, settings
from hypothesis import strategies as st

from teachbox.config.protos import preprocessor_pb2
from teachbox.data.augment import build_augmentations
from teachbox.data.augmentation.crop_pads import SSD_CROP_PADS
from teachbox.data.augmentation.pads import surround
from teachbox.data.augmentation.sample import Sample
from teachbox.errors import ConfigError

pytestmark = pytest.mark.tf

NO_BOXES = np.zeros((0, 4), np.float32)
STEPS = [
    "random_crop_image {}",
    "random_crop_image { min_object_covered: 0 overlap_thresh: 0.5 random_coef: 0.3 }",
    "random_crop_to_aspect_ratio {}",
    "random_crop_to_aspect_ratio { aspect_ratio: 2 overlap_thresh: 0.8 }",
    "random_pad_image {}",
    "random_pad_image { max_image_height: 50 max_image_width: 50 pad_color: [1, 2, 3] }",
    "random_absolute_pad_image { max_height_padding: 20 max_width_padding: 9 }",
    "random_crop_pad_image {}",
    "random_crop_pad_image { min_padded_size_ratio: [0.5, 0.5] max_padded_size_ratio: [1, 3] pad_color: [9, 9, 9] }",
    "ssd_random_crop_pad {}",
    "ssd_random_crop_fixed_aspect_ratio {}",
    "ssd_random_crop_fixed_aspect_ratio { aspect_ratio: 0.5 }",
    "ssd_random_crop_pad_fixed_aspect_ratio {}",
    "ssd_random_crop_pad_fixed_aspect_ratio { aspect_ratio: 1.7 min_padded_size_ratio: [1.5, 1] }",
    "random_square_crop_by_scale { max_border: 20 }",
    "random_square_crop_by_scale {}",
]
RESIZING = "random_scale_crop_and_pad_to_square { output_size: 64 scale_min: 0.5 }"


def changed(text: str, image: np.ndarray, boxes: Any = NO_BOXES, seed: int = 0) -> tuple[np.ndarray, ...]:
    """The sample after one step; classes are 0, 1, … and weights 0.5, 1, 1.5, …"""
    step = build_augmentations([text_format.Parse(text, preprocessor_pb2.PreprocessingStep())])
    rows = np.asarray(boxes, np.float32).reshape(-1, 4)
    weights = 0.5 + 0.5 * tf.range(len(rows), dtype=tf.float32)
    before = Sample(tf.constant(image), tf.constant(rows), tf.range(len(rows)), weights)
    found = step(before, tf.constant([seed, 1]))[:4]
    return tuple(part.numpy() for part in found)


def painted(height: int, width: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Black but for `count` boxes, each in a stripe of its own and of its own colour: 100, 101, …"""
    image = np.zeros((height, width, 3), np.uint8)
    stripe = width // 3
    pixels = [(2, i * stripe + 1, height - 3, i * stripe + stripe - 1) for i in range(count)]
    for index, (y0, x0, y1, x1) in enumerate(pixels):
        image[y0:y1, x0:x1] = 100 + index
    return image, (np.reshape(pixels, (-1, 4)) / [height, width, height, width]).astype(np.float32)


@settings(max_examples=120, deadline=None)
@given(
    st.sampled_from(STEPS),
    st.integers(0, 2**31 - 1),
    st.integers(12, 60),
    st.integers(12, 60),
    st.integers(0, 3),
)
def test_boxes_stay_inside_and_move_with_what_they_frame(text: str, seed: int, height: int, width: int, count: int):
    before, boxes = painted(height, width, count)
    image, moved, classes, weights = changed(text, before, boxes, seed)
    assert np.all((moved >= 0) & (moved <= 1))
    assert np.all(moved[:, :2] < moved[:, 2:])
    assert len(moved) == len(classes) == len(weights)
    np.testing.assert_allclose(weights, 0.5 + 0.5 * classes)
    h, w, _ = image.shape
    for row, label in zip(moved, classes, strict=True):
        found = np.argwhere(np.all(image == 100 + label, axis=2))
        y0, x0, y1, x1 = np.round(row * [h, w, h, w]).astype(int)
        assert found.min(axis=0).tolist() == [y0, x0]
        assert (found.max(axis=0) + 1).tolist() == [y1, x1]
    for first, again in zip((image, moved, classes, weights), changed(text, before, boxes, seed), strict=True):
        np.testing.assert_array_equal(first, again)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**31 - 1), st.integers(12, 90), st.integers(12, 90), st.integers(0, 3))
def test_scaled_to_a_square_boxes_move_with_what_they_frame(seed: int, height: int, width: int, count: int):
    grey, boxes = painted(height, width, count)
    # A channel for each: an edge that is blurred has all values, also those of others.
    before = np.where(grey == [100, 101, 102], np.uint8(200), np.uint8(0))
    image, moved, classes, _ = changed(RESIZING, before, boxes, seed)
    assert image.shape == (64, 64, 3)
    assert np.all((moved >= 0) & (moved <= 1))
    for row, label in zip(moved, classes, strict=True):
        found = np.argwhere(image[:, :, label] > 100)
        y0, x0, y1, x1 = row * 64
        # Resizing blurs a pixel of the original at each edge: half of it is half as bright.
        blur = 64 / max(height, width) + 1
        if found.size:
            assert np.all(found.min(axis=0) >= [y0 - blur, x0 - blur])
            assert np.all(found.max(axis=0) + 1 <= [y1 + blur, x1 + blur])
    np.testing.assert_array_equal(changed(RESIZING, before, boxes, seed)[0], image)


def test_what_is_around_by_hand():
    image = np.full((2, 2, 3), 7, np.uint8)
    before = Sample(tf.constant(image), tf.constant([[0.0, 0.5, 1.0, 1.0]]), tf.constant([0]), tf.constant([1.0]))
    after = surround(before, tf.constant([1, 0]), tf.constant([1, 2]), tf.constant([1, 2, 3]))
    assert after.image.numpy()[:, :, 0].tolist() == [[1] * 4, [7, 7, 1, 1], [7, 7, 1, 1], [1] * 4]
    assert after.image.numpy()[0, 0].tolist() == [1, 2, 3]
    assert after.boxes.numpy().tolist() == [[0.25, 0.25, 0.75, 0.5]]


def test_sizes_of_padded_images():
    image = np.full((10, 20, 3), 8, np.uint8)
    default = {changed("random_pad_image {}", image, seed=n)[0].shape[:2] for n in range(60)}
    assert {h for h, _ in default} == set(range(10, 21))
    assert min(w for _, w in default) < 24
    assert 36 < max(w for _, w in default) <= 40
    bounds = """random_pad_image { min_image_height: 15 min_image_width: 5
        max_image_height: 15 max_image_width: 22 pad_color: [1.5, 2, 3] }"""
    sizes, places = set(), set()
    for number in range(60):
        found, boxes, *_ = changed(bounds, image, [[0, 0, 1, 1]], number)
        sizes.add(found.shape[:2])
        y0, x0, y1, x1 = np.round(boxes[0] * np.tile(found.shape[:2], 2)).astype(int)
        assert (y1 - y0, x1 - x0) == (10, 20)
        assert np.all(found[y0:y1, x0:x1] == 8)
        assert np.all(found[found[:, :, 0] != 8] == [1.5, 2, 3])
        places.add(y0)
    assert sizes == {(15, 20), (15, 21), (15, 22)}
    assert places == set(range(6))


def test_padding_is_the_mean_where_no_colour_is_given():
    image = np.zeros((4, 4, 3), np.uint8)
    image[:2] = [100, 50, 10]
    text = "random_pad_image { min_image_height: 8 min_image_width: 8 max_image_height: 8 max_image_width: 8 }"
    found = changed(text, image)[0].reshape(-1, 3)
    assert np.sum(np.all(found == [50, 25, 5], axis=1)) == 48


def test_padding_by_numbers_of_pixels():
    image = np.zeros((10, 20, 3), np.uint8)
    text = "random_absolute_pad_image { max_height_padding: 3 max_width_padding: 1 pad_color: [255, 255, 255] }"
    sizes = {changed(text, image, seed=n)[0].shape[:2] for n in range(60)}
    assert sizes == {(10 + n, 20 + m) for n in range(4) for m in range(2)}


def test_the_largest_window_of_a_shape():
    image = np.arange(200, dtype=np.uint8).reshape(10, 20, 1) * np.ones(3, np.uint8)
    seen = set()
    for number in range(60):
        found, *_ = changed("random_crop_to_aspect_ratio {}", image, seed=number)
        assert found.shape == (10, 10, 3)
        seen.add(int(found[0, 0, 0]))
    assert seen == set(range(11))
    assert changed("random_crop_to_aspect_ratio { aspect_ratio: 4 }", image)[0].shape == (5, 20, 3)
    boxes = [[0, 0, 1, 0.3], [0, 0.3, 1, 1]]
    for number in range(20):
        text = "random_crop_to_aspect_ratio { overlap_thresh: 0.9 clip_boxes: false }"
        found, moved, classes, _ = changed(text, image, boxes, number)
        start = int(found[0, 0, 0]) / 20
        kept = [i for i, (_, x0, _, x1) in enumerate(boxes) if min(x1, start + 0.5) - max(x0, start) >= 0.9 * (x1 - x0)]
        assert classes.tolist() == kept
        if kept == [0]:
            np.testing.assert_allclose(moved[0, [1, 3]], [-2 * start, 2 * (0.3 - start)], atol=1e-5)


def test_random_crop_image_is_one_operation():
    image, boxes = painted(50, 60, 1)
    text = """random_crop_image { min_object_covered: 0 min_aspect_ratio: 1 max_aspect_ratio: 1 min_area: 0.25
        max_area: 0.29 random_coef: %g }"""
    assert {changed(text % 1, image, boxes, n)[0].shape for n in range(5)} == {(50, 60, 3)}
    # √(0.25 · 50 · 60) is 27.4, √(0.29 · 50 · 60) is 29.5.
    sides = {side for n in range(5) for side in changed(text % 0, image, boxes, n)[0].shape[:2]}
    assert sides <= {27, 28, 29, 30}
    for number in range(10):
        # The whole box is inside.
        found, moved, *_ = changed("random_crop_image {}", image, boxes, number)
        assert np.sum(found[:, :, 0] == 100) == np.sum(image[:, :, 0] == 100)
        assert len(moved) == 1


def test_padded_sizes_are_multiples_of_the_uncut_image():
    image, boxes = painted(40, 60, 1)
    text = """random_crop_pad_image { max_area: 0.3 min_object_covered: 0 pad_color: [7, 7, 7]
        min_padded_size_ratio: [1.5, 2] max_padded_size_ratio: [1.5, 2] }"""
    for number in range(10):
        found, *_ = changed(text, image, boxes, number)
        assert found.shape == (60, 120, 3)
        share = np.mean(np.all(found != 7, axis=2))
        assert 0.09 * 2400 / 7200 <= share <= 0.31 * 2400 / 7200


def test_operations_of_ssd_random_crop_pad():
    assert [operation.crop.min_object_covered for operation in SSD_CROP_PADS] == [0.1, 0.3, 0.5, 0.7, 0.9, 1.0]
    assert all(
        (operation.min_padded_size_ratio, operation.max_padded_size_ratio, operation.colour) == ((1, 1), (2, 2), None)
        and operation.crop.keep_probability == 0.15
        and operation.crop.overlap_thresh == operation.crop.min_object_covered
        for operation in SSD_CROP_PADS
    )
    operation = """operations { min_aspect_ratio: 1 max_aspect_ratio: 1 min_area: 0.25 max_area: 0.25 random_coef: %d
        min_padded_size_ratio: [%d, %d] max_padded_size_ratio: [%d, %d] pad_color_g: 5 }"""
    first, second = operation % (1, 2, 1, 2, 1), operation % (0, 3, 3, 3, 3)
    image = np.full((20, 20, 3), 9, np.uint8)
    seen = set()
    for number in range(20):
        found, *_ = changed(f"ssd_random_crop_pad {{ {first} {second} }}", image, seed=number)
        seen.add((found.shape[:2], int(np.all(found == 9, axis=2).sum())))
        assert set(map(tuple, found.reshape(-1, 3))) == {(9, 9, 9), (0, 5, 0)}
    # The first keeps all 20 · 20 pixels, the second cuts 10 · 10 of them.
    assert seen == {((40, 20), 400), ((60, 60), 100)}


@pytest.mark.parametrize("ratio", [0.5, 1.0, 2.0])
def test_fixed_aspect_ratios(ratio: float):
    image, boxes = painted(80, 100, 2)
    for number in range(15):
        cut, *_ = changed(f"ssd_random_crop_fixed_aspect_ratio {{ aspect_ratio: {ratio} }}", image, boxes, number)
        assert cut.shape[1] / cut.shape[0] == pytest.approx(ratio, rel=0.08)
        text = f"ssd_random_crop_pad_fixed_aspect_ratio {{ aspect_ratio: {ratio} }}"
        padded, *_ = changed(text, image, boxes, number)
        assert padded.shape[1] / padded.shape[0] == pytest.approx(ratio, rel=0.08)


def test_padding_to_a_shape_by_hand():
    operation = "operations { min_aspect_ratio: 1 max_aspect_ratio: 1 min_area: 1 max_area: 1 random_coef: 1 }"
    text = f"""ssd_random_crop_pad_fixed_aspect_ratio {{ {operation} aspect_ratio: 2
        min_padded_size_ratio: [1, %g] max_padded_size_ratio: [%g, 9] }}"""
    image = np.full((10, 10, 3), 9, np.uint8)
    found, boxes, *_ = changed(text % (1, 1), image, [[0, 0, 1, 1]])
    assert found.shape == (10, 20, 3)
    assert np.all(found[:, :10] == 9)
    assert np.all(found[:, 10:] == 0)
    np.testing.assert_allclose(boxes, [[0, 0, 1, 0.5]])
    # At least three times as wide, 30, so 15 high; at most twice as high, 20, so 40 wide.
    widths = {changed(text % (3, 2), image, seed=n)[0].shape[1] for n in range(60)}
    assert min(widths) in (30, 31)
    assert max(widths) in (39, 40)


def test_squares_by_scale():
    image, boxes = painted(100, 60, 2)
    sides = set()
    for number in range(60):
        found, *_ = changed("random_square_crop_by_scale { max_border: 10 }", image, boxes, number)
        assert found.shape[0] == found.shape[1]
        sides.add(found.shape[0])
    # Eight scales from 0.6 to 1.3.
    assert sorted(sides) == pytest.approx([60, 70, 80, 90, 100, 110, 120, 130], abs=1)
    white = np.full((40, 40, 3), 255, np.uint8)
    text = "random_square_crop_by_scale { max_border: %d scale_min: 0.5 scale_max: 0.5 num_scales: 1 }"
    # Centres are at least 10 from each edge, so a square of 20 is inside; a border of 40 is halved twice to fit.
    for border in (10, 40):
        assert all(changed(text % border, white, seed=n)[0].min() == 255 for n in range(20))
    assert any(changed(text % 1, white, seed=n)[0].min() == 0 for n in range(20))


def test_scales_of_a_square():
    image = np.full((30, 60, 3), 255, np.uint8)
    text = "random_scale_crop_and_pad_to_square { output_size: 40 scale_min: %g scale_max: %g }"
    found, boxes, *_ = changed(text % (0.5, 0.5), image, [[0, 0, 1, 1]])
    assert found.shape == (40, 40, 3)
    assert np.all(found[:10, :20] == 255)
    assert found.sum() == 255 * 3 * 200
    np.testing.assert_allclose(boxes, [[0, 0, 0.25, 0.5]], atol=1e-6)
    # Twice the square: 40 high and 80 wide, of which half is seen.
    seen = set()
    for number in range(20):
        found, boxes, *_ = changed(text % (2, 2), image, [[0, 0, 1, 0.5]], number)
        assert np.all(found == 255)
        if len(boxes):
            seen.add(round(float(boxes[0, 3]), 3))
    assert len(seen) > 8


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("random_crop_image { overlap_thresh: 2 }", "overlap_thresh is 2; it must be from 0 to 1"),
        ("random_crop_image { min_area: 0 }", "min_area is 0"),
        ("random_crop_to_aspect_ratio { aspect_ratio: 0 }", "aspect_ratio is 0; it must be above 0"),
        ("random_pad_image { min_image_height: 3 }", "min_image_height and min_image_width go together"),
        ("random_pad_image { pad_color: 3 }", "pad_color has 1 values; images have 3 channels"),
        (
            """random_pad_image { min_image_height: 9 min_image_width: 9
            max_image_height: 8 max_image_width: 9 }""",
            r"the smallest size \(9, 9\) is above the largest \(8, 9\)",
        ),
        ("random_absolute_pad_image { max_height_padding: -1 }", "max_height_padding is -1; it must be at least 0"),
        ("random_crop_pad_image { min_padded_size_ratio: 1 }", "min_padded_size_ratio has 1 values; it takes two"),
        ("random_crop_pad_image { min_padded_size_ratio: [3, 3] }", r"\(3.0, 3.0\) is above max_padded_size_ratio"),
        ("ssd_random_crop_pad { operations {} }", r"operations\[0\]: min_aspect_ratio is 0"),
        ("ssd_random_crop_fixed_aspect_ratio { aspect_ratio: -1 }", "aspect_ratio is -1"),
        ("ssd_random_crop_fixed_aspect_ratio { operations {} }", r"operations\[0\]: min_area is 0"),
        ("ssd_random_crop_pad_fixed_aspect_ratio { max_padded_size_ratio: [1, 2, 3] }", "has 3 values"),
        ("random_square_crop_by_scale { scale_min: 2 }", "scale_min is 2 and scale_max 1.3"),
        ("random_square_crop_by_scale { num_scales: 0 }", "num_scales is 0"),
        ("random_scale_crop_and_pad_to_square { output_size: 0 }", "output_size is 0"),
    ],
)
def test_numbers_that_make_no_sense(text: str, message: str):
    with pytest.raises(ConfigError, match=message):
        changed(text, np.zeros((4, 4, 3), np.uint8))
