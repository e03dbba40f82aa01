"""Browsing the log of answers: pages, filters, facts made late."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from teachbox.annotation import make_span
from teachbox.store import Store
from teachbox.store.history import Filter

HALF = make_span("raccoon", 0, 0, 10, 10, score=0.9, version=4)


def box(label, **more):
    return make_span(label, 0, 0, 10, 10, **more)


def ids(store, before=None, limit=50, **wanted):
    found, following = store.history("boxes").page(Filter(**wanted), before, limit)
    return [facts.id for facts in found], following


def test_by_hand(store, answered):
    store.add_answers("boxes", "ann", [answered(1, meta={"file": "one.jpg"}), answered(2, "reject", flagged=True)])
    predicted = answered(3, spans=[HALF, box("cat")], replaced=[], version=4)
    store.add_answers("boxes", "bob", [predicted, answered(1, "ignore", spans=[])])
    store.undo_answer("boxes", "bob", 1003)
    store.add_answers("boxes", "bob", [predicted])
    (newest, first, second), following = store.history("boxes").page(Filter())
    assert following is None
    assert (newest.id, newest.input_hash, newest.file, newest.labels) == (6, 3, "3.jpg", {"cat": 1, "raccoon": 1})
    assert (newest.version, newest.kept, newest.added, newest.disagreement) == (4, 1, 1, pytest.approx(1 / 3))
    assert (first.id, first.answer, first.session_id, first.boxes, first.labels) == (4, "ignore", "bob", 0, {})
    assert (second.id, second.answer, second.flagged, second.disagreement) == (2, "reject", True, None)
    assert store.history("boxes").sessions() == ["ann", "bob"]
    # What a newer answer has replaced is still there to be read, as it was given.
    old = store.history("boxes").answer(1)
    assert (old.answer, old.task["meta"], old.session_id) == ("accept", {"file": "one.jpg"}, "ann")
    assert store.history("boxes").answer(5) is None
    assert store.history("boxes").answer(99) is None


def test_filters(store, answered):
    given = [
        answered(1, spans=[HALF, box("cat")], replaced=[]),
        answered(2, spans=[box("cat")], replaced=[HALF]),
        answered(3, spans=[HALF], replaced=[], flagged=True),
        answered(4, "reject"),
    ]
    store.add_answers("boxes", "ann", given[:2])
    store.add_answers("boxes", "bob", given[2:])
    assert ids(store, answer="accept") == ([3, 2, 1], None)
    assert ids(store, label="cat") == ([2, 1], None)
    assert ids(store, label="dog") == ([], None)
    assert ids(store, flagged=True) == ([3], None)
    assert ids(store, session="ann") == ([2, 1], None)
    # The second: one removed, one added under another label at the same place: relabelled.
    assert ids(store, disagreement=0.3) == ([2, 1], None)
    assert ids(store, disagreement=0.5) == ([2], None)
    assert ids(store, disagreement=0.0) == ([3, 2, 1], None)
    assert ids(store, answer="accept", session="bob", label="raccoon", flagged=True, disagreement=0.0) == ([3], None)


def test_pages_have_no_gap_and_no_double(store, answered):
    store.add_answers("boxes", "ann", [answered(number) for number in range(5)])
    assert ids(store, limit=2) == ([5, 4], 4)
    # One that is given meanwhile does not move the others.
    store.add_answers("boxes", "ann", [answered(9)])
    assert ids(store, limit=2, before=4) == ([3, 2], 2)
    assert ids(store, limit=2, before=2) == ([1], None)


def test_nothing(store):
    assert ids(store) == ([], None)
    assert store.history("boxes").sessions() == []
    assert store.history("boxes").all() == []


def test_datasets_do_not_mix(store, answered):
    store.add_answers("others", "eve", [answered(1)])
    store.add_answers("boxes", "ann", [answered(1), answered(2)])
    assert ids(store) == ([3, 2], None)
    assert store.history("boxes").answer(1) is None


def test_answers_of_any_origin_have_facts(store, answered):
    """Imported, or from a program of one's own: `meta`, `version` and `replaced` may be anything."""
    store.add_answers("boxes", "db-in", [answered(1, meta="?", version="3", replaced={"a": 1}, path=None)])
    (facts,), _ = store.history("boxes").page(Filter())
    assert (facts.file, facts.version, facts.disagreement) == ("1", None, None)


@given(kinds=st.lists(st.sampled_from(["accept", "reject", "undo"]), max_size=30), limit=st.integers(1, 5))
@settings(max_examples=20, deadline=None)
def test_all_pages_together_are_the_effective_answers(tmp_path_factory, kinds, limit):
    with Store.open(tmp_path_factory.mktemp("history") / "t.db") as store:
        for number, kind in enumerate(kinds):
            task = {"_input_hash": number % 4, "_task_hash": number % 4, "spans": [], "answer": kind}
            if kind == "undo" and store.history("boxes").page(Filter())[0]:
                store.undo_answer("boxes", "ann", store.effective_answers("boxes")[0].task["_task_hash"])
            elif kind != "undo":
                store.add_answers("boxes", "ann", [task])
        found, before = [], None
        while True:
            page, before = ids(store, before, limit)
            found += page
            if before is None:
                break
        assert found[::-1] == [stored.id for stored in store.effective_answers("boxes")]
        assert [facts.id for facts in store.history("boxes").all()] == found[::-1]
