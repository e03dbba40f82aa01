"""A trainer whose labels change while people label: renamed ones are taken up, and for new ones the detector grows."""

from __future__ import annotations

import logging
import threading

from teachbox.config.load import load_pipeline
from teachbox.config.supported import num_classes
from teachbox.detector.growth import grown, numbers_per_class
from teachbox.store import Store
from teachbox.store.label_book import current_map
from teachbox.training import checkpoints
from teachbox.training.answers import Accepted
from teachbox.training.as_trained import write_as_trained
from teachbox.training.learner import Learner
from teachbox.training.parts import build_parts
from teachbox.training.rounds import Trainer
from teachbox.training.settings import TrainerSettings

log = logging.getLogger(__name__)


def first_trainer(settings: TrainerSettings, store: Store, stop: threading.Event) -> Trainer:
    """The trainer to start with: of as many classes as its latest checkpoint has, of all labels where there is none."""
    latest = checkpoints.latest(settings.model_dir)
    classes = checkpoints.read_state(latest).classes if latest is not None else 0
    if latest is not None and not classes:
        # It was written before labels could be added: the config still counts its classes.
        classes = num_classes(load_pipeline(settings.config_path))[1]
    return Trainer(settings, store, build_parts(settings, store, classes or None), stop)


def next_round(trainer: Trainer) -> tuple[Trainer, Accepted]:
    """The trainer for the next round, which knows all labels that there are, and the answers that it is to train on."""
    while True:
        trainer = up_to_date(trainer)
        accepted = trainer.read_answers()
        if _current(trainer) == _known(trainer):  # else a label came between the two looks
            return trainer, accepted


def up_to_date(trainer: Trainer) -> Trainer:
    """The trainer, or a grown one in its place where there are more labels than it has classes."""
    labels = _current(trainer)
    before, after = trainer.parts.detector.num_classes, max(id for id, *_ in labels)
    if after > before:
        trainer = _grow(trainer, before, after)
    elif labels != _known(trainer):
        book = trainer.store.labels(trainer.settings.dataset)
        trainer.take_labels(current_map(book.all(), trainer.parts.file_labels))
        write_as_trained(trainer.settings.model_dir, trainer.parts.pipeline, trainer.parts.labels)
    return trainer


def _grow(trainer: Trainer, before: int, after: int) -> Trainer:
    settings, store = trainer.settings, trainer.store
    trainer.status.set("starting", message=f"building the detector anew, for {after} classes instead of {before}")
    log.info("The detector grows from %d to %d classes", before, after)
    parts = build_parts(settings, store)
    after = parts.detector.num_classes
    grow_learner(trainer.learner, parts.learner, before, after)
    trainer.close()
    larger = Trainer(settings, store, parts, trainer.stop)
    larger.take_over(trainer)
    store.log_event(settings.dataset, "grown", classes=after, before=before, step=larger.learner.step)
    write_as_trained(settings.model_dir, parts.pipeline, parts.labels)
    return larger


def grow_learner(old: Learner, new: Learner, before: int, after: int) -> None:
    """Give `new`, of `after` classes, all that `old` has of `before`: weights, averages, the optimizer's memory.

    What belongs to the added classes stays as a new detector has it.
    """
    per_class = numbers_per_class(new.detector)
    known = old.checkpoint_variables()
    for name, variable in new.checkpoint_variables().items():
        # A slot or an average is called by its variable and what it is of it.
        of = name if name in per_class else name.rpartition("/")[0]
        variable.assign(grown(variable.numpy(), known[name].numpy(), before, after, per_class.get(of, 1)))


def _known(trainer: Trainer) -> list[tuple[int, str]]:
    return [(label.id, trainer.parts.labels.text(label)) for label in trainer.parts.labels]


def _current(trainer: Trainer) -> list[tuple[int, str]]:
    return [(label.id, label.name) for label in trainer.store.labels(trainer.settings.dataset).all()]
