"""Anchor generators from their messages."""

from __future__ import annotations

from teachbox.config.built.anchors import of_flexible_anchors, of_multiscale_anchors, of_ssd_anchors
from teachbox.config.protos import (
    anchor_generator_pb2,
    flexible_grid_anchor_generator_pb2,
    grid_anchor_generator_pb2,
    multiscale_anchor_generator_pb2,
    ssd_anchor_generator_pb2,
)
from teachbox.detector.anchors import AnchorGenerator, SSDAnchorGenerator, ssd_box_specs
from teachbox.detector.build.refuse import not_built, refuse_disagreements
from teachbox.detector.grid_anchors import Grid, GridAnchorGenerator, every_scale, pyramid_grids
from teachbox.errors import ConfigError


def build_anchor_generator(
    config: anchor_generator_pb2.AnchorGenerator, *, always_inside: bool = False
) -> AnchorGenerator:
    """Anchors from an `AnchorGenerator` message. `always_inside`: see `pyramid_grids`; two-stage detectors have it."""
    kind = config.WhichOneof("anchor_generator_oneof")
    if kind == "ssd_anchor_generator":
        return _ssd_anchors(config.ssd_anchor_generator)
    if kind == "grid_anchor_generator":
        return _grid_anchors(config.grid_anchor_generator)
    if kind == "multiscale_anchor_generator":
        return _multiscale_anchors(config.multiscale_anchor_generator, always_inside)
    if kind == "flexible_grid_anchor_generator":
        return _flexible_anchors(config.flexible_grid_anchor_generator)
    raise not_built("anchor_generator", kind, "ssd_anchor_generator is")


def _grid_anchors(message: grid_anchor_generator_pb2.GridAnchorGenerator) -> GridAnchorGenerator:
    specs = every_scale(list(message.scales), list(message.aspect_ratios))
    if not specs:
        raise ConfigError("no scales or no aspect_ratios", where="anchor_generator.grid_anchor_generator")
    grid = Grid(
        (message.height, message.width),
        specs,
        (message.height_stride, message.width_stride),
        (message.height_offset, message.width_offset),
    )
    return GridAnchorGenerator([grid], normalized=False)


def _multiscale_anchors(
    message: multiscale_anchor_generator_pb2.MultiscaleAnchorGenerator, always_inside: bool
) -> GridAnchorGenerator:
    where = "anchor_generator.multiscale_anchor_generator"
    if message.min_level > message.max_level:
        raise ConfigError(f"min_level {message.min_level} is above max_level {message.max_level}", where=where)
    if message.scales_per_octave < 1:
        raise ConfigError(f"scales_per_octave is {message.scales_per_octave}; it must be at least 1", where=where)
    refuse_disagreements(message, where, of_multiscale_anchors)
    grids = pyramid_grids(
        message.min_level,
        message.max_level,
        anchor_scale=message.anchor_scale,
        aspect_ratios=list(message.aspect_ratios),
        scales_per_octave=message.scales_per_octave,
        always_inside=always_inside,
    )
    return GridAnchorGenerator(grids, normalized=message.normalize_coordinates)


def _flexible_anchors(
    message: flexible_grid_anchor_generator_pb2.FlexibleGridAnchorGenerator,
) -> GridAnchorGenerator:
    refuse_disagreements(message, "anchor_generator.flexible_grid_anchor_generator", of_flexible_anchors)
    grids = []
    for number, row in enumerate(message.anchor_grid):
        sizes, ratios = list(row.base_sizes), list(row.aspect_ratios)
        where = f"anchor_generator.flexible_grid_anchor_generator.anchor_grid[{number}]"
        if not sizes or len(sizes) != len(ratios):
            raise ConfigError(f"{len(sizes)} base_sizes for {len(ratios)} aspect_ratios; give pairs", where=where)
        if not (row.height_stride and row.width_stride):
            raise ConfigError("no height_stride or width_stride; both must be at least 1", where=where)
        specs = tuple(zip(sizes, ratios, strict=True))
        offset = (row.height_offset, row.width_offset)
        grids.append(Grid((1.0, 1.0), specs, (row.height_stride, row.width_stride), offset))
    return GridAnchorGenerator(grids, normalized=message.normalize_coordinates)


def _ssd_anchors(message: ssd_anchor_generator_pb2.SsdAnchorGenerator) -> SSDAnchorGenerator:
    where = "anchor_generator.ssd_anchor_generator"
    refuse_disagreements(message, where, of_ssd_anchors)
    for what in ("stride", "offset"):
        if len(getattr(message, f"height_{what}")) != len(getattr(message, f"width_{what}")):
            raise ConfigError(f"height_{what} and width_{what} go together; give both, or none", where=where)
    specs = ssd_box_specs(
        message.num_layers,
        min_scale=message.min_scale,
        max_scale=message.max_scale,
        scales=list(message.scales),
        aspect_ratios=list(message.aspect_ratios),
        interpolated_scale_aspect_ratio=message.interpolated_scale_aspect_ratio,
        reduce_boxes_in_lowest_layer=message.reduce_boxes_in_lowest_layer,
    )
    return SSDAnchorGenerator(
        specs,
        base_size=(message.base_anchor_height, message.base_anchor_width),
        strides=list(zip(message.height_stride, message.width_stride, strict=True)),
        offsets=list(zip(message.height_offset, message.width_offset, strict=True)),
    )
