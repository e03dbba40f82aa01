"""Every sample config of the original that `config check` lets through is built, with all that its training needs."""

from __future__ import annotations

from pathlib import Path

import pytest

from teachbox.config.load import load_pipeline
from teachbox.config.supported import examine, num_classes
from teachbox.data.augment import build_augmentations
from teachbox.data.resizers import build_resizer
from teachbox.detector.build import build_detector
from teachbox.evaluation.metrics_sets import check_sets
from teachbox.training.optimizers import build_optimizer

pytestmark = [pytest.mark.tf, pytest.mark.slow, pytest.mark.timeout(1800)]  # nearly seventy whole models


@pytest.mark.parametrize("folder", ["samples_configs", "configs_tf2"])
def test_what_is_let_through_is_built(oracles: Path, folder: str):
    built = 0
    for file in sorted((oracles / "sample_configs" / folder).glob("*.config")):
        pipeline = load_pipeline(file)
        if examine(pipeline).refused:
            continue
        message = pipeline.message
        model = message.model
        detector = build_detector(model)
        assert detector.num_classes == num_classes(pipeline)[1], file.name
        assert len(detector.checkpoint_variables()) > 20, file.name
        build_resizer(getattr(model, model.WhichOneof("model")).image_resizer)
        build_augmentations(message.train_config.data_augmentation_options)
        build_optimizer(message.train_config.optimizer)
        check_sets(message.eval_config.metrics_set, where=file.name)
        built += 1
    assert built > 25
