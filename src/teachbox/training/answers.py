"""From the answers in the store to examples to train on: what can be used, and why the rest cannot."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from teachbox.data.batches import Example
from teachbox.data.cache import ByteCache
from teachbox.data.examples import task_name, task_to_example, task_to_training_example
from teachbox.data.sources import read_image
from teachbox.errors import DataError, LabelMapError
from teachbox.images import UprightImage, upright
from teachbox.labels import LabelMap
from teachbox.store import Store, StoredAnswer


@dataclass(frozen=True)
class Accepted:
    """The accepted answers as they stand: what a round trains on."""

    examples: dict[int, Example]
    """Answer id → example, for all that can be used."""
    new: list[int]
    """Ids of those that no finished round has trained on yet."""
    records: list[bytes]
    """The new ones as serialized tf.Examples."""
    last_id: int
    """No answer up to this one is missing here."""


@dataclass
class Trigger:
    """When a round starts: with so many new answers, or with any once nobody has answered for a while."""

    batch_answers: int
    idle_seconds: float

    def fires(self, new: int, newest: float, now: float | None = None) -> bool:
        """`new` accepted answers, the newest of all given at `newest`, in unix seconds."""
        return new >= self.batch_answers or (new > 0 and (now or time.time()) - newest >= self.idle_seconds)


@dataclass
class AnswerReader:
    """Reads accepted answers, each image once; what cannot be used is reported once and left out."""

    store: Store
    dataset: str
    labels: LabelMap
    cache: ByteCache
    report: Callable[[int, str, str], None]
    """Called with answer id, file and the reason."""
    reported: set[int] = field(default_factory=set)
    _examples: dict[int, Example | None] = field(default_factory=dict)
    """None for an answer that cannot be used."""

    def read(self, after_id: int) -> Accepted:
        """All accepted answers; those with an id after `after_id` are new."""
        last_id = self.store.last_answer_id(self.dataset)
        answers = self.store.effective_answers(self.dataset, "accept")
        new: list[int] = []
        records: list[bytes] = []
        known: dict[int, Example | None] = {}
        for answer in answers:
            if answer.id in self._examples:
                known[answer.id] = self._examples[answer.id]
            else:
                known[answer.id] = self._example(answer)
            if answer.id > after_id and known[answer.id] is not None:
                record = self._record(answer)
                if record is None:
                    known[answer.id] = None
                else:
                    new.append(answer.id)
                    records.append(record)
        self._examples = known
        examples = {id: example for id, example in known.items() if example is not None}
        return Accepted(examples, new, records, max([last_id, *known]))

    def forget(self, keys: Iterable[int]) -> None:
        """Read these answers again when they are next asked for."""
        for key in keys:
            self._examples.pop(key, None)

    def _example(self, answer: StoredAnswer) -> Example | None:
        task = answer.task
        try:
            path = _path(answer)
            return task_to_training_example(task, lambda: read_image(path).encoded, self.labels)
        except (DataError, LabelMapError) as error:
            self._report(answer, error)
            return None

    def _record(self, answer: StoredAnswer) -> bytes | None:
        example = self._examples.get(answer.id)
        try:
            path = _path(answer)
            key = str(answer.task.get("_input_hash", task_name(answer.task))) if example is None else example.key
            encoded = self.cache.get(key, lambda: read_image(path).encoded)
            return task_to_example(answer.task, _upright(encoded, path), self.labels)
        except (DataError, LabelMapError) as error:
            self._report(answer, error)
            return None

    def _report(self, answer: StoredAnswer, error: DataError | LabelMapError) -> None:
        if answer.id not in self.reported:
            self.reported.add(answer.id)
            self.report(answer.id, task_name(answer.task), str(error))


def _path(answer: StoredAnswer) -> str:
    path = answer.task.get("path")
    if not isinstance(path, str) or not path:
        raise DataError("the answer does not say where its image is (`path`)", where=task_name(answer.task))
    return path


def _upright(encoded: bytes, path: str) -> UprightImage:
    return upright(encoded, where=path)
