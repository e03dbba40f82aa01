"""docs/supported.md says what the table says, of every field of the schema."""

from __future__ import annotations

from pathlib import Path

from teachbox.config.built import ROWS, Built, NoEffect
from teachbox.config.supported_page import blocks, fields_of, notes_of, row_of, supported_page

PAGE = Path(__file__).parents[2] / "docs" / "supported.md"


def test_the_page_is_the_one_that_is_made():
    assert PAGE.read_text() == supported_page(), "write it anew: make docs"


def test_every_field_of_every_block_stands_in_one_list():
    for path, block in blocks():
        pattern = row_of(path)
        if not block.fields:
            continue
        assert pattern is not None, path
        followed, without, refused = fields_of(pattern)
        named = [*followed, *(name for names in without.values() for name in names), *refused]
        names = [name.split("`")[1] for name in named]
        assert len(names) == len(set(names)), pattern
        assert {field.name for field in block.fields} <= set(names), path


def test_by_hand():
    followed, without, refused = fields_of("*.argmax_matcher")
    assert "`matched_threshold`" in followed
    assert list(without.values()) == [["`use_matmul_gather`"]]
    assert refused == []
    assert "`graph_rewriter`" in fields_of("")[2]
    values = ROWS.table["*.conv_hyperparams"]["op"]
    assert isinstance(values, Built)
    assert "`op` (" + " / ".join(f"`{value}`" for value in values.values) + ")" in fields_of("*.conv_hyperparams")[0]


def test_it_says_where_the_original_does_otherwise():
    of_scores, note = sorted(notes_of("train_config"), key=lambda text: "TensorFlow 2" in text)
    assert notes_of("train_config")[of_scores] == ["`use_multiclass_scores`", "`merge_multiple_label_boxes`"]
    assert notes_of("train_config")[note] == [
        "`update_trainable_variables`",
        "`freeze_variables`",
        "`bias_grad_multiplier`",
    ]
    line = next(line for line in PAGE.read_text().splitlines() if line.startswith("`update_trainable_variables`"))
    assert line.endswith("the original's training takes no notice of it.")
    assert notes_of("train_config.optimizer") == {}


def test_no_row_is_for_a_block_that_nothing_leads_to():
    """A row whose blocks are all refused by their parents would promise what cannot be reached."""
    reached = {row_of(path) for path, _ in blocks()}
    built = {
        name
        for name, row in ROWS.table.items()
        if any(isinstance(verdict, (Built, NoEffect)) for verdict in row.values())
    }
    assert built <= reached
