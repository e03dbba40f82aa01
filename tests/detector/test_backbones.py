"""Backbones: sizes worked by hand. That their numbers are right is for the oracles to say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytestmark = pytest.mark.tf


@pytest.mark.parametrize(("filters", "rounded"), [(24.0, 24), (5.6, 8), (8.4, 8), (22.4, 24), (33.6, 32), (0.1, 8)])
def test_filters_by_hand(filters, rounded):
    from teachbox.detector.features.mobilenet_v2 import divisible

    assert divisible(filters) == rounded


@given(st.floats(8, 4096))
def test_filters_are_multiples_of_eight_and_no_tenth_too_few(filters):
    from teachbox.detector.features.mobilenet_v2 import divisible

    assert divisible(filters) % 8 == 0
    assert 0.9 * filters <= divisible(filters) <= filters + 8


def hyperparams():
    from teachbox.detector.features.mobilenet_v1 import mobilenet_hyperparams

    return mobilenet_hyperparams()


def test_extra_layers_halve_the_map_each_time():
    from teachbox.detector.features.extra_layers import ExtraLayers

    layers = ExtraLayers("last", hyperparams(), filters=(16, 8), depth=lambda filters: filters, use_depthwise=True)
    maps = layers(np.ones((1, 10, 10, 4), np.float32))
    assert [tuple(found.shape) for found in maps] == [(1, 5, 5, 16), (1, 3, 3, 8)]
    names = set(layers.named_variables())
    assert {"last_1_Conv2d_2_1x1_8/weights", "last_2_Conv2d_3_3x3_s2_8_depthwise/depthwise_weights"} <= names


def test_an_average_pool_counts_only_what_is_there():
    """At a corner a 3×3 window holds four pixels: a module's pool of ones stays one there, as in TensorFlow."""
    from teachbox.detector.features.inception_v2 import mixed

    module = mixed("Mixed_3b", "scope", hyperparams(), lambda filters: filters // 16)
    pool = module.branches[3][0]
    np.testing.assert_allclose(pool(np.ones((1, 4, 4, 2), np.float32)), np.ones((1, 4, 4, 2)))
    assert tuple(module(np.ones((1, 4, 4, 2), np.float32)).shape) == (1, 4, 4, 4 + 4 + 6 + 2)


def test_a_kept_minimum_of_filters():
    from teachbox.detector.features.mobilenet_v2 import divisible

    assert [divisible(filters, 16) for filters in (5.6, 12.0, 22.4)] == [16, 16, 24]


@pytest.mark.parametrize(("oracle", "version"), [("ssd_mobilenet_v2_keras", 2), ("ssd_mobilenet_v1_fpn", 1)])
def test_backbones_alone_have_the_public_names(oracles, oracle, version):
    import json

    from teachbox.detector.features.mobilenet_v1 import MobileNetV1
    from teachbox.detector.features.mobilenet_v2 import MobileNetV2, divisible

    if version == 1:
        backbone, scope = MobileNetV1("FeatureExtractor/MobilenetV1", hyperparams(), depth=lambda filters: filters), ""
    else:
        backbone, scope = (
            MobileNetV2("", hyperparams(), depth=divisible),
            "model/_feature_extractor/classification_backbone",
        )
    shapes = {name: tuple(output.shape) for name, output in backbone(np.zeros((1, 64, 64, 3), np.float32)).items()}
    assert {name: (1, *shape[1:]) for name, shape in backbone.out_shapes.items()}.items() <= shapes.items()
    found = backbone.object_variables(scope) if scope else backbone.named_variables()
    stored = {
        variable["name"]: variable["shape"]
        for variable in json.loads((oracles / oracle / "variables.json").read_text())["variables"]
        if variable["name"].startswith(scope or "FeatureExtractor") and "/fpn/" not in variable["name"]
    }
    assert {name: list(variable.shape) for name, variable in found.items()} == stored


@pytest.mark.parametrize(("x", "y"), [(-4.0, 0.0), (-3.0, 0.0), (-1.0, -1 / 3), (0.0, 0.0), (1.0, 2 / 3), (3.0, 3.0)])
def test_hard_swish_by_hand(x, y):
    from teachbox.detector.features.mobilenet_v3 import hard_swish

    assert float(hard_swish(np.float32(x))) == pytest.approx(y, abs=1e-6)


def test_squeeze_and_excitation_by_hand():
    """Channels of mean 2 and 4: squeezed to 6 (below zero, to 0), excited to 12, halved by the gate."""
    import keras

    from teachbox.detector.features.inverted_residual import SqueezeExcite
    from teachbox.detector.hyperparams import ConvHyperparams

    ones = ConvHyperparams(keras.initializers.Ones, None, 0.0, None)
    layer = SqueezeExcite(("a", "b"), ones, filters=2, squeezed=2, activation=keras.ops.relu, gate=lambda x: x / 2)
    x = np.zeros((1, 1, 2, 2), np.float32)
    x[0, 0, :, 0], x[0, 0, :, 1] = (1, 3), (4, 4)
    np.testing.assert_allclose(layer(x)[0, 0], [[6, 24], [18, 24]])
    layer.blocks[0].conv.bias.assign([-10, -10])
    np.testing.assert_array_equal(layer(x), np.zeros_like(x))


def test_a_slim_block_is_normalised_in_its_own_way():
    """With scale and offset and its own activation, whatever the config says; its statistics as the config says."""
    from google.protobuf import text_format

    from teachbox.config.protos import ssd_pb2
    from teachbox.detector.build import backbones
    from teachbox.detector.build.hyperparams import build_hyperparams
    from teachbox.detector.features.mobilenet_v3 import SMALL

    text = """type: "ssd_mobilenet_v3_small" override_base_feature_extractor_hyperparams: true depth_multiplier: 0.5
        conv_hyperparams { initializer { truncated_normal_initializer { } } regularizer { l2_regularizer { } }
                           activation: NONE batch_norm { decay: 0.9 scale: false } }"""
    message = text_format.Parse(text, ssd_pb2.SsdFeatureExtractor())
    own = build_hyperparams(message.conv_hyperparams)
    found = backbones.mobilenet_v3("scope", message, own, freeze_batchnorm=False, variant=SMALL)
    options = found.stem.batch_norm.options
    assert (options.decay, options.scale, options.center) == (pytest.approx(0.9), True, True)
    assert found.residuals[1].depthwise.conv.depthwise_regularizer is not None
    shapes = {name: tuple(output.shape) for name, output in found(np.zeros((1, 64, 64, 3), np.float32)).items()}
    # Half of 16 and of 24 would be less than there may be; half of 288.
    assert [shapes[name][1:] for name in ("layer_1", "layer_3", "layer_13")] == [(32, 32, 16), (8, 8, 16), (2, 2, 144)]
    message.override_base_feature_extractor_hyperparams = False
    published = backbones.mobilenet_v3("scope", message, own, freeze_batchnorm=True, variant=SMALL)
    assert (published.stem.batch_norm.options.decay, published.stem.batch_norm.options.train) == (0.9997, False)
    assert published.residuals[1].depthwise.conv.depthwise_regularizer is None
