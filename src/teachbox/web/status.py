"""What the page's status line tells, put together from store and feed; a thread watches it while anyone listens."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

from teachbox.errors import StoreError
from teachbox.store import Store
from teachbox.web.events import Events
from teachbox.web.feed import Feed
from teachbox.web.metrics import overall

logger = logging.getLogger(__name__)

POLL_SECONDS = 0.2
_TRAINER_KEYS = ("state", "run", "step", "steps", "version", "message", "updated")


class StatusBoard:
    """Reads the status. Counting the answers is left out while the log of answers has not grown."""

    def __init__(self, store: Store, feed: Feed) -> None:
        self._store = store
        self._feed = feed
        self._lock = threading.Lock()
        self._counted: tuple[int, dict[str, int]] | None = None

    def read(self) -> dict[str, Any]:
        """The status as `GET /status` gives it; `trainer` is None where there never was one."""
        dataset, feed = self._feed.dataset, self._feed
        trainer = self._store.trainer_status(dataset)
        evaluation = self._store.last_evaluation(dataset)
        return {
            "trainer": {**dict.fromkeys(_TRAINER_KEYS), **trainer} if trainer else None,
            "served_version": feed.served_version,
            "answers": self._answers(),
            "metrics": overall(evaluation.metrics) if evaluation else {},
            "metrics_version": evaluation.version if evaluation else None,
            "predicting": feed.predicting,
            "model_server": feed.model_server,
            "model_server_message": feed.model_server_message,
            "total": feed.total,
            "progress": feed.progress,
            "broken_images": feed.skipped.broken,
        }

    def _answers(self) -> dict[str, int]:
        with self._lock:
            last_id = self._store.last_answer_id(self._feed.dataset)
            if self._counted is None or self._counted[0] != last_id:
                self._counted = last_id, self._store.answer_counts(self._feed.dataset)
            return self._counted[1]


class StatusWatcher:
    """Publishes the status whenever it has changed, at most five times a second; then `look` looks at the rest."""

    def __init__(self, board: StatusBoard, events: Events, look: Callable[[], None] = lambda: None) -> None:
        self._board = board
        self._look = look
        self._events = events
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="status-watcher", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._stopped.set()
        self._events.listened_to.set()
        self._thread.join(timeout=2)

    def _watch(self) -> None:
        last: dict[str, Any] | None = None
        while True:
            self._events.listened_to.wait()
            if self._stopped.wait(POLL_SECONDS):
                return
            try:
                status = self._board.read()
                self._look()
            except StoreError as error:
                logger.warning("the status cannot be read: %s", error)
                continue
            if status != last:
                last = status
                self._events.publish("status", status)
