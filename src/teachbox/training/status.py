"""What the trainer says about itself, in the store, for whoever looks at the page."""

from __future__ import annotations

import logging
import time
from typing import Any

from teachbox.store import Store

log = logging.getLogger(__name__)

STEP_INTERVAL = 0.2
"""Seconds between two reports of a step: no more than five a second are written."""


class Status:
    """The trainer's status in the store: changes of state at once, steps now and then; and its events."""

    def __init__(self, store: Store, dataset: str) -> None:
        self._store = store
        self._dataset = dataset
        self._written = 0.0

    def set(self, state: str, **fields: Any) -> None:
        """Say what is being done now: starting, waiting, training, publishing, evaluating, stopped or failed."""
        self._store.set_trainer_status(self._dataset, state=state, **fields)
        self._written = time.monotonic()

    def step(self, step: int) -> None:
        """Say how many steps of the round are done, unless that was said a moment ago."""
        if time.monotonic() - self._written >= STEP_INTERVAL:
            self.set("training", step=step)

    def event(self, kind: str, **data: object) -> None:
        """Write down what happened."""
        self._store.log_event(self._dataset, kind, **data)

    def failed(self, kind: str, error: Exception, **data: object) -> None:
        """Say what went wrong, and write it down as an event of this kind."""
        log.error("%s", error)
        self.set("failed", message=str(error))
        self.event(kind, message=str(error), **data)
