"""A trainer: how it starts, and what it does in a round of training."""

from __future__ import annotations

import contextlib
import itertools
import logging
import threading
import time
import uuid
from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace
from typing import cast

from teachbox.config.fine_tune import fine_tune_checkpoint_type, restores_heads
from teachbox.config.paths import resolve_path
from teachbox.data.augment import build_augmentations
from teachbox.data.batch_pipeline import Batch
from teachbox.data.batches import CACHE_BYTES, training_batches
from teachbox.data.cache import ByteCache
from teachbox.data.examples import Example
from teachbox.data.tfrecord import write_records
from teachbox.detector.sources import CheckpointType
from teachbox.detector.weights import restore
from teachbox.errors import CheckpointError, DataError, ExportError, TrainingError
from teachbox.labels import LabelMap
from teachbox.store import Store
from teachbox.training import checkpoints
from teachbox.training.answers import Accepted, AnswerReader
from teachbox.training.backend import side_step
from teachbox.training.batch_norm import Recalibration
from teachbox.training.garbage import RECORD_PATTERN, collect_garbage
from teachbox.training.learned import learned
from teachbox.training.loop import Step, train
from teachbox.training.named_examples import grey_example, training_examples
from teachbox.training.parts import Parts
from teachbox.training.replay import Replay, pass_steps
from teachbox.training.round_evaluation import RoundEvaluation
from teachbox.training.settings import TrainerSettings
from teachbox.training.status import Status
from teachbox.training.summaries import Summaries

log = logging.getLogger(__name__)


class Trainer:
    """Trains one detector on the accepted answers of one dataset, round by round."""

    def __init__(self, settings: TrainerSettings, store: Store, parts: Parts, stop: threading.Event) -> None:
        """`stop`: set to end a round after the step that is under way."""
        self.settings = settings
        self.store = store
        self.parts = parts
        self.learner = parts.learner
        self.stop = stop
        self.state = checkpoints.State(classes=parts.detector.num_classes)
        self.status = Status(store, settings.dataset)
        config = parts.pipeline.message
        self._batch_size = config.train_config.batch_size
        self._at_once = settings.images_at_once(self._batch_size)
        self._cache = ByteCache(CACHE_BYTES)
        self._answers = AnswerReader(
            store, settings.dataset, parts.labels, self._cache, self._report_unusable, settings.hold_out
        )
        self._replay: Replay[int] = Replay(seed=settings.seed, newest_weight=settings.policy.newest_weight)
        augment = build_augmentations(config.train_config.data_augmentation_options)
        self._batches = training_batches(
            (),
            parts.resizer,
            augment,
            self._at_once,
            parts.max_boxes,
            settings.seed,
            mix=settings.mixing,
            cache=self._cache,
            side_step=side_step(),
            num_scores=parts.num_scores,
            merge_classes=parts.detector.num_classes if config.train_config.merge_multiple_label_boxes else 0,
        )
        self._recalibrate = Recalibration(parts.detector, self.learner.batch)
        self._summaries = Summaries(settings.model_dir)
        self._evaluation = (
            RoundEvaluation(settings, store, parts, self.status, self._summaries) if settings.run_eval else None
        )
        self.unpublished = False
        """Whether the newest weights still have to be published, since that failed."""

    @property
    def seen(self) -> int:
        """Id up to which the store's answers are taken into account."""
        return self.state.seen

    # ---- start

    def start(self) -> None:
        """Take up the latest checkpoint, or the fine-tune checkpoint; publish unless that is done; compile the step."""
        self.status.set("starting", message="restoring the weights")
        for run in self.store.runs(self.settings.dataset):
            if run.state == "running":  # its process was killed
                self.store.finish_run(run.id, state="lost", last_step=run.last_step or 0)
        self._restore()
        self._begin_draws()
        if not self._is_published():
            self.status.set("starting", message="exporting the first version")
            self.publish(None)
            self._save_checkpoint()
        self.status.set("starting", message="compiling the training step", version=self.state.version)
        self._warm()

    def take_over(self, other: Trainer) -> None:
        """Go on where `other`, a trainer with fewer classes, was; the values that it had learned are here already."""
        self.state = replace(other.state, classes=self.parts.detector.num_classes)
        self.unpublished = other.unpublished
        self._begin_draws()
        self._warm()

    def take_labels(self, labels: LabelMap) -> None:
        """Labels have other names; the classes are the same."""
        self.parts = replace(self.parts, labels=labels)
        self._answers.take_labels(labels)
        if self._evaluation is not None:
            self._evaluation.take_labels(labels)

    def _begin_draws(self) -> None:
        seed = self.settings.seed + self.learner.step
        self._replay = Replay(seed=seed, newest_weight=self.settings.policy.newest_weight)

    def _restore(self) -> None:
        own = self.parts.detector.checkpoint_variables()
        latest = checkpoints.latest(self.settings.model_dir)
        if latest is not None:
            self.state = checkpoints.restore(latest, self.learner.checkpoint_variables(), own)
            self.state = replace(self.state, classes=self.parts.detector.num_classes)
            self._answers.reported.update(self.state.unusable)
            self.status.event("resumed", checkpoint=str(latest), step=self.learner.step)
            log.info("Resumed from %s", latest)
        else:
            self._fine_tune()
        if not self.state.lineage:
            self.state = replace(self.state, lineage=uuid.uuid4().hex)

    def _fine_tune(self) -> None:
        pipeline = self.parts.pipeline
        value = pipeline.message.train_config.fine_tune_checkpoint
        if not value:
            log.info("No fine_tune_checkpoint: the detector starts from random weights")
            return
        prefix = resolve_path(pipeline, value)
        kind = cast(CheckpointType, fine_tune_checkpoint_type(pipeline))
        report = restore(
            self.parts.detector.checkpoint_variables(), prefix, checkpoint_type=kind, heads=restores_heads(pipeline)
        )
        if self.learner.averages is not None:
            self.learner.averages.restart()
        self.status.event("restored", checkpoint=str(prefix), taken=len(report.taken), left=report.left)

    def _is_published(self) -> bool:
        """Whether the export directory holds these weights, or later ones that came of them."""
        newest = self.parts.publisher.newest()
        if newest is None:
            return False
        number, mark = newest
        current = mark.get("lineage") == self.state.lineage and mark.get("graph") == self.parts.publisher.graph
        if not current or mark.get("step", -1) < self.learner.step:
            return False
        self.state = replace(self.state, version=max(number, self.state.version))
        return True

    def _warm(self) -> None:
        pipeline, labels = self.parts.pipeline, self.parts.file_labels
        examples = training_examples(pipeline, labels, self._at_once, self.settings.seed) or [grey_example()]
        self._batches.reset(itertools.islice(itertools.cycle(examples), self._at_once))
        batch = next(self._batches)
        self.learner.warm(batch)
        if self.settings.policy.recalibrate_images:
            before = self.learner.snapshot()
            self._recalibrate([batch])
            self.learner.restore(before)

    # ---- a round

    def read_answers(self) -> Accepted:
        """The accepted answers as they stand."""
        return self._answers.read(self.state.seen)

    def run_round(self, accepted: Accepted) -> None:
        """Train on all accepted answers, publish, write down, evaluate. A round that fails is reported, not raised."""
        if not accepted.new:
            # What there was cannot be used, and is reported, or is held out.
            self.state = replace(self.state, seen=accepted.last_id)
            return
        examples = accepted.examples
        steps = self.settings.steps_per_epoch
        if steps < 0:
            steps = pass_steps(len(examples), self._batch_size)
        log.info("Training for %d steps on %d answers, %d of them new", steps, len(examples), len(accepted.new))
        run = self.store.start_run(self.settings.dataset, steps=steps, answers=len(examples))
        self.status.set("training", run=run, step=0, steps=steps, message="")
        self._replay.update(examples, accepted.new)
        started = time.monotonic()
        taken: list[Step] = []
        try:
            for step in self._train(examples, steps):
                taken.append(step)
                self.status.step(len(taken))
                if self.stop.is_set():
                    break
        except (TrainingError, DataError) as error:
            self.store.finish_run(run, state="failed", last_step=self.learner.step)
            self.status.failed("round_failed", error, run=run)
            self.state = replace(self.state, seen=accepted.last_id, unusable=sorted(self._answers.reported))
            return
        ended, ended_at = time.monotonic(), time.time()
        if self.stop.is_set() and len(taken) < steps:
            # The answers stay unseen: the next start trains on them, from the checkpoint that is written at the end.
            self.store.finish_run(run, state="stopped", last_step=self.learner.step, seconds=ended - started)
            self._summaries.add_steps(taken)
            return
        self.state = replace(self.state, seen=accepted.last_id, unusable=sorted(self._answers.reported))
        self.status.set("publishing", step=len(taken))
        if self.settings.policy.recalibrate_images:
            with self.learner.averaged(), contextlib.closing(self._seen_batches(examples)) as batches:
                self._recalibrate(batches)
        published = self.publish(run)
        self.store.finish_run(
            run,
            state="finished",
            last_step=self.learner.step,
            version=self.state.version if published else None,
            seconds=ended - started,
        )
        # From here on everybody sees the new version; what follows keeps nobody waiting.
        if published:
            seconds = round(ended - started, 3)
            told = {"run": run, "version": self.state.version, "steps": steps, "seconds": seconds, "ended": ended_at}
            self.status.event("trained", **told, **learned(examples.values(), taken))
        self._save_checkpoint()
        self._write_record(accepted)
        self._summaries.add_steps(taken)
        self.evaluate(run, accepted.held)

    def _train(self, examples: dict[int, Example], steps: int) -> Iterator[Step]:
        if self.settings.policy.restart_averages and self.learner.averages is not None:
            self.learner.averages.restart()
        drawn = [examples[id] for id in self._replay.draw(steps * self._batch_size)]
        # Once more from the beginning where an image went missing since, so that every step has its batch.
        self._batches.reset(itertools.chain(drawn, itertools.cycle(drawn)))
        try:
            yield from train(self.learner, self._batches, steps)
        finally:
            self._batches.reset(())

    def _seen_batches(self, examples: dict[int, Example]) -> Generator[Batch]:
        """Batches of the newest answered images, augmented as in training: what the weights have got used to."""
        count = self.settings.policy.recalibrate_images
        newest = [examples[id] for id in sorted(examples)][-count:]
        self._batches.reset(itertools.cycle(newest))
        try:
            yield from itertools.islice(self._batches, max(count // self._at_once, 1))
        finally:
            self._batches.reset(())

    # ---- what comes of it

    def publish(self, run: int | None) -> bool:
        """Write the next version. A failure is raised at the start (no `run`), later it is reported."""
        after = max([self.state.version, *(row.version for row in self.store.versions(self.settings.dataset))])
        try:
            version = self.parts.publisher.publish(
                step=self.learner.step, lineage=self.state.lineage, values=self.learner.published(), after=after
            )
        except ExportError as error:
            if run is None and not self.unpublished:
                raise
            self.unpublished = True
            self.status.failed("export_failed", error, run=run)
            return False
        self.unpublished = False
        self.state = replace(self.state, version=version.number)
        self.store.add_version(self.settings.dataset, version.number, run_id=run, step=version.step, path=version.path)
        self.status.event(
            "published", version=version.number, step=version.step, run=run, seconds=round(version.seconds, 3)
        )
        log.info("Published version %d in %.2f s", version.number, version.seconds)
        collect_garbage(self.settings.export_dir, self.settings.temp_files_num)
        return True

    def checkpoint(self) -> None:
        """Write a checkpoint; a failure is reported."""
        self._save_checkpoint()

    def _save_checkpoint(self) -> None:
        try:
            checkpoints.save(
                self.settings.model_dir,
                self.learner.checkpoint_variables(),
                self.parts.detector.checkpoint_variables(),
                self.learner.step,
                self.state,
                self.settings.max_checkpoints_num,
            )
        except CheckpointError as error:
            self.status.failed("checkpoint_failed", error)

    def _write_record(self, accepted: Accepted) -> None:
        path = self.settings.data_dir / f"{self.state.version}_train.record"
        try:
            count = write_records(path, self._answers.records(accepted.new))
        except DataError as error:
            self.status.failed("record_failed", error)
            return
        log.info("Wrote %d annotations to %s", count, path)
        collect_garbage(self.settings.data_dir, self.settings.temp_files_num, RECORD_PATTERN)

    def evaluate(self, run: int | None, held: Sequence[Example] = ()) -> None:
        """Evaluate the published weights, where the settings want it, and write down what is found."""
        if self._evaluation is not None:
            with self.learner.averaged():
                self._evaluation(self.state.version, held, run, self.stop.is_set)

    def close(self) -> None:
        """Stop the pipelines and finish the event files."""
        self._batches.close()
        self._summaries.close()

    # ---- what is said about it

    def _report_unusable(self, answer: int, message: str) -> None:
        log.warning("Answer %d is left out: %s", answer, message)
        self.status.event("answer_unusable", answer=answer, message=message)
