"""Feature pyramids by hand, their configs, and that every image size they are refused or built for is right."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from google.protobuf import text_format
from hypothesis import given, settings
from hypothesis import strategies as st

from teachbox.config.protos import pipeline_pb2
from teachbox.errors import ConfigError

pytestmark = pytest.mark.tf


def pyramid(**options: Any) -> Any:
    from teachbox.detector.features.pyramid import TopDownPyramid
    from teachbox.detector.hyperparams import ConvHyperparams

    plain = ConvHyperparams(keras.initializers.Ones, None, 0.0, None)
    return TopDownPyramid("fpn", plain, levels=2, filters=1, **options)


@pytest.mark.parametrize("adds_smoothed", [False, True])
def test_two_levels_by_hand(adds_smoothed):
    """A map of ones below a map of one 10: sums of 11, whose 3×3 sums count neighbours."""
    found = pyramid(adds_smoothed=adds_smoothed)
    fine, coarse = found([np.ones((1, 2, 2, 1), np.float32), np.full((1, 1, 1, 1), 10, np.float32)])
    np.testing.assert_allclose(coarse, [[[[10]]]])
    np.testing.assert_allclose(fine[0, :, :, 0], [[44, 44], [44, 44]])


def test_what_is_added_to_the_third_level():
    from teachbox.detector.features.pyramid import TopDownPyramid
    from teachbox.detector.hyperparams import ConvHyperparams

    plain = ConvHyperparams(keras.initializers.Ones, None, 0.0, None)
    maps = [np.ones((1, side, side, 1), np.float32) for side in (4, 2, 1)]
    for adds_smoothed, middle in ((False, 2.0), (True, 8.0)):
        found = TopDownPyramid("fpn", plain, levels=3, filters=1, adds_smoothed=adds_smoothed)
        fine, smoothed, _ = found(maps)
        np.testing.assert_allclose(smoothed, np.full((1, 2, 2, 1), 8.0))
        assert float(fine[0, 1, 1, 0]) == 9 * (middle + 1)


def test_with_explicit_padding_the_enlarged_map_is_cut():
    found = pyramid(padding="fixed")
    fine, _ = found([np.ones((1, 3, 1, 1), np.float32), np.full((1, 2, 1, 1), 10, np.float32)])
    np.testing.assert_allclose(fine[0, :, :, 0], [[22], [33], [22]])
    # The padding has a number of its own in a list of layers.
    assert "p/conv_layers/0/1/kernel" in found.object_variables("p")
    assert "p/conv_layers/0/0/kernel" in pyramid_built().object_variables("p")


def pyramid_built() -> Any:
    found = pyramid()
    found.build([(None, 2, 2, 1), (None, 1, 1, 1)])
    return found


@pytest.fixture(scope="module")
def config(oracles) -> Any:
    """A small pyramid on MobileNet v2."""
    text = (oracles / "ssd_mobilenet_v2_fpnlite_keras" / "pipeline.config").read_text()
    message = text_format.Parse(text, pipeline_pb2.TrainEvalPipelineConfig()).model.ssd
    message.feature_extractor.depth_multiplier = 0.125
    message.feature_extractor.fpn.additional_layer_depth = 16
    message.box_predictor.weight_shared_convolutional_box_predictor.depth = 16
    _resize(message, 64)
    return message


def _resize(message: Any, side: int) -> None:
    message.image_resizer.fixed_shape_resizer.height = message.image_resizer.fixed_shape_resizer.width = side


def build(config: Any, change: str = "") -> Any:
    from teachbox.config.protos import model_pb2, ssd_pb2
    from teachbox.detector.build import build_detector

    copy = ssd_pb2.Ssd()
    copy.CopyFrom(config)
    text_format.Merge(change, copy)
    return build_detector(model_pb2.DetectionModel(ssd=copy))


def sides(detector: Any, side: int) -> list[int]:
    return [int(found.shape[1]) for found in detector(np.zeros((1, side, side, 3), np.float32))["feature_maps"]]


def test_levels_are_those_of_the_config(config):
    assert sides(build(config), 64) == [8, 4, 2, 1, 1]
    levels = "feature_extractor { fpn { min_level: 2 max_level: 6 } }"
    anchors = "anchor_generator { multiscale_anchor_generator { min_level: 2 max_level: 6 } }"
    assert sides(build(config, f"{levels} {anchors}"), 64) == [16, 8, 4, 2, 1]


@pytest.mark.parametrize("kind", ["ssd_mobilenet_v1_fpn", "ssd_mobilenet_v1_fpn_keras", "ssd_mobilenet_v2_fpn"])
def test_depthwise_pyramids_stand_on_narrow_backbones(config, kind):
    """As the original has it: fewer filters at the end of the backbone, but not in MobileNet v2 of Keras."""
    detector = build(config, f"feature_extractor {{ type: '{kind}' depth_multiplier: 1.0 }}")
    shapes = {name: tuple(variable.shape) for name, variable in detector.checkpoint_variables().items()}
    last = {
        "ssd_mobilenet_v1_fpn": "FeatureExtractor/MobilenetV1/fpn/projection_3/weights",
        "ssd_mobilenet_v1_fpn_keras": "model/_feature_extractor/_fpn_features_generator/top_layers/0/kernel",
        "ssd_mobilenet_v2_fpn": "FeatureExtractor/MobilenetV2/fpn/projection_3/weights",
    }[kind]
    assert shapes[last] == (1, 1, 256, 16)
    if kind == "ssd_mobilenet_v2_fpn":
        scope = "FeatureExtractor/MobilenetV2/fpn/bottom_up_Conv2d_21"
        assert shapes[f"{scope}/depthwise_weights"] == (3, 3, 16, 1)
        assert shapes[f"{scope}/pointwise_weights"] == (1, 1, 16, 16)
        assert shapes[f"{scope}/BatchNorm/beta"] == (16,)


def test_the_keras_mobilenet_v1_multiplies_its_depth_twice(config):
    """As the original does: 0.5 · 0.5 of 64 filters, kept from falling under min_depth."""
    change = "feature_extractor { type: 'ssd_mobilenet_v1_fpn_keras' depth_multiplier: 0.5 use_depthwise: false }"
    shapes = {name: tuple(variable.shape) for name, variable in build(config, change).checkpoint_variables().items()}
    backbone = "model/_feature_extractor/classification_backbone/layer_with_weights"
    assert [shapes[f"{backbone}-{index}/kernel"][3] for index in (0, 4, 8)] == [16, 16, 32]
    with pytest.raises(ConfigError, match="use_depthwise and a depth_multiplier of 0\\.5 is not built"):
        build(config, change.replace("use_depthwise: false", ""))


def test_frozen_resnet_of_slim_keeps_its_own_normalisation(config):
    """Of the config's batch_norm the slim library's ResNet takes but whether it is trained."""
    change = "type: 'ssd_resnet50_v1_fpn' depth_multiplier: 0.125 use_depthwise: false"
    head = "box_predictor { weight_shared_convolutional_box_predictor { use_depthwise: false } }"
    detector = build(config, f"feature_extractor {{ {change} }} {head} freeze_batchnorm: true")
    options = detector.feature_extractor.backbone.stem.batch_norm.options
    assert (options.epsilon, options.decay, options.train) == (1e-5, 0.997, False)
    assert detector.feature_extractor.pyramid.smoothings[0].batch_norm.options.epsilon == pytest.approx(1e-3)


def test_an_image_less_the_channel_means():
    from teachbox.detector.features.preprocessing import less_channel_means

    found = less_channel_means(keras.ops.convert_to_tensor([[[[123.68, 116.779, 103.939], [0.0, 255.0, 255.0]]]]))
    np.testing.assert_allclose(found, [[[[0, 0, 0], [-123.68, 138.221, 151.061]]]], atol=1e-4)


@given(st.integers(1, 40), st.sampled_from([1, 8, 32]))
@settings(max_examples=30, deadline=None)
def test_zeros_up_to_a_multiple(side, multiple):
    from teachbox.detector.features.preprocessing import padded_to_multiple

    found = np.asarray(padded_to_multiple(keras.ops.ones((1, side, 3, 3)), multiple))
    assert found.shape[1] % multiple == 0
    assert 0 <= found.shape[1] - side < multiple
    assert found.sum() == side * 9
    assert found[:, :side, :3].all()


def test_an_image_that_makes_no_pyramid_is_refused_and_padding_helps(config):
    from teachbox.config.protos import ssd_pb2

    small = ssd_pb2.Ssd()
    small.CopyFrom(config)
    _resize(small, 100)
    with pytest.raises(ConfigError, match=r"100 × 100 gives maps of 13, 7, 4; each must be twice the next"):
        build(small)
    detector = build(small, "feature_extractor { pad_to_multiple: 32 }")
    assert sides(detector, 100) == [16, 8, 4, 2, 1]
    assert sides(build(small, "feature_extractor { use_explicit_padding: true }"), 100) == [13, 7, 4, 2, 1]


SHARED = "weight_shared_convolutional_box_predictor"
REFUSED = [
    (
        "feature_extractor { fpn { max_level: 4 } } anchor_generator { multiscale_anchor_generator { max_level: 4 } }",
        "min_level is 3 and max_level is 4; give 2 to 5, and 5 or more",
    ),
    ("feature_extractor { num_layers: 4 }", "feature_extractor.num_layers: is not built"),
    ("feature_extractor { fpn { max_level: 8 } }", "anchors for 5 feature maps, but the feature extractor has 6"),
    (
        "feature_extractor { type: 'ssd_mobilenet_v2_fpn' use_explicit_padding: true }",
        "use_explicit_padding: for ssd_mobilenet_v2_fpn it is not built; for the `_keras` types it is",
    ),
    ("feature_extractor { type: 'ssd_resnet50_v1_fpn_keras' }", "feature_extractor.use_depthwise: is not built"),
    ("feature_extractor { bifpn { } }", "feature_extractor.bifpn: is not built"),
    (
        f"box_predictor {{ {SHARED} {{ kernel_size: 1 }} }}",
        "kernel_size is 1, which use_depthwise leaves nothing to do; give 3",
    ),
    (
        f"feature_extractor {{ type: 'ssd_mobilenet_v2_fpn' }} "
        f"box_predictor {{ {SHARED} {{ conv_hyperparams {{ activation: SWISH }} }} }}",
        "activation SWISH is not built for ssd_mobilenet_v2_fpn; RELU_6 is",
    ),
    (f"box_predictor {{ {SHARED} {{ box_code_size: 3 }} }}", "box_code_size is 3, but the box coder has 4 numbers"),
    ("anchor_generator { ssd_anchor_generator { num_layers: 5 aspect_ratios: 2 } }", r"have \[3, 2, 2, 2, 2\] anchors"),
    (
        "anchor_generator { flexible_grid_anchor_generator { normalize_coordinates: true "
        + "anchor_grid { base_sizes: 9 aspect_ratios: 1 height_stride: 8 width_stride: 8 } " * 4
        + "anchor_grid { base_sizes: [9, 8] aspect_ratios: [1, 1] height_stride: 8 width_stride: 8 } } }",
        r"have \[1, 1, 1, 1, 2\] anchors",
    ),
    (
        "feature_extractor { type: 'ssd_mobilenet_v1_fpn_keras' }",
        "use_depthwise and a depth_multiplier of 0.125 is not built; with one of them, it is",
    ),
]


@pytest.mark.parametrize(("change", "words"), REFUSED)
def test_refused_by_name(config, change, words):
    with pytest.raises(ConfigError, match=words):
        build(config, change)


@given(st.integers(1, 7), st.integers(0, 4), st.integers(1, 3), st.booleans(), st.sampled_from([0.0, 1.0, 1.5]))
@settings(max_examples=30)
def test_the_config_counts_anchors_as_they_are_drawn(layers, ratios, octaves, reduced, interpolated):
    from teachbox.config.built.ssd_rules import anchors_per_location
    from teachbox.config.protos import anchor_generator_pb2
    from teachbox.detector.build.anchors import build_anchor_generator

    ssd = f"""ssd_anchor_generator {{ num_layers: {layers} aspect_ratios: {list(range(1, ratios + 1))}
        reduce_boxes_in_lowest_layer: {str(reduced).lower()} interpolated_scale_aspect_ratio: {interpolated} }}"""
    multiscale = f"""multiscale_anchor_generator {{ min_level: 2 max_level: {1 + layers} scales_per_octave: {octaves}
        aspect_ratios: {list(range(1, ratios + 2))} }}"""
    for text in (ssd, multiscale):
        message = text_format.Parse(text, anchor_generator_pb2.AnchorGenerator())
        assert anchors_per_location(message) == build_anchor_generator(message).anchors_per_location
