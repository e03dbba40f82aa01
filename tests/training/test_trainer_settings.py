"""What a trainer is told: defaults of the original, and numbers that make no sense."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from teachbox.errors import UsageError
from teachbox.training.settings import TrainerSettings

SETTINGS = TrainerSettings("d", "teachbox.db", Path("pipeline.config"))


def test_the_originals_defaults() -> None:
    SETTINGS.check()
    assert (SETTINGS.steps_per_epoch, SETTINGS.temp_files_num, SETTINGS.max_checkpoints_num) == (-1, 5, 5)
    assert (SETTINGS.run_eval, SETTINGS.eval_steps, SETTINGS.use_display_name) == (False, 50, False)
    assert SETTINGS.tf_logging_level == 40
    assert [str(path) for path in (SETTINGS.model_dir, SETTINGS.export_dir, SETTINGS.data_dir)] == [
        "model_dir",
        "export_dir",
        "data_dir",
    ]


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"steps_per_epoch": 0}, "--steps-per-epoch is 0"),
        ({"steps_per_epoch": -2}, "-1 for one pass"),
        ({"temp_files_num": 0}, "--temp-files-num is 0"),
        ({"max_checkpoints_num": 0}, "--max-checkpoints-num"),
        ({"eval_steps": 0}, "--eval-steps"),
        ({"batch_answers": 0}, "--batch-answers"),
        ({"micro_batch": 0}, "--micro-batch is 0; it must be 1 or more"),
        ({"idle_seconds": -1.0}, "--idle-seconds"),
        ({"hold_out": 0.6, "run_eval": True}, "--hold-out is 0.6; it must be from 0 to 0.5"),
        ({"hold_out": 0.2}, "--hold-out keeps images to evaluate on; give --run-eval too"),
        ({"mix": "mosaik=1"}, "--mix names 'mosaik'"),
    ],
)
def test_numbers_that_make_no_sense(changed: dict, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        replace(SETTINGS, **changed).check()


@pytest.mark.parametrize(
    ("batch_size", "micro_batch", "at_once"), [(24, None, 24), (24, 8, 8), (24, 24, 24), (24, 100, 24), (7, 1, 1)]
)
def test_images_at_once(batch_size: int, micro_batch: int | None, at_once: int) -> None:
    assert replace(SETTINGS, micro_batch=micro_batch).images_at_once(batch_size) == at_once


@pytest.mark.parametrize(("batch_size", "micro_batch", "says"), [(24, 10, "give 8 or 12"), (7, 4, "give 1 or 7")])
def test_pieces_that_do_not_make_up_the_batch(batch_size: int, micro_batch: int, says: str) -> None:
    with pytest.raises(UsageError, match=f"is {micro_batch}, .* {batch_size}, is no multiple of it; {says}"):
        replace(SETTINGS, micro_batch=micro_batch).images_at_once(batch_size)
