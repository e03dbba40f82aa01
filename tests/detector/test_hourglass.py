"""The hourglass network: what each published size is, and that each stacked one sees what the one before it said."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.tf


def network(layers: int) -> Any:
    from teachbox.detector.features.hourglass import HOURGLASSES, StackedHourglasses

    return StackedHourglasses(HOURGLASSES[layers], preprocess=lambda images: images)


@pytest.mark.parametrize("layers", [10, 20, 32, 52, 104])
def test_a_network_is_called_by_how_many_convolutions_follow_on_one_another(layers):
    found = network(layers)
    multiple = found.size_multiple
    found.build((None, multiple, multiple, 3))
    names = [name for name in found.object_variables("m") if name.endswith("/conv/kernel")]
    beside = ("encoder_block1", "/skip/", "/intermediate_conv1/")
    assert len([name for name in names if not any(part in name for part in beside)]) == layers


def test_stacked_hourglasses_give_a_map_each_a_quarter_of_the_image():
    from teachbox.detector.features.hourglass import HourglassSize, StackedHourglasses

    found = StackedHourglasses(HourglassSize(3, 4, (4, 6, 8), (1, 2, 2)), preprocess=lambda images: images)
    assert found.size_multiple == 16
    images = np.random.default_rng(0).normal(size=(2, 32, 48, 3)).astype(np.float32)
    maps = found(images)
    assert [one.shape for one in maps] == [(2, 8, 12, 4)] * 3
    variables = found.object_variables("m")
    variables["m/_network/output_conv/0/norm/beta"].assign([1.0] * 4)
    changed = found(images)
    assert all(np.abs(np.asarray(new) - np.asarray(old)).max() > 1e-3 for old, new in zip(maps, changed, strict=True))
    variables["m/_network/output_conv/2/norm/beta"].assign([1.0] * 4)
    again = found(images)
    for number in (0, 1):
        np.testing.assert_array_equal(again[number], changed[number])


def test_a_chain_of_blocks_has_projections_where_size_or_channels_change():
    from teachbox.detector.features.hourglass import residuals

    def has_projections(*arguments: Any, **options: Any) -> list[bool]:
        return [block.skip is not None for block in residuals("name", *arguments, **options)]

    assert has_projections(3, 8) == [False, False, False]
    assert has_projections(2, 8, stride=2) == [True, False]
    assert has_projections(2, 8, last=4) == [False, True]
    assert has_projections(1, 8, stride=2) == [True]
    assert has_projections(1, 8, last=4) == [True]
