"""The greedy bipartite matcher: by hand, and against plain loops."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.tf


def match(similarity: Any, valid: Any) -> np.ndarray:
    from teachbox.detector.matching import BipartiteMatcher

    return np.asarray(BipartiteMatcher()(np.array(similarity, np.float32), np.array(valid)))


def test_the_most_alike_pair_goes_first():
    similarity = [[0.9, 0.8, 0.1], [0.7, 0.6, 0.5]]
    # Row 0 takes column 0, so row 1 has the better of the others, though both of its own best are taken or worse.
    assert match([similarity], [[True, True]]).tolist() == [[0, 1, -1]]
    assert match([similarity], [[False, True]]).tolist() == [[1, -1, -1]]
    assert match([similarity] * 2, [[False, False], [True, False]]).tolist() == [[-1, -1, -1], [0, -1, -1]]


def test_a_box_that_touches_no_anchor_takes_one_too():
    assert match([[[0.0, 0.0], [0.5, 0.0]]], [[True, True]]).tolist() == [[1, 0]]


def test_more_boxes_than_anchors():
    assert match([[[0.1], [0.3], [0.2]]], [[True] * 3]).tolist() == [[1]]


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**31), rows=st.integers(1, 6), columns=st.integers(1, 9))
def test_agrees_with_plain_loops(seed, rows, columns):
    import tensorflow as tf

    from teachbox.detector.matching import BipartiteMatcher

    random = np.random.default_rng(seed)
    similarity = random.uniform(-2, 2, (2, rows, columns)).astype(np.float32)
    valid = random.uniform(size=(2, rows)) < 0.7
    shape = tf.TensorSpec([None, None, None]), tf.TensorSpec([None, None], tf.bool)
    found = tf.function(BipartiteMatcher(), input_signature=shape)(similarity, valid).numpy()
    for image in range(2):
        expected = np.full(columns, -1)
        taken: set[int] = set()
        for pair in np.argsort(-similarity[image], axis=None):
            row, column = divmod(int(pair), columns)
            if valid[image, row] and row not in taken and expected[column] == -1:
                expected[column] = row
                taken.add(row)
        np.testing.assert_array_equal(found[image], expected)
