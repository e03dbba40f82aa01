"""What is mixed with what: the option's text, and the images that are chosen."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from teachbox.data.examples import Example
from teachbox.data.mix import OTHERS, Mix, Pool, parse_mix
from teachbox.errors import DataError, UsageError


def example(number: int, boxes: int = 1) -> Example:
    rows = np.tile(np.array([[0.0, 0.0, 1.0, 0.1 * number + 0.1]], np.float32), (boxes, 1))
    return Example(str(number), str(number).encode(), rows, np.full(boxes, number, np.int32))


def read(example: Example) -> bytes:
    assert isinstance(example.encoded, bytes)
    return example.encoded


def test_the_option_s_text() -> None:
    assert parse_mix(None) == parse_mix("") == Mix()
    assert parse_mix("mosaic=0.3, copy-paste ,mix-up = 1") == Mix(mosaic=0.3, copy_paste=0.5, mix_up=1.0)
    assert [bool(parse_mix(text)) for text in ("", "mosaic=0", "mix-up=0.1")] == [False, False, True]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mosaics", "--mix names 'mosaics'; there are mosaic, copy-paste, mix-up; the nearest is mosaic"),
        ("=0.5", "--mix names ''"),
        ("mosaic,mosaic=1", "--mix names mosaic twice"),
        ("mosaic=often", "--mix says 'mosaic=often'; it takes a probability, as in mosaic=0.5"),
        ("mosaic=1.5", "a probability is from 0 to 1"),
        ("mosaic=nan", "a probability is from 0 to 1"),
    ],
)
def test_what_the_option_cannot_say(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse_mix(text)


def test_the_first_image_has_no_others_and_the_next_has_it() -> None:
    pool = Pool(Mix(1, 1, 1), seed=0)
    first = pool.partners(example(1), 1, read, 10)
    assert first["partner_encoded"] == [b""] * 5
    assert first["partner_counts"].tolist() == [0] * 5
    assert (first["partner_boxes"].shape, first["partner_classes"].shape) == ((0, 4), (0,))
    assert pool.partners(example(1), 2, read, 10)["partner_encoded"] == [b""] * 5  # itself does not count
    second = pool.partners(example(2, boxes=3), 3, read, 10)
    assert second["partner_encoded"] == [b"1"] * 5
    assert second["partner_classes"].tolist() == [1] * 5
    assert second["partner_weights"].tolist() == [1] * 5
    np.testing.assert_allclose(second["partner_boxes"], [[0, 0, 1, 0.2]] * 5)
    third = pool.partners(example(1), 4, read, max_boxes=2)
    assert third["partner_counts"].tolist() == [2] * 5
    pool.clear()
    assert pool.partners(example(3), 5, read, 10)["partner_encoded"] == [b""] * 5


def test_scores_of_partners_are_packed_where_there_are_any() -> None:
    pool = Pool(Mix(1, 1, 1), seed=0)
    first = pool.partners(example(1), 1, read, 10, num_scores=3)
    assert first["partner_scores"].shape == (0, 3)
    assert pool.partners(example(2), 2, read, 10, num_scores=3)["partner_scores"].tolist() == [[0, 1, 0]] * 5
    assert "partner_scores" not in pool.partners(example(2), 3, read, 10)


def test_an_image_is_known_by_its_last_boxes_and_forgotten_in_turn() -> None:
    pool = Pool(Mix(copy_paste=1.0), seed=0, capacity=2)
    for number, boxes in ((1, 1), (2, 1), (1, 4)):
        pool.partners(example(number, boxes), number, read, 10)
    others = [pool.partners(example(9), 4, read, 10) for _ in range(1)]
    assert others[0]["partner_encoded"][3] in (b"1", b"2")
    # The ninth has driven out the second, which was drawn longest ago.
    assert pool.partners(example(9), 5, read, 10)["partner_encoded"][3] == b"1"
    assert pool.partners(example(9), 6, read, 10)["partner_counts"].tolist() == [0, 0, 0, 4, 0]


def test_three_others_differ_where_there_are_three() -> None:
    pool = Pool(Mix(mosaic=1.0), seed=0)
    for number in range(4):
        pool.partners(example(number), number, read, 10)
    for number in range(50):
        chosen = pool.partners(example(0), number, read, 10)["partner_encoded"]
        assert sorted(chosen) == [b"", b"", b"1", b"2", b"3"]
        assert chosen[3:] == [b"", b""]


@pytest.mark.parametrize("way", list(OTHERS))
def test_each_way_is_as_frequent_as_asked(way: str) -> None:
    pool = Pool(Mix(**{way: 0.3}), seed=1)
    pool.partners(example(0), 0, read, 10)
    times = sum(any(pool.partners(example(1), n, read, 10)["partner_encoded"]) for n in range(1, 401))
    assert abs(times - 120) <= 4 * (400 * 0.3 * 0.7) ** 0.5


@given(st.integers(0, 2**31), st.lists(st.integers(0, 5), max_size=12), st.integers(0, 5))
def test_the_seed_decides_and_parts_fit_together(seed: int, drawn: list[int], max_boxes: int) -> None:
    pools = [Pool(Mix(0.5, 0.5, 0.5), seed) for _ in range(2)]
    for number, which in enumerate(drawn):
        first, again = (pool.partners(example(which, boxes=which), number, read, max_boxes) for pool in pools)
        for key, value in first.items():
            np.testing.assert_array_equal(value, again[key])
        assert len(first["partner_encoded"]) == len(first["partner_counts"]) == sum(OTHERS.values())
        total = int(first["partner_counts"].sum())
        assert len(first["partner_boxes"]) == len(first["partner_classes"]) == len(first["partner_weights"]) == total
        assert str(which).encode() not in first["partner_encoded"]


def test_what_has_become_unreadable_is_not_mixed_in() -> None:
    def gone(example: Example) -> bytes:
        raise DataError("no such file")

    pool = Pool(Mix(1, 1, 1), seed=0)
    pool.partners(example(1), 1, read, 10)
    assert pool.partners(example(2), 2, gone, 10)["partner_encoded"] == [b""] * 5
