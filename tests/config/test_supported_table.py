"""The table of what is built, against the schema: its rows and rules name fields that there are."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase

import pytest
from google.protobuf.descriptor import Descriptor

from teachbox.config.built import ROWS, Built
from teachbox.config.protos.pipeline_pb2 import TrainEvalPipelineConfig


def _blocks(kind: Descriptor, path: str = "") -> Iterator[tuple[str, Descriptor]]:
    yield path, kind
    for field in kind.fields:
        if field.message_type is not None:
            yield from _blocks(field.message_type, f"{path}.{field.name}" if path else field.name)


BLOCKS = dict(_blocks(TrainEvalPipelineConfig.DESCRIPTOR))


@pytest.mark.parametrize("pattern", ROWS.table)
def test_every_row_names_fields_of_the_schema(pattern: str):
    fitting = [kind for path, kind in BLOCKS.items() if fnmatchcase(path, pattern)]
    assert fitting
    for name, verdict in ROWS.table[pattern].items():
        fields = [kind.fields_by_name[name] for kind in fitting if name in kind.fields_by_name]
        assert fields, name
        if isinstance(verdict, Built) and fields[0].enum_type is not None:
            assert set(verdict.values) <= set(fields[0].enum_type.values_by_name)


@pytest.mark.parametrize("pattern", [*ROWS.required, *ROWS.ranges, *ROWS.same_length, *ROWS.not_above])
def test_every_rule_names_fields_of_the_schema(pattern: str):
    fitting = [kind for path, kind in BLOCKS.items() if fnmatchcase(path, pattern)]
    assert fitting
    for name in ROWS.required.get(pattern, "").split():
        assert any(name in kind.fields_by_name or name in kind.oneofs_by_name for kind in fitting), name
    pairs = [*ROWS.same_length.get(pattern, []), *ROWS.not_above.get(pattern, [])]
    for name in [*ROWS.ranges.get(pattern, {}), *(name for pair in pairs for name in pair)]:
        assert any(name in kind.fields_by_name for kind in fitting), name


@pytest.mark.parametrize("pattern", ROWS.of_types)
def test_what_some_types_have_is_a_field_of_the_schema(pattern: str):
    paths = [f"{path}.{field.name}" for path, kind in BLOCKS.items() for field in kind.fields]
    assert any(fnmatchcase(path, pattern) for path in paths)
    rows = [row["type"] for path, row in ROWS.table.items() if path.endswith(".feature_extractor")]
    types = [kind for verdict in rows if isinstance(verdict, Built) for kind in verdict.values]
    for name in ROWS.of_types[pattern].split():
        assert any(fnmatchcase(kind, name) for kind in types), name


def test_every_block_that_is_built_has_a_row():
    """A block without a row would refuse all its fields; only blocks without fields can do without."""
    for path, kind in BLOCKS.items():
        parent, _, name = path.rpartition(".")
        rows = [row for pattern, row in ROWS.table.items() if fnmatchcase(parent, pattern)]
        if path and parent_is_built(parent) and any(isinstance(row.get(name), Built) for row in rows) and kind.fields:
            assert any(fnmatchcase(path, pattern) for pattern in ROWS.table), path


def parent_is_built(path: str) -> bool:
    return not path or any(fnmatchcase(path, pattern) for pattern in ROWS.table if pattern)
