"""What became of predicted boxes: by hand, at the edges, and by property."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teachbox.annotation import make_span
from teachbox.store.corrections import Correction, compare, correction_of


def box(label, x, y, width=10, height=10, **more):
    return make_span(label, y, x, y + height, x + width, **more)


def test_by_hand():
    """Four predicted: one kept, one moved by 2 of its 10 pixels, one relabelled, one removed; and one added."""
    predicted = [box("bird", 0, 0), box("bird", 20, 0), box("bird", 40, 0), box("bird", 60, 0)]
    final = [box("bird", 0, 0), box("bird", 22, 0), box("plane", 40, 0), box("bird", 90, 0)]
    # The moved one covers 8 · 10 of 12 · 10: two thirds. 1 − 2 · (1 + 2/3) / 8.
    found = compare(predicted, final)
    assert found == Correction(1, 1, 1, 1, 1, pytest.approx(7 / 12))
    assert not found.untouched


def test_half_an_overlap_is_the_same_object_less_is_not():
    # Heights 10 and 5, one inside the other: exactly one half.
    assert compare([box("a", 0, 0)], [box("a", 0, 0, 10, 5)]) == Correction(0, 1, 0, 0, 0, 0.5)
    assert compare([box("a", 0, 0)], [box("a", 0, 0, 10, 4.9)]) == Correction(0, 0, 0, 1, 1, 1.0)


def test_the_nearest_takes_the_box():
    """Two predicted on one object, both moved onto by one final box: the nearer is moved, the other removed."""
    predicted = [box("a", 0, 0), box("a", 1, 0)]
    found = compare(predicted, [box("a", 2, 0)])
    assert (found.moved, found.removed, found.added) == (1, 1, 0)
    assert found.disagreement == pytest.approx(1 - 2 * (9 / 11) / 3)


def test_nothing():
    assert compare([], []) == Correction(0, 0, 0, 0, 0, 0.0)
    assert compare([], []).untouched
    assert compare([box("a", 0, 0)], []) == Correction(0, 0, 0, 1, 0, 1.0)
    assert compare([], [box("a", 0, 0)]) == Correction(0, 0, 0, 0, 1, 1.0)


def test_an_answer_tells_what_was_predicted():
    kept, drawn = box("a", 0, 0, score=0.9, version=3), box("a", 50, 0)
    answer = {"answer": "accept", "spans": [kept, drawn], "replaced": [box("a", 30, 0, score=0.6, version=3)]}
    assert correction_of(answer) == Correction(1, 0, 0, 1, 1, 0.5)
    # A box that was moved, or agreed to, says where it came from; what was predicted stands in `replaced`.
    moved, agreed = ({**kept, "x": x, "touched": True} for x in (2, kept["x"]))
    assert correction_of({**answer, "spans": [moved], "replaced": [kept]}) == Correction(
        0, 1, 0, 0, 0, pytest.approx(1 / 3)
    )
    assert correction_of({**answer, "spans": [agreed], "replaced": [kept]}) == Correction(1, 0, 0, 0, 0, 0.0)
    assert correction_of({"answer": "accept", "spans": [], "replaced": []}) == Correction(0, 0, 0, 0, 0, 0.0)
    assert correction_of({**answer, "answer": "reject"}) is None
    assert correction_of({"answer": "accept", "spans": [kept, drawn]}) is None
    assert correction_of({**answer, "replaced": "yes"}) is None
    assert correction_of({**answer, "replaced": [{"label": "a"}]}) is None
    assert correction_of({**answer, "replaced": [7]}) is None


sides = st.integers(0, 40)
spans = st.lists(
    st.builds(box, st.sampled_from("ab"), sides, sides, st.integers(1, 20), st.integers(1, 20)), max_size=6
)


@given(spans, spans)
def test_every_box_is_counted_once(predicted, final):
    found = compare(predicted, final)
    pairs = found.kept + found.moved + found.relabelled
    assert pairs + found.removed == len(predicted)
    assert pairs + found.added == len(final)
    assert 0 <= found.disagreement <= 1
    assert (found.disagreement == 0) == found.untouched
    assert compare(predicted, predicted) == Correction(len(predicted), 0, 0, 0, 0, 0.0)
