"""Real configs pass, or are refused by name and line."""

from __future__ import annotations

from pathlib import Path

import pytest
from changed_starter import refusal

from teachbox.config.load import load_pipeline, parse_pipeline
from teachbox.config.supported import check_supported, examine


def test_real_configs_pass_or_are_refused_by_name_and_line(config_file: Path):
    pipeline = load_pipeline(config_file)
    refused = examine(pipeline).refused
    if not refused:
        check_supported(pipeline)
        return
    first = refused[0]
    text = refusal(pipeline)
    assert first.line is not None
    # What is missing is told of the block that lacks it.
    path = first.field_path.rsplit(".", 1)[0] if " has no " in first.text else first.field_path
    assert text.startswith(f"{config_file}:{first.line}: {path}")
    # The line really holds the last name of the path (blocks that mean several stand at the line of their step).
    name = path.rsplit(".", 1)[-1].split("[")[0]
    assert name in pipeline.text.splitlines()[first.line - 1]


PASS = [
    "ssd_mobilenet_v1_075/pipeline.config",
    "ssd_mobilenet_v1_075_focal/pipeline.config",
    "ssd_inception_v2/pipeline.config",
    "ssd_mobilenet_v2/pipeline.config",
    "ssdlite_mobilenet_v2/pipeline.config",
    "ssdlite_mobilenet_v3_large/pipeline.config",
    "ssdlite_mobilenet_v3_small/pipeline.config",
    "ssd_mobilenet_v1_fpn/pipeline.config",
    "ssd_mobilenet_v1_ppn/pipeline.config",
    "ssd_resnet50_v1_fpn/pipeline.config",
    "faster_rcnn_inception_v2/pipeline.config",
    "faster_rcnn_inception_resnet_v2/pipeline.config",
    "faster_rcnn_resnet50/pipeline.config",
    "faster_rcnn_resnet101/pipeline.config",
    "rfcn_resnet101/pipeline.config",
    "center_net_hourglass/pipeline.config",
    "center_net_mobilenet_v2_fpn/pipeline.config",
    "center_net_resnet50_v1_fpn/pipeline.config",
    "faster_rcnn_resnet50_keras/pipeline.config",
    "real_checkpoint_keys/ssd_efficientdet_d0.pipeline.config",
    "real_checkpoint_keys/ssd_mobilenet_v2_fpnlite_320.pipeline.config",
    "ssd_efficientdet_d0_keras/pipeline.config",
    "ssd_mobilenet_v2_fpn_keras/pipeline.config",
    "ssd_mobilenet_v2_fpnlite_keras/pipeline.config",
    "ssd_mobilenet_v2_keras/pipeline.config",
    "ssd_resnet50_v1_fpn_keras/pipeline.config",
    "real_checkpoint_keys/faster_rcnn_inception_v2.pipeline.config",
    "real_checkpoint_keys/ssd_mobilenet_v1_exported.pipeline.config",
    *(
        f"sample_configs/samples_configs/{name}.config"
        for name in (
            "ssd_mobilenet_v1_0.75_depth_300x300_coco14_sync",
            "ssd_mobilenet_v1_300x300_coco14_sync",
            "ssd_mobilenet_v1_coco",
            "ssd_mobilenet_v1_focal_loss_pets",
            "ssd_mobilenet_v1_focal_loss_pets_inference",
            "ssd_mobilenet_v1_pets",
            "ssd_inception_v2_coco",
            "ssd_inception_v2_pets",
            "ssd_mobilenet_v2_coco",
            "ssdlite_mobilenet_v1_coco",
            "ssdlite_mobilenet_v2_coco",
            "ssdlite_mobilenet_v3_large_320x320_coco",
            "ssdlite_mobilenet_v3_small_320x320_coco",
            "ssd_mobilenet_v1_fpn_shared_box_predictor_640x640_coco14_sync",
            "ssd_mobilenet_v1_ppn_shared_box_predictor_300x300_coco14_sync",
            "ssd_resnet50_v1_fpn_shared_box_predictor_640x640_coco14_sync",
            "ssd_mobilenet_v2_pets_keras",
            "ssd_mobilenet_v2_fullyconv_coco",
            "ssd_mobilenet_v2_oid_v4",
            "ssd_resnet101_v1_fpn_shared_box_predictor_oid_512x512_sync",
            "faster_rcnn_inception_resnet_v2_atrous_oid_v4",
            "faster_rcnn_inception_v2_coco",
            "faster_rcnn_inception_v2_pets",
            "faster_rcnn_inception_resnet_v2_atrous_coco",
            "faster_rcnn_inception_resnet_v2_atrous_cosine_lr_coco",
            "faster_rcnn_inception_resnet_v2_atrous_pets",
            "faster_rcnn_resnet50_coco",
            "faster_rcnn_resnet50_fgvc",
            "faster_rcnn_resnet50_pets",
            "faster_rcnn_resnet101_atrous_coco",
            "faster_rcnn_resnet101_ava_v2.1",
            "faster_rcnn_resnet101_coco",
            "faster_rcnn_resnet101_fgvc",
            "faster_rcnn_resnet101_kitti",
            "faster_rcnn_resnet101_pets",
            "faster_rcnn_resnet101_voc07",
            "faster_rcnn_resnet152_coco",
            "faster_rcnn_resnet152_pets",
            "rfcn_resnet101_coco",
            "rfcn_resnet101_pets",
        )
    ),
    *(
        f"sample_configs/configs_tf2/{name}.config"
        for name in (
            "centernet_hourglass104_1024x1024_coco17_tpu-32",
            "centernet_hourglass104_512x512_coco17_tpu-8",
            "centernet_resnet101_v1_fpn_512x512_coco17_tpu-8",
            "faster_rcnn_resnet101_v1_1024x1024_coco17_tpu-8",
            "faster_rcnn_resnet101_v1_640x640_coco17_tpu-8",
            "faster_rcnn_resnet101_v1_800x1333_coco17_gpu-8",
            "faster_rcnn_resnet152_v1_1024x1024_coco17_tpu-8",
            "faster_rcnn_resnet152_v1_640x640_coco17_tpu-8",
            "faster_rcnn_resnet152_v1_800x1333_coco17_gpu-8",
            "faster_rcnn_resnet50_v1_1024x1024_coco17_tpu-8",
            "faster_rcnn_resnet50_v1_640x640_coco17_tpu-8",
            "faster_rcnn_resnet50_v1_800x1333_coco17_gpu-8",
            "faster_rcnn_resnet50_v1_fpn_640x640_coco17_tpu-8",
            "ssd_efficientdet_d0_512x512_coco17_tpu-8",
            "ssd_efficientdet_d1_640x640_coco17_tpu-8",
            "ssd_efficientdet_d2_768x768_coco17_tpu-8",
            "ssd_efficientdet_d3_896x896_coco17_tpu-32",
            "ssd_efficientdet_d4_1024x1024_coco17_tpu-32",
            "ssd_efficientdet_d5_1280x1280_coco17_tpu-32",
            "ssd_efficientdet_d6_1408x1408_coco17_tpu-32",
            "ssd_efficientdet_d7_1536x1536_coco17_tpu-32",
            "ssd_mobilenet_v1_fpn_640x640_coco17_tpu-8",
            "ssd_mobilenet_v2_320x320_coco17_tpu-8",
            "ssd_mobilenet_v2_fpnlite_320x320_coco17_tpu-8",
            "ssd_mobilenet_v2_fpnlite_640x640_coco17_tpu-8",
            "ssd_resnet101_v1_fpn_1024x1024_coco17_tpu-8",
            "ssd_resnet101_v1_fpn_640x640_coco17_tpu-8",
            "ssd_resnet152_v1_fpn_1024x1024_coco17_tpu-8",
            "ssd_resnet152_v1_fpn_640x640_coco17_tpu-8",
            "ssd_resnet50_v1_fpn_1024x1024_coco17_tpu-8",
            "ssd_resnet50_v1_fpn_640x640_coco17_tpu-8",
        )
    ),
]


def test_exactly_these_oracles_and_samples_are_built(oracles: Path):
    files = sorted(oracles.rglob("*.config"))
    passing = [file for file in files if not examine(load_pipeline(file)).refused]
    assert [str(file.relative_to(oracles)) for file in passing] == sorted(PASS)


def test_the_pets_config_is_built(checkpoints: Path):
    check_supported(load_pipeline(checkpoints / "ssd_mobilenet_v1_0.75_pets" / "pipeline.config"))


def test_the_config_of_the_original_post_is_built(post_config: str):
    check_supported(parse_pipeline(post_config, "post.config"))


@pytest.mark.parametrize(
    ("file", "part"),
    [
        ("ssd_mobilenet_v1_quantized_300x300_coco14_sync", "graph_rewriter is not built yet; leave it out"),
        (
            "ssd_inception_v3_pets",
            "model.ssd.feature_extractor.type: ssd_inception_v3 is not built yet; built: ssd_mob",
        ),
    ],
)
def test_samples_are_refused_for_what_they_are(oracles: Path, file: str, part: str):
    text = refusal(load_pipeline(oracles / "sample_configs" / "samples_configs" / f"{file}.config"))
    assert part in text
