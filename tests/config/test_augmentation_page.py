"""The page about augmentation names every step, with the parameters and defaults of the schema."""

from __future__ import annotations

from pathlib import Path

import pytest
from google.protobuf.descriptor import FieldDescriptor

from teachbox.config.built import ROWS, Built
from teachbox.config.protos import preprocessor_pb2

PAGE = (Path(__file__).parents[2] / "docs" / "augmentation.md").read_text()
ROW = {line.split("`")[1]: line for line in PAGE.splitlines() if line.startswith("| `")}
STEPS = {field.name: field for field in preprocessor_pb2.PreprocessingStep.DESCRIPTOR.fields}


def written(field: FieldDescriptor) -> str:
    """The default of a field as the config format writes it."""
    if field.is_repeated:
        return "[]"
    if field.enum_type is not None:
        return field.enum_type.values_by_number[field.default_value].name
    value = field.default_value
    return f"{value:g}" if isinstance(value, float) else str(value).lower() if isinstance(value, bool) else str(value)


@pytest.mark.parametrize("step", STEPS)
def test_a_step_stands_there_with_its_parameters(step: str):
    parameters = ", ".join(f"{field.name} {written(field)}" for field in STEPS[step].message_type.fields)
    assert ROW[step].endswith(f"| {parameters} |")


def test_the_page_has_no_others_and_all_are_built():
    assert set(ROW) == set(STEPS)
    table = ROWS.table["train_config.data_augmentation_options"]
    assert {step for step, verdict in table.items() if isinstance(verdict, Built)} == set(STEPS)
