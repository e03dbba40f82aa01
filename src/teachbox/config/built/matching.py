"""Box coders, matchers and similarities."""

from __future__ import annotations

from teachbox.config.built.verdicts import SHARE, Rows, built, no_effect

ROWS_LOOKED_UP = "how rows are looked up on a TPU, not which"

ROWS = Rows(
    table={
        "*.box_coder": built("faster_rcnn_box_coder mean_stddev_box_coder square_box_coder"),
        "*.faster_rcnn_box_coder": built("y_scale x_scale height_scale width_scale"),
        "*.mean_stddev_box_coder": built("stddev"),
        "*.square_box_coder": built("y_scale x_scale length_scale"),
        "*.matcher": built("argmax_matcher bipartite_matcher"),
        "*.bipartite_matcher": no_effect("use_matmul_gather", ROWS_LOOKED_UP),
        "*.argmax_matcher": built(
            "matched_threshold unmatched_threshold ignore_thresholds negatives_lower_than_unmatched "
            "force_match_for_each_row"
        )
        | no_effect("use_matmul_gather", ROWS_LOOKED_UP),
        "*.similarity_calculator": built(
            "iou_similarity ioa_similarity neg_sq_dist_similarity thresholded_iou_similarity"
        ),
        "*.thresholded_iou_similarity": built("iou_threshold"),
    },
    ranges={
        "*.argmax_matcher": {"matched_threshold": SHARE, "unmatched_threshold": SHARE},
        "*.mean_stddev_box_coder": {"stddev": (1e-6, None)},
    },
    not_above={
        "*.argmax_matcher": [("unmatched_threshold", "matched_threshold")],
    },
)
