"""The starter: a pipeline.config and a label map that work, and never overwrite."""

from __future__ import annotations

from pathlib import Path

import pytest
from google.protobuf import text_format
from hypothesis import given
from hypothesis import strategies as st

from teachbox.config.check import check_config
from teachbox.config.label_map import load_label_map
from teachbox.config.load import load_pipeline, parse_pipeline
from teachbox.config.paths import resolve_path
from teachbox.config.starter import Numbers, starter_text, write_starter
from teachbox.config.supported import check_labels, check_supported, examine
from teachbox.errors import LabelMapError, TeachboxError


def test_by_hand(tmp_path: Path):
    pipeline_path, label_map_path = write_starter(
        tmp_path / "new" / "project", ["raccoon", "fox"], Path("/m/model.ckpt")
    )
    assert pipeline_path == tmp_path / "new" / "project" / "pipeline.config"
    assert load_label_map(label_map_path).names == ["raccoon", "fox"]
    pipeline = load_pipeline(pipeline_path)
    check_supported(pipeline)
    check_labels(pipeline, load_label_map(label_map_path))
    assert examine(pipeline).no_effect == []
    train = pipeline.message.train_config
    assert pipeline.message.model.ssd.num_classes == 2
    assert train.fine_tune_checkpoint == "/m/model.ckpt"
    assert train.fine_tune_checkpoint_type == "detection"
    assert train.batch_size == 8
    adam = train.optimizer.adam_optimizer
    assert adam.learning_rate.constant_learning_rate.learning_rate == pytest.approx(0.0005)
    assert train.optimizer.use_moving_average is False
    assert train.gradient_clipping_by_norm == 10
    assert resolve_path(pipeline, pipeline.message.train_input_reader.label_map_path) == str(label_map_path)


def test_without_a_checkpoint_the_field_is_left_out(tmp_path: Path):
    pipeline_path, _ = write_starter(tmp_path, ["raccoon"])
    assert not load_pipeline(pipeline_path).message.train_config.HasField("fine_tune_checkpoint")


def test_a_relative_checkpoint_becomes_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    pipeline_path, _ = write_starter(Path("project"), ["raccoon"], Path("model.ckpt"))
    assert load_pipeline(pipeline_path).message.train_config.fine_tune_checkpoint == str(tmp_path / "model.ckpt")


def test_the_model_is_that_of_the_pets_checkpoint(checkpoints: Path):
    """Else its weights would not fit: the same message, but for the number of classes and unwritten defaults."""
    pets = load_pipeline(checkpoints / "ssd_mobilenet_v1_0.75_pets" / "pipeline.config").message.model
    ours = parse_pipeline(starter_text(37, None, Numbers())).message.model
    written = ("dropout_keep_probability", "ignore_thresholds", "apply_sigmoid_to_scores")
    predictor = pets.ssd.box_predictor.convolutional_box_predictor
    for block in (predictor, pets.ssd.matcher.argmax_matcher):
        for name in written:
            if name in block.DESCRIPTOR.fields_by_name:
                assert getattr(block, name) == block.DESCRIPTOR.fields_by_name[name].default_value
                block.ClearField(name)
    # Two numbers are ours: images without objects train too, and what was never taught scores low.
    pets.ssd.box_predictor.convolutional_box_predictor.class_prediction_bias_init = -2.2
    assert pets.ssd.loss.hard_example_miner.min_negatives_per_image == 0
    pets.ssd.loss.hard_example_miner.min_negatives_per_image = 3
    assert text_format.MessageToString(ours) == text_format.MessageToString(pets)


def test_nothing_is_overwritten(tmp_path: Path):
    (tmp_path / "pipeline.config").write_text("mine")
    (tmp_path / "label_map.pbtxt").write_text("item { id: 4 name: 'raccoon' }")
    before = [path.read_text() for path in write_starter(tmp_path, ["raccoon"])]
    assert before == ["mine", "item { id: 4 name: 'raccoon' }"]


def test_a_label_map_that_is_there_gives_the_number_of_classes(tmp_path: Path):
    (tmp_path / "label_map.pbtxt").write_text("item { id: 1 name: 'fox' } item { id: 4 name: 'raccoon' }")
    pipeline_path, label_map_path = write_starter(tmp_path, ["raccoon"])
    assert load_pipeline(pipeline_path).message.model.ssd.num_classes == 4
    check_labels(load_pipeline(pipeline_path), load_label_map(label_map_path))


def test_labels_that_cannot_be_used(tmp_path: Path):
    with pytest.raises(LabelMapError, match="name at least one"):
        write_starter(tmp_path, [])
    with pytest.raises(LabelMapError, match="twice"):
        write_starter(tmp_path, ["fox", "fox"])
    write_starter(tmp_path, ["fox"])
    with pytest.raises(LabelMapError, match=r"has no label 'raccoon', only fox; add an item for it, with id 2"):
        write_starter(tmp_path, ["raccoon"])


def test_a_folder_that_cannot_be_written(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(TeachboxError, match="cannot be written"):
        write_starter(tmp_path / "file", ["fox"])


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20))
def test_any_path_of_a_checkpoint_is_read_again(name: str):
    path = Path("/checkpoints") / name
    pipeline = parse_pipeline(starter_text(1, path, Numbers()))
    assert pipeline.message.train_config.fine_tune_checkpoint == str(path)


def test_config_check_says_what_it_is(tmp_path: Path):
    pipeline_path, _ = write_starter(tmp_path, ["fox"], tmp_path / "none.ckpt")
    text = check_config(pipeline_path)
    assert text.startswith(f"{pipeline_path}: everything in it is built\n")
    assert "ssd, ssd_mobilenet_v1, depth multiplier 0.75" in text
    assert f"{tmp_path / 'label_map.pbtxt'} (1 labels)" not in text
    assert f"{tmp_path / 'label_map.pbtxt'} (1 label)" in text
    assert "Not found:" in text
    assert "none.ckpt" in text
    assert "Without effect" not in text
