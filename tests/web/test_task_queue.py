"""The queue by itself: order, leases, which predictions apply."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from teachbox.annotation import Prediction, make_span
from teachbox.web.task_queue import TaskQueue


def queue_of(*hashes, lease=100.0):
    queue = TaskQueue(lease)
    for task_hash in hashes:
        queue.add({"_task_hash": task_hash, "spans": []})
    return queue


def hashes(tasks):
    return [task["_task_hash"] for task in tasks]


def span(label="a"):
    return make_span(label, 0, 0, 1, 1)


def test_tasks_come_in_order_and_again_after_a_reload():
    queue = queue_of(1, 2, 3, 4, 5)
    assert hashes(queue.take("ann", 2, (), 0)) == [1, 2]
    assert hashes(queue.take("ann", 2, {1, 2}, 1)) == [3, 4]
    queue.remove(1)
    # The page was reloaded and holds nothing.
    assert hashes(queue.take("ann", 4, (), 2)) == [2, 3, 4, 5]
    assert hashes(queue.take("ann", 1, {2, 4, 5}, 3)) == [3]
    assert queue.take("ann", 3, {2, 3, 4, 5}, 4) == []


def test_a_skipped_task_comes_again_behind_those_that_wait_and_only_from_who_holds_it():
    queue = queue_of(1, 2, 3)
    queue.take("ann", 2, (), 0)
    queue.postpone("bob", 1)
    queue.postpone("ann", 77)
    queue.postpone("ann", 1)
    assert hashes(queue.take("ann", 3, {2}, 1)) == [3, 1]


def test_what_a_session_has_begun_comes_to_it_first_unless_another_has_it():
    queue = queue_of(1, 2, 3, 4, 5)
    assert hashes(queue.take("bob", 1, (), 0)) == [1]
    assert hashes(queue.take("ann", 3, (), 0, begun=(4, 1, 99))) == [4, 2, 3]
    assert hashes(queue.take("bob", 3, {1}, 0, begun=(4,))) == [5]


def test_what_a_page_holds_over_a_restart_keeps_its_order():
    queue = queue_of(*range(900, 908))
    queue.take("ann", 1, [905, 901, 904], 0)
    assert hashes(queue.take("ann", 4, (), 1)) == [905, 901, 904, 900]


def test_each_session_gets_others():
    queue = queue_of(1, 2, 3)
    assert hashes(queue.take("ann", 2, (), 0)) == [1, 2]
    assert hashes(queue.take("bob", 2, (), 0)) == [3]
    assert queue.take("eve", 2, (), 0) == []


def test_a_lease_runs_out_unless_the_session_is_heard_of():
    queue = queue_of(1, 2, 3, lease=100)
    queue.take("ann", 1, (), 0)
    queue.take("bob", 1, (), 0)
    queue.renew("bob", 60)
    assert hashes(queue.take("eve", 3, (), 100)) == [1, 3]
    assert hashes(queue.take("eve", 3, {1, 3}, 160)) == [2]
    # Whoever comes back too late is given none of it.
    assert queue.take("ann", 3, (), 161) == []


def test_what_a_page_shows_after_a_restart_becomes_its_own():
    queue = queue_of(1, 2, 3)
    assert hashes(queue.take("ann", 1, {2, 77}, 0)) == [1]
    assert hashes(queue.take("bob", 3, {2}, 0)) == [3]


def test_an_answer_taken_back_comes_first_and_is_not_predicted():
    queue = queue_of(1, 2)
    queue.take("ann", 2, (), 0)
    queue.remove(2)
    queue.give_back("ann", {"_task_hash": 2, "spans": [span("mine")], "answer": "accept"}, 1)
    assert hashes(queue.take("ann", 2, (), 2)) == [2, 1]
    assert queue.apply(2, Prediction(9, [span("theirs")])) is None
    assert queue.find(2).task["spans"] == [span("mine")]
    assert queue.next_to_predict(9).task["_task_hash"] == 1


def test_the_task_to_be_shown_next_is_predicted_first():
    queue = queue_of(1, 2, 3)
    queue.take("ann", 1, (), 0)
    order = []
    while (entry := queue.next_to_predict(1)) is not None:
        order.append(entry.task["_task_hash"])
        queue.attempt(entry, 1)
        queue.apply(order[-1], Prediction(1, [span()]))
    assert order == [1, 2, 3]
    assert queue.next_to_predict(2).task["_task_hash"] == 1
    assert queue.next_to_predict(None) is None


def test_predicted_boxes_below_the_threshold_are_candidates():
    queue = queue_of(1)
    low, high, unscored = ({"label": "a", "x": 0, "y": 0, "width": 1, "height": 1} for _ in range(3))
    low["score"], high["score"] = 0.49, 0.5
    task = queue.apply(1, Prediction(1, [low, unscored, high]), 0.5).task
    assert (task["spans"], task["candidates"]) == ([unscored, high], [low])
    task = queue.apply(1, Prediction(2, [low]), 0.1).task
    assert (task["spans"], task["candidates"]) == ([low], [])


def test_a_late_prediction_does_not_replace_a_newer_one():
    queue = queue_of(1)
    assert queue.apply(1, Prediction(5, [span("new")])).task["version"] == 5
    assert queue.apply(1, Prediction(4, [span("old")])) is None
    assert queue.apply(1, Prediction(5, [span("same")])) is None
    assert queue.apply(2, Prediction(6, [])) is None
    assert queue.find(1).task["spans"] == [span("new")]
    assert queue.find(1).task["version"] == 5


def test_a_task_is_not_predicted_for_ever_by_an_older_version():
    queue = queue_of(1)
    for _ in range(3):
        queue.attempt(queue.next_to_predict(2), 2)
        queue.apply(1, Prediction(1, []))
    assert queue.next_to_predict(2) is None
    assert queue.next_to_predict(3) is not None
    queue.attempt(queue.find(1), 3, last=True)
    assert queue.next_to_predict(3) is None


class Leases(RuleBasedStateMachine):
    """Whatever sessions do, no task is with two of them at once, and none is lost."""

    sessions = st.sampled_from(["ann", "bob", "eve"])

    def __init__(self):
        super().__init__()
        self.queue = TaskQueue(100)
        self.now = 0.0
        self.added = set()
        self.answered = set()
        self.holder = {}
        self.until = {}

    def renew(self, session):
        for task_hash, holder in self.holder.items():
            if holder == session:
                self.until[task_hash] = self.now + 100

    @rule(count=st.integers(1, 3))
    def read(self, count):
        for _ in range(count):
            self.queue.add({"_task_hash": len(self.added), "spans": []})
            self.added.add(len(self.added))

    @rule(seconds=st.sampled_from([1.0, 60.0]))
    def wait(self, seconds):
        self.now += seconds

    @rule(session=sessions, n=st.integers(1, 3), reload=st.booleans())
    def take(self, session, n, reload):
        self.renew(session)
        own = {task_hash for task_hash, holder in self.holder.items() if holder == session}
        held = set() if reload else own
        taken = hashes(self.queue.take(session, n, held, self.now))
        assert len(taken) == len(set(taken)) <= n
        free = {hash for hash in self.added - self.answered if self.holder.get(hash) is None}
        lapsed = {hash for hash, until in self.until.items() if until <= self.now and hash in self.holder}
        assert len(taken) == min(n, len((own - held) | free | lapsed))
        assert set(taken) <= (own - held) | free | lapsed
        if reload:
            assert set(taken[: len(own)]) <= own
        for task_hash in taken:
            self.holder[task_hash] = session
            self.until[task_hash] = self.now + 100

    @rule(session=sessions)
    def answer(self, session):
        own = [task_hash for task_hash, holder in self.holder.items() if holder == session]
        for task_hash in own[:1]:
            self.queue.remove(task_hash)
            self.answered.add(task_hash)
            del self.holder[task_hash], self.until[task_hash]

    @invariant()
    def none_is_lost(self):
        assert {entry.task["_task_hash"] for entry in self.queue} == self.added - self.answered
        assert len(self.queue) == len(self.added - self.answered)


TestLeases = Leases.TestCase
TestLeases.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
