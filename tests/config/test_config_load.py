"""pipeline.config → message and lines, and what a mistake in it is answered with."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import text_format
from google.protobuf.message import Message
from hypothesis import given, settings
from hypothesis import strategies as st

from teachbox.config.load import load_pipeline, parse_pipeline
from teachbox.config.protos.pipeline_pb2 import TrainEvalPipelineConfig
from teachbox.config.protos.preprocessor_pb2 import ResizeImage
from teachbox.errors import ConfigError

SMALL = """\
# A comment with { and "
model: {
  ssd {
    num_classes: 3   # three
    feature_extractor { type: 'ssd_mobilenet_v1' depth_multiplier: .75 }
    anchor_generator { ssd_anchor_generator { aspect_ratios: [1.0, 2,
       5e-1] } }
  }
}
train_config <
  batch_size: 0x10,
  data_augmentation_options { random_horizontal_flip {} };
  data_augmentation_options: { resize_image { method: AREA } }
  optimizer { use_moving_average: false }
  fine_tune_checkpoint: "a"
     'b\\n"c'
>
eval_input_reader: [{ name: "one" }, { name: "two" }]
"""


def test_values_by_hand():
    config = parse_pipeline(SMALL).message
    assert config.model.ssd.num_classes == 3
    assert config.model.ssd.feature_extractor.type == "ssd_mobilenet_v1"
    assert config.model.ssd.feature_extractor.depth_multiplier == 0.75
    assert list(config.model.ssd.anchor_generator.ssd_anchor_generator.aspect_ratios) == [1.0, 2.0, 0.5]
    assert config.train_config.batch_size == 16
    assert config.train_config.data_augmentation_options[1].resize_image.method == ResizeImage.AREA
    assert config.train_config.optimizer.use_moving_average is False
    assert config.train_config.fine_tune_checkpoint == 'ab\n"c'
    assert [reader.name for reader in config.eval_input_reader] == ["one", "two"]


def test_lines_by_hand():
    pipeline = parse_pipeline(SMALL, "my.config")
    assert pipeline.line_of("model") == 2
    assert pipeline.line_of("model.ssd.num_classes") == 4
    assert pipeline.line_of("model.ssd.feature_extractor.depth_multiplier") == 5
    assert pipeline.line_of("model.ssd.anchor_generator.ssd_anchor_generator.aspect_ratios") == 6
    assert pipeline.line_of("model.ssd.anchor_generator.ssd_anchor_generator.aspect_ratios[2]") == 7
    assert pipeline.line_of("train_config.data_augmentation_options[1].resize_image.method") == 13
    assert pipeline.line_of("train_config.fine_tune_checkpoint") == 15
    assert pipeline.line_of("eval_input_reader[1].name") == 18
    assert pipeline.line_of("model.ssd.box_coder") is None
    assert pipeline.at("model.ssd.box_coder.faster_rcnn_box_coder") == "my.config:3"
    assert pipeline.at("eval_config") == "my.config"


def test_nothing_at_all():
    pipeline = parse_pipeline("  # only a comment\n")
    assert pipeline.message == TrainEvalPipelineConfig()
    assert pipeline.lines == {}


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (
            "model {\n ssd {\n  num_clases: 3 } }",
            3,
            "no field `num_clases` in message Ssd; did you mean `num_classes`?",
        ),
        ("model {}\ntrian_config {}", 2, "did you mean `train_config`?"),
        ("model {\n ssd {\n num_classes: 3\n }\ntrain_config {}", 5, "`train_config` in message DetectionModel"),
        ("model {\n ssd {\n num_classes: 3\n }\ntrain_config {}", 5, "belongs to TrainEvalPipelineConfig"),
        ("model { ssd {} }\nxyzzy: 1", 2, "it has model, train_config"),
        ("train_config {\n optimizer {\n", 2, "`}` is missing"),
        ("model { ssd {} }\n}", 2, "`}` closes nothing"),
        ("model { ssd {\n > }", 2, "`>` closes nothing"),
        ("eval_config { metrics_set: [\n'a' 'b'\n", 1, "`]` is missing"),
        (
            "train_config {\n batch_size: 'many' }",
            2,
            "`batch_size` of TrainConfig is a whole number from 0 to 4294967295",
        ),
        ("train_config { batch_size: -1 }", 1, "found `-1`"),
        ("train_config { batch_size: 1.5 }", 1, "found `1.5`"),
        ("train_config { gradient_clipping_by_norm: ten }", 1, "is a number; found `ten`"),
        ("train_config { sync_replicas: ture }", 1, "is true or false; found `ture`; did you mean `true`?"),
        ("train_config { fine_tune_checkpoint: model.ckpt }", 1, "is text in quotes; found `model`"),
        ("train_config { fine_tune_checkpoint: 'model.ckpt }", 1, "never closed; its quote is missing"),
        ("train_config {\n fine_tune_checkpoint: '\\xzz' }", 2, "a value here cannot be read: "),
        ("train_config { batch_size 8 }", 1, "needs a `:` and a value, found `8`"),
        ("train_config { batch_size: }", 1, "found `}`"),
        ("train_config { batch_size: [8] }", 1, "holds one value, found a list"),
        ("train_config: 8", 1, "is a block: expected `{`, found `8`"),
        ("model { ssd { post_processing {\n score_converter: SIGMIOD } } }", 2, "did you mean `SIGMOID`?"),
        (
            "model { ssd { post_processing { score_converter: 7 } } }",
            1,
            "is one of IDENTITY, SIGMOID, SOFTMAX; found `7`",
        ),
        ("model {}\n[object_detection.protos.own] {}", 2, "unknown extension `[object_detection.protos.own]`"),
        ("model {\n [own] {} }", 2, "message DetectionModel; it can have none"),
        ("train_config {\n batch_size: 1\n batch_size: 2 }", 3, "stands twice, on lines 2 and 3"),
        ("model { ssd {} }\nmodel { ssd {} }", 2, "stands twice, on lines 1 and 2"),
        ("model {\n ssd {}\n faster_rcnn {}\n}", 3, "`ssd` (line 2) and `faster_rcnn` (line 3) exclude one another"),
        ("train_config { 8: 1 }", 1, "expected the name of a field of TrainConfig, found `8`"),
    ],
)
def test_a_mistake_is_named_with_its_line(text: str, line: int, words: str):
    with pytest.raises(ConfigError) as caught:
        parse_pipeline(text, "my.config")
    assert str(caught.value).startswith(f"my.config:{line}: ")
    assert words in str(caught.value)


def test_files_that_cannot_be_read(tmp_path: Path):
    with pytest.raises(ConfigError, match=r"none\.config: no such file"):
        load_pipeline(tmp_path / "none.config")
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        load_pipeline(tmp_path)
    (tmp_path / "image.jpg").write_bytes(b"\xff\xd8\xff")
    with pytest.raises(ConfigError, match="this is no text file"):
        load_pipeline(tmp_path / "image.jpg")


def test_a_byte_order_mark_and_windows_line_ends(tmp_path: Path):
    path = tmp_path / "pipeline.config"
    path.write_bytes("\ufeffmodel {\r\n  ssd {\r\n    num_classes: 2\r\n  }\r\n}\r\n".encode())
    pipeline = load_pipeline(path)
    assert pipeline.path == path
    assert pipeline.message.model.ssd.num_classes == 2
    assert pipeline.line_of("model.ssd.num_classes") == 3


# Several steps in one data_augmentation_options block


def _steps(pipeline: Any) -> list[tuple[str, int | None]]:
    options = pipeline.message.train_config.data_augmentation_options
    names = [option.WhichOneof("preprocessing_step") for option in options]
    path = "train_config.data_augmentation_options[{}].{}"
    return [(name, pipeline.line_of(path.format(row, name))) for row, name in enumerate(names)]


@pytest.mark.parametrize(
    "text",
    [
        "data_augmentation_options {\n random_rgb_to_gray {\n probability: 0.25 }\n random_vertical_flip {\n}\n}\n"
        "data_augmentation_options { ssd_random_crop {} }",
        "data_augmentation_options: <\n random_rgb_to_gray {\n probability: 0.25 },\n random_vertical_flip {\n};\n>\n"
        "data_augmentation_options { ssd_random_crop {} }",
        "data_augmentation_options: [{\n random_rgb_to_gray {\n probability: 0.25 } # {\n random_vertical_flip {\n}\n}"
        ",\n{ ssd_random_crop {} }]",
    ],
)
def test_one_block_with_several_steps_means_them_all_in_order(text: str):
    pipeline = parse_pipeline(f"train_config {{\n{text}\n batch_size: 3 }}")
    assert _steps(pipeline) == [("random_rgb_to_gray", 3), ("random_vertical_flip", 5), ("ssd_random_crop", 8)]
    assert pipeline.message.train_config.data_augmentation_options[0].random_rgb_to_gray.probability == 0.25
    assert pipeline.line_of("train_config.data_augmentation_options[0].random_rgb_to_gray.probability") == 4
    assert pipeline.line_of("train_config.batch_size") == 9


def test_the_same_step_twice_in_one_block_is_two_steps():
    block = "random_black_patches { probability: 0.5 }\n random_black_patches {} random_rgb_to_gray {}"
    pipeline = parse_pipeline(f"train_config {{ data_augmentation_options {{\n{block} }} }}")
    names = ["random_black_patches", "random_black_patches", "random_rgb_to_gray"]
    assert _steps(pipeline) == list(zip(names, [2, 3, 3], strict=True))


def test_a_mistake_after_such_a_block_keeps_its_line():
    block = "data_augmentation_options {\n random_rgb_to_gray {}\n random_vertical_flip {}\n }"
    text = f"train_config {{ {block}\n batchsize: 1 }}"
    with pytest.raises(ConfigError, match=r":5: no field `batchsize`"):
        parse_pipeline(text)


def test_the_config_of_the_original_post(post_config: str):
    pipeline = parse_pipeline(post_config)
    line = 1 + post_config[: post_config.index("random_vertical_flip")].count("\n")
    assert _steps(pipeline) == [("random_horizontal_flip", line - 2), ("random_vertical_flip", line)]
    optimizer = pipeline.message.train_config.optimizer.momentum_optimizer
    schedule = optimizer.learning_rate.manual_step_learning_rate.schedule
    assert [row.step for row in schedule] == [900000, 1200000]
    assert schedule[0].learning_rate == pytest.approx(2e-5)
    assert pipeline.message.train_config.from_detection_checkpoint is True


# Real files, and any file


def _assert_every_field_has_its_line(message: Message, path: str, lines: Any, text: list[str]) -> None:
    for field, value in message.ListFields():
        name = f"{path}.{field.name}" if path else field.name
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            continue
        rows = [(f"{name}[{row}]", item) for row, item in enumerate(value)] if field.is_repeated else [(name, value)]
        for row_name, item in rows:
            assert field.name in text[lines[row_name] - 1] or field.is_repeated
            if field.message_type is not None:
                _assert_every_field_has_its_line(item, row_name, lines, text)


def test_real_configs_parse(config_file: Path):
    pipeline = load_pipeline(config_file)
    assert pipeline.message.model.WhichOneof("model")
    _assert_every_field_has_its_line(pipeline.message, "", pipeline.lines, pipeline.text.splitlines())
    # The library alone agrees, except that it refuses blocks with several steps.
    options = pipeline.message.train_config.data_augmentation_options
    if pipeline.text.count("data_augmentation_options") == len(options):
        assert pipeline.message == text_format.Parse(pipeline.text, TrainEvalPipelineConfig())
    assert parse_pipeline(text_format.MessageToString(pipeline.message)).message == pipeline.message


_SCALARS = {
    "int": lambda field: st.integers(0, 2**31 - 1),
    "float": lambda field: st.floats(width=32, allow_nan=False),
    "bool": lambda field: st.booleans(),
    "str": lambda field: st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
}


@st.composite
def messages(draw: st.DrawFn, kind: type[Message], depth: int = 0) -> Message:
    """Any message of the schema: a few fields in each block."""
    message = kind()
    fields = list(message.DESCRIPTOR.fields)
    for field in draw(st.lists(st.sampled_from(fields), max_size=3, unique_by=lambda one: one.name)) if fields else []:
        count = draw(st.integers(1, 3)) if field.is_repeated else 1
        for _ in range(count):
            if field.message_type is not None:
                inner_kind = field.message_type._concrete_class
                if field.message_type.GetOptions().map_entry:
                    continue
                inner = draw(messages(inner_kind, depth + 1)) if depth < 5 else inner_kind()
                target = getattr(message, field.name)
                (target.add() if field.is_repeated else target).CopyFrom(inner)
                if not field.is_repeated:
                    getattr(message, field.name).SetInParent()
                continue
            if field.enum_type is not None:
                value = draw(st.sampled_from([value.number for value in field.enum_type.values]))
            else:
                value = draw(
                    _SCALARS[type(field.default_value if not field.is_repeated else _zero(field)).__name__](field)
                )
            if field.is_repeated:
                getattr(message, field.name).append(value)
            else:
                setattr(message, field.name, value)
    return message


def _zero(field: Any) -> Any:
    if field.cpp_type == field.CPPTYPE_STRING:
        return ""
    return 0.0 if field.cpp_type in (field.CPPTYPE_FLOAT, field.CPPTYPE_DOUBLE) else 0


@settings(max_examples=150, deadline=None)
@given(
    message=messages(TrainEvalPipelineConfig),
    style=st.sampled_from(
        [
            {},
            {"as_one_line": True},
            {"use_short_repeated_primitives": True},
            {"pointy_brackets": True},
            {"as_utf8": True},
        ]
    ),
)
def test_what_is_written_is_read_again(message: TrainEvalPipelineConfig, style: dict[str, bool]):
    text = text_format.MessageToString(message, **style)
    pipeline = parse_pipeline(text)
    assert pipeline.message == message
    if not style:
        _assert_every_field_has_its_line(message, "", pipeline.lines, text.split("\n"))


_PIECES = [
    "",
    " ",
    "\n",
    "{",
    "}",
    "<",
    ">",
    "[",
    "]",
    ":",
    ",",
    ";",
    "#",
    "'",
    '"',
    "\\",
    "-",
    "1",
    ".5",
    "true",
    "ssd",
    "é",
    "0",
]


@settings(max_examples=400, deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(SMALL)), st.integers(0, 12), st.sampled_from(_PIECES)), max_size=3))
def test_a_damaged_text_is_read_as_the_library_reads_it_or_refused(damages: list[tuple[int, int, str]]):
    """Never anything but a message or a `ConfigError`, and never a refusal of what the library takes."""
    text = SMALL
    for start, length, piece in damages:
        text = text[:start] + piece + text[start + length :]
    try:
        expected = text_format.Parse(text, TrainEvalPipelineConfig())
    except text_format.ParseError:
        expected = None
    try:
        found = parse_pipeline(text).message
    except ConfigError:
        found = None
    # Several steps in one block is what only we take.
    assert found == expected or (expected is None and "resize_image" in text and "random_horizontal_flip" in text)


def test_the_room_is_light():
    """The command line imports it: nothing that costs seconds comes along."""
    program = (
        "import sys\n"
        "import teachbox.config.check, teachbox.config.starter, teachbox.config.supported\n"
        "print(*({'tensorflow', 'keras', 'numpy'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.split() == []
