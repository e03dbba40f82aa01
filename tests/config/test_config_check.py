"""`teachbox config check`, and the paths that a config names."""

from __future__ import annotations

from pathlib import Path

import pytest

from teachbox.config.check import check_config
from teachbox.config.load import load_pipeline, parse_pipeline
from teachbox.config.paths import check_placeholders, missing_paths, named_paths, placeholders, resolve_path
from teachbox.config.starter import write_starter
from teachbox.config.supported import examine
from teachbox.errors import ConfigError, LabelMapError

READERS = """\
train_config { fine_tune_checkpoint: "PATH_TO_BE_CONFIGURED/model.ckpt" }
train_input_reader {
  label_map_path: "label_map.pbtxt"
  tf_record_input_reader { input_path: ["train-?????-of-00002", "gs://bucket/train.record"] }
}
eval_input_reader {
  label_map_path: "PATH TO/labelmap.pbtxt"
}
"""


def test_paths_by_hand():
    pipeline = parse_pipeline(READERS)
    assert [(path, line) for path, line, _ in named_paths(pipeline)] == [
        ("train_config.fine_tune_checkpoint", 1),
        ("train_input_reader.label_map_path", 3),
        ("train_input_reader.tf_record_input_reader.input_path[0]", 4),
        ("train_input_reader.tf_record_input_reader.input_path[1]", 4),
        ("eval_input_reader[0].label_map_path", 7),
    ]
    assert [path for path, _, _ in placeholders(pipeline)] == [
        "train_config.fine_tune_checkpoint",
        "eval_input_reader[0].label_map_path",
    ]


def test_where_relative_paths_lead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    here, project = tmp_path / "here", tmp_path / "project"
    here.mkdir()
    project.mkdir()
    monkeypatch.chdir(here)
    (project / "pipeline.config").write_text(READERS)
    pipeline = load_pipeline(project / "pipeline.config")
    assert [path for path, _, _ in missing_paths(pipeline)] == [
        "train_input_reader.label_map_path",
        "train_input_reader.tf_record_input_reader.input_path[0]",
    ]
    (project / "label_map.pbtxt").touch()
    (project / "train-00000-of-00002").touch()
    (project / "model.ckpt.index").touch()
    assert missing_paths(pipeline) == []
    assert resolve_path(pipeline, "label_map.pbtxt") == str(project / "label_map.pbtxt")
    assert resolve_path(pipeline, "model.ckpt") == str(project / "model.ckpt")
    assert resolve_path(pipeline, "train-?????-of-00002") == str(project / "train-?????-of-00002")
    assert resolve_path(pipeline, "gs://bucket/train.record") == "gs://bucket/train.record"
    assert resolve_path(pipeline, "/absolute") == "/absolute"
    assert resolve_path(pipeline, "nowhere") == "nowhere"
    (here / "label_map.pbtxt").touch()
    assert resolve_path(pipeline, "label_map.pbtxt") == "label_map.pbtxt"


def test_placeholders_are_refused_where_they_are_needed():
    pipeline = parse_pipeline(READERS, "my.config")
    with pytest.raises(ConfigError) as caught:
        check_placeholders(pipeline)
    assert str(caught.value) == (
        'my.config:1: train_config.fine_tune_checkpoint still says "PATH_TO_BE_CONFIGURED/model.ckpt"; '
        "put the real path there, or delete the line if there is none"
    )
    with pytest.raises(ConfigError, match=r"my\.config:7: eval_input_reader\[0\]\.label_map_path still says"):
        check_placeholders(pipeline, unused=["train_config"])
    check_placeholders(pipeline, unused=["train_config", "eval_input_reader"])
    check_placeholders(parse_pipeline(""))


def test_every_config_can_be_checked(config_file: Path):
    text = check_config(config_file, parse_only=True)
    assert text.startswith(f"{config_file}: parses (")
    pipeline = load_pipeline(config_file)
    assert f"({pipeline.message.model.WhichOneof('model')}" in text
    if not examine(pipeline).refused:
        assert "\nWithout effect here:\n  line " in check_config(config_file)
        return
    with pytest.raises(ConfigError, match=r"\.config:\d+: "):
        check_config(config_file)


def test_it_tells_what_the_pets_config_asks_for(checkpoints: Path):
    text = check_config(checkpoints / "ssd_mobilenet_v1_0.75_pets" / "pipeline.config")
    for words in (
        "ssd, ssd_mobilenet_v1, depth multiplier 0.75",
        "37",
        "weighted_sigmoid, weighted_smooth_l1 with hard_example_miner",
        "rms_prop_optimizer, exponential_decay_learning_rate, moving averages",
        "random_horizontal_flip, ssd_random_crop",
        'line 157: train_config.fine_tune_checkpoint: "PATH_TO_BE_CONFIGURED/model.ckpt"',
        "line 159: train_config.num_steps: the command line says",
    ):
        assert words in text


def test_it_compares_with_the_label_map(tmp_path: Path):
    pipeline_path, label_map_path = write_starter(tmp_path, ["fox", "raccoon"])
    assert f"{label_map_path} (2 labels)" in check_config(pipeline_path)
    label_map_path.write_text("item { id: 1 name: 'fox' }")
    with pytest.raises(ConfigError, match=r"num_classes is 2, but the largest id in .* is 1 "):
        check_config(pipeline_path)
    label_map_path.write_text("item { id: 1 nmae: 'fox' }")
    with pytest.raises(LabelMapError, match="did you mean `name`"):
        check_config(pipeline_path)
    assert check_config(pipeline_path, parse_only=True).endswith(
        ": parses (ssd, ssd_mobilenet_v1, depth multiplier 0.75)"
    )


@pytest.mark.parametrize(
    ("batch_size", "told"), [(64, "64 images"), (65, "65 images; --micro-batch takes it in pieces")]
)
def test_a_batch_that_was_meant_for_several_accelerators(tmp_path: Path, batch_size: int, told: str):
    path, _ = write_starter(tmp_path, ["cat"])
    path.write_text(path.read_text().replace("batch_size: 8", f"batch_size: {batch_size}"))
    (line,) = [line for line in check_config(path).splitlines() if line.startswith("  batch ")]
    assert line.split(maxsplit=1)[1].startswith(told)
    assert line.endswith("images") == (batch_size == 64)
