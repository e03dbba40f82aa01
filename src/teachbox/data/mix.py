"""Which images are mixed with others, and with which: Python's side. No TensorFlow here.

This is Teachbox's own: the schema of pipeline.config has no such steps, and its steps see one image at a time.
"""

from __future__ import annotations

import difflib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from teachbox.data.examples import Example
from teachbox.errors import DataError, UsageError

IF_NOT_SAID = 0.5
POOL = 256
"""From how many images, those drawn last, others are chosen."""

OTHERS = {"mosaic": 3, "copy_paste": 1, "mix_up": 1}
"""How many other images each way takes; in this order they are done."""


@dataclass(frozen=True)
class Mix:
    """How often each way of mixing is done to an image, each by chance of its own."""

    mosaic: float = 0.0
    copy_paste: float = 0.0
    mix_up: float = 0.0

    def __bool__(self) -> bool:
        return any(getattr(self, way) > 0 for way in OTHERS)


def parse_mix(text: str | None) -> Mix:
    """`"mosaic=0.5,copy-paste"` → how often; 0.5 where nothing is said. Raises `UsageError`."""
    probabilities: dict[str, float] = {}
    for part in filter(None, (part.strip() for part in (text or "").split(","))):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        way = name.replace("-", "_")
        known = [field.name.replace("_", "-") for field in fields(Mix)]
        if way not in OTHERS:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"; the nearest is {near[0]}" if near else ""
            raise UsageError(f"--mix names {name!r}; there are {', '.join(known)}{hint}")
        if way in probabilities:
            raise UsageError(f"--mix names {name} twice")
        try:
            probabilities[way] = float(value) if equals else IF_NOT_SAID
        except ValueError:
            raise UsageError(f"--mix says {part!r}; it takes a probability, as in {name}=0.5") from None
        if not 0 <= probabilities[way] <= 1:
            raise UsageError(f"--mix says {part!r}; a probability is from 0 to 1")
    return Mix(**probabilities)


class Pool:
    """Images drawn lately, and what each new one is mixed with."""

    def __init__(self, mix: Mix, seed: int, capacity: int = POOL) -> None:
        self._mix = mix
        self._seed = seed
        self._capacity = capacity
        self._held: OrderedDict[str, Example] = OrderedDict()

    def clear(self) -> None:
        """Forget all images: what is drawn next may know them with other boxes, or not at all."""
        self._held.clear()

    def partners(
        self, example: Example, number: int, read: Callable[[Example], bytes], max_boxes: int, num_scores: int = 0
    ) -> dict[str, Any]:
        """What the `number`-th example is mixed with, as `augmentation.mixtures.Partners` takes it; the example joins
        the pool.

        The same pool, seed and number give the same. Nothing is mixed where there are no other images yet.
        """
        random = np.random.default_rng([self._seed, number])
        others = [held for key, held in self._held.items() if key != example.key]
        chosen: list[tuple[Example, bytes] | None] = []
        for way, count in OTHERS.items():
            happens = random.random() < getattr(self._mix, way)
            if happens and others:
                indices = random.choice(len(others), count, replace=len(others) < count)
                chosen += _readable([others[index] for index in indices], read)
            else:
                chosen += [None] * count
        self._held[example.key] = example
        self._held.move_to_end(example.key)
        if len(self._held) > self._capacity:
            self._held.popitem(last=False)
        return _packed(chosen, max_boxes, num_scores)


def _readable(examples: list[Example], read: Callable[[Example], bytes]) -> list[tuple[Example, bytes] | None]:
    """The examples with their bytes; none of them where one has become unreadable."""
    try:
        return [(example, read(example)) for example in examples]
    except DataError:
        return [None] * len(examples)


def _packed(chosen: list[tuple[Example, bytes] | None], max_boxes: int, num_scores: int) -> dict[str, Any]:
    boxes, classes, weights, scores, counts = [], [], [], [], []
    for pair in chosen:
        if pair is None:
            counts.append(0)
            continue
        example = pair[0]
        count = min(len(example.boxes), max_boxes)
        counts.append(count)
        boxes.append(np.asarray(example.boxes, np.float32).reshape(-1, 4)[:count])
        classes.append(np.asarray(example.classes, np.int32)[:count])
        weights.append(np.ones(count, np.float32) if example.weights is None else example.weights[:count])
        if num_scores:
            scores.append(example.scores_of(num_scores)[:count])
    packed_scores = {"partner_scores": np.concatenate([np.zeros((0, num_scores), np.float32), *scores])}
    return {
        "partner_encoded": [b"" if pair is None else pair[1] for pair in chosen],
        "partner_counts": np.array(counts, np.int32),
        "partner_boxes": np.concatenate([np.zeros((0, 4), np.float32), *boxes]),
        "partner_classes": np.concatenate([np.zeros(0, np.int32), *classes]),
        "partner_weights": np.concatenate([np.zeros(0, np.float32), *weights]),
        **(packed_scores if num_scores else {}),
    }
