"""What holds of every step of augmentation, whatever the image, its boxes and the seed."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import text_format
from hypothesis import given, settings
from hypothesis import strategies as st

from teachbox.config.protos import preprocessor_pb2
from teachbox.data.augment import BUILDERS, build_augmentations
from teachbox.data.augmentation.sample import Sample

pytestmark = pytest.mark.tf

GIVEN = {
    "normalize_image": "original_maxval: 255 target_maxval: 255",
    "subtract_channel_mean": "means: [1, 2, 3]",
    "resize_image": "new_height: 20 new_width: 30",
    "random_resize_method": "target_height: 20 target_width: 30",
    "drop_label_probabilistically": "label: 1 drop_probability: 0.5",
    "remap_labels": "original_labels: 1 new_label: 1",
    "random_scale_crop_and_pad_to_square": "output_size: 40 scale_min: 0.5",
    "random_downscale_to_target_pixels": "min_target_pixels: 300 max_target_pixels: 500",
    "random_absolute_pad_image": "max_height_padding: 9 max_width_padding: 7",
    "random_square_crop_by_scale": "max_border: 8",
    "random_patch_gaussian": "max_patch_size: 10",
}
CROPS = {name for name in BUILDERS if "crop" in name}
PADS = {"random_pad_image", "random_absolute_pad_image"}
SCALES = {"resize_image", "random_resize_method", "random_image_scale", "random_downscale_to_target_pixels"}
TURNS = {"random_horizontal_flip", "random_vertical_flip", "random_rotation90"}
OF_THEIR_OWN = {"random_self_concat_image", "autoaugment_image", "random_jitter_boxes", "drop_label_probabilistically"}
SCORES = {"convert_class_logits_to_softmax"}
UNITS = {"scale_boxes_to_pixel_coordinates"}
PIXELS = set(BUILDERS) - CROPS - PADS - SCALES - TURNS - OF_THEIR_OWN - UNITS
"""Steps that change what the image shows, and no box."""


@st.composite
def samples(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """An image of noise, and up to three boxes of at least a fifth of its sides."""
    height, width = draw(st.integers(16, 48)), draw(st.integers(16, 48))
    share = st.integers(0, 12)
    corners = draw(st.lists(st.tuples(share, share, share, share), max_size=3))
    boxes = [[y / 15, x / 15, min(y + 3 + h, 15) / 15, min(x + 3 + w, 15) / 15] for y, x, h, w in corners]
    image = np.random.default_rng(height * width).integers(0, 256, (height, width, 3), np.uint8)
    return image, np.array(boxes, np.float32).reshape(-1, 4)


def scores_of(labels: np.ndarray) -> np.ndarray:
    """Scores that tell which label they belong to."""
    return np.stack([labels, 5 - labels, labels * 0 + 2.5], axis=1).astype(np.float32).reshape(-1, 3)


def areas(boxes: np.ndarray) -> np.ndarray:
    return np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)


def pixels(image: np.ndarray) -> int:
    return image.shape[0] * image.shape[1]


@pytest.mark.parametrize("name", sorted(BUILDERS))
@settings(max_examples=6, derandomize=True)
@given(samples(), st.integers(0, 2**31 - 1))
def test_boxes_stay_inside_with_their_areas_and_the_seed_decides(
    name: str, given_sample: tuple[np.ndarray, np.ndarray], seed: int
):
    image, boxes = given_sample
    text = f"{name} {{ {GIVEN.get(name, '')} }}"
    step = build_augmentations([text_format.Parse(text, preprocessor_pb2.PreprocessingStep())])
    labels = np.arange(1, 1 + len(boxes), dtype=np.int32)

    def run() -> list[np.ndarray]:
        weights = tf.constant(labels / 4, tf.float32)
        scores = tf.constant(scores_of(labels))
        before = Sample(tf.constant(image), tf.constant(boxes), tf.constant(labels), weights, scores)
        return [part.numpy() for part in step(before, tf.constant([seed, 3]))]

    after, moved, classes, weights, scores = run()
    for first, again in zip((after, moved, classes, weights, scores), run(), strict=True):
        np.testing.assert_array_equal(first, again)
    if name in UNITS:
        moved = moved / np.tile(after.shape[:2], 2).astype(np.float32)
        np.testing.assert_allclose(moved, boxes, rtol=1e-6)

    # A float32 may round 1 up by its last bit.
    assert np.all((moved >= -1e-6) & (moved <= 1 + 1e-6))
    assert np.all(moved[:, :2] < moved[:, 2:])
    assert np.all(np.isfinite(after))
    # What is left of the boxes is told by their labels; each keeps its weight.
    np.testing.assert_allclose(weights, classes / 4)
    if name in SCORES:
        np.testing.assert_allclose(scores.sum(axis=1), np.ones(len(classes)), rtol=1e-6)
        np.testing.assert_array_equal(np.argsort(scores), np.argsort(scores_of(classes)))
    else:
        np.testing.assert_array_equal(scores, scores_of(classes))
    kept = classes - 1
    if name not in {"random_self_concat_image"}:
        assert len(set(kept)) == len(kept)
    before, now = areas(boxes)[kept], areas(moved)
    if name in PIXELS:
        assert after.shape == image.shape
        np.testing.assert_array_equal(moved, boxes)
    elif name in SCALES | TURNS:
        np.testing.assert_allclose(now, before, rtol=1e-4)
        assert len(kept) == len(boxes)
    elif name in PADS:
        np.testing.assert_allclose(now * pixels(after), before * pixels(image), rtol=1e-4)
        assert len(kept) == len(boxes)
    elif name in CROPS - {"random_scale_crop_and_pad_to_square"}:
        assert np.all(now * pixels(after) <= before * pixels(image) * (1 + 1e-4))
    elif name == "random_self_concat_image":
        np.testing.assert_allclose(now * pixels(after), before * pixels(image), rtol=1e-4)
        assert len(kept) * pixels(image) == len(boxes) * pixels(after)
    elif name == "drop_label_probabilistically":
        np.testing.assert_array_equal(moved, boxes[kept])
        assert set(range(1, len(boxes))) <= set(kept)
