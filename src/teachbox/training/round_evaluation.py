"""The evaluation after a round: of the published weights, its findings in the store and in the event files."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from teachbox.config.protos.eval_pb2 import EvalConfig
from teachbox.data.examples import Example
from teachbox.errors import ConfigError, DataError, LabelMapError
from teachbox.labels import LabelMap
from teachbox.store import Store
from teachbox.training.evaluate import Evaluation, Evaluator
from teachbox.training.named_examples import evaluation_examples
from teachbox.training.parts import Parts
from teachbox.training.settings import TrainerSettings
from teachbox.training.status import Status
from teachbox.training.summaries import Summaries, side_by_side

IMAGES = "Evaluation/images"
"""Beside the public metrics in the store: how many images were evaluated on."""
log = logging.getLogger(__name__)


class RoundEvaluation:
    """Evaluates one trainer's detector on the held out answers, or else on the config's `eval_input_reader`."""

    def __init__(
        self, settings: TrainerSettings, store: Store, parts: Parts, status: Status, summaries: Summaries
    ) -> None:
        self._settings = settings
        self._store = store
        self._parts = parts
        self._status = status
        self._summaries = summaries
        self._labels = parts.labels
        config = parts.pipeline.message
        boxes = config.eval_input_reader[0].max_number_of_boxes if config.eval_input_reader else parts.max_boxes
        # The page shows how each class is learned, whatever the config wants to see in TensorBoard.
        eval_config = EvalConfig()
        eval_config.CopyFrom(config.eval_config)
        eval_config.include_metrics_per_category = True
        self._evaluator = Evaluator(parts.detector, parts.resizer, _names(parts.labels), boxes, eval_config)
        self._named: list[Example] = []

    def take_labels(self, labels: LabelMap) -> None:
        """Labels have other names; the classes are the same."""
        self._labels = labels
        self._evaluator.labels = _names(labels)

    def __call__(self, version: int, held: Sequence[Example], run: int | None, stopped: Callable[[], bool]) -> None:
        """Evaluate the weights as they are now, those of `version`. A failure is reported.

        On the newest of `held`, where the settings hold images out. Ends early, without a word in the store, when
        the trainer is `stopped`.
        """
        if self._settings.hold_out and not held:
            log.info("Nothing is evaluated: none of the answered images is held out yet")
            return
        self._status.set("evaluating")
        log.info("Evaluating on %d examples", self._settings.eval_steps)
        try:
            evaluation = self._evaluator(self._examples(held), stopped)
            if evaluation is None:
                log.info("The evaluation was given up, since the trainer is to stop")
                return
            self._write_down(evaluation, version, run)
        except (DataError, LabelMapError, ConfigError) as error:
            self._status.failed("evaluation_failed", error, run=run)

    def _examples(self, held: Sequence[Example]) -> Sequence[Example]:
        steps = self._settings.eval_steps
        if self._settings.hold_out:
            return held[-steps:]
        pipeline, labels = self._parts.pipeline, self._parts.file_labels
        self._named = self._named or evaluation_examples(pipeline, labels, steps, self._settings.seed)
        return self._named

    def _write_down(self, evaluation: Evaluation, version: int, run: int | None) -> None:
        config = self._parts.pipeline.message.eval_config
        pictures = [
            side_by_side(
                example,
                result,
                self._labels,
                min_score=config.min_score_threshold,
                max_boxes=config.max_num_boxes_to_visualize,
            )
            for example, result in evaluation.images[: config.num_visualizations]
        ]
        step, metrics = self._parts.learner.step, evaluation.metrics
        self._store.add_metrics(
            self._settings.dataset,
            version=version,
            step=step,
            metrics={**metrics, IMAGES: len(evaluation.images)},
            run_id=run,
        )
        self._status.event("evaluated", version=version, step=step, metrics=metrics)
        self._summaries.add_evaluation(metrics, pictures, step)


def _names(labels: LabelMap) -> dict[int, str]:
    return {label.id: labels.text(label) for label in labels}
