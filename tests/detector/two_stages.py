"""The original post's detector made small: fewer and smaller anchors, proposals and images, the same backbone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from google.protobuf import text_format

from teachbox.config.load import load_pipeline

POST_CONFIG = Path(__file__).parents[2] / "examples" / "raccoon" / "pipeline_faster_rcnn_inception_v2.config"
PROPOSALS, SAMPLED, ANCHORS_A_CELL = 12, 8, 6
SMALL = f"""
num_classes: 2
image_resizer {{ keep_aspect_ratio_resizer {{ min_dimension: 64 max_dimension: 96 }} }}
first_stage_anchor_generator {{ grid_anchor_generator {{ height: 64 width: 64 }} }}
first_stage_box_predictor_depth: 32
first_stage_max_proposals: {PROPOSALS}
first_stage_minibatch_size: 32
second_stage_batch_size: {SAMPLED}
initial_crop_size: 4
second_stage_post_processing {{ batch_non_max_suppression {{ max_detections_per_class: 6 max_total_detections: 10 }} }}
"""


def small_config(changes: str = "") -> Any:
    """Its `faster_rcnn` message, with `changes` merged in."""
    config = load_pipeline(POST_CONFIG).message.model.faster_rcnn
    config.first_stage_anchor_generator.grid_anchor_generator.scales[:] = [0.5, 1.0]
    text_format.Merge(SMALL, config)
    return text_format.Merge(changes, config)


def build(config: Any) -> Any:
    from teachbox.config.protos import model_pb2
    from teachbox.detector.build import build_detector

    return build_detector(model_pb2.DetectionModel(faster_rcnn=config))
