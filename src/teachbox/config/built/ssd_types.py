"""The feature extractors of single-shot detectors that are built, by what stands on the backbone."""

from __future__ import annotations

TYPES = (
    "ssd_mobilenet_v1",
    "ssd_mobilenet_v1_keras",
    "ssd_mobilenet_v2",
    "ssd_mobilenet_v2_keras",
    "ssd_mobilenet_v3_large",
    "ssd_mobilenet_v3_small",
    "ssd_inception_v2",
)
PYRAMIDS = tuple(
    f"ssd_{backbone}_fpn{ending}"
    for backbone in ("mobilenet_v1", "mobilenet_v2", "resnet50_v1", "resnet101_v1", "resnet152_v1")
    for ending in ("", "_keras")
)
POOLING_PYRAMIDS = (
    "ssd_mobilenet_v1_ppn",
    "ssd_resnet50_v1_ppn",
    "ssd_resnet101_v1_ppn",
    "ssd_resnet152_v1_ppn",
)
BIFPNS = tuple(f"ssd_efficientnet-b{version}_bifpn_keras" for version in range(8))
