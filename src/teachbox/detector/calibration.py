"""Calibrating scores: functions that were fitted so that a score says how often it is right."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from keras import ops

Scores = Callable[[Any], Any]


class LinearInterpolation:
    """The function through points (x, y), x rising: straight between them, level before and after."""

    def __init__(self, points: Sequence[tuple[float, float]]) -> None:
        if len(points) < 2 or any(after[0] <= before[0] for before, after in pairwise(points)):
            raise ValueError("not two or more points, each x above the one before")
        self.points = list(points)

    def __call__(self, scores: Any) -> Any:
        """The function of each of `scores`, in their shape."""
        x, y = (ops.convert_to_tensor(values, dtype="float32") for values in zip(*self.points, strict=True))
        inside = ops.clip(scores, self.points[0][0], self.points[-1][0])
        segment = ops.searchsorted(x, ops.reshape(inside, (-1,)), side="right") - 1
        segment = ops.reshape(ops.clip(segment, 0, len(self.points) - 2), ops.shape(scores))
        slope = (y[1:] - y[:-1]) / (x[1:] - x[:-1])
        return ops.take(y, segment) + (inside - ops.take(x, segment)) * ops.take(slope, segment)


def by_column(functions: Mapping[int, Scores]) -> Scores:
    """A function of scores [..., columns] that puts each column through its own; one without stays as it is."""

    def calibrate(scores: Any) -> Any:
        columns = ops.unstack(scores, axis=-1)
        return ops.stack(
            [functions[number](own) if number in functions else own for number, own in enumerate(columns)], axis=-1
        )

    return calibrate
