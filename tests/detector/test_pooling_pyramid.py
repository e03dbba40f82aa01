"""Pooling pyramids by hand, and those on ResNet v1, which no oracle has: their names and sizes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from google.protobuf import text_format

from teachbox.config.load import load_pipeline
from teachbox.config.protos import model_pb2
from teachbox.errors import ConfigError

pytestmark = pytest.mark.tf


class Given(keras.layers.Layer):
    """A backbone that gives the image itself."""

    def build(self, input_shape: Any) -> None:
        self.out_shapes = {"it": input_shape}

    def call(self, x: Any, training: bool = False) -> Any:
        return {"it": x}


def test_each_map_is_the_largest_of_four_of_the_one_before():
    from teachbox.detector.features.pooling_pyramid import PoolingPyramidFeatures

    features = PoolingPyramidFeatures(Given(), None, tap="it", preprocess=lambda x: x, num_layers=3, pad_to_multiple=5)
    image = np.arange(1, 26, dtype=np.float32).reshape(1, 5, 5, 1)
    first, second, third = features(-image)
    np.testing.assert_array_equal(first, -image)
    np.testing.assert_array_equal(-second[0, :, :, 0], [[1, 3, 5], [11, 13, 15], [21, 23, 25]])
    np.testing.assert_array_equal(-third[0, :, :, 0], [[1, 5], [21, 25]])


def build(oracles: Path, change: str) -> Any:
    from teachbox.detector.build import build_detector

    model = model_pb2.DetectionModel()
    model.CopyFrom(load_pipeline(oracles / "ssd_mobilenet_v1_ppn" / "pipeline.config").message.model)
    resizer = model.ssd.image_resizer.fixed_shape_resizer
    resizer.height = resizer.width = 96
    text_format.Merge(f"ssd {{ {change} }}", model)
    return build_detector(model)


@pytest.mark.parametrize("layers", [50, *(pytest.param(layers, marks=pytest.mark.slow) for layers in (101, 152))])
def test_on_resnet(oracles: Path, layers: int):
    detector = build(oracles, f"feature_extractor {{ type: 'ssd_resnet{layers}_v1_ppn' }}")
    names = detector.checkpoint_variables()
    assert len({id(variable) for variable in names.values()}) == len(detector.variables)
    scope = f"FeatureExtractor/resnet_v1_{layers}"
    assert tuple(names[f"{scope}/Base_Conv2d_1x1_1024/weights"].shape) == (1, 1, 1024, 1024)
    assert f"{scope}/Base_Conv2d_1x1_1024/BatchNorm/moving_mean" in names
    assert f"{scope}/block4/unit_3/bottleneck_v1/conv3/weights" in names
    found = detector(np.zeros((1, 96, 96, 3), np.float32))
    assert [tuple(part.shape[1:]) for part in found["feature_maps"]] == [
        (6, 6, 1024), (3, 3, 1024), (2, 2, 1024), (1, 1, 1024), (1, 1, 1024), (1, 1, 1024)
    ]  # fmt: skip
    np.testing.assert_allclose(detector.preprocess(np.zeros((1, 1, 1, 3), np.float32))[0, 0, 0, 0], -123.68)


def test_depth_is_that_of_the_config_on_mobilenet_alone(oracles: Path):
    detector = build(oracles, "feature_extractor { depth_multiplier: 0.25 }")
    assert detector(np.zeros((1, 96, 96, 3), np.float32))["feature_maps"][5].shape[3] == 128
    with pytest.raises(ConfigError, match="depth_multiplier: is not built"):
        build(oracles, "feature_extractor { type: 'ssd_resnet50_v1_ppn' depth_multiplier: 0.25 }")
    with pytest.raises(ConfigError, match="num_layers: is not built"):
        build(oracles, "feature_extractor { num_layers: 5 }")
