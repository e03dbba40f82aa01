"""Image resizers."""

from __future__ import annotations

from teachbox.config.built.verdicts import ONE_OR_MORE, Rows, built

ROWS = Rows(
    table={
        "*.fixed_shape_resizer": built("height width resize_method"),
        "*.keep_aspect_ratio_resizer": built(
            "min_dimension max_dimension resize_method pad_to_max_dimension per_channel_pad_value"
        ),
    },
    ranges={
        "*.fixed_shape_resizer": {"height": ONE_OR_MORE, "width": ONE_OR_MORE},
        "*.keep_aspect_ratio_resizer": {"min_dimension": ONE_OR_MORE, "max_dimension": ONE_OR_MORE},
    },
    not_above={
        "*.keep_aspect_ratio_resizer": [("min_dimension", "max_dimension")],
    },
)
