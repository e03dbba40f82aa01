"""A detector that is to tell more classes than before: what it has learned of the old ones stays."""

from __future__ import annotations

from typing import Any

import numpy as np

from teachbox.detector.box_head import BoxHead
from teachbox.detector.position_sensitive import PositionSensitiveRegions


def grown(fresh: np.ndarray, old: np.ndarray, before: int, after: int, per_class: int = 1) -> np.ndarray:
    """A variable's value for `after` classes: `old`, its value for `before`, with what `fresh` has for those added.

    What depends on the classes is the last axis, in every family. It is made of blocks, one for each anchor of a place
    (single shot), each part of a region (R-FCN), or a single one (the second stage, CenterNet); a block holds the
    background, where there is one, and then the classes in the order of their ids, `per_class` numbers each. Raises
    `ValueError` where the two shapes are not of one variable that is so made.
    """
    if fresh.shape == old.shape:
        return old
    added = fresh.shape[-1] - old.shape[-1] if fresh.ndim and fresh.ndim == old.ndim else -1
    blocks, rest = divmod(added, (after - before) * per_class)
    width = blocks * per_class
    columns = old.shape[-1] // width if width > 0 and not rest and old.shape[-1] % width == 0 else -1
    if fresh.shape[:-1] != old.shape[:-1] or columns - before not in (0, 1):
        raise ValueError(f"{old.shape} for {before} classes does not become {fresh.shape} for {after}")
    leading = fresh.shape[:-1]
    found = fresh.reshape(*leading, blocks, columns + after - before, per_class).copy()
    found[..., :columns, :] = old.reshape(*leading, blocks, columns, per_class)
    return found.reshape(fresh.shape)


def numbers_per_class(detector: Any) -> dict[str, int]:
    """Checkpoint name → how many numbers each class has in a block, of the variables where it is not one.

    Those are the ones that refine a box for each class: a box code has four.
    """
    heads = [layer for layer in detector._flatten_layers() if isinstance(layer, BoxHead | PositionSensitiveRegions)]
    found = {id(variable): head.box_code_size for head in heads for variable in head.boxes.variables}
    return {name: found[id(one)] for name, one in detector.checkpoint_variables().items() if id(one) in found}
