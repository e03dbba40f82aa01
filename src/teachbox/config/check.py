"""What `teachbox config check` says about a pipeline.config."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from google.protobuf.message import Message

from teachbox.config.fine_tune import fine_tune_checkpoint_type
from teachbox.config.label_map import load_label_map
from teachbox.config.load import Pipeline, load_pipeline
from teachbox.config.paths import NamedPath, missing_paths, placeholders, resolve_path
from teachbox.config.supported import Finding, check_labels, check_supported, examine, num_classes

_MANY_IMAGES = 64
"""A larger batch was meant for several accelerators."""


def check_config(
    path: Path | str, *, parse_only: bool = False, trained: Callable[[Pipeline], str] | None = None
) -> str:
    """Lines that tell what the config asks for, what of it has no effect, and what is still to be filled in.

    `trained` says how much is trained; it is asked where the config chooses variables by name, since only the built
    detector knows the names. Raises `ConfigError` if it does not parse or, without `parse_only`, asks for what is not
    built or disagrees with its label map; `LabelMapError` if that cannot be used.
    """
    pipeline = load_pipeline(path)
    if parse_only:
        return f"{path}: parses ({_kind(pipeline) or 'no model'})"
    check_supported(pipeline)
    rows = [*_rows(pipeline), ("label map", _label_map(pipeline))]
    train = pipeline.message.train_config
    if trained and (train.update_trainable_variables or train.freeze_variables):
        rows.append(("trained", trained(pipeline)))
    width = max(len(name) for name, _ in rows)
    lines = [
        f"{path}: everything in it is built",
        *(f"  {name:<{width}}  {text}" for name, text in rows if text),
    ]
    findings = examine(pipeline)
    lines += _section("Still to be filled in", _named(placeholders(pipeline)))
    lines += _section("Not found", _named(missing_paths(pipeline)))
    lines += _section("Without effect here", findings.no_effect)
    return "\n".join(lines)


def _rows(pipeline: Pipeline) -> Iterator[tuple[str, str]]:
    """Name and description of each part, for a config that is built."""
    train, which = pipeline.message.train_config, pipeline.message.model.WhichOneof("model") or ""
    model = getattr(pipeline.message.model, which)
    yield "model", _kind(pipeline)
    yield "classes", str(num_classes(pipeline)[1])
    yield "images", _choice(model.image_resizer)
    yield from _FAMILIES[which](model)
    yield "optimizer", _optimizer(train.optimizer)
    pieces = "; --micro-batch takes it in pieces that memory holds" if train.batch_size > _MANY_IMAGES else ""
    yield "batch", f"{train.batch_size} images{pieces}"
    yield "augmentation", ", ".join(map(_choice, train.data_augmentation_options)) or "none"
    if train.fine_tune_checkpoint:
        yield "starts from", f"{train.fine_tune_checkpoint} ({fine_tune_checkpoint_type(pipeline)})"
    else:
        yield "starts from", "random weights"


def _single_shot(ssd: Any) -> Iterator[tuple[str, str]]:
    yield "anchors", _choice(ssd.anchor_generator)
    yield (
        "boxes",
        ", ".join(map(_choice, (ssd.box_predictor, ssd.box_coder, ssd.matcher, ssd.similarity_calculator))),
    )
    losses = f"{_choice(ssd.loss.classification_loss)}, {_choice(ssd.loss.localization_loss)}"
    yield "losses", losses + _mined(ssd.loss)


def _two_stages(faster_rcnn: Any) -> Iterator[tuple[str, str]]:
    yield "anchors", _choice(faster_rcnn.first_stage_anchor_generator)
    yield "proposals", f"{faster_rcnn.first_stage_max_proposals} of an image"
    if faster_rcnn.number_of_stages == 1:
        yield "boxes", "the proposals: number_of_stages is 1"
        return
    yield "boxes", _choice(faster_rcnn.second_stage_box_predictor)
    loss = _choice(faster_rcnn.second_stage_classification_loss) or "weighted_softmax"
    yield "losses", f"{loss}, weighted_smooth_l1{_mined(faster_rcnn)}"


def _centers(center_net: Any) -> Iterator[tuple[str, str]]:
    center, boxes = center_net.object_center_params, center_net.object_detection_task
    yield "boxes", f"at most {center.max_box_predictions}, by their centres"
    yield "losses", f"{_choice(center.classification_loss)}, {_choice(boxes.localization_loss)}"


def _mined(message: Message) -> str:
    return " with hard_example_miner" if message.HasField("hard_example_miner") else ""


_FAMILIES: dict[str, Callable[[Any], Iterator[tuple[str, str]]]] = {
    "ssd": _single_shot,
    "faster_rcnn": _two_stages,
    "center_net": _centers,
}
"""Member of `model` → what tells its parts."""


def _kind(pipeline: Pipeline) -> str:
    """Architecture and feature extractor, as far as they are given."""
    which = pipeline.message.model.WhichOneof("model")
    if which is None:
        return ""
    extractor = getattr(getattr(pipeline.message.model, which), "feature_extractor", None)
    kind = getattr(extractor, "type", "")
    multiplier = getattr(extractor, "depth_multiplier", 1.0)
    return ", ".join(filter(None, [which, kind, f"depth multiplier {multiplier:g}" if multiplier != 1 else ""]))


def _optimizer(optimizer: Message) -> str:
    name = optimizer.WhichOneof("optimizer") or ""
    rate = getattr(optimizer, name).learning_rate
    schedule = rate.WhichOneof("learning_rate") or ""
    averages = ", moving averages" if optimizer.use_moving_average else ""  # type: ignore[attr-defined]
    return f"{name}, {schedule}{averages}"


def _choice(message: Message) -> str:
    """The member that the one oneof of a message holds."""
    return message.WhichOneof(message.DESCRIPTOR.oneofs[0].name) or ""


def _label_map(pipeline: Pipeline) -> str:
    """The label map's name and size, if it is there; it must agree with the number of classes."""
    reader = pipeline.message.train_input_reader
    path = Path(resolve_path(pipeline, reader.label_map_path)) if reader.label_map_path else None
    if path is None or not path.is_file():
        return ""
    label_map = load_label_map(path, reader.use_display_name)
    check_labels(pipeline, label_map)
    return f"{path} ({len(label_map)} label{'' if len(label_map) == 1 else 's'})"


def _named(paths: list[NamedPath]) -> list[Finding]:
    return [Finding(path, line, f'"{value}"') for path, line, value in paths]


def _section(title: str, findings: list[Finding]) -> list[str]:
    if not findings:
        return []
    return [
        f"{title}:",
        *(f"  line {finding.line}: {finding.field_path}: {finding.text}" for finding in findings),
    ]
