"""Box coders, matchers and similarities from their messages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from keras import ops

from teachbox.config.protos import box_coder_pb2, keypoint_box_coder_pb2, matcher_pb2, region_similarity_calculator_pb2
from teachbox.detector import similarity
from teachbox.detector.box_coding import (
    BoxCoder,
    FasterRCNNBoxCoder,
    KeypointBoxCoder,
    MeanStddevBoxCoder,
    SquareBoxCoder,
)
from teachbox.detector.build.refuse import not_built
from teachbox.detector.matching import ArgMaxMatcher, BipartiteMatcher


def build_box_coder(config: box_coder_pb2.BoxCoder) -> BoxCoder:
    """A box coder from a `BoxCoder` message."""
    kind = config.WhichOneof("box_coder_oneof")
    if kind == "faster_rcnn_box_coder":
        coder = config.faster_rcnn_box_coder
        return FasterRCNNBoxCoder((coder.y_scale, coder.x_scale, coder.height_scale, coder.width_scale))
    if kind == "mean_stddev_box_coder":
        return MeanStddevBoxCoder(config.mean_stddev_box_coder.stddev)
    if kind == "square_box_coder":
        square = config.square_box_coder
        return SquareBoxCoder((square.y_scale, square.x_scale, square.length_scale))
    # Keypoints have a coder of their own, below; a detector of boxes has none to encode.
    raise not_built("box_coder", kind, "faster_rcnn_box_coder, mean_stddev_box_coder and square_box_coder are")


def build_keypoint_box_coder(config: keypoint_box_coder_pb2.KeypointBoxCoder) -> KeypointBoxCoder:
    """A coder of boxes and keypoints from a `KeypointBoxCoder` message."""
    return KeypointBoxCoder(
        config.num_keypoints, (config.y_scale, config.x_scale, config.height_scale, config.width_scale)
    )


def build_matcher(config: matcher_pb2.Matcher) -> Callable[[Any, Any], Any]:
    """A matcher from a `Matcher` message."""
    kind = config.WhichOneof("matcher_oneof")
    if kind == "bipartite_matcher":
        return BipartiteMatcher()
    if kind != "argmax_matcher":
        raise not_built("matcher", kind, "argmax_matcher and bipartite_matcher are")
    message = config.argmax_matcher
    ignore = message.ignore_thresholds
    return ArgMaxMatcher(
        None if ignore else message.matched_threshold,
        None if ignore else message.unmatched_threshold,
        negatives_lower_than_unmatched=message.negatives_lower_than_unmatched,
        force_match_for_each_row=message.force_match_for_each_row,
    )


def build_similarity(config: region_similarity_calculator_pb2.RegionSimilarityCalculator) -> Callable[[Any, Any], Any]:
    """A similarity of boxes from a `RegionSimilarityCalculator` message."""
    kind = config.WhichOneof("region_similarity")
    if kind == "thresholded_iou_similarity":
        threshold = config.thresholded_iou_similarity.iou_threshold
        # A ground-truth box that is no background has the score 1.
        return lambda a, b: similarity.thresholded_iou(a, b, ops.ones_like(a[..., 0]), iou_threshold=threshold)
    found: dict[str | None, Callable[[Any, Any], Any]] = {
        "iou_similarity": similarity.iou,
        "ioa_similarity": similarity.ioa,
        "neg_sq_dist_similarity": similarity.negative_squared_distance,
    }
    if kind not in found:
        raise not_built("similarity_calculator", kind, "iou_similarity is")
    return found[kind]
