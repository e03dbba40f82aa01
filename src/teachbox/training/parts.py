"""What a trainer is made of, built once from a pipeline.config."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

import keras

from teachbox.config.label_map import load_label_map
from teachbox.config.load import Pipeline, load_pipeline
from teachbox.config.paths import resolve_path
from teachbox.config.supported import check_labels, check_supported, set_num_classes
from teachbox.data.batch_pipeline import batch_spec
from teachbox.data.resizers import Resizer, build_resizer
from teachbox.detector.build import build_detector
from teachbox.detector.detector import Detector
from teachbox.errors import LabelMapError
from teachbox.labels import LabelMap
from teachbox.store import Store
from teachbox.store.label_book import GivenLabel, current_map
from teachbox.training.batch_norm import freeze
from teachbox.training.chosen import chosen_names
from teachbox.training.graphs import graph_exporter
from teachbox.training.learner import Learner
from teachbox.training.losses import follow_regularization
from teachbox.training.optimizers import build_optimizer
from teachbox.training.publish import Publisher, graph_fingerprint
from teachbox.training.settings import TrainerSettings
from teachbox.training.signatures import static_shape

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
    num_scores: int
    """Of how many classes the boxes' scores are loaded; 0 where they are not."""


def build_parts(settings: TrainerSettings, store: Store | None = None, classes: int | None = None) -> Parts:
    """Read and check the configuration, and build. Raises `ConfigError`, `LabelMapError`, `DataError` and `UsageError`.

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
    follow_regularization(detector, config)
    max_boxes = pipeline.message.train_input_reader.max_number_of_boxes
    num_scores = detector.num_classes if pipeline.message.train_input_reader.load_multiclass_scores else 0
    learns_scores = config.use_multiclass_scores or config.merge_multiple_label_boxes
    at_once = settings.images_at_once(config.batch_size)
    height, width, channels = static_shape(resizer)
    optimizer, schedule = build_optimizer(config.optimizer)
    learner = Learner(
        detector,
        optimizer,
        schedule,
        batch_spec(
            at_once,
            height,
            width,
            max_boxes,
            detector.num_classes if learns_scores else 0,
            channels=channels,
        ),
        pieces=config.batch_size // at_once,
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
    return Parts(pipeline, labels, file_labels, detector, resizer, learner, publisher, max_boxes, num_scores)


def _labels(settings: TrainerSettings, pipeline: Pipeline) -> LabelMap:
    reader = pipeline.message.train_input_reader
    path: Path | str | None = settings.label_map_path
    if path is None and not reader.label_map_path:
        raise LabelMapError("no label map; write label_map_path into train_input_reader", where=pipeline.where)
    path = path or resolve_path(pipeline, reader.label_map_path)
    return load_label_map(path, use_display_name=settings.use_display_name or reader.use_display_name)
