"""From which map of a pyramid a region is cut, by hand."""

from __future__ import annotations

import numpy as np
import pytest

pytestmark = pytest.mark.tf


@pytest.mark.parametrize(
    ("box", "image", "level"),
    [
        # A region of 224 × 224 pixels belongs to the last map but one; each halving of its side is one map finer.
        ([0, 0, 1, 1], (224, 224), 3),
        ([0.25, 0.5, 0.75, 1], (224, 224), 2),
        ([0.25, 0.5, 0.749, 1], (224, 224), 1),
        ([0, 0, 0.125, 0.125], (224, 224), 0),
        ([0, 0, 0.01, 0.01], (224, 224), 0),
        ([0, 0, 1, 1], (448, 448), 4),
        ([0, 0, 1, 1], (4480, 4480), 4),
        # Only the area counts: 56 × 224 is as large as 112 × 112.
        ([0, 0, 0.25, 1], (224, 224), 2),
        ([0, 0, 1, 1], (112, 448), 3),
        # Nothing fills up a batch.
        ([0, 0, 0, 0], (224, 224), 0),
    ],
)
def test_the_map_of_a_region(box, image, level):
    from teachbox.detector.regions import pyramid_levels

    assert int(pyramid_levels(np.array([[box]], np.float32), image, 5)[0, 0]) == level


def test_regions_are_cut_from_their_own_maps():
    """Two maps of two images that hold their own number: each crop is full of that of its map and image."""
    import tensorflow as tf

    from teachbox.detector.native import crop_from_levels

    fine = tf.reshape([1.0, 2.0], (2, 1, 1, 1)) * tf.ones((2, 8, 8, 1))
    maps = [fine, 10.0 * fine[:, ::2, ::2]]
    boxes = np.array([[[0, 0, 1, 1], [0.2, 0.2, 0.4, 0.4], [0, 0, 0.5, 0.5]]] * 2, np.float32)
    found = crop_from_levels(maps, boxes, np.array([[1, 0, 0], [0, 0, 1]], np.int32), (2, 3))
    assert found.shape == (6, 2, 3, 1)
    np.testing.assert_allclose(found[:, 0, 0, 0], [10, 1, 1, 2, 2, 20], rtol=1e-6)
    np.testing.assert_allclose(found, np.broadcast_to(found[:, :1, :1], found.shape), rtol=1e-6)


def test_a_map_that_no_region_is_cut_from():
    import tensorflow as tf

    from teachbox.detector.native import crop_from_levels

    maps = [tf.Variable(tf.ones((1, 4, 4, 1))), tf.Variable(tf.ones((1, 2, 2, 1)))]
    boxes = tf.constant([[[0.0, 0.0, 1.0, 1.0]]])
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(crop_from_levels(maps, boxes, tf.constant([[0]]), (2, 2)))
    used, unused = tape.gradient(total, maps)
    assert float(tf.reduce_sum(used)) == 4
    assert not np.any(unused)
