"""AutoAugment: tones against the Python Imaging Library, movements by hand, and what must hold for any image."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import text_format
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageEnhance, ImageOps
from sample_spec import sample_spec

from teachbox.config.protos import preprocessor_pb2
from teachbox.data.augment import build_augmentations
from teachbox.data.augmentation import tones
from teachbox.data.augmentation.affine import affine, horizontal_shear, rotation, translation, vertical_shear
from teachbox.data.augmentation.operations import cutout, in_boxes, operation_step
from teachbox.data.augmentation.policies import POLICIES, Operation
from teachbox.data.augmentation.sample import Sample
from teachbox.errors import ConfigError

pytestmark = pytest.mark.tf

PHOTO = np.random.default_rng(3).normal(110, 40, (40, 60, 3)).clip(3, 240).astype(np.uint8)
GREY = 128
NO_BOXES = np.zeros((0, 4), np.float32)


def sample(image: np.ndarray, boxes: list[list[float]] | np.ndarray) -> Sample:
    rows = np.asarray(boxes, np.float32).reshape(-1, 4)
    count = len(rows)
    return Sample(
        tf.constant(image),
        tf.constant(rows),
        tf.range(count),
        0.5 + 0.5 * tf.range(count, dtype=tf.float32),
        tf.one_hot(tf.range(count) % 2, 2),
    )


def seed(number: int) -> tf.Tensor:
    return tf.constant([number, 1])


def test_the_policies_name_operations_that_there_are():
    assert {name: len(policy) for name, policy in POLICIES.items()} == {
        "v0": 5,
        "v1": 20,
        "v2": 15,
        "v3": 15,
        "test": 1,
    }
    assert POLICIES["v1"][:5] == POLICIES["v0"]
    assert POLICIES["v0"][4] == (("Rotate_BBox", 0.6, 10), ("Color", 1.0, 6))
    assert [len(operations) for operations in POLICIES["v2"]] == [3, 3, 2] + [3] * 12
    before = sample(PHOTO, [[0.2, 0.2, 0.8, 0.6]])
    for operation in {operation for policy in POLICIES.values() for steps in policy for operation in steps}:
        assert 0 <= operation.probability <= 1
        assert 0 <= operation.level <= 10
        after = operation_step(operation)(before, seed(1))
        assert (after.image.dtype, after.image.shape) == (tf.uint8, PHOTO.shape)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (tones.equalize, ImageOps.equalize),
        (lambda image: tones.posterize(image, 3), lambda image: ImageOps.posterize(image, 3)),
        (lambda image: tones.posterize(image, 0), lambda image: ImageOps.posterize(image, 1)),
        (lambda image: tones.solarize(image, 153), lambda image: ImageOps.solarize(image, 153)),
        (lambda image: tones.solarize(image, 256), lambda image: image),
        (lambda image: tones.brightness(image, 1.5), lambda image: ImageEnhance.Brightness(image).enhance(1.5)),
    ],
)
def test_tones_agree_with_the_imaging_library(
    found: Callable[[tf.Tensor], tf.Tensor], expected: Callable[[Image.Image], Image.Image]
):
    after = found(tf.constant(PHOTO))
    assert after.dtype == tf.uint8
    np.testing.assert_array_equal(after, np.array(expected(Image.fromarray(PHOTO))))


@pytest.mark.parametrize("factor", [0.1, 0.3, 1.9])
@pytest.mark.parametrize(("found", "expected"), [(tones.color, "Color"), (tones.sharpness, "Sharpness")])
def test_tones_agree_but_for_the_rounding_of_a_grey_or_blurred_pixel(
    found: Callable[[tf.Tensor, float], tf.Tensor], expected: str, factor: float
):
    library = np.array(getattr(ImageEnhance, expected)(Image.fromarray(PHOTO)).enhance(factor)).astype(int)
    assert np.max(np.abs(found(tf.constant(PHOTO), factor).numpy() - library)) <= 1


def test_stretched_tones_agree_but_for_the_rounding():
    library = np.array(ImageOps.autocontrast(Image.fromarray(PHOTO))).astype(int)
    assert np.max(np.abs(tones.autocontrast(tf.constant(PHOTO)).numpy() - library)) <= 1
    two = np.array([[[10, 0, 9]] * 3, [[60, 255, 9]] * 3], np.uint8)
    assert tones.autocontrast(tf.constant(two)).numpy()[:, 0].tolist() == [[0, 0, 9], [255, 255, 9]]


def test_tones_of_one_colour():
    plain = np.full((1, 2, 3), 77, np.uint8)
    for change in (tones.equalize, tones.autocontrast, lambda image: tones.sharpness(image, 1.9)):
        np.testing.assert_array_equal(change(tf.constant(plain)), plain)


def test_tones_by_hand():
    row = np.array([0, 100, 127, 128, 255], np.uint8)[None, :, None] * np.ones(3, np.uint8)
    assert tones.solarize_add(tf.constant(row), 110).numpy()[0, :, 0].tolist() == [110, 210, 237, 128, 255]
    # Five pixels: the grey to move away from is 5 / 256, rounded down to 0.
    assert tones.contrast(tf.constant(row), 0.5).numpy()[0, :, 0].tolist() == [0, 50, 63, 64, 127]
    large = tf.fill([256, 256, 3], tf.constant(100, tf.uint8))
    assert np.unique(tones.contrast(large, 0.1)).tolist() == [239]  # 255 − 0.1 · 155, rounded down


def test_a_shift_by_hand():
    image = np.arange(1, 13, dtype=np.uint8).reshape(3, 4, 1) * np.ones(3, np.uint8)
    boxes = [[0.0, 0.0, 1 / 3, 0.5], [0.0, 0.5, 1.0, 1.0], [0.0, 0.75, 1.0, 1.0]]
    after = affine(sample(image, boxes), translation(1.0, 1.0))
    assert after.image.numpy()[:, :, 0].tolist() == [[GREY] * 4, [GREY, 1, 2, 3], [GREY, 5, 6, 7]]
    # The third is beyond the edge.
    np.testing.assert_allclose(after.boxes, [[1 / 3, 0.25, 2 / 3, 0.75], [1 / 3, 0.75, 1, 1]], atol=1e-6)
    assert after.classes.numpy().tolist() == [0, 1]
    assert after.weights.numpy().tolist() == [0.5, 1.0]


def test_shears_by_hand():
    image = np.arange(1, 10, dtype=np.uint8).reshape(3, 3, 1) * np.ones(3, np.uint8)
    across = affine(sample(image, [[1 / 3, 1 / 3, 2 / 3, 2 / 3]]), horizontal_shear(1.0))
    assert across.image.numpy()[:, :, 0].tolist() == [[1, 2, 3], [5, 6, GREY], [9, GREY, GREY]]
    # The pixel in the middle has come to the left edge; the square that it was leans half a pixel to either side.
    np.testing.assert_allclose(across.boxes, [[1 / 3, 0, 2 / 3, 0.5]], atol=1e-6)
    down = affine(sample(image, NO_BOXES), vertical_shear(1.0))
    assert down.image.numpy()[:, :, 0].tolist() == [[1, 5, 9], [4, 8, GREY], [7, GREY, GREY]]
    assert down.boxes.shape == (0, 4)


def test_a_quarter_turn_by_hand():
    image = np.arange(9, dtype=np.uint8).reshape(3, 3, 1) * np.ones(3, np.uint8)
    after = affine(sample(image, [[0, 0, 1 / 3, 2 / 3]]), rotation(90.0, tf.constant([3, 3])))
    np.testing.assert_array_equal(after.image, np.rot90(image))
    np.testing.assert_allclose(after.boxes, [[1 / 3, 0, 1, 1 / 3]], atol=1e-6)


def test_a_hole_by_hand():
    image = np.zeros((4, 5, 3), np.uint8)
    holed = cutout(tf.constant(image), tf.constant([0, 3]), [2, 1]).numpy()[:, :, 0]
    expected = np.zeros((4, 5), int)
    expected[0:2, 2:4] = GREY
    assert holed.tolist() == expected.tolist()


def test_only_what_is_inside_a_box_is_changed():
    image = np.arange(20, dtype=np.uint8).reshape(4, 5, 1) * np.ones(3, np.uint8)
    before = sample(image, [[0.25, 0.2, 0.5, 0.6]])
    flipped = in_boxes(before, seed(1), 1.0, lambda part, _: part[:, ::-1])
    expected = image[:, :, 0].copy()
    expected[1:3, 1:4] = expected[1:3, 1:4][:, ::-1]  # from the first pixel to the one that holds the last edge
    assert flipped.image.numpy()[:, :, 0].tolist() == expected.tolist()
    np.testing.assert_array_equal(flipped.boxes, before.boxes)
    never = in_boxes(before, seed(1), 0.0, lambda part, _: part[:, ::-1])
    np.testing.assert_array_equal(never.image, image)


def test_each_box_has_a_third_of_the_operation_s_probability():
    columns = np.arange(300)[None, :, None] % 2 * np.ones((1, 300, 3))
    boxes = [[0, x / 300 + 1e-4, 1, (x + 1) / 300 + 1e-4] for x in range(0, 300, 3)]
    before = sample(columns.astype(np.uint8), boxes)
    step = operation_step(Operation("Flip_Only_BBoxes", 0.9, 5))
    flipped = sum(int(np.sum(step(before, seed(n)).image.numpy() != before.image.numpy())) // 6 for n in range(4))
    # Four standard deviations of the binomial distribution.
    assert abs(flipped - 400 * 0.3) <= 4 * (400 * 0.3 * 0.7) ** 0.5


def test_an_operation_is_done_as_often_as_asked_and_either_way():
    image = np.zeros((3, 60, 3), np.uint8)
    image[:, 30] = 255
    step = operation_step(Operation("TranslateX_BBox", 0.6, 1))  # 25 pixels
    places = [int(np.argwhere(step(sample(image, NO_BOXES), seed(n)).image[0, :, 0] == 255)[0, 0]) for n in range(200)]
    assert set(places) == {5, 30, 55}
    assert abs(places.count(30) - 80) <= 4 * (200 * 0.4 * 0.6) ** 0.5
    assert abs(places.count(5) - 60) <= 4 * (200 * 0.3 * 0.7) ** 0.5


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(["Rotate_BBox", "ShearX_BBox", "ShearY_BBox", "TranslateX_BBox", "TranslateY_BBox"]),
    st.integers(0, 10),
    st.integers(0, 2**31 - 1),
)
def test_boxes_go_where_what_they_frame_goes(name: str, level: int, number: int):
    image = np.zeros((150, 200, 3), np.uint8)
    pixels = [(20, 30, 60, 90), (80, 120, 140, 180)]
    for value, (y0, x0, y1, x1) in enumerate(pixels, start=1):
        image[y0:y1, x0:x1] = value
    before = sample(image, np.array(pixels) / [150, 200, 150, 200])
    after = operation_step(Operation(name, 1.0, level))(before, seed(number))
    kept = dict(zip(after.classes.numpy().tolist(), after.boxes.numpy() * [150, 200, 150, 200], strict=True))
    for label in range(2):
        found = np.argwhere(after.image.numpy()[:, :, 0] == label + 1)
        if not len(found):
            assert label not in kept or np.min(kept[label][2:] - kept[label][:2]) < 1.5
            continue
        # To the pixel, and corners of a leaning box may be thinner than one.
        assert np.all(np.abs(np.concatenate([found.min(axis=0), found.max(axis=0) + 1]) - kept[label]) <= 2.5)


# A policy takes seconds to trace; all are made of the same operations.
@pytest.mark.parametrize(
    "policy", ["v0", *(pytest.param(name, marks=pytest.mark.slow) for name in POLICIES if name != "v0")]
)
@settings(max_examples=6, deadline=None)
@given(
    st.integers(0, 2**31 - 1),
    st.tuples(st.integers(1, 40), st.integers(1, 40)),
    st.integers(0, 3),
)
def test_what_holds_for_any_image(policy: str, number: int, size: tuple[int, int], count: int):
    random = np.random.default_rng(number)
    image = random.integers(0, 256, (*size, 3), dtype=np.uint8)
    boxes = np.sort(random.random((count, 2, 2)), axis=1).reshape(-1, 4).astype(np.float32)
    first, again = (RUN[policy](sample(image, boxes), tf.constant([number, 1])) for _ in range(2))
    found, moved, classes, weights = (part.numpy() for part in first[:4])
    assert (found.shape, found.dtype) == (image.shape, np.float32)
    assert found.min() >= 0
    assert found.max() <= 255
    assert np.all((moved >= 0) & (moved <= 1))
    assert np.all(moved[:, :2] < moved[:, 2:])
    assert len(moved) == len(classes)
    np.testing.assert_allclose(weights, 0.5 + 0.5 * classes)
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, other)


RUN = {
    name: tf.function(
        build_augmentations(
            [text_format.Parse(f'autoaugment_image {{ policy_name: "{name}" }}', preprocessor_pb2.PreprocessingStep())]
        ).__call__,
        input_signature=[
            sample_spec(2),
            tf.TensorSpec([2], tf.int32),
        ],
    )
    for name in POLICIES
}


def test_a_policy_that_there_is_not():
    step = text_format.Parse('autoaugment_image { policy_name: "v9" }', preprocessor_pb2.PreprocessingStep())
    with pytest.raises(ConfigError, match="policy_name is 'v9'; there are v0, v1, v2, v3, test"):
        build_augmentations([step])
