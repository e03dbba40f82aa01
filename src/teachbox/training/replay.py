"""Which example comes next: all accepted answers in turn, the newest more often, so that nothing is forgotten."""

from __future__ import annotations

import heapq
import math
import random
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)


@dataclass
class _Turn:
    weight: float
    due: float
    """When it is drawn next, in passes over everything of weight 1."""
    window_end: float
    """End of the stretch of 1 / weight passes in which `due` lies."""


class Replay(Generic[Key]):
    """Draws keys in random order, but evenly: a key of weight w is drawn exactly once in each 1 / w of a pass.

    With equal weights that is a new shuffle for every pass. A draw depends on the seed and on what was asked before,
    on nothing else.
    """

    def __init__(self, *, seed: int, newest_weight: float = 2.0) -> None:
        if newest_weight < 1:
            raise ValueError(f"newest_weight is {newest_weight}; the newest weigh 1 or more")
        self.newest_weight = newest_weight
        self._random = random.Random(seed)
        self._turns: dict[Key, _Turn] = {}
        self._heap: list[tuple[float, int, Key]] = []
        self._pushed = 0
        self._now = 0.0

    def update(self, keys: Iterable[Key], newest: Iterable[Key] = ()) -> None:
        """From now on draw from `keys`; those also in `newest` weigh `newest_weight`, the others 1."""
        lifted = set(newest)
        kept: dict[Key, _Turn] = {}
        for key in keys:
            weight = self.newest_weight if key in lifted else 1.0
            turn = self._turns.get(key)
            if turn is None:
                turn = self._turn(weight, self._now)
            elif turn.weight != weight:
                # The same share of its waiting time is left.
                scale = turn.weight / weight
                turn = _Turn(
                    weight,
                    self._now + (turn.due - self._now) * scale,
                    self._now + (turn.window_end - self._now) * scale,
                )
            kept[key] = turn
        self._turns = kept
        self._heap = []
        for key, turn in kept.items():
            self._push(key, turn)

    def draw(self, count: int) -> list[Key]:
        """The next `count` keys. Raises `ValueError` where there are none to draw from."""
        if count and not self._turns:
            raise ValueError("there is no example to draw")
        drawn = []
        for _ in range(count):
            self._now, _, key = heapq.heappop(self._heap)
            drawn.append(key)
            turn = self._turns[key] = self._turn(self._turns[key].weight, self._turns[key].window_end)
            self._push(key, turn)
        return drawn

    def _turn(self, weight: float, window_start: float) -> _Turn:
        return _Turn(weight, window_start + self._random.random() / weight, window_start + 1 / weight)

    def _push(self, key: Key, turn: _Turn) -> None:
        heapq.heappush(self._heap, (turn.due, self._pushed, key))  # the count keeps keys from being compared
        self._pushed += 1


def pass_steps(examples: int, batch_size: int) -> int:
    """Steps of one pass over `examples`: the last batch is filled up with the beginning of the next pass."""
    return math.ceil(examples / batch_size)
