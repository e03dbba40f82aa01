"""CenterNet: each option of a small config, changed, is built, without effect, or refused by name and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from teachbox.config.check import check_config
from teachbox.config.load import load_pipeline, parse_pipeline
from teachbox.config.supported import check_supported, examine
from teachbox.errors import ConfigError

CONFIG = """model {
  center_net {
    num_classes: 2
    feature_extractor {
      type: "mobilenet_v2_fpn"
    }
    image_resizer {
      keep_aspect_ratio_resizer {
        min_dimension: 64 max_dimension: 96 pad_to_max_dimension: true
      }
    }
    object_detection_task {
      localization_loss { l1_localization_loss { } }
    }
    object_center_params {
      classification_loss { penalty_reduced_logistic_focal_loss { alpha: 2 beta: 4 } }
    }
  }
}
train_config {
  optimizer { adam_optimizer { learning_rate { constant_learning_rate { learning_rate: 0.001 } } } }
}
"""
TYPE = 'type: "mobilenet_v2_fpn"'
BOXES = "object_detection_task {"
CENTER = "object_center_params {"


def changed(old: str, new: str) -> str:
    """The config with one piece of text replaced."""
    assert CONFIG.count(old) == 1, old
    return CONFIG.replace(old, new)


def test_the_config_is_built_and_its_parts_are_told(tmp_path: Path) -> None:
    check_supported(parse_pipeline(CONFIG))
    file = tmp_path / "my.config"
    file.write_text(CONFIG)
    text = check_config(file)
    assert "center_net, mobilenet_v2_fpn" in text
    assert "at most 100, by their centres" in text
    assert "penalty_reduced_logistic_focal_loss, l1_localization_loss" in text


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        # Other tasks
        (BOXES, f"keypoint_estimation_task {{ }} {BOXES}", "center_net.keypoint_estimation_task[0] is not built yet"),
        (BOXES, f"keypoint_label_map_path: 'a' {BOXES}", "keypoint_label_map_path: a is not built yet; leave it out"),
        (BOXES, f"mask_estimation_task {{ }} {BOXES}", "model.center_net.mask_estimation_task is not built yet"),
        (BOXES, f"densepose_estimation_task {{ }} {BOXES}", "center_net.densepose_estimation_task is not built yet"),
        (BOXES, f"track_estimation_task {{ }} {BOXES}", "model.center_net.track_estimation_task is not built yet"),
        (BOXES, f"temporal_offset_task {{ }} {BOXES}", "model.center_net.temporal_offset_task is not built yet"),
        (BOXES, f"deepmac_mask_estimation {{ }} {BOXES}", "center_net.deepmac_mask_estimation is not built yet"),
        # Of boxes
        ("num_classes: 2", "num_classes: 0", "model.center_net.num_classes is 0; it must be at least 1"),
        ("num_classes: 2", "", "model.center_net has no num_classes"),
        (TYPE, "", "model.center_net.feature_extractor has no type"),
        (
            TYPE,
            'type: "hourglass_52"',
            "keep_aspect_ratio_resizer.max_dimension is 96; hourglass_52 needs a multiple of 128",
        ),
        (TYPE, 'type: "resnet_v1_52_fpn"', "type: resnet_v1_52_fpn is not built yet; built: resnet_v1_50_fpn, "),
        (TYPE, f"{TYPE} channel_means: 1", "channel_means has 1 values; give one a channel, 3"),
        (TYPE, f"{TYPE} channel_stds: [1, 0, 1]", "channel_stds must be above 0"),
        (TYPE, f"{TYPE} use_depthwise: true", "feature_extractor.use_depthwise: true is not built yet; leave it out"),
        (
            TYPE,
            f"{TYPE} upsampling_interpolation: 'bicubic'",
            "upsampling_interpolation: bicubic is not built yet; built: nearest, bilinear",
        ),
        (
            TYPE,
            'type: "resnet_v1_50_fpn" depth_multiplier: 0.5',
            "depth_multiplier is not built for resnet_v1_50_fpn; built for mobilenet_v2_fpn, mobilenet_v2_fpn_sep_conv",
        ),
        (
            TYPE,
            'type: "resnet_v1_101_fpn" use_separable_conv: true',
            "use_separable_conv is not built for resnet_v1_101_fpn; built for mobilenet_v2_fpn",
        ),
        (
            "max_dimension: 96",
            "max_dimension: 100",
            "keep_aspect_ratio_resizer.max_dimension is 100; mobilenet_v2_fpn needs a multiple of 32",
        ),
        ("pad_to_max_dimension: true", "", "keep_aspect_ratio_resizer has no pad_to_max_dimension"),
        (
            "pad_to_max_dimension: true",
            "pad_to_max_dimension: false",
            "pad_to_max_dimension: false is not built yet; built: true",
        ),
        ("l1_localization_loss", "weighted_l2", "weighted_l2 is not built yet; built: l1_localization_loss"),
        ("l1_localization_loss { }", "", "names no localization_loss; built: l1_localization_loss"),
        (
            "penalty_reduced_logistic_focal_loss { alpha: 2 beta: 4 }",
            "weighted_softmax { }",
            "classification_loss.weighted_softmax is not built yet; built: weighted_sigmoid, ",
        ),
        ("beta: 4", "", "penalty_reduced_logistic_focal_loss has no beta"),
        (CENTER, f"{CENTER} use_labeled_classes: true", "use_labeled_classes: true is not built yet; leave it out"),
        (CENTER, f"{CENTER} keypoint_weights_for_center: 1", "keypoint_weights_for_center[0] is not built yet"),
        (CENTER, f"{CENTER} min_box_overlap_iou: 1.5", "min_box_overlap_iou is 1.5; it must be from 0 to 1"),
        (CENTER, f"{CENTER} max_box_predictions: 0", "max_box_predictions is 0; it must be at least 1"),
        (
            CENTER,
            f"{CENTER} center_head_params {{ num_filters: [8, 8] kernel_sizes: 3 }}",
            "num_filters has 2 values and kernel_sizes has 1; they must be as many",
        ),
        (BOXES, f"{BOXES} scale_head_params {{ num_filters: 0 kernel_sizes: 3 }}", "num_filters[0] is 0; it must be"),
        (BOXES, f"{BOXES} offset_loss_weight: -1", "offset_loss_weight is -1; it must be at least 0"),
        (BOXES, f"post_processing {{ }} {BOXES}", "model.center_net.post_processing is not built yet; leave it out"),
    ],
)
def test_what_is_not_built_is_refused(old: str, new: str, words: str) -> None:
    text = changed(old, new)
    with pytest.raises(ConfigError) as caught:
        check_supported(parse_pipeline(text, "my.config"))
    assert words in str(caught.value)
    assert str(caught.value).startswith("my.config:")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (TYPE, f"{TYPE} depth_multiplier: 0.5 use_separable_conv: true upsampling_interpolation: 'bilinear'"),
        (TYPE, f"{TYPE} channel_means: [1, 2, 3] channel_stds: [1, 2, 3] bgr_ordering: true"),
        (TYPE, 'type: "mobilenet_v2_fpn_sep_conv" depth_multiplier: 0.5'),
        (TYPE, 'type: "resnet_v1_101_fpn" depth_multiplier: 1.0'),
        (BOXES, f"use_depthwise: true {BOXES} scale_head_params {{ num_filters: [8, 8] kernel_sizes: [3, 5] }}"),
        (BOXES, f"{BOXES} task_loss_weight: 2 scale_loss_weight: 0 offset_head_params {{ }}"),
        (CENTER, f"{CENTER} heatmap_bias_init: -4 min_box_overlap_iou: 0.5 object_center_loss_weight: 3"),
        ("penalty_reduced_logistic_focal_loss { alpha: 2 beta: 4 }", "weighted_sigmoid_focal { gamma: 2 }"),
        (
            "keep_aspect_ratio_resizer {\n        min_dimension: 64 max_dimension: 96 pad_to_max_dimension: true",
            "fixed_shape_resizer { height: 64 width: 128",
        ),
    ],
)
def test_what_is_built_is_accepted(old: str, new: str) -> None:
    check_supported(parse_pipeline(changed(old, new), "my.config"))


def test_how_heat_maps_are_drawn_has_no_effect() -> None:
    pipeline = parse_pipeline(changed("num_classes: 2", "num_classes: 2 compute_heatmap_sparse: true"))
    check_supported(pipeline)
    assert [finding.field_path for finding in examine(pipeline).no_effect] == [
        "model.center_net.compute_heatmap_sparse"
    ]


def test_samples_are_refused_for_no_part_of_boxes(oracles: Path) -> None:
    files = sorted((oracles / "sample_configs" / "configs_tf2").glob("center*net*.config"))
    assert len(files) == 11
    for file in files:
        paths = {finding.field_path for finding in examine(load_pipeline(file)).refused}
        of_model = {path.removeprefix("model.center_net.").split("[")[0] for path in paths if path.startswith("model.")}
        keypoints, masks = "_kpts_" in file.name, "deepmac" in file.name
        assert of_model == {
            *(("keypoint_estimation_task", "keypoint_label_map_path") if keypoints else ()),
            *(("deepmac_mask_estimation",) if masks else ()),
        }, file.name
