"""Anchor generators."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from teachbox.config.built.verdicts import ONE_OR_MORE, Rows, built, only


def of_ssd_anchors(message: Any) -> Iterator[tuple[str, str]]:
    """That what is given for each layer is given for all."""
    if len(message.scales) not in (0, message.num_layers):
        yield "scales", f"{len(message.scales)} scales for {message.num_layers} layers"
    for name in ("height_stride", "width_stride", "height_offset", "width_offset"):
        if len(getattr(message, name)) not in (0, message.num_layers):
            found = f"{len(getattr(message, name))} values of {name} for {message.num_layers} layers"
            yield name, f"{found}; give one a layer, or none"


def of_multiscale_anchors(message: Any) -> Iterator[tuple[str, str]]:
    """That there are some."""
    if not message.aspect_ratios:
        yield "aspect_ratios", "it has no aspect_ratios"


def of_flexible_anchors(message: Any) -> Iterator[tuple[str, str]]:
    """That there are some."""
    if not message.anchor_grid:
        yield "anchor_grid", "it has no anchor_grid"


ROWS = Rows(
    table={
        "*.ssd_anchor_generator": built(
            "num_layers min_scale max_scale scales aspect_ratios interpolated_scale_aspect_ratio "
            "reduce_boxes_in_lowest_layer base_anchor_height base_anchor_width height_stride width_stride "
            "height_offset width_offset"
        ),
        # A single-shot detector has normalized anchors.
        "*.multiscale_anchor_generator": built("min_level max_level anchor_scale aspect_ratios scales_per_octave")
        | {"normalize_coordinates": only("true")},
        "*.flexible_grid_anchor_generator": built("anchor_grid") | {"normalize_coordinates": only("true")},
        "*.flexible_grid_anchor_generator.anchor_grid": built(
            "base_sizes aspect_ratios height_stride width_stride height_offset width_offset"
        ),
    },
    required={
        "*.flexible_grid_anchor_generator.anchor_grid": "height_stride width_stride",
    },
    ranges={
        "*.ssd_anchor_generator": {"num_layers": ONE_OR_MORE},
        "*.multiscale_anchor_generator": {"min_level": ONE_OR_MORE, "scales_per_octave": ONE_OR_MORE},
        "*.flexible_grid_anchor_generator.anchor_grid": {"height_stride": ONE_OR_MORE, "width_stride": ONE_OR_MORE},
    },
    same_length={
        "*.ssd_anchor_generator": [("height_stride", "width_stride"), ("height_offset", "width_offset")],
        "*.flexible_grid_anchor_generator.anchor_grid": [("base_sizes", "aspect_ratios")],
    },
    not_above={
        "*.ssd_anchor_generator": [("min_scale", "max_scale")],
        "*.multiscale_anchor_generator": [("min_level", "max_level")],
    },
    rules={
        "*.ssd_anchor_generator": [of_ssd_anchors],
        "*.multiscale_anchor_generator": [of_multiscale_anchors],
        "*.flexible_grid_anchor_generator": [of_flexible_anchors],
    },
)
