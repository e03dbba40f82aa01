"""Boxes of several annotators: which are of one object, and how far the annotators agree."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from teachbox.evaluation.agreement import agreement, group_boxes


def rows(*boxes):
    return np.array(boxes, dtype=np.float64).reshape(-1, 4)


def test_by_hand():
    """Of 10 × 10 boxes one moved by 2 has IoU 80/120, one by 5 has 50/150; a wider label is another object."""
    ada = rows([0, 0, 10, 10], [50, 50, 60, 60])
    ben = rows([0, 2, 10, 12], [50, 55, 60, 65])
    eve = rows([0, 0, 10, 10])
    groups = group_boxes([ada, ben, eve], [["cat", "cat"], ["cat", "cat"], ["dog"]])
    assert groups == [[0, 1], [0, 2], [3]]
    assert group_boxes([ada, ben, eve], [["cat", "cat"], ["cat", "cat"], ["cat"]]) == [[0, 1], [0, 2], [0]]
    # Pairs: ada and ben 2·1/4, ada and eve 2·1/3, ben and eve 2·1/3.
    assert agreement([[0, 1], [0, 2], [0]]) == pytest.approx((1 / 2 + 2 / 3 + 2 / 3) / 3)


def test_the_nearest_are_joined_and_nobody_has_two_of_one_object():
    ada = rows([0, 0, 10, 10], [0, 1, 10, 11])
    ben = rows([0, 1, 10, 11])
    assert group_boxes([ada, ben], [["cat", "cat"], ["cat"]]) == [[0, 1], [1]]


def test_an_overlap_of_exactly_one_half_is_enough():
    assert group_boxes([rows([0, 0, 10, 10]), rows([0, 0, 10, 5])], [["a"], ["a"]]) == [[0], [0]]
    assert group_boxes([rows([0, 0, 10, 10]), rows([0, 0, 10, 4.9])], [["a"], ["a"]]) == [[0], [1]]


def test_empty():
    assert group_boxes([], []) == []
    assert group_boxes([rows(), rows()], [[], []]) == [[], []]
    assert agreement([]) is None
    assert agreement([[0, 1]]) is None
    assert agreement([[], []]) == 1
    assert agreement([[0], []]) == 0


@given(
    st.lists(
        st.lists(st.tuples(*[st.integers(0, 8)] * 2, *[st.integers(1, 6)] * 2, st.sampled_from("ab")), max_size=4),
        min_size=1,
        max_size=4,
    )
)
def test_groups_hold_one_label_and_one_box_of_each(annotators):
    boxes = [rows(*[(y, x, y + height, x + width) for y, x, height, width, _ in mine]) for mine in annotators]
    labels = [[label for *_, label in mine] for mine in annotators]
    groups = group_boxes(boxes, labels)
    assert [len(mine) for mine in groups] == [len(mine) for mine in annotators]
    assert all(len(set(mine)) == len(mine) for mine in groups)
    by_group = {}
    for mine, names in zip(groups, labels, strict=True):
        for group, name in zip(mine, names, strict=True):
            by_group.setdefault(group, set()).add(name)
    assert all(len(names) == 1 for names in by_group.values())
    assert sorted(by_group) == list(range(len(by_group)))
    same = group_boxes([boxes[0], boxes[0]], [labels[0], labels[0]])
    assert len(same[0]) == len(same[1])
    score = agreement(groups)
    assert score is None or 0 <= score <= 1
