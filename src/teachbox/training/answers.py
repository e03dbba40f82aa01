"""From the answers in the store to examples to train on: what can be used, and why the rest cannot."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from teachbox.annotation import Task
from teachbox.data.cache import ByteCache
from teachbox.data.examples import Example
from teachbox.data.ground_truth import task_name, task_to_training_example
from teachbox.data.sources import read_image
from teachbox.data.tf_example_encoder import task_to_example
from teachbox.errors import DataError, LabelMapError
from teachbox.images import upright
from teachbox.labels import LabelMap
from teachbox.store import Store, StoredAnswer

_PARTS = 10_000


@dataclass(frozen=True)
class Accepted:
    """The accepted answers as they stand: what a round trains on."""

    examples: dict[int, Example]
    """Answer id → example, for all that can be used."""
    new: list[int]
    """Ids of those that no finished round has trained on."""
    held: list[Example]
    """Those that are kept out of training, to be evaluated on."""
    last_id: int
    """The store's answers up to this one are taken into account."""


@dataclass
class AnswerReader:
    """Reads the accepted answers of a dataset, each once; what cannot be used is reported once and left out."""

    store: Store
    dataset: str
    labels: LabelMap
    cache: ByteCache
    report: Callable[[int, str], None]
    """Called with an answer's id and why it cannot be used (which names its file)."""
    hold_out: float = 0.0
    """The share of images that is held out."""
    reported: set[int] = field(default_factory=set)
    _known: dict[int, tuple[Task, Example] | None] = field(default_factory=dict)

    def read(self, after_id: int) -> Accepted:
        """All accepted answers; those with an id after `after_id` are new, and their images are read."""
        last_id = self.store.last_answer_id(self.dataset)
        known = {}
        for answer in self.store.effective_answers(self.dataset, "accept"):
            if answer.id in self._known:
                known[answer.id] = self._known[answer.id]
            else:
                known[answer.id] = self._use(answer, is_new=answer.id > after_id)
        self._known = known
        usable = {id: used for id, used in known.items() if used is not None}
        held = {id for id, (task, _) in usable.items() if is_held_out(task["_input_hash"], self.hold_out)}
        examples = {id: example for id, (_, example) in usable.items() if id not in held}
        new = [id for id in examples if id > after_id]
        return Accepted(examples, new, [usable[id][1] for id in usable if id in held], max([last_id, *known]))

    def take_labels(self, labels: LabelMap) -> None:
        """Read by these labels from now on: what could not be used before may be now."""
        self.labels = labels
        self._known = {id: used for id, used in self._known.items() if used is not None}

    def records(self, ids: Iterable[int]) -> list[bytes]:
        """Answers that `read` found usable, as serialized tf.Examples."""
        records = []
        for id in ids:
            used = self._known.get(id)
            if used is not None:
                task, example = used
                image = upright(self.cache.get(example.key, _loader(task)), where=task_name(task))
                records.append(task_to_example(task, image, self.labels))
        return records

    def _use(self, answer: StoredAnswer, *, is_new: bool) -> tuple[Task, Example] | None:
        try:
            load = _loader(answer.task)
            example = task_to_training_example(answer.task, load, self.labels)
            if is_new:
                self.cache.get(example.key, load)
        except (DataError, LabelMapError) as error:
            if answer.id not in self.reported:
                self.reported.add(answer.id)
                self.report(answer.id, str(error))
            return None
        return answer.task, example


def is_held_out(input_hash: int, share: float) -> bool:
    """Whether an image belongs to the share that is held out: for ever the same ones, whatever is answered again."""
    return input_hash % _PARTS < share * _PARTS


def _loader(task: Task) -> Callable[[], bytes]:
    path = task.get("path")
    if not isinstance(path, str) or not path:
        raise DataError("the answer does not say where its image is (`path`)", where=task_name(task))
    return lambda: read_image(path).encoded
