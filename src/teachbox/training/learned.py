"""What a round learned from, in a few numbers for whoever looks at the page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import fmean
from typing import TypedDict

from teachbox.data.examples import Example
from teachbox.training.loop import Step
from teachbox.training.losses import TOTAL

LAST_STEPS = 10


class Learned(TypedDict):
    """`images` and `boxes` trained on, and the training `loss`: the total's mean over the round's last steps."""

    images: int
    boxes: int
    loss: float


def learned(examples: Iterable[Example], steps: Sequence[Step]) -> Learned:
    """What `steps`, at least one, learned from `examples`.

    One step's loss is that of the few images it drew: the mean over the last ten says more of the round.
    """
    boxes = [len(example.boxes) for example in examples]
    loss = fmean(step.losses[TOTAL] for step in steps[-LAST_STEPS:])
    return {"images": len(boxes), "boxes": sum(boxes), "loss": loss}
