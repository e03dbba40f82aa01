"""label_map.pbtxt ↔ LabelMap."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teachbox.config.label_map import dump_label_map, load_label_map, parse_label_map
from teachbox.errors import LabelMapError
from teachbox.labels import Label

TWO = """\
# found in the forest
item: {
  id: 2
  name: "/m/0dq75"
  display_name: 'Raccoon'
}
item { name: "fox", id: 1 }
"""


def test_by_hand():
    label_map = parse_label_map(TWO, "my.pbtxt")
    assert list(label_map) == [Label(1, "fox"), Label(2, "/m/0dq75", "Raccoon")]
    assert label_map.names == ["fox", "/m/0dq75"]
    assert label_map.where == "my.pbtxt"
    assert label_map.max_id == 2


def test_display_names_where_they_are_used():
    label_map = parse_label_map(TWO, use_display_name=True)
    assert label_map.names == ["fox", "Raccoon"]
    assert label_map.id_of("Raccoon") == 2


def test_the_background_may_be_named():
    label_map = parse_label_map("item { id: 0 name: 'background' } item { id: 1 name: 'fox' }")
    assert list(label_map) == [Label(1, "fox")]


def test_fields_that_other_data_sets_need_are_read_over():
    text = (
        "item { id: 1 name: 'fox' frequency: RARE instance_count: 3 keypoints { id: 0 label: 'nose' } ancestor_ids: 1 }"
    )
    assert parse_label_map(text).names == ["fox"]


@pytest.mark.parametrize(
    ("text", "where", "words"),
    [
        ("", "my.pbtxt", "holds no item; write `item {"),
        ("# nothing", "my.pbtxt", "holds no item"),
        ("item { id: 0 name: 'background' }", "my.pbtxt", "holds no item"),
        ("item {\n id: 0\n name: 'fox' }", "my.pbtxt:2", "'fox' has id 0; ids start at 1 (0 is the background)"),
        ("item {\n id: -3\n name: 'fox' }", "my.pbtxt:2", "'fox' has id -3"),
        ("\nitem {\n name: 'fox' }", "my.pbtxt:2", "'fox' has no id; ids start at 1"),
        ("item { id: 1 name: 'fox' }\nitem {\n id: 2 }", "my.pbtxt:2", "this item has no name"),
        ("item { id: 1 name: '' }", "my.pbtxt:1", "this item has no name"),
        ("item { id: 1 name: 'a' }\nitem { id: 1 name: 'b' }", "my.pbtxt:2", "id 1 stands twice, on lines 1 and 2"),
        (
            "item { id: 1 name: 'a' }\nitem { id: 2\n name: 'a' }",
            "my.pbtxt:3",
            "name 'a' stands twice, on lines 1 and 3",
        ),
        (
            "item {\n id: 1\n nmae: 'fox' }",
            "my.pbtxt:3",
            "no field `nmae` in message StringIntLabelMapItem; did you mean",
        ),
        ("item {\n id: 'one' }", "my.pbtxt:2", "is a whole number"),
        ("raccoon\nfox\n", "my.pbtxt:1", "no field `raccoon` in message StringIntLabelMap; it has item"),
    ],
)
def test_a_mistake_is_named_with_its_line(text: str, where: str, words: str):
    with pytest.raises(LabelMapError) as caught:
        parse_label_map(text, "my.pbtxt")
    assert str(caught.value).startswith(f"{where}: ")
    assert words in str(caught.value)


def test_display_names_are_unique_only_where_they_are_used():
    text = "item { id: 1 name: 'a' display_name: 'Fox' }\nitem { id: 2 name: 'b'\n display_name: 'Fox' }"
    assert parse_label_map(text).names == ["a", "b"]
    with pytest.raises(LabelMapError, match=r":3: name 'Fox' stands twice, on lines 1 and 3"):
        parse_label_map(text, use_display_name=True)


def test_files(tmp_path: Path, datasets: Path, checkpoints: Path):
    with pytest.raises(LabelMapError, match="no such file"):
        load_label_map(tmp_path / "label_map.pbtxt")
    assert list(load_label_map(datasets / "raccoon" / "label_map.pbtxt")) == [Label(1, "raccoon")]
    pets = load_label_map(checkpoints / "ssd_mobilenet_v1_0.75_pets" / "label_map.pbtxt")
    assert len(pets) == pets.max_id == 37
    assert pets.id_of("basset_hound") == 4


def test_dump_by_hand():
    assert (
        dump_label_map([Label(1, "fox", "Füchse")]) == 'item {\n  name: "fox"\n  id: 1\n  display_name: "Füchse"\n}\n'
    )
    assert dump_label_map([]) == ""


_TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=10)


@given(st.dictionaries(st.integers(1, 500), st.tuples(_TEXT, _TEXT | st.just("")), min_size=1, max_size=8))
def test_what_is_dumped_is_read_again(items: dict[int, tuple[str, str]]):
    labels = [Label(number, f"{number} {name}", shown) for number, (name, shown) in items.items()]
    label_map = parse_label_map(dump_label_map(labels))
    assert list(label_map) == sorted(labels, key=lambda label: label.id)
