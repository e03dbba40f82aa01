"""What of a pipeline.config is built here: a table, field by field. Who builds a part adds its rows.

A row's name is the path of a block, without row numbers; `*` stands for any path, and the longest name that
fits a block counts. A field that its row does not list is refused, unless it says what leaving it out would
say: the default of the schema.
"""

from __future__ import annotations

from teachbox.config.built import (
    anchors,
    augmentation,
    center_net,
    detections,
    faster_rcnn,
    heads,
    layers,
    losses,
    matching,
    pipeline,
    records,
    resizers,
    ssd,
    training,
)
from teachbox.config.built.verdicts import Built, NoEffect, Refused, Rows, Verdict, merged

__all__ = ["ROWS", "Built", "NoEffect", "Refused", "Rows", "Verdict"]

ROWS = merged(
    part.ROWS
    for part in (
        pipeline,
        ssd,
        faster_rcnn,
        center_net,
        resizers,
        layers,
        heads,
        anchors,
        matching,
        losses,
        detections,
        training,
        augmentation,
        records,
    )
)
