"""What a trainer is told. No TensorFlow here: a command line makes these before it is imported."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from pathlib import Path

from teachbox.data.mix import Mix, parse_mix
from teachbox.errors import UsageError
from teachbox.training.policy import Policy


@dataclass(frozen=True)
class TrainerSettings:
    """The trainer's command line, with the original's names and defaults where it had them."""

    dataset: str
    db: str
    config_path: Path
    label_map_path: Path | None = None
    """None: the one that `train_input_reader` names."""
    model_dir: Path = Path("model_dir")
    export_dir: Path = Path("export_dir")
    data_dir: Path = Path("data_dir")
    steps_per_epoch: int = -1
    """Steps of a round; -1: one pass over the accepted answers."""
    temp_files_num: int = 5
    """How many versions and records are kept."""
    max_checkpoints_num: int = 5
    run_eval: bool = False
    eval_steps: int = 50
    """How many examples of `eval_input_reader` are evaluated on."""
    hold_out: float = 0.0
    """Share of the accepted images that is kept out of training and evaluated on instead. Not the original's."""
    use_display_name: bool = False
    tf_logging_level: int = 40
    batch_answers: int = 10
    """A round starts with so many new accepted answers …"""
    idle_seconds: float = 30.0
    """… or with any at all once the newest is so old."""
    micro_batch: int | None = None
    """So many images of a batch are computed at once; None: all of them. Not the original's."""
    seed: int = 0
    mix: str | None = None
    """Ways of mixing images with others, with probabilities: `mosaic=0.5,copy-paste`. Not the original's."""
    policy: Policy = field(default_factory=Policy)

    @property
    def mixing(self) -> Mix:
        """How often each way of mixing is done. Raises `UsageError`."""
        return parse_mix(self.mix)

    def images_at_once(self, batch_size: int) -> int:
        """How many of the `batch_size` images of a step are computed at once. Raises `UsageError`."""
        at_once = min(self.micro_batch or batch_size, batch_size)
        if batch_size % at_once:
            smaller, larger = (_nearest_divisor(batch_size, at_once, towards) for towards in (-1, 1))
            raise UsageError(
                f"--micro-batch is {at_once}, and batch_size in train_config, {batch_size}, is no multiple of it; "
                f"give {smaller} or {larger}"
            )
        return at_once

    def check(self) -> None:
        """Raises `UsageError` for a number that makes no sense."""
        if self.steps_per_epoch < 1 and self.steps_per_epoch != -1:
            raise UsageError(f"--steps-per-epoch is {self.steps_per_epoch}; give 1 or more, or -1 for one pass")
        for option, value in (
            ("--temp-files-num", self.temp_files_num),
            ("--max-checkpoints-num", self.max_checkpoints_num),
            ("--eval-steps", self.eval_steps),
            ("--batch-answers", self.batch_answers),
            ("--micro-batch", 1 if self.micro_batch is None else self.micro_batch),
        ):
            if value < 1:
                raise UsageError(f"{option} is {value}; it must be 1 or more")
        if self.idle_seconds < 0:
            raise UsageError(f"--idle-seconds is {self.idle_seconds:g}; it must not be negative")
        if not 0 <= self.hold_out <= 0.5:
            raise UsageError(f"--hold-out is {self.hold_out:g}; it must be from 0 to 0.5, the share of the images")
        if self.hold_out and not self.run_eval:
            raise UsageError("--hold-out keeps images to evaluate on; give --run-eval too")
        parse_mix(self.mix)


def _nearest_divisor(number: int, start: int, towards: int) -> int:
    return next(found for found in itertools.count(start, towards) if number % found == 0)
