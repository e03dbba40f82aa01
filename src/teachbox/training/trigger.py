"""When a round starts. No TensorFlow here: the worker waits with it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Trigger:
    """With so many new answers, or with any at all once nobody has answered for a while."""

    batch_answers: int
    idle_seconds: float

    def fires(self, new: int, newest: float, now: float) -> bool:
        """`new` accepted answers, the newest of them given at `newest`; both times in unix seconds."""
        return new >= self.batch_answers or (new > 0 and now - newest >= self.idle_seconds)
