"""A CenterNet small enough for tests: MobileNet v2 a quarter as deep, heads of 16 channels, images of 64 × 96."""

from __future__ import annotations

from typing import Any

from google.protobuf import text_format

from teachbox.config.protos import center_net_pb2, model_pb2

CONFIG = """
num_classes: 2
feature_extractor { type: "mobilenet_v2_fpn" depth_multiplier: 0.25 }
image_resizer { fixed_shape_resizer { height: 64 width: 96 } }
object_detection_task {
  localization_loss { l1_localization_loss { } }
  scale_head_params { num_filters: 16 kernel_sizes: 3 }
  offset_head_params { num_filters: 16 kernel_sizes: 3 }
}
object_center_params {
  classification_loss { penalty_reduced_logistic_focal_loss { alpha: 2 beta: 4 } }
  center_head_params { num_filters: 16 kernel_sizes: 3 }
}
"""


def small_config(changes: str = "") -> Any:
    """Its `center_net` message, with `changes` merged in."""
    config = text_format.Parse(CONFIG, center_net_pb2.CenterNet())
    text_format.Merge(changes, config)
    return config


def build(config: Any) -> Any:
    from teachbox.detector.build import build_detector

    return build_detector(model_pb2.DetectionModel(center_net=config))
