"""Augmentation: flips and crops by hand, against the original, and by what must hold for any image."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import text_format
from hypothesis import given, settings
from hypothesis import strategies as st
from sample_spec import sample_spec

from teachbox.config.built import ROWS, Built
from teachbox.config.protos import preprocessor_pb2
from teachbox.data.augment import BUILDERS, build_augmentations
from teachbox.data.augmentation.crops import SSD_CROPS, Crop, cut_window, ssd_random_crop
from teachbox.data.augmentation.flips import flip_horizontally, flip_vertically
from teachbox.data.augmentation.sample import Sample, Step
from teachbox.errors import ConfigError

pytestmark = pytest.mark.tf

ALL = ("random_horizontal_flip {}", "random_vertical_flip {}", "ssd_random_crop {}")
NO_BOXES = np.zeros((0, 4), np.float32)


def build(*texts: str) -> Step:
    return build_augmentations(text_format.Parse(t, preprocessor_pb2.PreprocessingStep()) for t in texts)


def sample(image: np.ndarray, boxes: list[list[float]] | np.ndarray) -> Sample:
    rows = np.asarray(boxes, np.float32).reshape(-1, 4)
    return Sample(
        tf.constant(image),
        tf.constant(rows),
        tf.range(len(rows)),
        tf.linspace(0.5, 1.0, len(rows)) if len(rows) else tf.zeros([0]),
        tf.one_hot(tf.range(len(rows)) % 2, 2),
    )


def painted(height: int, width: int, boxes_in_pixels: list[tuple[int, int, int, int]]) -> np.ndarray:
    """Black, each box filled with a colour of its own: 100, 101, …"""
    image = np.zeros((height, width, 3), np.uint8)
    for index, (y0, x0, y1, x1) in enumerate(boxes_in_pixels):
        image[y0:y1, x0:x1] = 100 + index
    return image


def test_a_flip_by_hand() -> None:
    image = np.arange(6, dtype=np.uint8).reshape(2, 3, 1) * np.ones(3, np.uint8)
    before = sample(image, [[0.0, 0.25, 0.5, 0.5]])
    across, down = flip_horizontally(before), flip_vertically(before)
    assert across.image.numpy()[:, :, 0].tolist() == [[2, 1, 0], [5, 4, 3]]
    assert across.boxes.numpy().tolist() == [[0.0, 0.5, 0.5, 0.75]]
    assert down.image.numpy()[:, :, 0].tolist() == [[3, 4, 5], [0, 1, 2]]
    assert down.boxes.numpy().tolist() == [[0.5, 0.25, 1.0, 0.5]]


@pytest.mark.parametrize("direction", ["horizontal", "vertical"])
def test_flips_agree_with_the_original(oracles: Path, direction: str) -> None:
    oracle = json.loads((oracles / "functions" / "preprocessing_deterministic.json").read_text())
    y, x, c = np.mgrid[:20, :30, :3]
    image = ((7 * y + 13 * x + 50 * c) % 256).astype(np.float32)
    expected_image, expected_boxes = oracle["outputs"][f"random_{direction}_flip probability 1 (image, boxes)"]
    flip = build(f"random_{direction}_flip {{ probability: 1 }}")
    boxes = tf.constant(oracle["boxes"], tf.float32)
    before = Sample(tf.constant(image), boxes, tf.range(4), tf.ones(4))
    found, found_boxes, *_ = flip(before, tf.constant([1, 2]))
    assert list(found.shape) == expected_image["shape"]
    assert found.numpy().ravel()[:12].tolist() == expected_image["corner"]
    assert found.numpy().mean() == pytest.approx(expected_image["mean"], abs=1e-4)
    # One subtraction in float32, from 1: its last bit.
    np.testing.assert_allclose(found_boxes, expected_boxes, atol=6e-8)


@pytest.mark.parametrize("probability", [0.0, 0.3, 1.0])
def test_a_flip_happens_as_often_as_asked(probability: float) -> None:
    flip = tf.function(
        build(f"random_horizontal_flip {{ probability: {probability} }}").__call__, reduce_retracing=True
    )
    image = np.array([[[0, 0, 0], [9, 9, 9]]], np.uint8)
    flipped = 0
    for number in range(300):
        found, *_ = flip(sample(image, NO_BOXES), tf.constant([0, number]))
        flipped += int(found.numpy()[0, 0, 0] == 9)
    # Four standard deviations of the binomial distribution.
    assert abs(flipped - 300 * probability) <= 4 * (300 * probability * (1 - probability)) ** 0.5


def test_a_window_by_hand() -> None:
    image = np.arange(100, dtype=np.uint8).reshape(10, 10, 1) * np.ones(3, np.uint8)
    boxes = [
        [0.0, 0.0, 0.4, 0.4],  # a quarter of it inside
        [0.3, 0.3, 0.5, 0.5],  # inside
        [0.8, 0.8, 1.0, 1.0],  # outside
        [0.0, 0.2, 0.2, 0.7],  # touches the window's edge
    ]
    window = tf.constant([2, 2]), tf.constant([5, 5])
    cut = cut_window(sample(image, boxes), *window, 0.2, True)
    np.testing.assert_array_equal(cut.image, image[2:7, 2:7])
    np.testing.assert_allclose(cut.boxes, [[0, 0, 0.4, 0.4], [0.2, 0.2, 0.6, 0.6]], atol=1e-6)
    assert cut.classes.numpy().tolist() == [0, 1]
    np.testing.assert_allclose(cut.weights, [0.5, 0.5 + 0.5 / 3], rtol=1e-6)

    stricter = cut_window(sample(image, boxes), *window, 0.3, True)
    assert stricter.classes.numpy().tolist() == [1]
    reaching_out = cut_window(sample(image, boxes), *window, 0.2, False)
    np.testing.assert_allclose(reaching_out.boxes[0], [-0.4, -0.4, 0.4, 0.4], atol=1e-6)


def test_the_whole_image_as_window_changes_nothing() -> None:
    image = painted(9, 13, [(1, 2, 5, 7)])
    before = sample(image, [[1 / 9, 2 / 13, 5 / 9, 7 / 13], [0, 0, 1, 1]])
    after = cut_window(before, tf.constant([0, 0]), tf.constant([9, 13]), 1.0, True)
    for found, expected in zip(after, before, strict=True):
        np.testing.assert_array_equal(found, expected)


def test_the_defaults_of_ssd_random_crop() -> None:
    assert [crop.min_object_covered for crop in SSD_CROPS] == [0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0]
    assert all(
        (crop.overlap_thresh, crop.aspect_ratio, crop.area, crop.keep_probability, crop.clip_boxes)
        == (crop.min_object_covered, (0.5, 2.0), (0.1, 1.0), 0.15, True)
        for crop in SSD_CROPS
    )


def test_random_coef_keeps_the_image_that_often() -> None:
    crop = Crop(0.0, (0.5, 2.0), (0.1, 0.5), 0.0, keep_probability=0.15)
    run = tf.function(lambda s, seed: ssd_random_crop(s, seed, [crop]))
    before = sample(painted(40, 40, []), NO_BOXES)
    kept = sum(int(run(before, tf.constant([3, n])).image.shape[0] == 40) for n in range(400))
    # A window of at most half the area and twice as high as wide may still be as high as the image: rare.
    assert abs(kept - 60) <= 4 * (400 * 0.15 * 0.85) ** 0.5


def test_each_operation_s_window_obeys_its_bounds() -> None:
    crop = Crop(0.7, (0.8, 1.2), (0.2, 0.4), 0.5, keep_probability=0.0)
    run = tf.function(lambda s, seed: ssd_random_crop(s, seed, [crop]))
    before = sample(painted(100, 100, []), [[0.4, 0.4, 0.6, 0.6]])
    for number in range(50):
        after = run(before, tf.constant([5, number]))
        height, width, _ = after.image.shape
        # Whole pixels: half a pixel on a side of at least 40.
        assert 0.19 <= height * width / 10_000 <= 0.41
        assert 0.77 <= width / height <= 1.25
        assert after.boxes.shape == (1, 4)
        area = float((after.boxes[0, 2] - after.boxes[0, 0]) * (after.boxes[0, 3] - after.boxes[0, 1]))
        assert area * height * width >= 0.7 * 400 - 1e-2


def test_operations_are_taken_from_the_config() -> None:
    text = """ssd_random_crop { operations { min_object_covered: 0.5 min_aspect_ratio: 1 max_aspect_ratio: 1
        min_area: 0.25 max_area: 0.25 overlap_thresh: 0.5 random_coef: 0 clip_boxes: false } }"""
    augment = build(text)
    before = sample(painted(60, 60, []), [[0.3, 0.3, 0.7, 0.7]])
    image, boxes, *_ = augment(before, tf.constant([1, 1]))
    assert image.shape == (30, 30, 3)
    side = boxes.numpy()[0, 2:] - boxes.numpy()[0, :2]
    np.testing.assert_allclose(side, [0.8, 0.8], atol=1e-5)  # not clipped: twice its share of the image


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**31 - 1), st.integers(0, 3), st.integers(12, 70), st.integers(12, 70))
def test_boxes_stay_inside_and_move_with_what_they_frame(seed: int, count: int, height: int, width: int) -> None:
    # Boxes that do not overlap: each in a stripe of its own.
    stripe = width // 3
    pixels = [(2, i * stripe + 1, height - 3, i * stripe + stripe - 1) for i in range(count)]
    boxes = np.array([[y0 / height, x0 / width, y1 / height, x1 / width] for y0, x0, y1, x1 in pixels])
    before = sample(painted(height, width, pixels), boxes.reshape(-1, 4))
    image, moved, classes, weights, _ = RUN(before, tf.constant([seed, 1], tf.int32))
    moved = moved.numpy()
    assert np.all((moved >= 0) & (moved <= 1))
    assert np.all(moved[:, :2] < moved[:, 2:])
    assert len(moved) == len(classes) == len(weights)
    h, w, _ = image.shape
    for row, label in zip(moved, classes.numpy(), strict=True):
        found = np.argwhere(image.numpy()[:, :, 0] == 100 + label)
        # Box corners lie on pixel edges before and after, so the coloured pixels are the box, but for
        # rounding.
        y0, x0, y1, x1 = np.round(row * [h, w, h, w]).astype(int)
        assert found.min(axis=0).tolist() == [y0, x0]
        assert (found.max(axis=0) + 1).tolist() == [y1, x1]
        assert weights.numpy()[list(classes.numpy()).index(label)] == before.weights.numpy()[label]


RUN = tf.function(
    build(*ALL).__call__,
    input_signature=[
        sample_spec(2),
        tf.TensorSpec([2], tf.int32),
    ],
)


def test_the_seed_decides() -> None:
    before = sample(painted(50, 60, [(5, 5, 30, 30)]), [[0.1, 5 / 60, 0.6, 0.5]])
    first, again, other = (RUN(before, tf.constant([7, n])) for n in (1, 1, 2))
    for one, two in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, two)
    assert first[0].shape != other[0].shape or not np.array_equal(first[0], other[0])


def test_steps_have_chance_of_their_own() -> None:
    twice = build("random_horizontal_flip {}", "random_vertical_flip {}")
    image = np.array([[[0] * 3, [1] * 3], [[2] * 3, [3] * 3]], np.uint8)
    seen = {int(twice(sample(image, NO_BOXES), tf.constant([0, n]))[0][0, 0, 0]) for n in range(40)}
    assert seen == {0, 1, 2, 3}


def test_no_steps_change_nothing() -> None:
    before = sample(painted(5, 5, []), [[0, 0, 1, 1]])
    assert all(a is b for a, b in zip(build()(before, tf.constant([1, 2])), before, strict=True))


def test_an_image_without_boxes_is_cropped_too() -> None:
    sizes = set()
    for number in range(10):
        image, boxes, classes, weights, _ = RUN(sample(painted(40, 40, []), NO_BOXES), tf.constant([1, number]))
        assert (boxes.shape, classes.shape, weights.shape) == ((0, 4), (0,), (0,))
        sizes.add(tuple(image.shape))
    assert len(sizes) > 1


NEEDED = {
    "normalize_image": "original_maxval: 255",
    "subtract_channel_mean": "means: [1, 2, 3]",
    "resize_image": "new_height: 20 new_width: 30",
    "random_resize_method": "target_height: 20 target_width: 30",
    "drop_label_probabilistically": "label: 1",
    "remap_labels": "original_labels: 1 new_label: 2",
    "random_scale_crop_and_pad_to_square": "output_size: 40",
}


@pytest.mark.parametrize("name", sorted(BUILDERS))
@pytest.mark.parametrize("kind", [tf.uint8, tf.float32])
def test_every_step_runs_in_a_graph_as_outside(name: str, kind: tf.DType) -> None:
    augment = build(f"{name} {{ {NEEDED.get(name, '')} }}")
    run = tf.function(
        augment.__call__,
        input_signature=[
            sample_spec(3, kind),
            tf.TensorSpec([2], tf.int32),
        ],
    )
    # What a batch is made of later.
    image, boxes, classes, weights, scores = run.get_concrete_function().structured_outputs
    assert image.shape[2] == 3
    assert image.dtype in (kind, tf.float32)
    assert (boxes.dtype, classes.dtype, weights.dtype) == (tf.float32, tf.int32, tf.float32)
    assert (boxes.shape.as_list(), scores.shape.as_list()) == ([None, 4], [None, 3])
    pixels = painted(50, 60, [(5, 5, 30, 30)])
    for rows in ([[0.1, 5 / 60, 0.6, 0.5], [0.0, 0.0, 1.0, 1.0]], NO_BOXES):
        before = sample(pixels, rows)
        before = before._replace(image=tf.cast(before.image, kind), scores=tf.random.uniform([len(rows), 3]))
        seed = tf.constant([2, 5])
        for inside, outside in zip(run(before, seed), augment(before, seed), strict=True):
            np.testing.assert_allclose(inside, outside, atol=1e-3)


def test_every_step_of_the_schema_is_built() -> None:
    every = {field.name for field in preprocessor_pb2.PreprocessingStep.DESCRIPTOR.fields}
    assert len(every) == 39
    assert set(BUILDERS) == every
    assert set(BUILDERS) == {
        name
        for name, verdict in ROWS.table["train_config.data_augmentation_options"].items()
        if isinstance(verdict, Built)
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"data_augmentation_options\[0\]: no step is given"),
        ("random_horizontal_flip { probability: 1.5 }", "probability is 1.5; it must be from 0 to 1"),
        ("random_vertical_flip { keypoint_flip_permutation: 1 }", "keypoint_flip_permutation is not built"),
        ("ssd_random_crop { operations {} }", r"operations\[0\]: min_aspect_ratio is 0 and max_aspect_ratio 0"),
        (
            "ssd_random_crop { operations { min_aspect_ratio: 1 max_aspect_ratio: 1 min_area: 1 max_area: 2 } }",
            "must be 0 < min_area ≤ max_area ≤ 1",
        ),
        ("ssd_random_crop { operations { overlap_thresh: -1 } }", "overlap_thresh is -1"),
        ("convert_class_logits_to_softmax { temperature: 0 }", "temperature is 0; it must be above 0"),
    ],
)
def test_numbers_that_make_no_sense(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build(text)
