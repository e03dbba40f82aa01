"""The trainer process: starts, waits for answers, runs rounds, and leaves when it is told to."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import TYPE_CHECKING

from teachbox.errors import ConfigError, TeachboxError
from teachbox.store import Store
from teachbox.training.settings import TrainerSettings
from teachbox.training.trigger import Trigger

if TYPE_CHECKING:
    from teachbox.training.rounds import Trainer

log = logging.getLogger(__name__)

POLL_SECONDS = 0.1
BACKENDS = ("tensorflow", "jax", "torch")
RETRY_SECONDS = 30.0
"""How long a version that could not be written waits for room on the disk, or for its permission."""


def run_trainer(settings: TrainerSettings, stop: threading.Event | None = None) -> None:
    """Be the trainer until SIGTERM, SIGINT or `stop`. Raises `TeachboxError` where it cannot start.

    A signal ends it after the step that is under way, with a checkpoint; a second one at once.
    """
    settings.check()
    stop = stop or threading.Event()
    with _stopped_by_signals(stop), Store.open(settings.db) as store:
        store.set_trainer_status(
            settings.dataset, state="starting", message="loading TensorFlow", run=None, step=0, steps=0
        )
        try:
            prepare_backend(settings.tf_logging_level)
            from teachbox.training.as_trained import write_as_trained
            from teachbox.training.live_labels import first_trainer

            seat = _Seat(first_trainer(settings, store, stop))
            try:
                seat.trainer.start()
                write_as_trained(settings.model_dir, seat.trainer.parts.pipeline, seat.trainer.parts.labels)
                _work(seat, stop)
                seat.trainer.checkpoint()
            finally:
                seat.trainer.close()
        except TeachboxError as error:
            store.set_trainer_status(settings.dataset, state="failed", message=str(error))
            raise
        store.set_trainer_status(settings.dataset, state="stopped", message="")


@dataclass
class _Seat:
    """Whoever trains now: where labels were added, a trainer of more classes takes the place of the one before."""

    trainer: Trainer


def _work(seat: _Seat, stop: threading.Event) -> None:
    """Rounds, until `stop`."""
    from teachbox.training.live_labels import next_round

    trainer = seat.trainer
    settings, store = trainer.settings, trainer.store
    trigger = Trigger(settings.batch_answers, settings.idle_seconds)
    watch = _Watch(store, settings.dataset)
    failed_at = 0.0
    trainer.status.set("waiting", message="", step=0, steps=0)
    while not stop.is_set():
        new, newest = watch.look(trainer.seen)
        if trigger.fires(new, newest, time.time()):
            trainer, accepted = next_round(trainer)
            seat.trainer = trainer
            trainer.run_round(accepted)
            failed_at = time.monotonic()
            _say_waiting(trainer)
        elif trainer.unpublished and time.monotonic() - failed_at >= RETRY_SECONDS:
            failed_at = time.monotonic()
            if trainer.publish(None):
                _say_waiting(trainer)
        else:
            stop.wait(POLL_SECONDS)


def _say_waiting(trainer: Trainer) -> None:
    """Back to waiting; what went wrong in the round stays to be read until the next."""
    trainer.status.set("waiting", step=0, steps=0, version=trainer.state.version)


@dataclass
class _Watch:
    """How many accepted answers are new; the store is asked for them only when it has something new."""

    store: Store
    dataset: str
    _last_id: int = -1
    _seen: int = -1
    _found: tuple[int, float] = (0, 0.0)

    def look(self, seen: int) -> tuple[int, float]:
        """Number of accepted answers after `seen`, and when the newest of them was given."""
        last_id = self.store.last_answer_id(self.dataset)
        if (last_id, seen) != (self._last_id, self._seen):
            new = self.store.effective_answers(self.dataset, "accept", after_id=seen)
            self._found = (len(new), max((answer.created for answer in new), default=0.0))
            self._last_id, self._seen = last_id, seen
        return self._found


def prepare_backend(level: int) -> None:
    """Import TensorFlow with its logging at `level` (10 … 50), and the backend that Keras trains with.

    A GPU is shared with the model server; where another backend trains, TensorFlow (which reads the images) leaves it
    alone. Raises `ConfigError` where the backend that KERAS_BACKEND names is not there.
    """
    # Its C++ part counts what it leaves out: 1 information, 2 warnings too, 3 errors too.
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = str(max(0, min(3, level // 10 - 2)))
    try:
        import keras
        import tensorflow as tf
    except (ImportError, ValueError) as error:
        named = os.environ.get("KERAS_BACKEND", "the one in Keras' own settings")
        raise ConfigError(
            f"this backend cannot be used ({error}); it is one of {', '.join(BACKENDS)}, "
            "and the last two are installed with teachbox[jax] and teachbox[torch]",
            where=f"KERAS_BACKEND {named}",
        ) from error
    tf.get_logger().setLevel(level)
    backend = keras.backend.backend()
    if backend not in BACKENDS:
        raise ConfigError(f"it is none of {', '.join(BACKENDS)}", where=f"KERAS_BACKEND {backend}")
    if backend != "tensorflow":
        tf.config.set_visible_devices([], "GPU")
    for device in tf.config.get_visible_devices("GPU"):
        tf.config.experimental.set_memory_growth(device, True)


@contextmanager
def _stopped_by_signals(stop: threading.Event) -> Iterator[None]:
    """SIGTERM and SIGINT set `stop`, once; then they do again what they did. Only the main thread can have it so."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def leave(number: int, _frame: FrameType | None) -> None:
        stop.set()
        signal.signal(number, before[signal.Signals(number)])

    before = {number: signal.signal(number, leave) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
