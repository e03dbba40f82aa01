"""Input readers and evaluation."""

from __future__ import annotations

from teachbox.config.built.verdicts import ONE_OR_MORE, OWN_INPUT, OWN_ROUNDS, SHARE, Rows, built, no_effect, only

READER = (
    built("label_map_path max_number_of_boxes use_display_name sample_1_of_n_examples tf_record_input_reader")
    | {"input_type": only("INPUT_DEFAULT", "TF_EXAMPLE")}
    | no_effect("name", "only a name")
    | no_effect("include_source_id", "every example keeps the id of its image")
    | no_effect("mask_type", "how masks are stored; none are loaded")
    | no_effect(
        "shuffle shuffle_buffer_size filenames_shuffle_buffer_size num_epochs num_readers "
        "num_parallel_batches num_prefetch_batches queue_capacity min_after_dequeue read_block_length "
        "prefetch_size num_parallel_map_calls drop_remainder",
        OWN_INPUT,
    )
)
"""What holds of both readers."""

ROWS = Rows(
    table={
        # Records
        "train_input_reader": READER | built("load_multiclass_scores"),
        "eval_input_reader": READER | no_effect("load_multiclass_scores", "evaluation goes by classes"),
        "*.tf_record_input_reader": built("input_path"),
        # Evaluation
        "eval_config": built(
            "num_visualizations min_score_threshold max_num_boxes_to_visualize recall_lower_bound recall_upper_bound "
            "include_metrics_per_category all_metrics_per_category"
        )
        | {
            "metrics_set": only(
                "coco_detection_metrics",
                "pascal_voc_detection_metrics",
                "weighted_pascal_voc_detection_metrics",
                "oid_V2_detection_metrics",
                "oid_challenge_detection_metrics",
                "open_images_V2_detection_metrics",
                "oid_challenge_object_detection_metrics",
                "precision_at_recall_detection_metrics",
            )
        }
        | no_effect("batch_size", "how many images are computed at once, not what comes out")
        | no_effect("num_examples eval_interval_secs max_evals", OWN_ROUNDS)
        | no_effect(
            "use_moving_averages", "what is published is evaluated: averages if train_config.optimizer keeps them"
        )
        | no_effect("retain_original_images", "says what the original kept in memory"),
    },
    ranges={
        "*_input_reader": {"max_number_of_boxes": ONE_OR_MORE, "sample_1_of_n_examples": ONE_OR_MORE},
        "eval_config": {"recall_lower_bound": SHARE, "recall_upper_bound": SHARE},
    },
    not_above={
        "eval_config": [("recall_lower_bound", "recall_upper_bound")],
    },
)
