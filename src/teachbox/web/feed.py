"""The task feed: takes tasks from the source ahead of need, hands them to sessions, and keeps their predictions fresh.

Two threads work beside the requests: one reads the source, one predicts. No request waits for a prediction.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

from teachbox.annotation import Prediction, Task
from teachbox.errors import DataError, StoreError, TeachboxError
from teachbox.images import UprightImage
from teachbox.store import Store
from teachbox.web.filling import Completer, Skipped, length_of
from teachbox.web.images import ImageCache, Thumbnails
from teachbox.web.predicting import Predicting
from teachbox.web.questions import Question
from teachbox.web.task_queue import TaskQueue

logger = logging.getLogger(__name__)

Predict = Callable[[Task, UprightImage], Prediction]
Listener = Callable[[str, dict[str, Any], str | None], None]
"""Takes the kind of an event (`task`, `served`, `model_server`), its data, and the session it is for (None: all)."""

LOOK_AHEAD = 8
LEASE_SECONDS = 600.0
DRAFT_SECONDS = 30 * 86400.0
"""What a person drew on a task that another has answered meanwhile waits so long for that person to come back."""


class Feed:
    """Tasks of `source` for the sessions of one dataset.

    `source` yields tasks that hold at least `path`; those with an answer in `dataset` or in `exclude`, duplicates and
    broken images are left out. `predict(task, image)` raises `ServingError` while no model is there, and
    `served_version()` tells the newest version; both are called from one thread of the feed. Without `predict` tasks
    come as the source made them. Predicted boxes with a score below `threshold` are a task's `candidates` and not its
    `spans`. `question` is what is asked about each image. `total` is the length of the source where it cannot tell
    that itself; `progress(session, total)` tells it from the answers of this run and of the dataset, 0 to 1 or None.
    """

    def __init__(
        self,
        source: Iterable[Task],
        store: Store,
        dataset: str,
        *,
        predict: Predict | None = None,
        served_version: Callable[[], int | None] | None = None,
        exclude: Sequence[str] = (),
        labels: Sequence[str] = (),
        question: Question | None = None,
        threshold: float = 0.0,
        total: int | None = None,
        progress: Callable[[int, int], float | None] | None = None,
        look_ahead: int = LOOK_AHEAD,
        lease_seconds: float = LEASE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.dataset = dataset
        self._source = iter(source)
        self._source_length = total if total is not None else length_of(source)
        self._tell_progress = progress
        self._given = 0
        self._store = store
        self._exclude = exclude
        self._look_ahead = look_ahead
        self._clock = clock
        self._images = ImageCache()
        self._thumbnails = Thumbnails()
        self.question = question or Question()
        self._completer = Completer(self.question, labels, self._images)
        self._changed = threading.Condition()
        self._queue = TaskQueue(lease_seconds)
        self._listeners: list[Listener] = []
        self._exhausted = False
        self._stopped = False
        self._filler = threading.Thread(target=self._fill, name="feed-filler", daemon=True)
        self._predicting = (
            None
            if predict is None
            else Predicting(
                predict,
                served_version,
                self._queue,
                self._changed,
                self._image_of,
                self._publish,
                clock,
                threshold,
            )
        )

    # Life

    def start(self) -> None:
        """Start to read the source and to predict. Starting twice does no harm."""
        with self._changed:
            if self._filler.ident is not None or self._stopped:
                return
            self._completer.answered |= self._store.answered_inputs(self.dataset)
            for name in self._exclude:
                self._completer.excluded |= self._store.answered_inputs(name)
            self._store.drop_overtaken_drafts(self.dataset, time.time() - DRAFT_SECONDS)
            self._filler.start()
        if self._predicting:
            self._predicting.start()

    def stop_waiting(self) -> None:
        """Let waiting requests go and tell the threads to end."""
        with self._changed:
            self._stopped = True
            if self._predicting:
                self._predicting.stopped = True
            self._changed.notify_all()

    def stop(self) -> None:
        """As `stop_waiting`, and wait a moment for the threads to end."""
        self.stop_waiting()
        for thread in (self._filler, self._predicting.thread if self._predicting else None):
            if thread is not None and thread.ident is not None and thread is not threading.current_thread():
                thread.join(timeout=2)

    def listen(self, listener: Listener) -> None:
        """Call `listener` for every event from now on. It is called from the feed's threads and must not wait."""
        self._listeners.append(listener)

    def _publish(self, kind: str, data: dict[str, Any], session: str | None = None) -> None:
        for listener in self._listeners:
            listener(kind, data, session)

    # Requests

    def take(
        self,
        session: str,
        n: int = 1,
        held: Collection[int] = (),
        wait_seconds: float = 20.0,
        *,
        begun: Collection[int] = (),
    ) -> list[Task]:
        """Up to `n` tasks for a session, at once where there are any; `held` are task hashes that it still shows.

        A task that it was given and neither holds nor answered comes again first, then those of `begun`. The list is
        empty where everything is answered or held by others, or where the source gave nothing for `wait_seconds`.
        """
        with self._changed:
            tasks: list[Task] = []

            def some() -> bool:
                tasks[:] = self._queue.take(session, n, held, self._clock(), begun)
                return bool(tasks) or self._exhausted or self._stopped

            self._changed.wait_for(some, timeout=wait_seconds)
            self._changed.notify_all()
            return tasks

    def heartbeat(self, session: str) -> None:
        """The session is still there: its leases run on."""
        with self._changed:
            self._queue.renew(session, self._clock())

    def answered(self, session: str, tasks: Iterable[Task]) -> None:
        """Answers to these tasks are in the store."""
        with self._changed:
            for task in tasks:
                self._given += 1
                self._queue.remove(task["_task_hash"])
                self._completer.answered.add(task["_input_hash"])
            self._queue.renew(session, self._clock())
            self._changed.notify_all()

    def undone(self, session: str, task: Task) -> None:
        """The answer to a task was taken back: it is the session's again, as it was answered."""
        with self._changed:
            self._given = max(0, self._given - 1)
            self._completer.answered.discard(task["_input_hash"])
            self._queue.give_back(session, task, self._clock())
            self._changed.notify_all()

    def postponed(self, session: str, task_hash: int) -> None:
        """The session does not want to answer this task now: it comes again after those that wait."""
        with self._changed:
            self._queue.postpone(session, task_hash)
            self._changed.notify_all()

    def known_task(self, task_hash: int) -> Task | None:
        """The task as this dataset asked it, from the queue or from the store."""
        with self._changed:
            entry = self._queue.find(task_hash)
        return entry.task if entry else self._store.find_task_by_hash(self.dataset, task_hash)

    def image(self, input_hash: int) -> UprightImage | None:
        """The upright image of a task that was asked in this dataset; None for any other. Raises `DataError`."""
        task = self._asked(input_hash)
        return None if task is None else self._image_of(task)

    def thumbnail(self, input_hash: int, side: int) -> bytes | None:
        """As `image`, a JPEG no longer than `side` pixels on any side."""
        task = self._asked(input_hash)
        return None if task is None else self._thumbnails.get(input_hash, task["path"], side)

    def _asked(self, input_hash: int) -> Task | None:
        with self._changed:
            task = next((entry.task for entry in self._queue if entry.task["_input_hash"] == input_hash), None)
        return task or self._store.find_task(self.dataset, input_hash)

    def held_by(self, session: str) -> list[Task]:
        """Tasks that a session holds and no person has touched, with their newest predictions."""
        with self._changed:
            return [dict(entry.task) for entry in self._queue.held_by(session) if not entry.touched]

    def _image_of(self, task: Task) -> UprightImage:
        return self._images.get(task["_input_hash"], task["path"])

    # What is known about it

    @property
    def total(self) -> int:
        """How many answers the dataset holds."""
        return len(self._completer.answered)

    @property
    def progress(self) -> float | None:
        """Answered share of what the source has to ask, 0 to 1; None where its length is not known."""
        if self._tell_progress is not None:
            told = self._tell_progress(self._given, self.total)
            return None if told is None else min(1.0, max(0.0, float(told)))
        with self._changed:
            if self._exhausted and not len(self._queue):
                return 1.0
        asked = self.asked
        if asked is None:
            return None
        return min(1.0, self.total / asked) if asked > 0 else 1.0

    @property
    def asked(self) -> int | None:
        """How many images the source has to ask, as far as it is read; None where its length is not known."""
        if self._source_length is None:
            return None
        skipped = self._completer.skipped
        return self._source_length - skipped.excluded - skipped.duplicate - skipped.broken

    @property
    def done(self) -> bool:
        """Whether the source is used up and no task is left, not even one that a session holds."""
        with self._changed:
            return self._exhausted and not len(self._queue)

    @property
    def skipped(self) -> Skipped:
        """How many items of the source were left out, and why."""
        return self._completer.skipped

    @property
    def model_server(self) -> str:
        """`up` or `down`; `none` where this feed predicts nothing."""
        return self._predicting.state if self._predicting else "none"

    @property
    def model_server_message(self) -> str | None:
        """Why the model server is down."""
        return self._predicting.message if self._predicting else None

    @property
    def predicting(self) -> bool:
        """Whether a prediction is under way."""
        return self._predicting.busy if self._predicting else False

    @property
    def served_version(self) -> int | None:
        """The newest version known to be served."""
        return self._predicting.version if self._predicting else None

    # The filler thread

    def _fill(self) -> None:
        try:
            while self._wait_for_room():
                try:
                    item = next(self._source)
                    task = self._completer.complete(item)
                except StopIteration:
                    return
                except DataError as error:
                    self._report_broken(error)
                    continue
                if task is not None:
                    self._remember(task)
                    with self._changed:
                        self._queue.add(task)
                        self._changed.notify_all()
        except TeachboxError as error:
            logger.error("the source of tasks failed: %s", error)
            self._log("source_failed", error=str(error))
        finally:
            # Also where a source of one's own raises: nobody may wait for a task that cannot come.
            with self._changed:
                self._exhausted = True
                self._changed.notify_all()

    def _wait_for_room(self) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or self._queue.waiting < self._look_ahead)
            return not self._stopped

    def _report_broken(self, error: DataError) -> None:
        self._completer.skipped.broken += 1
        logger.warning("skipped: %s", error)
        self._log("broken_image", error=str(error))

    def _remember(self, task: Task) -> None:
        try:
            self._store.add_tasks(self.dataset, [task])
        except StoreError as error:
            # The task can be asked all the same; its answer will tell the person what is wrong with the database.
            logger.error("a task could not be stored: %s", error)

    def _log(self, kind: str, **data: Any) -> None:
        try:
            self._store.log_event(self.dataset, kind, **data)
        except StoreError as error:
            logger.error("an event could not be stored: %s", error)
