"""Two-stage detectors: each option of the original post's config, changed, is built, without effect, or refused."""

from __future__ import annotations

import re

import pytest

from teachbox.config.load import parse_pipeline
from teachbox.config.supported import check_supported, examine
from teachbox.errors import ConfigError

HEAD = "mask_rcnn_box_predictor {"


def changed(text: str, old: str, new: str) -> str:
    """The config with one piece of text replaced."""
    assert text.count(old) == 1, old
    return text.replace(old, new)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("num_classes: 1", "num_classes: 1 number_of_stages: 3", "number_of_stages: 3 is not built yet; built: 2, 1"),
        (
            "num_classes: 1",
            "num_classes: 1 inplace_batchnorm_update: true",
            "leave it out, or write its default, false",
        ),
        ("num_classes: 1", "num_classes: 1 context_config { }", "model.faster_rcnn.context_config is not built yet"),
        (
            "num_classes: 1",
            "num_classes: 1 use_combined_nms_in_first_stage: true",
            "use_combined_nms_in_first_stage: true is not built yet",
        ),
        ("faster_rcnn_inception_v2'", "faster_rcnn_nas'", "faster_rcnn_nas is not built yet; built: faster_rcnn_"),
        ("features_stride: 16", "features_stride: 8", "stride 8 is not built for faster_rcnn_inception_v2; built: 16"),
        (
            "features_stride: 16",
            "features_stride: 32",
            "first_stage_features_stride: 32 is not built yet; built: 16, 8",
        ),
        (
            "features_stride: 16",
            "features_stride: 16 conv_hyperparams { }",
            "feature_extractor.conv_hyperparams is not built for faster_rcnn_inception_v2; built for *_fpn_keras",
        ),
        ("scales: [0.25, 0.5, 1.0, 2.0]", "", "grid_anchor_generator has no scales or no aspect_ratios"),
        ("first_stage_max_proposals: 300", "first_stage_max_proposals: 0", "max_proposals is 0; it must be at least 1"),
        (
            "first_stage_max_proposals: 300",
            "first_stage_max_proposals: 32",
            "second_stage_batch_size 64 is above first_stage_max_proposals 32",
        ),
        ("initial_crop_size: 14", "", "initial_crop_size is 0; it must be at least 1"),
        ("initial_crop_size: 14", "initial_crop_size: 1", "maxpool_kernel_size 2 is above initial_crop_size 1"),
        (HEAD, f"{HEAD} predict_instance_masks: true", "predict_instance_masks: true is not built yet"),
        (HEAD, f"{HEAD} predict_keypoints: true", "predict_keypoints: true is not built yet"),
        (HEAD, f"{HEAD} box_code_size: 5", "box_code_size: 5 is not built yet; built: 4"),
        ("op: FC", "op: CONV", "fc_hyperparams.op: CONV is not built yet; built: FC"),
        ("op: FC", "", "fc_hyperparams has no op"),
    ],
)
def test_what_is_not_built_is_refused(post_config: str, old: str, new: str, words: str):
    with pytest.raises(ConfigError) as caught:
        check_supported(parse_pipeline(changed(post_config, old, new), "my.config"))
    assert words in str(caught.value)
    assert str(caught.value).startswith("my.config:")


@pytest.mark.parametrize(
    "new",
    [
        "use_matmul_gather_in_matcher: true",
        "use_static_shapes: true use_static_balanced_label_sampler: true",
        "resize_masks: false second_stage_mask_prediction_loss_weight: 4",
    ],
)
def test_what_has_no_effect_is_listed_with_its_reason(post_config: str, new: str):
    pipeline = parse_pipeline(changed(post_config, "num_classes: 1", f"num_classes: 1 {new}"))
    check_supported(pipeline)
    listed = {finding.field_path.rsplit(".", 1)[-1] for finding in examine(pipeline).no_effect}
    assert {word.rstrip(":") for word in new.split() if word.endswith(":")} <= listed


@pytest.mark.parametrize(
    "new",
    [
        "number_of_stages: 1",
        "clip_anchors_to_image: true",
        "first_stage_atrous_rate: 2",
        "hard_example_miner { num_hard_examples: 32 }",
        "second_stage_classification_loss { weighted_sigmoid { anchorwise_output: true } }",
        "second_stage_batch_size: 128 second_stage_balance_fraction: 0.5 first_stage_minibatch_size: 64",
    ],
)
def test_what_is_built_is_accepted(post_config: str, new: str):
    check_supported(parse_pipeline(changed(post_config, "num_classes: 1", f"num_classes: 1 {new}")))


def test_a_first_stage_alone_needs_no_second(post_config: str):
    start, end = post_config.index("    initial_crop_size"), post_config.index("    second_stage_localization")
    alone = post_config[:start] + post_config[end:]
    with pytest.raises(ConfigError, match="no second_stage_box_predictor; or write number_of_stages: 1"):
        check_supported(parse_pipeline(alone))
    check_supported(parse_pipeline(alone.replace("num_classes: 1", "num_classes: 1 number_of_stages: 1")))


RFCN = """second_stage_box_predictor { rfcn_box_predictor { %s
    conv_hyperparams { regularizer { l2_regularizer { } } initializer { truncated_normal_initializer { } } } } }
    second_stage_post_processing"""
CROP_SIZES = r"(initial_crop_size|maxpool_kernel_size|maxpool_stride): \d+"


PYRAMID = """feature_extractor { type: 'faster_rcnn_resnet50_fpn_keras' fpn { min_level: 3 max_level: 6 }
        conv_hyperparams { regularizer { l2_regularizer { } } initializer { truncated_normal_initializer { } } } }
    first_stage_anchor_generator { multiscale_anchor_generator { min_level: 3 max_level: 6 aspect_ratios: 1
        normalize_coordinates: false } }
    first_stage_box_predictor_conv_hyperparams"""


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("normalize_coordinates: false", "", "multiscale_anchor_generator has no normalize_coordinates"),
        ("coordinates: false", "coordinates: true", "normalize_coordinates: true is not built yet; built: false"),
        ("max_level: 6 aspect", "max_level: 7 aspect", "has 4 feature maps, but there are anchors for 5"),
        ("aspect_ratios: 1", "", "multiscale_anchor_generator has no aspect_ratios"),
        ("fpn {", "pad_to_multiple: 16 fpn {", "each map must be twice the next: give a multiple of 32"),
        ("fpn {", "first_stage_features_stride: 8 fpn {", "8 is not built for faster_rcnn_resnet50_fpn_keras"),
        ("fpn { min_level: 3", "fpn { min_level: 1", "fpn.min_level is 1; it must be from 2 to 5"),
        ("resnet50_fpn_keras", "resnet50_keras", "fpn is not built for faster_rcnn_resnet50_keras; built for *_fpn_"),
    ],
)
def test_what_is_wrong_with_a_pyramid_is_refused(post_config: str, old: str, new: str, words: str):
    text = re.sub(
        r"\bfeature_extractor.*?first_stage_box_predictor_conv_hyperparams", PYRAMID, post_config, flags=re.DOTALL
    )
    check_supported(parse_pipeline(text, "my.config"))
    with pytest.raises(ConfigError) as caught:
        check_supported(parse_pipeline(changed(text, old, new), "my.config"))
    assert words in str(caught.value) or any(
        words in finding.text for finding in examine(parse_pipeline(changed(text, old, new))).refused
    )


def rfcn(text: str, options: str = "") -> str:
    """The config with the head of R-FCN."""
    found = re.sub(r"second_stage_box_predictor.*?second_stage_post_processing", RFCN % options, text, flags=re.DOTALL)
    assert found != text
    return found


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("crop_width: 10", "crop_width 10 is no multiple of num_spatial_bins_width 3"),
        ("num_spatial_bins_height: 0", "num_spatial_bins_height is 0; it must be at least 1"),
        ("box_code_size: 5", "box_code_size: 5 is not built yet; built: 4"),
        ("depth: 0", "rfcn_box_predictor.depth is 0; it must be at least 1"),
    ],
)
def test_what_is_wrong_with_rfcn_is_refused(post_config: str, options: str, words: str):
    without_crops = re.sub(CROP_SIZES, "", post_config)
    check_supported(parse_pipeline(rfcn(without_crops), "my.config"))
    with pytest.raises(ConfigError) as caught:
        check_supported(parse_pipeline(rfcn(without_crops, options), "my.config"))
    assert words in str(caught.value)


def test_rfcn_has_no_crops_of_its_own(post_config: str):
    with pytest.raises(ConfigError, match="initial_crop_size has no meaning with rfcn_box_predictor") as caught:
        check_supported(parse_pipeline(rfcn(post_config), "my.config"))
    assert "further: model.faster_rcnn.maxpool_kernel_size" in str(caught.value)
