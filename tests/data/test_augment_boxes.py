"""Changed boxes and classes: by hand, against the original, and by what must hold for any box."""

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
from teachbox.data.augment import Augmentation, build_augmentations
from teachbox.data.augmentation.boxes import merge_labels, scale_boxes_to_parts
from teachbox.data.augmentation.sample import Sample
from teachbox.errors import ConfigError

pytestmark = pytest.mark.tf

IMAGE = np.arange(60, dtype=np.uint8).reshape(4, 5, 3)
MODES = preprocessor_pb2.RandomJitterBoxes.JitterMode.keys()


def built(*texts: str) -> Augmentation:
    return build_augmentations(text_format.Parse(text, preprocessor_pb2.PreprocessingStep()) for text in texts)


def changed(text: str, boxes: Any, seed: int = 0, classes: list[int] | None = None) -> tuple[np.ndarray, ...]:
    """Boxes, classes and weights after one step; weights are 0.5, 1, 1.5, … The image stays."""
    step = built(text)
    rows = np.asarray(boxes, np.float32).reshape(-1, 4)
    labels = tf.range(len(rows)) if classes is None else tf.constant(classes, tf.int32)
    weights = 0.5 + 0.5 * tf.range(len(rows), dtype=tf.float32)
    image, *found = step(Sample(tf.constant(IMAGE), tf.constant(rows), labels, weights), tf.constant([seed, 1]))[:4]
    np.testing.assert_array_equal(image, IMAGE)
    return tuple(part.numpy() for part in found)


def test_remapped_labels_agree_with_the_original(oracles: Path):
    oracle = json.loads((oracles / "functions" / "preprocessing_deterministic.json").read_text())
    _, classes, _ = changed("remap_labels { original_labels: [1, 3] new_label: 7 }", oracle["boxes"])
    # Ids of the label map count from 1, classes from 0.
    assert (classes + 1).tolist() == oracle["outputs"]["remap_labels 1,3 to 7"][0]
    assert changed("remap_labels { original_labels: [1, 3] new_label: 7 }", [])[1].shape == (0,)
    assert changed("remap_labels { new_label: 7 }", oracle["boxes"])[1].tolist() == [0, 1, 2, 3]


def test_boxes_in_pixels_agree_with_the_original(oracles: Path):
    oracle = json.loads((oracles / "functions" / "preprocessing_deterministic.json").read_text())
    image = tf.zeros([20, 30, 3])
    (expected,) = oracle["outputs"]["scale_boxes_to_pixel_coordinates"]
    rows = tf.constant(oracle["boxes"])
    before = Sample(image, rows, tf.range(4), tf.ones(4))
    step = built("scale_boxes_to_pixel_coordinates {}")
    np.testing.assert_allclose(step(before, tf.constant([0, 1])).boxes, expected, rtol=1e-6)
    assert (step.boxes_in_pixels, built("random_jitter_boxes {}").boxes_in_pixels) == (True, False)
    np.testing.assert_allclose(scale_boxes_to_parts(before._replace(boxes=expected)).boxes, rows, rtol=1e-6)
    assert changed("scale_boxes_to_pixel_coordinates {}", [])[0].shape == (0, 4)
    by_hand = changed("scale_boxes_to_pixel_coordinates {}", [[0.25, 0.2, 0.5, 1.0]])[0]
    np.testing.assert_allclose(by_hand, [[1, 1, 2, 5]])


def test_no_step_comes_after_boxes_in_pixels():
    with pytest.raises(
        ConfigError, match=r"options\[2\]: comes after scale_boxes_to_pixel_coordinates; steps take boxes as parts"
    ):
        built("rgb_to_gray {}", "scale_boxes_to_pixel_coordinates {}", "random_jitter_boxes {}")


def test_softmax_of_scores_agrees_with_the_original(oracles: Path):
    oracle = json.loads((oracles / "functions" / "preprocessing_deterministic.json").read_text())
    (expected,) = oracle["outputs"]["convert_class_logits_to_softmax temperature 2"]
    # The oracle gives no logits; these are what its output comes of, up to a constant for each row.
    logits = tf.constant([[1.0, 2.0, 3.0], [0.0, 0.0, 5.0]])
    before = Sample(tf.constant(IMAGE), tf.zeros([2, 4]), tf.constant([2, 0]), tf.ones(2), logits)
    after = built("convert_class_logits_to_softmax { temperature: 2 }")(before, tf.constant([0, 1]))
    np.testing.assert_allclose(after.scores, expected, rtol=1e-6)
    for one, other in zip(after[:4], before[:4], strict=True):
        np.testing.assert_array_equal(one, other)
    # Without a temperature it is 1; e² and e to 1.
    plain = built("convert_class_logits_to_softmax {}")(before._replace(scores=logits[:, 1:]), tf.constant([0, 1]))
    np.testing.assert_allclose(plain.scores[0], [1 / (1 + np.e), np.e / (1 + np.e)], rtol=1e-6)
    none = before.keep_boxes(tf.constant([False, False]))
    assert built("convert_class_logits_to_softmax {}")(none, tf.constant([0, 1])).scores.shape == (0, 3)
    unscored = before._replace(scores=None)
    assert built("convert_class_logits_to_softmax {}")(unscored, tf.constant([0, 1])).scores is None


def merged(rows: Any, classes: list[int], weights: list[float]) -> tuple[list[Any], ...]:
    boxes = tf.constant(np.asarray(rows, np.float32).reshape(-1, 4))
    before = Sample(tf.constant(IMAGE), boxes, tf.constant(classes, tf.int32), tf.constant(weights, tf.float32))
    return tuple(part.numpy().tolist() for part in merge_labels(before, 3)[1:])


def test_boxes_at_one_place_are_one_of_all_their_classes():
    one, other = [0.0, 0.0, 0.5, 0.5], [0.0, 0.0, 0.5, 0.25]
    boxes, classes, weights, scores = merged([one, other, one, one], [0, 1, 2, 0], [0.5, 1, 0.75, 0.25])
    assert (boxes, classes, weights) == ([one, other], [0, 1], [0.75, 1])
    assert scores == [[1, 0, 1], [0, 1, 0]]
    assert merged([], [], []) == ([], [], [], [])


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), max_size=8))
def test_merging_keeps_every_place_and_every_class_of_it(drawn: list[tuple[int, int]]):
    rows = [[0.1 * place, 0.0, 1.0, 1.0] for place, _ in drawn]
    boxes, _, weights, scores = merged(rows, [label for _, label in drawn], [1.0] * len(drawn))
    wanted: dict[int, set[int]] = {}
    for place, label in drawn:
        wanted.setdefault(place, set()).add(label)
    assert [round(box[0] * 10) for box in boxes] == list(wanted)
    assert [{label for label in range(3) if row[label]} for row in scores] == list(wanted.values())
    assert weights == [1.0] * len(wanted)


def test_boxes_of_one_label_are_dropped():
    rows = [[0.0, 0.0, 0.1 * n, 1.0] for n in range(1, 5)]
    boxes, classes, weights = changed("drop_label_probabilistically { label: 2 }", rows, classes=[0, 1, 1, 2])
    np.testing.assert_allclose(boxes, np.float32(rows)[[0, 3]])
    assert classes.tolist() == [0, 2]
    assert weights.tolist() == [0.5, 2.0]
    assert changed("drop_label_probabilistically { label: 2 }", [])[0].shape == (0, 4)


def test_each_box_is_dropped_by_chance_of_its_own():
    rows = np.tile([[0.1, 0.1, 0.9, 0.9]], (400, 1))
    _, classes, _ = changed(
        "drop_label_probabilistically { label: 1 drop_probability: 0.3 }", rows, classes=[0, 1] * 200
    )
    assert np.sum(classes == 1) == 200
    assert abs(np.sum(classes == 0) - 140) <= 4 * (200 * 0.3 * 0.7) ** 0.5


BOX = [0.4, 0.3, 0.6, 0.7]  # 0.2 high, 0.4 wide, at (0.5, 0.5)


@pytest.mark.parametrize("mode", MODES)
def test_edges_move_as_far_as_the_mode_says(mode: str):
    found, *_ = changed(f"random_jitter_boxes {{ ratio: 0.1 jitter_mode: {mode} }}", np.tile([BOX], (500, 1)))
    # How far each edge went outwards, as part of the side.
    outwards = (found - BOX) * [-1, -1, 1, 1] / [0.2, 0.4, 0.2, 0.4]
    limit = 0.05 if "SYMMETRIC" in mode else 0.1
    low = -limit if mode == "DEFAULT" or "SHRINK" in mode else 0
    high = limit if mode == "DEFAULT" or "EXPAND" in mode else 0
    assert outwards.min() >= low - 1e-5
    assert outwards.max() <= high + 1e-5
    # All of the range occurs, at each edge.
    assert np.all(np.ptp(outwards, axis=0) > 0.95 * (high - low))
    same_height = np.abs(outwards[:, 0] - outwards[:, 2]).max() < 1e-5
    same_width = np.abs(outwards[:, 1] - outwards[:, 3]).max() < 1e-5
    same_both = np.abs(outwards[:, 0] - outwards[:, 1]).max() < 1e-5
    assert same_height == same_width == ("SYMMETRIC" in mode)
    assert same_both == mode.endswith("XY")


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(MODES), st.sampled_from([0.0, 0.05, 0.5]), st.integers(0, 2**31 - 1), st.integers(0, 5))
def test_jittered_boxes_stay_inside_and_the_seed_decides(mode: str, ratio: float, seed: int, count: int):
    corners = np.sort(np.random.default_rng(seed).random((count, 2, 2)), axis=1)
    before = corners.reshape(-1, 4).astype(np.float32)
    text = f"random_jitter_boxes {{ ratio: {ratio} jitter_mode: {mode} }}"
    boxes, classes, weights = changed(text, before, seed)
    assert boxes.shape == (count, 4)
    assert np.all((boxes >= 0) & (boxes <= 1))
    assert np.all(boxes[:, :2] <= boxes[:, 2:] + 1e-6)
    areas = [np.prod(rows[:, 2:] - rows[:, :2], axis=1) for rows in (before, boxes)]
    if "SHRINK" in mode:
        assert np.all(areas[1] <= areas[0] + 1e-6)
    if "EXPAND" in mode:
        assert np.all(areas[1] >= areas[0] - 1e-6)
    if ratio == 0:
        np.testing.assert_allclose(boxes, before, atol=1e-7)
    assert classes.tolist() == list(range(count))
    np.testing.assert_allclose(weights, 0.5 + 0.5 * classes)
    np.testing.assert_array_equal(changed(text, before, seed)[0], boxes)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("random_jitter_boxes { ratio: -0.1 }", "ratio is -0.1; it must be from 0 to 1"),
        ("drop_label_probabilistically {}", "label is 0; it must be at least 1"),
        ("drop_label_probabilistically { label: 1 drop_probability: 2 }", "drop_probability is 2"),
        ("remap_labels { original_labels: 1 }", "new_label is 0; it must be at least 1"),
        ("remap_labels { original_labels: 0 new_label: 1 }", "original_labels is 0"),
    ],
)
def test_numbers_that_make_no_sense(text: str, message: str):
    with pytest.raises(ConfigError, match=message):
        changed(text, [])
