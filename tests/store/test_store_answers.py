"""The log of answers: what is effective, what a resend does, what is refused."""

import math

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from teachbox.errors import DataError
from teachbox.store import Store


def effective(store, dataset="boxes", **how):
    return [
        (stored.id, stored.task["_input_hash"], stored.answer) for stored in store.effective_answers(dataset, **how)
    ]


def test_by_hand(store, answered):
    assert store.add_answers("boxes", "ann", [answered(1), answered(2, "reject")]) == [1, 2]
    assert store.add_answers("boxes", "bob", [answered(1, "ignore"), answered(3)]) == [3, 4]
    assert effective(store) == [(2, 2, "reject"), (3, 1, "ignore"), (4, 3, "accept")]
    assert effective(store, answer="accept") == [(4, 3, "accept")]
    assert effective(store, after_id=2) == [(3, 1, "ignore"), (4, 3, "accept")]
    assert store.answer_counts("boxes") == {"accept": 1, "reject": 1, "ignore": 1}
    assert store.session_counts("boxes") == {"ann": 1, "bob": 2}
    assert store.answered_inputs("boxes") == {1, 2, 3}
    assert store.last_answer_id("boxes") == 4


def test_nothing(store):
    assert store.datasets() == []
    assert store.effective_answers("boxes") == []
    assert store.answer_counts("boxes") == {"accept": 0, "reject": 0, "ignore": 0}
    assert (store.last_answer_id("boxes"), store.answered_inputs("boxes"), store.session_counts("boxes")) == (
        0,
        set(),
        {},
    )
    assert store.add_answers("boxes", "ann", []) == []


def test_the_task_is_stored_as_it_was_given(store, answered):
    given = answered(1, note="Waschbär 🦝 \ud800", spans=[{"label": "a", "points": [[0.1, 1e-7], [3, 4]]}], extra=None)
    store.add_answers("boxes", "ann", [given])
    (stored,) = store.effective_answers("boxes")
    added = {key: stored.task.pop(key) for key in ("_session_id", "_annotator", "_timestamp")}
    assert stored.task == given
    assert added["_session_id"] == added["_annotator"] == stored.session_id == "ann"
    assert added["_timestamp"] == int(stored.created)


def test_what_an_imported_task_says_about_its_annotator_stands(store, answered):
    store.add_answers("boxes", "db-in", [answered(1, _session_id="old", _annotator="eve", _timestamp=7)])
    (stored,) = store.effective_answers("boxes")
    assert [stored.task[key] for key in ("_session_id", "_annotator", "_timestamp")] == ["old", "eve", 7]


def test_a_resend_is_stored_once(store, answered):
    first = [answered(1, _answer_key="k1"), answered(2), answered(3, _answer_key="k3")]
    assert store.add_answers("boxes", "ann", first) == [1, 2, 3]
    again = [answered(3, "reject", _answer_key="k3"), answered(4), answered(1, _answer_key="k1")]
    assert store.add_answers("boxes", "ann", again) == [3, 4, 1]
    assert store.add_answers("boxes", "ann", [answered(5, _answer_key="k5"), answered(5, _answer_key="k5")]) == [5, 5]
    assert effective(store) == [(id, id, "accept") for id in (1, 2, 3, 4, 5)]
    assert "_answer_key" not in store.effective_answers("boxes")[0].task
    assert store.add_answers("other", "ann", [answered(1, _answer_key="k1")]) == [6]


def test_undo_takes_back_and_can_be_asked_twice(store, answered):
    store.add_answers("boxes", "ann", [answered(1, _answer_key="k"), answered(2)])
    undone = store.undo_answer("boxes", "ann", 1001)
    assert (undone.id, undone.answer, undone.task["spans"]) == (1, "accept", answered(1)["spans"])
    assert store.undo_answer("boxes", "ann", 1001).task == undone.task
    assert effective(store) == [(2, 2, "accept")]
    assert store.last_answer_id("boxes") == 3
    # A resend that comes late does not bring back what was taken back.
    assert store.add_answers("boxes", "ann", [answered(1, _answer_key="k")]) == [1]
    assert effective(store) == [(2, 2, "accept")]
    store.add_answers("boxes", "ann", [answered(1, "reject")])
    assert effective(store) == [(2, 2, "accept"), (4, 1, "reject")]


def test_an_undo_that_comes_twice_does_not_take_back_the_next_answer(store, answered):
    store.add_answers("boxes", "ann", [answered(1, _answer_key="a1")])
    undone = store.undo_answer("boxes", "ann", 1001, key="u1")
    store.add_answers("boxes", "ann", [answered(1, "reject", _answer_key="a2")])
    assert store.undo_answer("boxes", "ann", 1001, key="u1").task == undone.task
    assert effective(store) == [(3, 1, "reject")]


def test_one_s_own_undo_leaves_the_answer_of_another(store, answered):
    store.add_answers("boxes", "ann", [answered(1)])
    store.add_answers("boxes", "bob", [answered(1, "reject")])
    with pytest.raises(DataError, match="bob has answered it since"):
        store.undo_answer("boxes", "ann", 1001, own=True)
    assert effective(store) == [(2, 1, "reject")]
    assert store.undo_answer("boxes", "bob", 1001, own=True).id == 2


def test_an_answer_that_overtakes_another_is_known(store, answered):
    ids = [
        store.add_answers("boxes", session, [answered(1, _base_answer=base)])[0]
        for session, base in (("ann", 0), ("bob", 0), ("ann", 2))
    ]
    assert [store.overtaken("boxes", id, 1001, base) for id, base in zip(ids, (0, 0, 2), strict=True)][::2] == [
        None
    ] * 2
    other = store.overtaken("boxes", 2, 1001)
    assert (other.id, other.session_id, other.answer) == (1, "ann", "accept")
    assert "_base_answer" not in other.task
    # One that was taken back stands no more, and another task is another matter.
    store.undo_answer("boxes", "ann", 1001)
    (last,) = store.add_answers("boxes", "bob", [answered(1)])
    assert store.overtaken("boxes", last, 1001) is None
    (elsewhere,) = store.add_answers("boxes", "bob", [answered(2)])
    assert store.overtaken("boxes", elsewhere, 1002) is None


@pytest.mark.parametrize("task_hash", [1001, 999, -(2**63)])
def test_nothing_to_undo(store, answered, task_hash):
    store.add_answers("boxes", "ann", [answered(1)])
    store.undo_answer("boxes", "ann", 1001)
    with pytest.raises(DataError, match="no answer that could be taken back"):
        store.undo_answer("boxes", "bob", task_hash)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"answer": "maybe"}, "`answer` is 'maybe'"),
        ({"_input_hash": 2**63}, "64 bits"),
        ({"_task_hash": "x"}, "`_task_hash` must be an integer"),
        ({"spans": [{"label": "a"}]}, "neither x, y, width, height nor points"),
        ({"meta": {"score": math.nan}}, "not JSON"),
        ({"meta": object()}, "not JSON"),
        ({"_answer_key": ""}, "`_answer_key`"),
    ],
)
def test_one_bad_answer_refuses_the_whole_batch(store, answered, change, says):
    with pytest.raises(DataError, match=says):
        store.add_answers("boxes", "ann", [answered(1), {**answered(2), **change}])
    assert store.effective_answers("boxes") == []


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "x" * 201, None, "\ud800"])
def test_names_that_name_nothing(store, answered, name):
    with pytest.raises(DataError, match="1 to 200 printable characters"):
        store.add_dataset(name)
    with pytest.raises(DataError, match="1 to 200 printable characters"):
        store.add_answers("boxes", name, [answered(1)])


def test_unknown_kind_of_answer(store):
    with pytest.raises(DataError, match="accept, reject, ignore"):
        store.effective_answers("boxes", answer="undo")


def test_more_than_a_page(store, answered):
    store.add_answers("boxes", "ann", [answered(number) for number in range(2500)])
    assert [stored.id for stored in store.effective_answers("boxes")] == list(range(1, 2501))
    assert len(store.effective_answers("boxes", after_id=1499)) == 1001


class AnswerLog(RuleBasedStateMachine):
    """The store against a dict: input hash → (id, answer) of what counts."""

    inputs = st.integers(0, 4)
    answers = st.sampled_from(["accept", "reject", "ignore"])

    def __init__(self):
        super().__init__()
        import tempfile

        self.folder = tempfile.TemporaryDirectory()
        self.store = Store.open(f"{self.folder.name}/teachbox.db")
        self.counted: dict[int, tuple[int, str]] = {}
        self.keys: dict[str, int] = {}
        self.last_id = 0

    def teardown(self):
        self.store.close()
        self.folder.cleanup()

    @rule(batch=st.lists(st.tuples(inputs, answers, st.none() | st.sampled_from("abcdef")), max_size=4))
    def give(self, batch):
        tasks, expected = [], []
        for input_hash, answer, key in batch:
            task = {"_input_hash": input_hash, "_task_hash": input_hash + 10, "answer": answer}
            tasks.append(task if key is None else {**task, "_answer_key": key})
            if key in self.keys:
                expected.append(self.keys[key])
                continue
            self.last_id += 1
            expected.append(self.last_id)
            self.counted[input_hash] = (self.last_id, answer)
            if key is not None:
                self.keys[key] = self.last_id
        assert self.store.add_answers("boxes", "ann", tasks) == expected

    @precondition(lambda self: self.counted)
    @rule(data=st.data())
    def undo(self, data):
        input_hash = data.draw(st.sampled_from(sorted(self.counted)))
        id, answer = self.counted.pop(input_hash)
        undone = self.store.undo_answer("boxes", "ann", input_hash + 10)
        assert (undone.id, undone.answer) == (id, answer)
        self.last_id += 1

    @rule()
    def reopen(self):
        self.store.close()
        self.store = Store.open(f"{self.folder.name}/teachbox.db")

    @invariant()
    def what_counts_is_the_same(self):
        expected = sorted((id, input_hash, answer) for input_hash, (id, answer) in self.counted.items())
        assert effective(self.store) == expected
        counts = self.store.answer_counts("boxes")
        assert counts == {kind: sum(row[2] == kind for row in expected) for kind in ("accept", "reject", "ignore")}
        assert self.store.answered_inputs("boxes") == set(self.counted)
        assert self.store.last_answer_id("boxes") == self.last_id


TestAnswerLog = AnswerLog.TestCase
TestAnswerLog.settings = settings(max_examples=15, stateful_step_count=12, deadline=None)
