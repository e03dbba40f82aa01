"""The tasks that wait to be answered, and who holds which. No threads, no clock, no files: `Feed` brings those."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import chain

from teachbox.annotation import CANDIDATES, Prediction, Task

ATTEMPTS = 3
"""How often a task is predicted for one version before an older answer is left as it is."""


@dataclass
class Entry:
    """A task that was read from the source and has no answer."""

    task: Task
    version: int | None = None
    """Of the model whose spans it carries; None before its first prediction."""
    touched: bool = False
    """Whether its spans are a person's: no prediction replaces those."""
    attempts_for: int | None = None
    attempts: int = 0
    session: str | None = None
    leased: float = 0.0
    expires: float = 0.0


class TaskQueue:
    """Waiting tasks in order, and leases: each task is with one session until it is answered or the lease runs out."""

    def __init__(self, lease_seconds: float) -> None:
        self._lease_seconds = lease_seconds
        self._waiting: dict[int, Entry] = {}
        self._leased: dict[int, Entry] = {}

    @property
    def waiting(self) -> int:
        """How many tasks no session holds."""
        return len(self._waiting)

    def __len__(self) -> int:
        return len(self._waiting) + len(self._leased)

    def __iter__(self) -> Iterator[Entry]:
        return chain(self._leased.values(), self._waiting.values())

    def find(self, task_hash: int) -> Entry | None:
        """The entry of a task, waiting or leased."""
        return self._leased.get(task_hash) or self._waiting.get(task_hash)

    def add(self, task: Task) -> None:
        """Put a task at the end."""
        self._waiting[task["_task_hash"]] = Entry(task)

    def take(self, session: str, n: int, held: Collection[int], now: float, begun: Collection[int] = ()) -> list[Task]:
        """Up to `n` tasks for `session`: first those it was given and does not hold any more, then new ones.

        Of new ones those that it has `begun` to answer before it lost them come first.

        `held` are task hashes that it still shows. Those become its own where no one else has them: a page outlives a
        restart of the server. Tasks whose lease has run out are given anew, before those never given.
        """
        self.renew(session, now)
        for task_hash in held:
            if task_hash in self._waiting:
                self._lease(task_hash, session, now)
        again = [hash for hash, entry in self._leased.items() if entry.session == session and hash not in held]
        taken = again[:n]
        lapsed = [hash for hash, entry in self._leased.items() if entry.expires <= now]
        mine = [hash for hash in begun if hash in self._waiting]
        new = [hash for hash in list(self._waiting)[: n + len(mine)] if hash not in mine]
        for task_hash in [*mine, *lapsed, *new]:
            if len(taken) == n:
                break
            self._lease(task_hash, session, now)
            taken.append(task_hash)
        return [dict(self._leased[task_hash].task) for task_hash in taken]

    def renew(self, session: str, now: float) -> None:
        """The session is there: what it holds stays its own."""
        for entry in self._leased.values():
            if entry.session == session:
                entry.expires = now + self._lease_seconds

    def held_by(self, session: str) -> list[Entry]:
        """What a session holds, in the order in which it was given."""
        return [entry for entry in self._leased.values() if entry.session == session]

    def remove(self, task_hash: int) -> None:
        """Forget a task: it has an answer."""
        self._waiting.pop(task_hash, None)
        self._leased.pop(task_hash, None)

    def postpone(self, session: str, task_hash: int) -> None:
        """A task that the session does not want now goes behind all that wait; one that it does not hold stays."""
        entry = self._leased.get(task_hash)
        if entry is None or entry.session != session:
            return
        del self._leased[task_hash]
        entry.session = None
        self._waiting[task_hash] = entry

    def give_back(self, session: str, task: Task, now: float) -> None:
        """A task whose answer was taken back is the session's, before everything else; its spans are a person's."""
        entry = Entry(task, touched=True, session=session, leased=now, expires=now + self._lease_seconds)
        self.remove(task["_task_hash"])
        self._leased = {task["_task_hash"]: entry, **self._leased}

    def next_to_predict(self, version: int | None) -> Entry | None:
        """The task to be shown next that lacks a prediction of `version`, the newest served (None: not known)."""
        for entry in self:
            if entry.touched or (entry.version is not None and (version is None or entry.version >= version)):
                continue
            if entry.attempts_for != version or entry.attempts < ATTEMPTS:
                return entry
        return None

    def attempt(self, entry: Entry, version: int | None, *, last: bool = False) -> None:
        """Count that `entry` is about to be predicted for `version`; with `last`, it is not tried again for it."""
        entry.attempts = ATTEMPTS if last else entry.attempts + 1 if entry.attempts_for == version else 1
        entry.attempts_for = version

    def apply(self, task_hash: int, prediction: Prediction, threshold: float = 0.0) -> Entry | None:
        """Put a prediction on its task; None where it came too late: the task is gone, touched, or has a newer one.

        Boxes with a score below `threshold` become its `candidates`: they are sent, but are none of its spans.
        """
        entry = self.find(task_hash)
        version = prediction.version or 0
        if entry is None or entry.touched or (entry.version is not None and entry.version >= version):
            return None
        entry.version = version
        spans = [span for span in prediction.spans if span.get("score", 1.0) >= threshold]
        candidates = [span for span in prediction.spans if span.get("score", 1.0) < threshold]
        entry.task = {**entry.task, "spans": spans, CANDIDATES: candidates, "version": prediction.version}
        return entry

    def _lease(self, task_hash: int, session: str, now: float) -> None:
        entry = self._waiting.pop(task_hash, None) or self._leased.pop(task_hash)
        entry.session, entry.leased, entry.expires = session, now, now + self._lease_seconds
        self._leased[task_hash] = entry
