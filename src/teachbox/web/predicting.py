"""The thread that predicts: next-to-be-shown first, anew when another version is served, patient while none is."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

from teachbox.annotation import Prediction, Task
from teachbox.errors import DataError, RequestRefused, ServingError
from teachbox.images import UprightImage
from teachbox.web.task_queue import Entry, TaskQueue

logger = logging.getLogger(__name__)

POLL_SECONDS = 0.25
"""How often the served version is asked for."""
FIRST_RETRY_SECONDS = 0.25
LAST_RETRY_SECONDS = 2.0
JUST_GIVEN_SECONDS = 2.0
"""A page may hear of a prediction before it has the task itself: within this time the prediction is told again."""


class Predicting:
    """Predicts the tasks of `queue`, which `changed` guards. `publish(kind, data, session)` tells what happened.

    Boxes with a score below `threshold` go with their task as `candidates`.
    """

    def __init__(
        self,
        predict: Callable[[Task, UprightImage], Prediction],
        served_version: Callable[[], int | None] | None,
        queue: TaskQueue,
        changed: threading.Condition,
        image_of: Callable[[Task], UprightImage],
        publish: Callable[[str, dict[str, Any], str | None], None],
        clock: Callable[[], float],
        threshold: float = 0.0,
    ) -> None:
        self._threshold = threshold
        self._predict = predict
        self._ask_version = served_version
        self._queue = queue
        self._changed = changed
        self._image_of = image_of
        self._publish = publish
        self._clock = clock
        self._next_poll = clock()
        self._tell_again: list[tuple[float, int]] = []
        self._retry_seconds = FIRST_RETRY_SECONDS
        self.stopped = False
        self.state = "down"
        self.message: str | None = "not asked yet"
        self.busy = False
        self.version: int | None = None
        self.thread = threading.Thread(target=self._run, name="feed-predicting", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self.thread.start()

    def _run(self) -> None:
        try:
            while not self.stopped:
                try:
                    self._poll_version()
                    entry = self._next()
                    if entry is not None:
                        self._predict_one(entry)
                except ServingError as error:
                    self._set_state("down", str(error))
                    self._back_off()
                self._repeat()
        finally:
            # A `predict` of one's own that raises anything else ends this thread, with a traceback; say so.
            if not self.stopped:
                self._set_state("down", "predicting ended after an error; the terminal shows it")

    def _poll_version(self) -> None:
        if self._ask_version is None or self._clock() < self._next_poll:
            return
        self._next_poll = self._clock() + POLL_SECONDS
        version = self._ask_version()
        if version is None:
            raise ServingError("no version of the model is served yet")
        self._set_state("up", None)
        self._set_version(version)

    def _set_version(self, version: int | None) -> None:
        if version is not None and version != self.version:
            self.version = version
            self._publish("served", {"version": version}, None)

    def _set_state(self, state: str, message: str | None) -> None:
        if state == "up":
            self._retry_seconds = FIRST_RETRY_SECONDS
        if (state, message) != (self.state, self.message):
            self.state, self.message = state, message
            logger.info("model server: %s %s", state, message or "")
            self._publish("model_server", {"state": state, "message": message}, None)

    def _next(self) -> Entry | None:
        """The next task to predict, or None after a wait for one, at most until the version is to be asked for."""
        with self._changed:
            entry = self._queue.next_to_predict(self.version)
            if entry is None and not self.stopped:
                self._changed.wait(POLL_SECONDS)
                entry = self._queue.next_to_predict(self.version)
            return entry

    def _predict_one(self, entry: Entry) -> None:
        task = entry.task
        try:
            image = self._image_of(task)
            self.busy = True
            prediction = Prediction(*self._predict(task, image))
        except (DataError, RequestRefused) as error:
            # It is this image and not the server: the others go on, and this one waits for another version.
            logger.warning("%s was not predicted: %s", task["meta"]["file"], error)
            with self._changed:
                self._queue.attempt(entry, self.version, last=True)
            return
        finally:
            self.busy = False
        self._set_state("up", None)
        if self._ask_version is None or self.version is None or (prediction.version or 0) > self.version:
            self._set_version(prediction.version)
        with self._changed:
            self._queue.attempt(entry, self.version)
            applied = self._queue.apply(task["_task_hash"], prediction, self._threshold)
            if applied is not None and self._clock() - applied.leased < JUST_GIVEN_SECONDS and applied.session:
                self._tell_again.append((self._clock() + JUST_GIVEN_SECONDS / 2, task["_task_hash"]))
        if applied is not None:
            self._publish("task", applied.task, applied.session)

    def _repeat(self) -> None:
        now = self._clock()
        due = [hash for when, hash in self._tell_again if when <= now]
        self._tell_again = [item for item in self._tell_again if item[0] > now]
        for task_hash in due:
            with self._changed:
                entry = self._queue.find(task_hash)
            if entry is not None and not entry.touched:
                self._publish("task", entry.task, entry.session)

    def _back_off(self) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self.stopped, timeout=self._retry_seconds)
        self._retry_seconds = min(self._retry_seconds * 2, LAST_RETRY_SECONDS)
        self._next_poll = self._clock()
