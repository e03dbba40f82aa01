"""Parts of the detector: cases worked by hand, properties, and the empty case."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.tf

ANCHORS = np.array([[0.0, 0.0, 0.5, 0.5], [0.25, 0.25, 0.75, 0.75], [0.5, 0.5, 1.0, 1.0]], np.float32)


@st.composite
def boxes(draw, count: int = 3) -> np.ndarray:
    number = st.floats(0.01, 0.98)
    rows = []
    for _ in range(count):
        y, x = draw(number), draw(number)
        rows.append([y, x, y + draw(st.floats(0.02, 0.5)), x + draw(st.floats(0.02, 0.5))])
    return np.array(rows, np.float32)


def test_box_codes_by_hand():
    from teachbox.detector.box_coding import FasterRCNNBoxCoder

    # Seen from an anchor of side 0.5 centred at 0.25: centre moved by 0.1 and 0.2 of the side, height doubled.
    box = np.array([[-0.2, 0.1, 0.8, 0.6]], np.float32)
    codes = FasterRCNNBoxCoder((10.0, 10.0, 5.0, 5.0)).encode(box, ANCHORS[:1])
    np.testing.assert_allclose(codes, [[1.0, 2.0, 5 * np.log(2), 0.0]], atol=1e-5)


@settings(deadline=None, max_examples=50)
@given(boxes())
def test_decoding_undoes_encoding(rows):
    from teachbox.detector.box_coding import FasterRCNNBoxCoder

    coder = FasterRCNNBoxCoder((10.0, 10.0, 5.0, 5.0))
    np.testing.assert_allclose(coder.decode(coder.encode(rows, ANCHORS), ANCHORS), rows, atol=1e-5)


def test_anchors_of_one_cell_by_hand():
    from teachbox.detector.anchors import SSDAnchorGenerator

    generate = SSDAnchorGenerator([[(0.5, 1.0), (0.5, 4.0)]])
    np.testing.assert_allclose(
        generate([(1, 1)], (300, 300)), [[0.25, 0.25, 0.75, 0.75], [0.375, 0.0, 0.625, 1.0]], atol=1e-6
    )


def assign(truth: np.ndarray, num_boxes: int):
    from teachbox.detector.box_coding import FasterRCNNBoxCoder
    from teachbox.detector.matching import ArgMaxMatcher
    from teachbox.detector.similarity import iou
    from teachbox.detector.targets import TargetAssigner

    assigner = TargetAssigner(
        iou,
        ArgMaxMatcher(0.5, force_match_for_each_row=True),
        FasterRCNNBoxCoder(),
        num_classes=2,
        unmatched_class=(1.0, 0.0, 0.0),
    )
    ones = np.ones((1, len(truth)), np.float32)
    return assigner(ANCHORS, truth[None], np.ones((1, len(truth)), np.int32), ones, np.array([num_boxes]))


def test_targets_by_hand():
    # The box is the first anchor, shifted by a tenth of it; the second row is padding.
    targets = assign(np.array([[0.05, 0.0, 0.55, 0.5], [0.5, 0.5, 1.0, 1.0]], np.float32), 1)
    np.testing.assert_array_equal(targets.match, [[0, -1, -1]])
    np.testing.assert_allclose(targets.codes[0], [[0.1, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]], atol=1e-6)
    np.testing.assert_array_equal(targets.classes[0], [[0, 0, 1], [1, 0, 0], [1, 0, 0]])
    np.testing.assert_array_equal(targets.code_weights, [[1, 0, 0]])


def test_an_image_without_boxes_is_all_background():
    targets = assign(np.zeros((2, 4), np.float32), 0)
    np.testing.assert_array_equal(targets.match, [[-1, -1, -1]])
    np.testing.assert_array_equal(targets.class_weights, np.ones((1, 3, 3)))
    np.testing.assert_array_equal(targets.codes, np.zeros((1, 3, 4)))


@settings(deadline=None, max_examples=30)
@given(boxes(6), st.lists(st.floats(0.01, 1.0), min_size=6, max_size=6))
def test_kept_boxes_are_apart_and_in_order(rows, scores):
    from teachbox.boxes import iou
    from teachbox.detector.nms import BatchNonMaxSuppression

    suppress = BatchNonMaxSuppression(0.0, 0.5, 4, 4)
    kept = suppress(rows[None, :, None], np.array(scores, np.float32)[None, :, None], None)
    count = int(kept.count[0])
    found, order = np.asarray(kept.boxes[0]), np.asarray(kept.scores[0])
    assert 1 <= count <= 4
    assert order[0] == pytest.approx(max(scores))
    assert (np.diff(order[:count]) <= 0).all()
    overlaps = iou(found[:count], found[:count])
    np.fill_diagonal(overlaps, 0.0)
    assert (overlaps <= 0.5 + 1e-6).all()
    assert not found[count:].any()


def test_nothing_above_the_threshold_keeps_nothing():
    from teachbox.detector.nms import BatchNonMaxSuppression

    kept = BatchNonMaxSuppression(0.5, 0.5, 4, 4)(ANCHORS[None, :, None], np.full((1, 3, 1), 0.5, np.float32), None)
    assert int(kept.count[0]) == 0
    assert not np.asarray(kept.boxes).any()


def test_batch_norm_by_hand():
    from teachbox.detector.hyperparams import BatchNormOptions
    from teachbox.detector.layers import BatchNorm

    layer = BatchNorm(BatchNormOptions(decay=0.9, center=True, scale=True, epsilon=0.0011, train=True))
    x = np.array([0.0, 2.0, 4.0, 6.0], np.float32).reshape(1, 2, 2, 1)
    y = np.asarray(layer(x, training=True)).reshape(-1)
    # Mean 3, biased variance 5; the moving average takes the unbiased 20 / 3.
    np.testing.assert_allclose(y, (np.array([0, 2, 4, 6]) - 3) / np.sqrt(5.0011), rtol=1e-5)
    assert float(layer.moving_mean[0]) == pytest.approx(0.3)
    assert float(layer.moving_variance[0]) == pytest.approx(0.9 + 0.1 * 20 / 3, rel=1e-5)


def test_focal_loss_by_hand():
    from teachbox.detector.losses import sigmoid_focal

    loss = sigmoid_focal(np.zeros((1, 1, 1)), np.ones((1, 1, 1)), np.ones((1, 1, 1)), gamma=2.0, alpha=0.25)
    assert float(loss[0, 0, 0]) == pytest.approx(0.25 * 0.5**2 * np.log(2), rel=1e-5)
