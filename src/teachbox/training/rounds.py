"""A trainer: its parts, built once from a pipeline.config, and what it does in a round of training."""

from __future__ import annotations

import contextlib
import io
import itertools
import logging
import threading
import time
import uuid
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import keras
import numpy as np
from PIL import Image

from teachbox.config.fine_tune import fine_tune_checkpoint_type, restores_heads
from teachbox.config.label_map import load_label_map
from teachbox.config.load import Pipeline, load_pipeline
from teachbox.config.paths import resolve_path
from teachbox.config.protos.eval_pb2 import EvalConfig
from teachbox.config.supported import check_labels, check_supported, set_num_classes
from teachbox.data.augment import build_augmentations
from teachbox.data.batches import CACHE_BYTES, Batch, Example, training_batches
from teachbox.data.cache import ByteCache
from teachbox.data.evaluation_examples import sample_examples
from teachbox.data.resizers import Resizer, build_resizer
from teachbox.data.tfrecord import write_records
from teachbox.detector.build import build_detector
from teachbox.detector.detector import Detector
from teachbox.detector.sources import CheckpointType
from teachbox.detector.weights import restore
from teachbox.errors import CheckpointError, ConfigError, DataError, ExportError, LabelMapError, TrainingError
from teachbox.labels import LabelMap
from teachbox.store import Store
from teachbox.store.label_book import GivenLabel, current_map
from teachbox.training import checkpoints
from teachbox.training.answers import Accepted, AnswerReader
from teachbox.training.backend import side_step
from teachbox.training.batch_norm import Recalibration, freeze
from teachbox.training.chosen import chosen_names
from teachbox.training.evaluate import Evaluator
from teachbox.training.garbage import RECORD_PATTERN, collect_garbage
from teachbox.training.graphs import graph_exporter
from teachbox.training.learned import learned
from teachbox.training.loop import Learner, Step, batch_spec, train
from teachbox.training.optimizers import build_optimizer
from teachbox.training.publish import Publisher, graph_fingerprint
from teachbox.training.replay import Replay, pass_steps
from teachbox.training.settings import TrainerSettings
from teachbox.training.signatures import static_size
from teachbox.training.status import Status
from teachbox.training.summaries import Summaries, side_by_side

IMAGES = "Evaluation/images"
"""Beside the public metrics in the store: how many images were evaluated on."""
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Parts:
    """All that is built from the configuration before anything is trained."""

    pipeline: Pipeline
    labels: LabelMap
    """As they are now."""
    file_labels: LabelMap
    """As the label map's file has them: records are written in its words."""
    detector: Detector
    resizer: Resizer
    learner: Learner
    publisher: Publisher
    max_boxes: int


def build_parts(settings: TrainerSettings, store: Store | None = None, classes: int | None = None) -> Parts:
    """Read and check the configuration, and build. Raises `ConfigError`, `LabelMapError` and `DataError`.

    The labels are joined with those that `store` knows of the dataset, and the detector tells `classes` of them, all
    without it: `num_classes` of the config is right where nothing was added while labelling.
    """
    pipeline = load_pipeline(settings.config_path)
    check_supported(pipeline)
    labels = file_labels = _labels(settings, pipeline)
    check_labels(pipeline, labels)
    if store is not None:
        book = store.labels(settings.dataset)
        book.join([GivenLabel(labels.text(label), label.id) for label in labels])
        labels = current_map(book.all(), labels)
    model = pipeline.message.model
    set_num_classes(pipeline, min(classes or labels.max_id, labels.max_id))
    resizer = build_resizer(getattr(model, model.WhichOneof("model") or "").image_resizer)
    log.info("Building the detector")
    # Its first weights, its samplers, its dropout.
    keras.utils.set_random_seed(settings.seed)
    detector = build_detector(model)
    if settings.policy.freeze_batch_norm:
        freeze(detector)
    config = pipeline.message.train_config
    max_boxes = pipeline.message.train_input_reader.max_number_of_boxes
    optimizer, schedule = build_optimizer(config.optimizer)
    learner = Learner(
        detector,
        optimizer,
        schedule,
        batch_spec(config.batch_size, *static_size(resizer), max_boxes),
        trained=frozenset(chosen_names(detector, config, pipeline.at)),
        bias_factor=config.bias_grad_multiplier,
        clip_norm=config.gradient_clipping_by_norm,
        averages_decay=config.optimizer.moving_average_decay if config.optimizer.use_moving_average else None,
    )
    publisher = Publisher(
        settings.export_dir,
        detector.checkpoint_variables(),
        graph_exporter(detector, resizer, model),
        graph_fingerprint(model.SerializeToString(deterministic=True)),
    )
    return Parts(pipeline, labels, file_labels, detector, resizer, learner, publisher, max_boxes)


def _labels(settings: TrainerSettings, pipeline: Pipeline) -> LabelMap:
    reader = pipeline.message.train_input_reader
    path: Path | str | None = settings.label_map_path
    if path is None and not reader.label_map_path:
        raise LabelMapError("no label map; write label_map_path into train_input_reader", where=pipeline.where)
    path = path or resolve_path(pipeline, reader.label_map_path)
    return load_label_map(path, use_display_name=settings.use_display_name or reader.use_display_name)


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
            self._batch_size,
            parts.max_boxes,
            settings.seed,
            mix=settings.mixing,
            cache=self._cache,
            side_step=side_step(),
        )
        self._recalibrate = Recalibration(parts.detector, self.learner.batch)
        self._summaries = Summaries(settings.model_dir)
        names = {label.id: parts.labels.text(label) for label in parts.labels}
        eval_boxes = config.eval_input_reader[0].max_number_of_boxes if config.eval_input_reader else parts.max_boxes
        # The page shows how each class is learned, whatever the config wants to see in TensorBoard.
        eval_config = EvalConfig()
        eval_config.CopyFrom(config.eval_config)
        eval_config.include_metrics_per_category = True
        self._evaluator = (
            Evaluator(parts.detector, parts.resizer, names, eval_boxes, eval_config) if settings.run_eval else None
        )
        self._eval_examples: list[Example] | None = None
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
        if self._evaluator is not None:
            self._evaluator.labels = {label.id: labels.text(label) for label in labels}

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
            self._event("resumed", checkpoint=str(latest), step=self.learner.step)
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
        self._event("restored", checkpoint=str(prefix), taken=len(report.taken), left=report.left)

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
        examples = self._seed_examples() or [grey_example()]
        self._batches.reset(itertools.islice(itertools.cycle(examples), self._batch_size))
        batch = next(self._batches)
        self.learner.warm(batch)
        if self.settings.policy.recalibrate_images:
            before = self.learner.snapshot()
            self._recalibrate([batch])
            self.learner.restore(before)

    def _seed_examples(self) -> list[Example]:
        """Examples of the record in `train_input_reader`, where there is one that can be read."""
        pipeline = self.parts.pipeline
        paths = [
            resolve_path(pipeline, path)
            for path in pipeline.message.train_input_reader.tf_record_input_reader.input_path
        ]
        if not paths:
            return []
        try:
            return sample_examples(paths, self.parts.file_labels, self._batch_size, self.settings.seed)
        except (DataError, LabelMapError) as error:
            log.info("The training step is compiled without a seed record: %s", error)
            return []

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
            self._report_failure("round_failed", error, run=run)
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
            self._event("trained", **told, **learned(examples.values(), taken))
        self._save_checkpoint()
        self._write_record(accepted)
        self._summaries.add_steps(taken)
        if self._evaluator is not None:
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
            yield from itertools.islice(self._batches, max(count // self._batch_size, 1))
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
            self._report_failure("export_failed", error, run=run)
            return False
        self.unpublished = False
        self.state = replace(self.state, version=version.number)
        self.store.add_version(self.settings.dataset, version.number, run_id=run, step=version.step, path=version.path)
        self._event("published", version=version.number, step=version.step, run=run, seconds=round(version.seconds, 3))
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
            self._report_failure("checkpoint_failed", error)

    def _write_record(self, accepted: Accepted) -> None:
        path = self.settings.data_dir / f"{self.state.version}_train.record"
        try:
            count = write_records(path, self._answers.records(accepted.new))
        except DataError as error:
            self._report_failure("record_failed", error)
            return
        log.info("Wrote %d annotations to %s", count, path)
        collect_garbage(self.settings.data_dir, self.settings.temp_files_num, RECORD_PATTERN)

    def evaluate(self, run: int | None, held: Sequence[Example] = ()) -> None:
        """Evaluate the published weights and write down what is found. A failure is reported.

        On the newest of `held`, where the settings hold images out, else on `eval_input_reader`.

        Ends early, without a word in the store, when the trainer is to stop.
        """
        assert self._evaluator is not None
        if self.settings.hold_out and not held:
            log.info("Nothing is evaluated: none of the answered images is held out yet")
            return
        self.status.set("evaluating")
        log.info("Evaluating on %d examples", self.settings.eval_steps)
        pipeline = self.parts.pipeline
        try:
            if self.settings.hold_out:
                examples = list(held[-self.settings.eval_steps :])
            else:
                examples = self._eval_examples = self._eval_examples or self._read_eval_examples()
            with self.learner.averaged():
                evaluation = self._evaluator(examples, self.stop.is_set)
            if evaluation is None:
                log.info("The evaluation was given up, since the trainer is to stop")
                return
            config = pipeline.message.eval_config
            pictures = [
                side_by_side(
                    example,
                    result,
                    self.parts.labels,
                    min_score=config.min_score_threshold,
                    max_boxes=config.max_num_boxes_to_visualize,
                )
                for example, result in evaluation.images[: config.num_visualizations]
            ]
        except (DataError, LabelMapError, ConfigError) as error:
            self._report_failure("evaluation_failed", error, run=run)
            return
        self.store.add_metrics(
            self.settings.dataset,
            version=self.state.version,
            step=self.learner.step,
            metrics={**evaluation.metrics, IMAGES: len(evaluation.images)},
            run_id=run,
        )
        self._event("evaluated", version=self.state.version, step=self.learner.step, metrics=evaluation.metrics)
        self._summaries.add_evaluation(evaluation.metrics, pictures, self.learner.step)

    def _read_eval_examples(self) -> list[Example]:
        pipeline = self.parts.pipeline
        readers = pipeline.message.eval_input_reader
        paths = (
            [resolve_path(pipeline, path) for path in readers[0].tf_record_input_reader.input_path] if readers else []
        )
        if not paths:
            raise ConfigError(
                "there is nothing to evaluate on: eval_input_reader names no record", where=pipeline.where
            )
        return sample_examples(paths, self.parts.file_labels, self.settings.eval_steps, self.settings.seed)

    def close(self) -> None:
        """Stop the pipelines and finish the event files."""
        self._batches.close()
        self._summaries.close()

    # ---- what is said about it

    def _report_unusable(self, answer: int, message: str) -> None:
        log.warning("Answer %d is left out: %s", answer, message)
        self._event("answer_unusable", answer=answer, message=message)

    def _report_failure(self, kind: str, error: Exception, run: int | None = None) -> None:
        log.error("%s", error)
        self.status.set("failed", message=str(error))
        self._event(kind, message=str(error), run=run)

    def _event(self, kind: str, **data: object) -> None:
        self.store.log_event(self.settings.dataset, kind, **data)


def grey_example(size: int = 64) -> Example:
    """A plain image with one box, to compile a pipeline and a step with."""
    buffer = io.BytesIO()
    Image.new("RGB", (size, size), (127, 127, 127)).save(buffer, "PNG")
    box = np.array([[0.25, 0.25, 0.75, 0.75]], np.float32)
    return Example("a plain image", buffer.getvalue(), box, np.zeros(1, np.int32))
