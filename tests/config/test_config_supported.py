"""What is parsed and not built is refused by name and line; what has no effect is listed. One change at a time."""

from __future__ import annotations

import re

import pytest
from changed_starter import STARTER, changed, refusal

from teachbox.config.load import parse_pipeline
from teachbox.config.supported import check_supported, examine
from teachbox.errors import ConfigError

POINTS = (
    "class_id_xy_pairs_map {{ key: {} value {{ x_y_pair {{ x: {} y: 0.1 }} x_y_pair {{ x: 0.5 y: 0.3 }} "
    "training_data_type: CLASS_SPECIFIC }} }}"
)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (
            "activation: RELU_6\n        batch",
            "op: FC\n        batch",
            "conv_hyperparams.op: FC is not built yet; built: CONV",
        ),
        ("weighted_sigmoid {", "bootstrapped_sigmoid {", "classification_loss.bootstrapped_sigmoid has no alpha"),
        (
            "ssd_random_crop {",
            "random_crop_image { overlap_thresh: 2",
            "random_crop_image.overlap_thresh is 2; it must be from 0 to 1",
        ),
        ("ssd_random_crop {", "resize_image { new_height: 3", "resize_image has no new_width"),
        ("ssd_random_crop {", "random_adjust_contrast { min_delta: 2", "min_delta 2 is above max_delta 1.25"),
        (
            "ssd_random_crop {",
            'autoaugment_image { policy_name: "v4"',
            "v4 is not built yet; built: v0, v1, v2, v3",
        ),
        (
            "ssd_random_crop {",
            "convert_class_logits_to_softmax {",
            "train_config.data_augmentation_options[1].convert_class_logits_to_softmax needs "
            "train_input_reader.load_multiclass_scores: true",
        ),
        (
            "random_horizontal_flip {",
            "scale_boxes_to_pixel_coordinates {",
            "train_config.data_augmentation_options[0].scale_boxes_to_pixel_coordinates must be the last step; "
            "ssd_random_crop comes after it, and takes boxes as parts of the image",
        ),
        (
            "random_horizontal_flip {",
            "random_horizontal_flip { keypoint_flip_permutation: 1",
            "_permutation[0] is not built",
        ),
        (
            "batch_size: 8",
            "batch_size: 8 freeze_variables: ['BoxPredictor', 'a(b']",
            'train_config: freeze_variables[1] "a(b" is no regular expression (missing ), unterminated subpattern at',
        ),
        (
            "batch_size: 8",
            "batch_size: 8 update_trainable_variables: '*/weights'",
            'update_trainable_variables[0] "*/weights" is no regular expression (nothing to repeat at position 0)',
        ),
        ("batch_size: 8", "batch_size: 8 bias_grad_multiplier: -1", "_multiplier is -1; it must be at least 0"),
        (
            "batch_size: 8",
            "batch_size: 8 use_multiclass_scores: true",
            "train_config.use_multiclass_scores needs train_input_reader.load_multiclass_scores: true",
        ),
        ("batch_size: 8", "batch_size: 8 summarize_gradients: true", "leave it out, or write its default, false"),
        ("batch_size: 8", "batch_size: 0", "train_config.batch_size is 0; it must be at least 1"),
        ("num_classes: 2", "num_classes: 0", "model.ssd.num_classes is 0; it must be at least 1"),
        ("num_classes: 2", "num_classes: 2 mask_head_config {}", "model.ssd.mask_head_config is not built yet"),
        (
            "iou_threshold: 0.6",
            "iou_threshold: 0.6 max_classes_per_detection: 2",
            "max_classes_per_detection: 2 is not bu",
        ),
        (
            "depth_multiplier: 0.75",
            "depth_multiplier: 0.75 fpn {}",
            "feature_extractor.fpn is not built for ssd_mobilenet_v1; built for *_fpn, *_fpn_keras",
        ),
        (
            "activation: RELU_6\n        batch",
            "activation: RELU_6 force_use_bias: true\n        batch",
            "conv_hyperparams.force_use_bias is not built for ssd_mobilenet_v1; built for *_keras",
        ),
        (
            'type: "ssd_mobilenet_v1"',
            'type: "ssd_resnet50_v1_fpn" pad_to_multiple: 32 use_depthwise: true fpn { max_level: 8 }',
            "use_depthwise is not built for ssd_resnet50_v1_fpn; built for ssd_mobilenet_v?, ssd_mobilenet_v?_k",
        ),
        (
            'type: "ssd_mobilenet_v1"',
            'type: "ssd_mobilenet_v1_fpn" pad_to_multiple: 32 fpn { min_level: 1 max_level: 6 }',
            "model.ssd.feature_extractor.fpn.min_level is 1; it must be from 2 to 5",
        ),
        (
            'type: "ssd_mobilenet_v1"',
            'type: "ssd_efficientnet-b0_bifpn_keras"',
            "model.ssd: ssd_efficientnet-b0_bifpn_keras needs a bifpn, with num_iterations and",
        ),
        (
            "score_converter: SIGMOID",
            "score_converter: SIGMOID calibration_config { class_id_function_approximations { "
            f"{POINTS.format(1, 0.25)} {POINTS.format(2, 0.5)} }} }}",
            "class_id_function_approximations.class_id_xy_pairs_map[key 2].value: not two or more points, each x above",
        ),
        ("iou_threshold: 0.6", "iou_threshold: 1.5", "iou_threshold is 1.5; it must be from 0 to 1"),
        (
            "        unmatched_threshold: 0.5",
            "        unmatched_threshold: 0.75",
            "model.ssd.matcher.argmax_matcher: unmatched_threshold 0.75 is above matched_threshold 0.5",
        ),
        (
            "num_layers: 6",
            "height_stride: 8",
            "ssd_anchor_generator: height_stride has 1 values and width_stride has 0; they must be as many",
        ),
        (
            '"coco_detection_metrics"',
            '"coco_mask_metrics"',
            "metrics_set[0]: coco_mask_metrics is not built yet; built: coco_detection_metrics, pascal_voc_detection_",
        ),
        ("eval_config {", "eval_config { recall_upper_bound: 1.5", "recall_upper_bound is 1.5; it must be from 0 to 1"),
        (
            "eval_config {",
            "eval_config { recall_lower_bound: 0.5 recall_upper_bound: 0.25",
            "eval_config: recall_lower_bound 0.5 is above recall_upper_bound 0.25",
        ),
        (
            "eval_config {",
            "eval_config { super_categories { key: 'a' value: 'b' }",
            "super_categories is not built yet",
        ),
        ("eval_config {", "graph_rewriter {} eval_config {", "graph_rewriter is not built yet; leave it out"),
        ("faster_rcnn_box_coder {", "faster_rcnn_box_coder { y_scal: 1", "did you mean `y_scale`?"),
    ],
)
def test_what_is_not_built_is_refused(old: str, new: str, words: str):
    if "did you mean" in words:
        with pytest.raises(ConfigError) as caught:
            changed(old, new)
        assert words in str(caught.value)
        return
    pipeline, line = changed(old, new)
    text = refusal(pipeline)
    assert text.startswith(f"my.config:{line}: ")
    assert words in text


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("iou_threshold: 0.6", "iou_threshold: 0.6 soft_nms_sigma: 0.5 use_class_agnostic_nms: true"),
        (
            "score_converter: SIGMOID",
            "score_converter: SIGMOID calibration_config { class_id_function_approximations { "
            f"{POINTS.format(1, 0.25)} {POINTS.format(2, 0.25)} }} }}",
        ),
        ("depth_multiplier: 0.75", "depth_multiplier: 1.0 use_explicit_padding: true pad_to_multiple: 32"),
        (
            'type: "ssd_mobilenet_v1"',
            'type: "ssd_resnet152_v1_fpn_keras" pad_to_multiple: 32 use_depthwise: false fpn { max_level: 8 }',
        ),
        ("batch_size: 8", "batch_size: 8 use_bfloat16: true"),
        ("num_classes: 2", "num_classes: 2 add_background_class: true implicit_example_weight: 1.0"),
        ("batch_size: 8", "batch_size: 8 bias_grad_multiplier: 0 add_regularization_loss: false"),
        ("batch_size: 8", "batch_size: 8 bias_grad_multiplier: 2 freeze_variables: '.*' freeze_variables: 'a|b'"),
        ("eval_config {", 'eval_config { metrics_set: "oid_V2_detection_metrics" include_metrics_per_category: true'),
        ("batch_size: 8", "batch_size: 8 data_augmentation_options { random_vertical_flip { probability: 0.25 } }"),
        (
            "ssd_random_crop {",
            "ssd_random_crop_pad { operations { min_area: 0.1 max_area: 1 min_aspect_ratio: 1 max_aspect_ratio: 1 "
            "min_padded_size_ratio: [1, 1] max_padded_size_ratio: [2, 2] pad_color_r: 3 }",
        ),
        ("ssd_random_crop {", "remap_labels { original_labels: [1, 2] new_label: 2"),
        ("ssd_random_crop {", "random_jitter_boxes { ratio: 0.1 jitter_mode: SHRINK_SYMMETRIC_XY"),
        (
            "fixed_shape_resizer {\n        height: 300\n        width: 300",
            "keep_aspect_ratio_resizer { pad_to_max_dimension: true",
        ),
    ],
)
def test_defaults_and_parts_that_are_built_are_accepted(old: str, new: str):
    check_supported(changed(old, new)[0])


@pytest.mark.parametrize(
    ("change", "maps"),
    [
        ("type: 'ssd_mobilenet_v1_fpn'", "38, 19, 10; each must be twice the next; choose a multiple of 32"),
        ("type: 'ssd_mobilenet_v1_fpn' fpn { min_level: 4 }", "19, 10; each"),
        ("type: 'ssd_efficientnet-b0_bifpn_keras' pad_to_multiple: 32 bifpn {}", "40, 20, 10, 5, 3; each"),
        ("type: 'ssd_mobilenet_v1_fpn' fpn { min_level: 5 }", ""),
        ("type: 'ssd_mobilenet_v1_fpn' pad_to_multiple: 32", ""),
        ("type: 'ssd_mobilenet_v1_fpn_keras' use_explicit_padding: true", ""),
        ("type: 'ssd_mobilenet_v1_keras'", ""),
    ],
)
@pytest.mark.parametrize("resizer", ["fixed_shape_resizer", "keep_aspect_ratio_resizer"])
def test_images_that_make_no_pyramid_are_refused(change: str, maps: str, resizer: str):
    pipeline, _ = changed('type: "ssd_mobilenet_v1"', change)
    images = pipeline.message.model.ssd.image_resizer
    if resizer == "keep_aspect_ratio_resizer":
        images.keep_aspect_ratio_resizer.max_dimension = 300
        images.keep_aspect_ratio_resizer.pad_to_max_dimension = True
    wrong = [finding.text for finding in examine(pipeline).refused if finding.field_path == "model.ssd.image_resizer"]
    expected = [f"model.ssd: an image of 300 × 300 gives maps of {maps}"] if maps else []
    assert [text[: len(expected[0])] if expected else text for text in wrong] == expected


@pytest.mark.parametrize(
    ("change", "resizer", "fits"),
    [
        ("type: 'ssd_mobilenet_v1_fpn'", "identity_resizer {}", False),
        ("type: 'ssd_mobilenet_v1_fpn' pad_to_multiple: 32", "identity_resizer {}", True),
        ("type: 'ssd_mobilenet_v1_fpn' fpn { min_level: 5 }", "identity_resizer {}", True),
        ("type: 'ssd_mobilenet_v1_fpn'", "pad_to_multiple_resizer { multiple: 64 }", True),
        ("type: 'ssd_mobilenet_v1_fpn' pad_to_multiple: 16", "pad_to_multiple_resizer { multiple: 64 }", True),
        # 24 or 48 where the image is padded to 32.
        ("type: 'ssd_mobilenet_v1_fpn' pad_to_multiple: 24", "pad_to_multiple_resizer { multiple: 32 }", False),
        ("type: 'ssd_mobilenet_v1_ppn'", "identity_resizer {}", False),
        ("type: 'ssd_mobilenet_v1'", "keep_aspect_ratio_resizer {}", True),
    ],
)
def test_images_of_any_size_make_a_pyramid_or_are_refused(change: str, resizer: str, fits: bool):
    text, _ = re.subn(r"fixed_shape_resizer \{[^}]*\}", resizer, STARTER)
    pipeline = parse_pipeline(text.replace('type: "ssd_mobilenet_v1"', change))
    wrong = [finding.text for finding in examine(pipeline).refused if finding.field_path == "model.ssd.image_resizer"]
    assert bool(wrong) is not fits
    assert all("leaves images of any size" in text for text in wrong)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "my.config: the config has no model; further: train_config"),
        ("train_config {}\nmodel {}", "my.config:2: model names no model; built: faster_rcnn, ssd, center_net; "),
        ("train_config { optimizer {} }", "my.config: the config has no model; further: train_config.optimizer.opt"),
        ("model { ssd {} }", "the config has no train_config; further: model.ssd.num_classes (line 1)"),
    ],
)
def test_what_is_missing_is_named(text: str, words: str):
    assert words in refusal(parse_pipeline(text, "my.config"))


@pytest.mark.parametrize("kind", ["box_coder", "matcher", "similarity_calculator", "image_resizer", "anchor_generator"])
def test_an_empty_choice_is_named(kind: str):
    pipeline = parse_pipeline(STARTER, "my.config")
    block = getattr(pipeline.message.model.ssd, kind)
    block.Clear()
    block.SetInParent()
    text = refusal(pipeline)
    assert text.startswith(f"my.config:{pipeline.line_of(f'model.ssd.{kind}')}: model.ssd.{kind} names no ")
    assert "; built: " in text


@pytest.mark.parametrize(
    ("resizer", "words"),
    [
        (
            "keep_aspect_ratio_resizer { pad_to_max_dimension: true per_channel_pad_value: 3 }",
            "keep_aspect_ratio_resizer: per_channel_pad_value has 1 value; images have 3 channels",
        ),
        (
            "keep_aspect_ratio_resizer { pad_to_max_dimension: true convert_to_grayscale: true "
            "per_channel_pad_value: [1, 2, 3] }",
            "keep_aspect_ratio_resizer: per_channel_pad_value has 3 values; images have 1 channel",
        ),
    ],
)
def test_resizers_of_a_single_shot_detector(resizer: str, words: str):
    text, count = re.subn(r"fixed_shape_resizer \{[^}]*\}", resizer, STARTER)
    assert count == 1
    assert words in refusal(parse_pipeline(text))


@pytest.mark.parametrize("loss", ["weighted_l2", "weighted_iou", "weighted_giou", "l1_localization_loss"])
def test_every_localization_loss_is_followed(loss: str):
    check_supported(changed("weighted_smooth_l1 {", f"{loss} {{")[0])


def test_confidences_and_combined_suppression_are_followed():
    text = STARTER.replace(
        "num_classes: 2", "num_classes: 2 use_confidences_as_targets: true implicit_example_weight: 0.25"
    )
    text = text.replace(
        "iou_threshold: 0.6", "iou_threshold: 0.6 use_combined_nms: true change_coordinate_frame: false"
    )
    check_supported(parse_pipeline(text))
    said = "iou_threshold: 0.6 use_combined_nms: true"
    assert "use_combined_nms needs change_coordinate_frame: false" in refusal(changed("iou_threshold: 0.6", said)[0])
    alone = changed("num_classes: 2", "num_classes: 2 implicit_example_weight: 0.5")[0]
    assert "implicit_example_weight has no meaning without use_confidences_as_targets: true" in refusal(alone)


def test_only_one_evaluation_reader_is_built():
    readers = 'eval_input_reader {}\neval_input_reader { name: "second" }'
    pipeline = parse_pipeline(f"{readers}\n{STARTER}", "my.config")
    assert refusal(pipeline) == "my.config:2: eval_input_reader[1]: more than 1 of it is not built yet"


def test_all_refusals_are_named_in_one_line():
    flips = "".join("\ndata_augmentation_options { random_horizontal_flip { probability: 2 } }" for _ in range(6))
    pipeline, line = changed("  batch_size: 8", flips.strip())
    text = refusal(pipeline)
    assert "\n" not in text
    named = "train_config.data_augmentation_options[0].random_horizontal_flip.probability is 2; it must be from 0 to 1"
    assert text.startswith(f"my.config:{line}: {named}")
    assert f"data_augmentation_options[1].random_horizontal_flip.probability (line {line + 1})" in text
    assert text.endswith(" and 2 more")


def test_scores_of_all_classes_are_followed():
    scored = STARTER.replace("batch_size: 8", "batch_size: 8 use_multiclass_scores: true")
    scored = scored.replace("ssd_random_crop {", "convert_class_logits_to_softmax {")
    scored = scored.replace("train_input_reader {", "train_input_reader { load_multiclass_scores: true")
    check_supported(parse_pipeline(scored))
    cold = parse_pipeline(scored.replace("to_softmax {", "to_softmax { temperature: 0"))
    where = "train_config.data_augmentation_options[1].convert_class_logits_to_softmax"
    assert f"{where}: temperature is 0; it must be above 0" in refusal(cold)
    merged = parse_pipeline(scored.replace("batch_size: 8", "batch_size: 8 merge_multiple_label_boxes: true"))
    assert "merge_multiple_label_boxes goes by classes, and train_input_reader.load_multiclass_scores" in refusal(
        merged
    )
    check_supported(changed("batch_size: 8", "batch_size: 8 merge_multiple_label_boxes: true")[0])
    remapped = parse_pipeline(scored.replace("random_horizontal_flip {", "remap_labels { new_label: 1"))
    assert refusal(remapped).endswith(
        "train_config.data_augmentation_options[0].remap_labels changes classes, and "
        "train_config.use_multiclass_scores trains on scores in their place; leave one of them out"
    )
    pipeline, _ = changed("ssd_random_crop {", "scale_boxes_to_pixel_coordinates {")
    check_supported(pipeline)  # the last step
    pipeline = parse_pipeline(f"eval_input_reader {{ load_multiclass_scores: true }}\n{STARTER}")
    (found,) = examine(pipeline).no_effect
    assert (found.field_path, found.text) == (
        "eval_input_reader[0].load_multiclass_scores",
        "evaluation goes by classes",
    )


def test_what_has_no_effect_is_listed_with_its_reason():
    pipeline, line = changed("batch_size: 8", "batch_size: 8\nnum_steps: 200000\nsync_replicas: true")
    check_supported(pipeline)
    found = {finding.field_path: finding for finding in examine(pipeline).no_effect}
    assert set(found) == {"train_config.num_steps", "train_config.sync_replicas"}
    assert found["train_config.num_steps"].line == line + 1
    assert "one process trains" in found["train_config.sync_replicas"].text
    assert examine(parse_pipeline(STARTER)).no_effect == []
