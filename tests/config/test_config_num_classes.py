"""The number of classes, against the label map."""

from __future__ import annotations

from typing import Any

import pytest
from changed_starter import changed
from hypothesis import given
from hypothesis import strategies as st

from teachbox.config.label_map import parse_label_map
from teachbox.config.load import parse_pipeline
from teachbox.config.supported import check_labels, num_classes
from teachbox.errors import ConfigError


def _label_map(*ids: int) -> Any:
    return parse_label_map("".join(f"item {{ id: {number} name: 'n{number}' }}\n" for number in ids), "my.pbtxt")


def test_num_classes_against_the_label_map():
    pipeline, line = changed("num_classes: 2", "num_classes: 2")
    check_labels(pipeline, _label_map(1, 2))
    with pytest.raises(ConfigError) as caught:
        check_labels(pipeline, _label_map(1, 3))
    assert str(caught.value) == (
        f"my.config:{line}: model.ssd.num_classes is 2, but the largest id in my.pbtxt is 3 (n1, n3); "
        "they must be equal"
    )


@given(st.sets(st.integers(1, 200), min_size=1, max_size=20), st.integers(1, 200))
def test_num_classes_is_the_largest_id_or_refused(ids: set[int], count: int):
    pipeline = parse_pipeline(f"model {{ ssd {{ num_classes: {count} }} }}")
    assert num_classes(pipeline) == ("model.ssd.num_classes", count)
    if count == max(ids):
        check_labels(pipeline, _label_map(*ids))
    else:
        with pytest.raises(ConfigError, match=f"is {count}, but the largest id in my.pbtxt is {max(ids)} "):
            check_labels(pipeline, _label_map(*ids))


def test_a_model_without_classes():
    with pytest.raises(ConfigError, match="the model has no num_classes"):
        check_labels(parse_pipeline(""), _label_map(1))
