"""The event stream over HTTP: what is told, to whom, and that it ends."""

import asyncio
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import pairwise

import httpx
import pytest
from light_or_dark import LightOrDark

from teachbox.web.events import Events, Listener


class Stream:
    """Reads a stream in a thread, so that a test can wait for an event."""

    def __init__(self, lines):
        self.events = []
        self.ended = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._read, args=(lines,), daemon=True)
        self._thread.start()

    def _read(self, lines):
        kind = None
        try:
            for line in lines:
                if line.startswith("event: "):
                    kind = line.removeprefix("event: ")
                elif line.startswith("data: "):
                    with self._changed:
                        self.events.append((kind, json.loads(line.removeprefix("data: "))))
                        self._changed.notify_all()
        except httpx.HTTPError as error:
            self.events.append(("error", repr(error)))
        with self._changed:
            self.ended = True
            self._changed.notify_all()

    def wait_for(self, condition, timeout=20):
        with self._changed:
            assert self._changed.wait_for(lambda: condition(self), timeout), self.events

    def tasks(self):
        return [data for kind, data in list(self.events) if kind == "task"]

    def statuses(self):
        return [data for kind, data in list(self.events) if kind == "status"]


@contextmanager
def listening(client, **params):
    with client.stream("GET", "/events", params=params) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        assert response.headers["cache-control"] == "no-store"
        yield Stream(response.iter_lines())


def ask(client, session, n=1):
    return client.post("/get_session_questions", json={"session_id": session, "n": n}).json()["tasks"]


def test_the_status_comes_first_and_when_it_changes(make_feed, images, serve_feed, store):
    feed, _ = make_feed(images(1), start=False)
    with listening(serve_feed(feed)) as stream:
        stream.wait_for(lambda s: s.statuses())
        assert stream.statuses()[0]["trainer"] is None
        store.set_trainer_status("boxes", state="training", step=1, steps=9)
        stream.wait_for(lambda s: (s.statuses()[-1]["trainer"] or {}).get("step") == 1)
        store.set_trainer_status("boxes", state="training", step=2)
        stream.wait_for(lambda s: s.statuses()[-1]["trainer"]["step"] == 2)
        assert stream.statuses()[-1]["trainer"]["steps"] == 9
        told = stream.statuses()
        assert all(one != next for one, next in pairwise(told[1:]))


def test_new_predictions_are_told_to_whom_they_concern(make_feed, images, serve_feed):
    predictor = LightOrDark(version=1)
    feed, heard = make_feed(images(4), predictor, start=False)
    client = serve_feed(feed)
    heard.wait_for(lambda _: len(heard.predicted(1)) == 4)
    (anns,) = ask(client, "ann")
    (bobs,) = ask(client, "bob")
    with listening(client, session_id="ann") as ann, listening(client) as everyone:
        # What it holds is told at once: the page may have missed it.
        ann.wait_for(lambda s: s.tasks())
        assert ann.tasks()[0] == anns
        predictor.version = 2
        everyone.wait_for(lambda s: len({task["_task_hash"] for task in s.tasks() if task["version"] == 2}) == 4)
        assert [task["_task_hash"] for task in everyone.tasks()][:2] == [anns["_task_hash"], bobs["_task_hash"]]
        assert ("served", {"version": 2}) in everyone.events
        # The two that wait come after those that are held: had bob's been told to ann, it would be there by now.
        waiting = {task["_task_hash"] for task in everyone.tasks()} - {anns["_task_hash"], bobs["_task_hash"]}
        ann.wait_for(lambda s: waiting <= {task["_task_hash"] for task in s.tasks()})
        assert bobs["_task_hash"] not in {task["_task_hash"] for task in ann.tasks()}
        new = next(task for task in ann.tasks() if task["version"] == 2)
        assert (new["_task_hash"], new["spans"][0]["version"]) == (anns["_task_hash"], 2)


def test_a_prediction_right_after_the_task_was_given_is_told_twice(make_feed, images, serve_feed):
    """The page may hear of it before it has the task."""
    predictor = LightOrDark()
    predictor.gate.clear()
    feed, _ = make_feed(images(1), predictor, start=False)
    client = serve_feed(feed)
    with listening(client, session_id="ann") as stream:
        stream.wait_for(lambda s: s.statuses())
        assert ask(client, "ann")[0]["spans"] == []
        predictor.gate.set()
        stream.wait_for(lambda s: len(s.tasks()) == 2)
        assert stream.tasks()[0] == stream.tasks()[1]


def test_it_is_watched_only_while_someone_listens(make_feed, images, serve_feed):
    feed, _ = make_feed(images(1), start=False)
    client = serve_feed(feed)
    events = client.get("/health") and feed._listeners[-1].__self__
    assert not events.listened_to.is_set()
    with listening(client) as stream:
        stream.wait_for(lambda s: s.statuses())
        assert events.listened_to.is_set()
    # The server notices that the page is gone when it next writes.
    closed = threading.Event()
    for _ in range(200):
        events.publish("served", {"version": 1})
        if not events.listened_to.is_set():
            break
        closed.wait(0.05)
    assert not events.listened_to.is_set()


@pytest.mark.parametrize(
    ("listener", "session", "wants"),
    [(None, "ann", True), ("ann", "ann", True), ("ann", "bob", False), ("ann", None, True), (None, None, True)],
)
def test_who_wants_what(listener, session, wants):
    assert Listener(listener).wants(session) is wants


def test_publishing_before_anyone_listens_does_nothing():
    Events().publish("served", {"version": 1})


def in_a_loop(scenario):
    # In a thread of its own: the browser tests leave a loop running in this one.
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: asyncio.run(scenario())).result(20)


def test_a_quiet_stream_stays_open_and_its_page_counts_as_there():
    async def scenario():
        events = Events(keep_alive_seconds=0.01)
        listener = events.add("ann")
        there = []
        stream = events.stream(listener, "first", lambda: there.append(1))
        texts = [await anext(stream) for _ in range(4)]
        events.close()
        return texts, there, [text async for text in stream]

    texts, there, rest = in_a_loop(scenario)
    assert texts == ["first", *[": still here\n\n"] * 3]
    assert len(there) >= 2
    assert rest == []


def test_a_page_that_does_not_read_is_let_go():
    async def scenario():
        events = Events()
        events.open(asyncio.get_running_loop())
        events.add(None)
        for number in range(600):
            events.publish("served", {"version": number})
        await asyncio.sleep(0)
        return events.listened_to.is_set()

    assert in_a_loop(scenario) is False


def test_an_open_page_keeps_its_tasks(make_feed, images, serve_feed):
    now = [0.0]
    feed, _ = make_feed(images(2), start=False, clock=lambda: now[0])
    client = serve_feed(feed)
    (task,) = ask(client, "ann")
    now[0] = 599.0
    with listening(client, session_id="ann") as stream:
        stream.wait_for(lambda s: s.statuses())
        now[0] = 700.0
        assert task["_task_hash"] not in {other["_task_hash"] for other in ask(client, "bob", 2)}
