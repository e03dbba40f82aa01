"""Whether everything that a pipeline.config asks for is built here, and whether it agrees with itself."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, TypeVar, cast

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from teachbox.config.built import ROWS, Built, NoEffect, Refused, Verdict
from teachbox.config.load import Pipeline
from teachbox.errors import ConfigError
from teachbox.labels import LabelMap

_OTHERS_NAMED = 3
_LABELS_NAMED = 5

_Row = TypeVar("_Row")


@dataclass(frozen=True)
class Finding:
    """A field that is refused or has no effect: where it stands, and the sentence about it."""

    field_path: str
    line: int | None
    text: str
    not_built: bool = False
    """Whether it asks for what is not built, rather than leaving something out or disagreeing with itself."""


@dataclass
class Findings:
    """All that a walk over a config found, in the order of the schema."""

    refused: list[Finding] = field(default_factory=list)
    no_effect: list[Finding] = field(default_factory=list)


def check_supported(pipeline: Pipeline) -> None:
    """Raises `ConfigError` for the first part that is missing or not built here; it names others too."""
    refused = examine(pipeline).refused
    if not refused:
        return
    first, others = refused[0], refused[1:]
    text = first.text
    if others:
        named = [
            f"{other.field_path} (line {other.line})" if other.line else other.field_path
            for other in others[:_OTHERS_NAMED]
        ]
        rest = len(others) - len(named)
        text += "; further: " + ", ".join(named) + (f" and {rest} more" if rest else "")
    raise ConfigError(text, where=pipeline.at(first.field_path))


def check_labels(pipeline: Pipeline, label_map: LabelMap) -> None:
    """Raises `ConfigError` unless the model's number of classes is the largest id of the label map."""
    path, count = num_classes(pipeline)
    if count == label_map.max_id:
        return
    some = ", ".join(label_map.names[:_LABELS_NAMED]) + (", …" if len(label_map) > _LABELS_NAMED else "")
    raise ConfigError(
        f"{path} is {count}, but the largest id in {label_map.where or 'the label map'} is "
        f"{label_map.max_id} ({some}); they must be equal",
        where=pipeline.at(path),
    )


def num_classes(pipeline: Pipeline) -> tuple[str, int]:
    """Field path and value of the model's number of classes. Raises `ConfigError` where it has none."""
    which = pipeline.message.model.WhichOneof("model")
    model = getattr(pipeline.message.model, which) if which else None
    if model is None or "num_classes" not in model.DESCRIPTOR.fields_by_name:
        raise ConfigError("the model has no num_classes", where=pipeline.at("model"))
    return f"model.{which}.num_classes", model.num_classes


def set_num_classes(pipeline: Pipeline, count: int) -> None:
    """Give the model another number of classes. Raises `ConfigError` where it has none."""
    path, _ = num_classes(pipeline)
    getattr(pipeline.message.model, path.split(".")[1]).num_classes = count


def examine(pipeline: Pipeline) -> Findings:
    """Everything in the config that is refused, and everything that has no effect."""
    findings = Findings()
    _examine(pipeline, pipeline.message, "", findings)
    return findings


def _examine(pipeline: Pipeline, message: Message, path: str, findings: Findings) -> None:
    block = re.sub(r"\[[^]]*\]", "", path)
    verdicts = _row_for(block, ROWS.table) or {}
    ranges = _row_for(block, ROWS.ranges) or {}
    for name in (_row_for(block, ROWS.required) or "").split():
        missing = _missing(message, name, verdicts)
        if missing:
            text = f"{path or 'the config'} {missing}"
            findings.refused.append(Finding(_join(path, name), pipeline.line_of(path), text))
    for name, text in _disagreements(message, block):
        # Rules for the whole config name the block themselves.
        said = f"{path}: {text}" if path else text
        findings.refused.append(Finding(_join(path, name), pipeline.line_of(_join(path, name)), said))
    for descriptor, value in message.ListFields():
        name_path = _join(path, descriptor.name)
        verdict = verdicts.get(descriptor.name)
        if isinstance(verdict, NoEffect):
            findings.no_effect.append(Finding(name_path, pipeline.line_of(name_path), verdict.reason))
            continue
        for row, (row_path, item) in enumerate(_rows(name_path, descriptor, value)):
            wrong = _refusal(descriptor, item, verdict, verdicts)
            wrong = wrong or _of_other_types(descriptor, item, _join(block, descriptor.name), pipeline.message.model)
            not_built = wrong is not None
            wrong = wrong or _out_of_range(descriptor, item, ranges.get(descriptor.name))
            if isinstance(verdict, Built) and verdict.rows is not None and row >= verdict.rows:
                wrong = f": more than {verdict.rows} of it is not built yet"
            if wrong:
                findings.refused.append(Finding(row_path, pipeline.line_of(row_path), row_path + wrong, not_built))
            elif descriptor.message_type is not None:
                _examine(pipeline, item, row_path, findings)


def _refusal(
    descriptor: FieldDescriptor, value: Any, verdict: Built | Refused | None, siblings: Mapping[str, Verdict]
) -> str | None:
    """What is wrong with a field, to be read after its path; None if it can be used."""
    shown = as_written(descriptor, value)
    if isinstance(verdict, Refused):
        return f" has no meaning here: {verdict.reason}; leave it out"
    if verdict is not None:
        if not verdict.values or shown in map(str, verdict.values):
            return None
        choices = ", ".join(str(choice) for choice in verdict.values if choice != "")
        return f": {shown} is not built yet; built: {choices}"
    if descriptor.message_type is None and not descriptor.is_repeated:
        if value == descriptor.default_value:
            return None
        default = as_written(descriptor, descriptor.default_value)
        return f": {shown} is not built yet; leave it out, or write its default, {default or 'empty'}"
    choices = _built_of(descriptor.containing_oneof, siblings)
    return " is not built yet; " + (f"built: {choices}" if choices else "leave it out")


def _of_other_types(descriptor: FieldDescriptor, value: Any, block: str, model: Message) -> str | None:
    """What is wrong with a field that models with another type of feature extractor have."""
    patterns = _row_for(block, ROWS.of_types)
    if patterns is None or (descriptor.message_type is None and value == descriptor.default_value):
        return None
    name = _feature_extractor_type(model)
    types = (_row_for(f"model.{model.WhichOneof('model')}.feature_extractor", ROWS.table) or {}).get("type")
    if isinstance(types, Built) and name and name not in types.values:
        # The type itself is refused; what it has is not known here.
        return None
    if any(fnmatchcase(name, pattern) for pattern in patterns.split()):
        return None
    return f" is not built for {name or 'a model without a type'}; built for {patterns.replace(' ', ', ')}"


def _feature_extractor_type(model: Message) -> str:
    kind = model.WhichOneof("model")
    feature_extractor = getattr(getattr(model, kind), "feature_extractor", None) if kind else None
    return getattr(feature_extractor, "type", "")


def _out_of_range(descriptor: FieldDescriptor, value: Any, bounds: tuple[float, float | None] | None) -> str | None:
    if bounds is None:
        return None
    least, most = bounds
    if value >= least and (most is None or value <= most):
        return None
    wanted = f"at least {least}" if most is None else f"from {least} to {most}"
    return f" is {as_written(descriptor, value)}; it must be {wanted}"


def _missing(message: Message, name: str, verdicts: Mapping[str, Verdict]) -> str | None:
    """What is missing if the field or the oneof called `name` is not set."""
    oneof = cast(Descriptor, message.DESCRIPTOR).oneofs_by_name.get(name)
    if oneof is None:
        return None if message.HasField(name) else f"has no {name}"
    if message.WhichOneof(name):
        return None
    return f"names no {name.removesuffix('_oneof')}; built: {_built_of(oneof, verdicts)}"


def _disagreements(message: Message, block: str) -> Iterator[tuple[str, str]]:
    """Name of a field that disagrees with another of its block, and the sentence about both."""
    for one, other in _row_for(block, ROWS.same_length) or ():
        lengths = len(getattr(message, one)), len(getattr(message, other))
        if lengths[0] != lengths[1]:
            yield one, f"{one} has {lengths[0]} values and {other} has {lengths[1]}; they must be as many"
    needed = ROWS.needed_by_type.get(message.type) if block == "model.ssd.feature_extractor" else None  # type: ignore[attr-defined]
    if needed is not None and not getattr(message, needed):
        yield "type", f"{message.type} needs {needed}: true"  # type: ignore[attr-defined]
    for low, high in _row_for(block, ROWS.not_above) or ():
        least, most = getattr(message, low), getattr(message, high)
        if least > most:
            yield low, f"{low} {least:g} is above {high} {most:g}"
    for rule in _row_for(block, ROWS.rules) or ():
        yield from rule(message)


def _built_of(oneof: Any, verdicts: Mapping[str, Verdict]) -> str:
    """The members of a oneof that are built."""
    return (
        ", ".join(member.name for member in oneof.fields if isinstance(verdicts.get(member.name), Built))
        if oneof
        else ""
    )


def _rows(path: str, descriptor: FieldDescriptor, value: Any) -> Iterator[tuple[str, Any]]:
    """Path and value of each value of a field."""
    if not descriptor.is_repeated:
        yield path, value
    elif descriptor.message_type is not None and descriptor.message_type.GetOptions().map_entry:
        if descriptor.message_type.fields_by_name["value"].message_type is None:
            yield path, None
            return
        # Which of the file's entries has which key, the message does not say.
        yield from ((f"{path}[key {key}].value", value[key]) for key in sorted(value))
    else:
        for row, item in enumerate(value):
            yield f"{path}[{row}]", item


def _row_for(block: str, table: Mapping[str, _Row]) -> _Row | None:
    """The row whose name fits the block; of several, the one with the longest name."""
    fitting = [pattern for pattern in table if fnmatchcase(block, pattern)]
    return table[max(fitting, key=len)] if fitting else None


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def as_written(descriptor: FieldDescriptor, value: Any) -> str:
    """A value as the config would write it; nothing for a block."""
    if descriptor.message_type is not None:
        return ""
    if descriptor.enum_type is not None:
        return descriptor.enum_type.values_by_number[value].name
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)
