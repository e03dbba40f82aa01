"""Drafts: the newest is kept for each session and task, until that session answers the task."""

from __future__ import annotations

import time

import pytest

from teachbox.errors import DataError


def save(store, session="ann", task_hash=1001, stamp=1.0, base=0, **draft):
    return store.save_draft("boxes", session, task_hash, draft, stamp=stamp, base=base)


def test_none(store):
    assert store.drafts("boxes", "ann") == {}
    assert store.drafted("boxes", "ann") == []


def test_the_newest_is_kept_for_each_session_and_task(store):
    assert save(store, edits=1)
    assert save(store, edits=2, stamp=2.0)
    assert not save(store, edits=1, stamp=1.5)
    assert save(store, task_hash=1002, edits=7, stamp=9.0)
    assert save(store, session="bob", edits=3)
    assert store.drafts("boxes", "ann") == {1002: {"edits": 7}, 1001: {"edits": 2}}
    assert store.drafted("boxes", "ann") == [1002, 1001]
    assert store.drafts("boxes", "ann", [1001, 5]) == {1001: {"edits": 2}}
    assert store.drafts("boxes", "bob") == {1001: {"edits": 3}}


def test_an_answer_removes_the_draft_of_its_session_alone(store, answered):
    for session in ("ann", "bob"):
        save(store, session=session)
    save(store, task_hash=1002)
    store.add_answers("boxes", "ann", [answered(1, _answer_key="k")])
    assert store.drafted("boxes", "ann") == [1002]
    assert store.drafted("boxes", "bob") == [1001]


def test_a_draft_that_comes_after_its_answer_is_not_kept(store, answered):
    (first,) = store.add_answers("boxes", "ann", [answered(1)])
    assert not save(store, stamp=5.0)
    # Bob has not answered, and ann corrects what she has answered.
    assert save(store, session="bob")
    assert save(store, stamp=5.0, base=first)
    store.undo_answer("boxes", "ann", 1001)
    assert save(store, stamp=6.0)


def test_a_resend_of_an_answer_leaves_a_newer_draft(store, answered):
    store.add_answers("boxes", "ann", [answered(1, _answer_key="k")])
    store.undo_answer("boxes", "ann", 1001)
    save(store, stamp=2.0)
    store.add_answers("boxes", "ann", [answered(1, _answer_key="k")])
    assert store.drafted("boxes", "ann") == [1001]


def test_what_is_no_json_is_refused(store):
    with pytest.raises(DataError, match=r"draft of task 1001: not JSON"):
        save(store, at=float("nan"))


def test_drafts_of_what_another_has_answered_go_when_nobody_has_come_back_to_them(store, answered):
    assert store.drop_overtaken_drafts("boxes", time.time()) == 0
    for session in ("ann", "bob"):
        save(store, session=session)
        save(store, session=session, task_hash=1002)
    between = time.time()
    (first,) = store.add_answers("boxes", "cid", [answered(1)])
    # Not answered, or not long enough ago: it stays.
    assert store.drop_overtaken_drafts("boxes", between) == 0
    # Bob looks at what Cid answered, and corrects it: that is newer.
    save(store, session="bob", stamp=2.0, base=first)
    assert store.drop_overtaken_drafts("boxes", time.time()) == 1
    assert (store.drafted("boxes", "ann"), sorted(store.drafted("boxes", "bob"))) == ([1002], [1001, 1002])
    # An answer that was taken back has answered nothing.
    store.add_answers("boxes", "cid", [answered(2)])
    store.undo_answer("boxes", "cid", 1002)
    assert store.drop_overtaken_drafts("boxes", time.time()) == 0
    store.add_answers("boxes", "cid", [answered(2)])
    assert store.drop_overtaken_drafts("boxes", time.time()) == 2
