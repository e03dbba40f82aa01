"""Hard example mining: by hand, and the quick way against the thorough one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.tf


def miner(**options: Any) -> Any:
    from teachbox.detector.mining import HardExampleMiner

    given_options = {"num_hard_examples": None, "iou_threshold": 0.99, "loss_type": "classification"}
    return HardExampleMiner(**{**given_options, **options})


def scattered(random: np.random.Generator, images: int, anchors: int) -> np.ndarray:
    corner = random.uniform(0, 0.8, (images, anchors, 2))
    return np.concatenate([corner, corner + random.uniform(0.1, 0.4, (images, anchors, 2))], axis=-1).astype(np.float32)


def test_by_hand():
    boxes = scattered(np.random.default_rng(0), 1, 6)
    boxes[0, 2] = boxes[0, 1]  # the anchor of loss 5 hides the one of loss 4 behind it
    losses = np.array([[1, 5, 4, 3, 2, 6]], np.float32)
    match = np.array([[0, -1, -1, -1, -1, -2]], np.int32)
    location, classification = miner(max_negatives_per_positive=2)(10 * losses, losses, boxes, match)
    # The positive (1), its two hardest negatives that stay (5, 3), and the ignored one before them (6).
    assert (float(location), float(classification)) == (150, 15)


def test_one_loss_alone_orders_whatever_it_weighs():
    """Of two anchors the harder one: by a loss that weighs nothing too, and by both as they weigh."""
    boxes = scattered(np.random.default_rng(3), 1, 2)
    location, classification = np.array([[5, 2]], np.float32), np.array([[3, 4]], np.float32)
    for options, kept in [
        ({"loss_type": "classification", "classification_weight": 0.0}, 1),
        ({"loss_type": "localization", "localization_weight": 0.0}, 0),
        ({"loss_type": "both"}, 0),
        ({"loss_type": "both", "classification_weight": 4.0}, 1),
    ]:
        found = miner(num_hard_examples=1, **options)(location, classification, boxes, None)
        assert tuple(map(float, found)) == (location[0, kept], classification[0, kept]), options


def test_without_positives_and_without_anchors_to_spare():
    boxes = scattered(np.random.default_rng(1), 1, 4)
    losses, match = np.array([[1, 2, 3, 4]], np.float32), np.full((1, 4), -1, np.int32)
    assert float(miner(max_negatives_per_positive=3)(losses, losses, boxes, match)[1]) == 0
    bounded = miner(max_negatives_per_positive=3, min_negatives_per_image=2)
    assert float(bounded(losses, losses, boxes, match)[1]) == 7


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    positives=st.integers(0, 200),
    ignored=st.integers(0, 50),
    crowded=st.integers(0, 600),
    iou_threshold=st.sampled_from([0.5, 0.99]),
)
def test_the_quick_way_changes_nothing(seed, positives, ignored, crowded, iou_threshold):
    random = np.random.default_rng(seed)
    images, anchors = 2, 1300
    boxes = scattered(random, images, anchors)
    boxes[:, anchors - crowded :] = boxes[:, :1] + random.uniform(0, 2e-3, (images, crowded, 4)).astype(np.float32)
    classification = random.gamma(0.5, 1.0, (images, anchors)).astype(np.float32)
    location = random.uniform(0, 1, (images, anchors)).astype(np.float32)
    match = np.full((images, anchors), -1, np.int32)
    for image in range(images):
        places = random.permutation(anchors)
        match[image, places[:positives]] = 0
        match[image, places[positives : positives + ignored]] = -2
    mine = miner(max_negatives_per_positive=3, iou_threshold=iou_threshold)
    thorough = np.asarray(mine._pick(classification, boxes, match, anchors)[0])
    found = mine(location, classification, boxes, match)
    assert float(found[0]) == pytest.approx(float((location * thorough).sum()), rel=1e-5)
    assert float(found[1]) == pytest.approx(float((classification * thorough).sum()), rel=1e-5)


def test_gradients_reach_what_counts_and_nothing_else():
    import tensorflow as tf

    boxes = scattered(np.random.default_rng(2), 1, 3)
    losses = tf.Variable([[1.0, 2.0, 3.0]])
    match = np.array([[0, -1, -1]], np.int32)
    with tf.GradientTape() as tape:
        total = miner(max_negatives_per_positive=1)(losses, losses, boxes, match)[1]
    assert tf.convert_to_tensor(tape.gradient(total, losses)).numpy().tolist() == [[1, 0, 1]]
