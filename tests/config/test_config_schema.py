"""Our .proto files are the public schema: every message, field, number, default, enum and oneof of it."""

from __future__ import annotations

import importlib
import json
import pkgutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor

from teachbox.config import protos

TYPES = {
    getattr(FieldDescriptor, name): name.removeprefix("TYPE_").lower()
    for name in dir(FieldDescriptor)
    if name.startswith("TYPE_")
}


@pytest.fixture(scope="module")
def schema(oracles: Path) -> dict[str, Any]:
    return json.loads((oracles / "config_schema.json").read_text())


@pytest.fixture(scope="module")
def ours() -> tuple[dict[str, Descriptor], dict[str, EnumDescriptor], list[str]]:
    """Our messages and enums by their public names, and the names of our files."""
    messages: dict[str, Descriptor] = {}
    enums: dict[str, EnumDescriptor] = {}
    files = []

    def add(message: Descriptor) -> None:
        messages[_public(message.full_name)] = message
        enums.update({_public(enum.full_name): enum for enum in message.enum_types})
        for nested in message.nested_types:
            add(nested)

    for module in pkgutil.iter_modules(protos.__path__):
        file = importlib.import_module(f"teachbox.config.protos.{module.name}").DESCRIPTOR
        files.append(file.name.rsplit("/", 1)[-1])
        enums.update({_public(enum.full_name): enum for enum in file.enum_types_by_name.values()})
        for message in file.message_types_by_name.values():
            add(message)
    return messages, enums, files


def _public(name: str) -> str:
    return name.replace("teachbox.protos.", "object_detection.protos.")


def _field(field: FieldDescriptor) -> dict[str, Any]:
    default: Any = field.default_value
    if field.is_repeated:
        default = []
    elif field.message_type is not None:
        default = None
    elif field.enum_type is not None:
        default = field.enum_type.values_by_number[default].name
    label = "repeated" if field.is_repeated else "required" if field.is_required else "optional"
    return {
        "name": field.name,
        "number": field.number,
        "label": label,
        "type": TYPES[field.type],
        "default": np.float32(default).item() if isinstance(default, float) else default,
        "has_explicit_default": field.has_default_value,
        "oneof": field.containing_oneof.name if field.containing_oneof else None,
        "message": _public(field.message_type.full_name) if field.message_type else None,
        "enum": _public(field.enum_type.full_name) if field.enum_type else None,
        "deprecated": field.GetOptions().deprecated,
    }


def _public_field(field: dict[str, Any]) -> dict[str, Any]:
    default = field["default"]
    return {
        "message": None,
        "enum": None,
        "deprecated": False,
        **{key: value for key, value in field.items() if key != "packed"},
        "default": np.float32(default).item() if isinstance(default, float) else default,
    }


def test_the_same_files_messages_and_enums(schema, ours):
    messages, enums, files = ours
    assert sorted(messages) == sorted(schema["messages"])
    assert sorted(enums) == sorted(schema["enums"])
    assert sorted(files) == sorted(file["name"] for file in schema["files"])


def test_the_same_fields_oneofs_and_extension_ranges(schema, ours):
    messages, _, _ = ours
    for name, public in schema["messages"].items():
        message = messages[name]
        fields = {field.name: _field(field) for field in message.fields}
        assert fields == {field["name"]: _public_field(field) for field in public["fields"]}, name
        assert [(oneof.name, [field.name for field in oneof.fields]) for oneof in message.oneofs] == [
            (oneof["name"], oneof["fields"]) for oneof in public["oneofs"]
        ], name
        assert message.is_extendable == bool(public["extension_ranges"]), name
        assert message.file.name.endswith("/" + public["file"]), name


def test_the_same_enum_values(schema, ours):
    _, enums, _ = ours
    for name, public in schema["enums"].items():
        values = [{"name": value.name, "number": value.number} for value in enums[name].values]
        assert values == public["values"], name


def test_defaults_by_hand():
    """Three that everybody relies on."""
    train = protos_message("train_pb2", "TrainConfig")
    assert train.batch_size == 32
    assert train.optimizer.use_moving_average is True
    assert protos_message("input_reader_pb2", "InputReader").max_number_of_boxes == 100


def protos_message(module: str, name: str) -> Any:
    return getattr(importlib.import_module(f"teachbox.config.protos.{module}"), name)()
