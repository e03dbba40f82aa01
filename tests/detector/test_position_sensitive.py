"""Position-sensitive crops by hand: each part of a box reads its own map."""

from __future__ import annotations

import numpy as np
import pytest

pytestmark = pytest.mark.tf


def crops(maps: np.ndarray, boxes: list[list[float]], bins: tuple[int, int], samples: tuple[int, int]) -> np.ndarray:
    from teachbox.detector.position_sensitive import position_sensitive_crops

    batch = np.array([boxes] * len(maps), np.float32)
    return np.asarray(position_sensitive_crops(maps.astype(np.float32), batch, bins, samples))


def test_each_part_reads_its_own_map():
    """Maps that hold their own number: every box finds the mean of all, wherever it is."""
    maps = np.broadcast_to(np.arange(6.0), (1, 5, 7, 6))
    found = crops(maps, [[0, 0, 1, 1], [0.2, 0.3, 0.4, 0.9]], (3, 2), (2, 2))
    np.testing.assert_allclose(found, [[2.5], [2.5]], atol=1e-6)


def test_parts_lie_row_by_row():
    """The map of a part rises by one a pixel downwards in the first column of maps, to the right in the second: the
    mean of the samples is where the part's middle is."""
    down, right = np.meshgrid(np.arange(9.0), np.arange(5.0), indexing="ij")
    maps = np.stack([down, right, 10 * down, 10 * right], axis=-1)[None]
    # Rows 2…6 and columns 1…3 of the pixels: parts have their middles at rows 3 and 5, columns 1.5 and 2.5.
    found = crops(maps, [[2 / 8, 1 / 4, 6 / 8, 3 / 4]], (2, 2), (3, 3))
    np.testing.assert_allclose(found, [[(3 + 2.5 + 50 + 25) / 4]], atol=1e-5)


def test_channels_and_images_stay_apart():
    """Two channels a part, two images."""
    maps = np.zeros((2, 4, 4, 4))
    maps[0], maps[1] = [1, 2, 3, 6], [10, 20, 30, 60]
    found = crops(maps, [[0, 0, 1, 1], [0, 0, 0.5, 0.5]], (1, 2), (2, 2))
    np.testing.assert_allclose(found, [[2, 4], [2, 4], [20, 40], [20, 40]], atol=1e-5)


def test_no_boxes():
    assert crops(np.ones((1, 4, 4, 8)), np.zeros((0, 4)), (2, 2), (2, 2)).shape == (0, 2)
