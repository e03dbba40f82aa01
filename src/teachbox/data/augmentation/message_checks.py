"""Checks of a step's numbers, each raising `ConfigError` that names the step and the field."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from teachbox.errors import ConfigError

ANY = float("inf")
"""No limit above."""


def three(where: str, name: str, values: Sequence[float]) -> tuple[float, float, float] | None:
    """One value a channel; None where there are none."""
    if not values:
        return None
    if len(values) != 3:
        raise ConfigError(f"{name} has {len(values)} values; images have 3 channels", where=where)
    return values[0], values[1], values[2]


def check_shape(where: str, aspect_ratio: float) -> None:
    if aspect_ratio <= 0:
        raise ConfigError(f"aspect_ratio is {aspect_ratio:g}; it must be above 0", where=where)


def check_bounds(where: str, least: str, low: float, most: str, high: float, limit: float = ANY) -> None:
    """0 ≤ low ≤ high ≤ limit."""
    check_range(where, least, low, 0, limit)
    check_range(where, most, high, 0, limit)
    if low > high:
        raise ConfigError(f"{least} {low:g} is above {most} {high:g}", where=where)


def check_range(where: str, name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        rule = f"at least {low:g}" if high == ANY else f"from {low:g} to {high:g}"
        raise ConfigError(f"{name} is {value:g}; it must be {rule}", where=where)


def check_order(where: str, name: str, low: float, high: float, limit: float) -> None:
    if not 0 < low <= high <= limit:
        most = "" if limit == ANY else f" ≤ {limit:g}"
        raise ConfigError(
            f"min_{name} is {low:g} and max_{name} {high:g}; they must be 0 < min_{name} ≤ max_{name}{most}",
            where=where,
        )


def refuse_keypoints(permutation: Iterable[int], name: str, where: str) -> None:
    if list(permutation):
        raise ConfigError(f"{name} is not built yet: keypoints are not; leave it out", where=where)
