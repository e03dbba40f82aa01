"""The labels of a project."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teachbox.errors import LabelMapError
from teachbox.labels import PALETTE, Label, LabelMap

ANIMALS = [Label(3, "cat", "Felis catus"), Label(1, "raccoon", "", "#123456"), Label(2, "dog", "Canis")]


def test_in_the_order_of_ids() -> None:
    labels = LabelMap(ANIMALS)
    assert labels.names == ["raccoon", "dog", "cat"]
    assert (labels.id_of("dog"), labels.name_of(3), labels.name_of(4), labels.max_id) == (2, "cat", None, 3)
    assert "cat" in labels
    assert "Felis catus" not in labels
    assert len(labels) == 3


def test_display_names_take_the_place_of_names_where_there_are_any() -> None:
    labels = LabelMap(ANIMALS, use_display_name=True)
    assert labels.names == ["raccoon", "Canis", "Felis catus"]
    assert labels.id_of("Canis") == 2


def test_colours_are_the_label_s_own_or_the_palette_s() -> None:
    labels = LabelMap(ANIMALS)
    assert [labels.color_of(name) for name in labels.names] == ["#123456", PALETTE[1], PALETTE[2]]


def test_an_unknown_label_names_the_nearest_and_the_file() -> None:
    with pytest.raises(LabelMapError, match=r"map\.pbtxt: no label 'racoon'.*did you mean 'raccoon'"):
        LabelMap(ANIMALS, where="map.pbtxt").id_of("racoon")


def test_the_empty_map() -> None:
    labels = LabelMap([])
    assert (labels.names, labels.max_id, list(labels)) == ([], 0, [])
    with pytest.raises(LabelMapError, match="none"):
        labels.id_of("cat")


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([Label(0, "background")], "ids start at 1"),
        ([Label(1, "a"), Label(1, "b")], "stands twice"),
        ([Label(1, "a"), Label(2, "a")], "stands twice"),
    ],
)
def test_maps_that_cannot_be(labels: list[Label], message: str) -> None:
    with pytest.raises(LabelMapError, match=message):
        LabelMap(labels)


@given(st.dictionaries(st.integers(1, 10**6), st.uuids().map(str), max_size=8))
def test_ids_and_names_lead_back_to_each_other(named: dict[int, str]) -> None:
    labels = LabelMap([Label(id, name) for id, name in named.items()])
    assert [labels.id_of(name) for name in labels.names] == sorted(named)
    assert all(labels.name_of(labels.id_of(name)) == name for name in labels.names)
