"""ResNet v2 against the same network of Keras' applications, layer by layer in the order of its checkpoints."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from center_nets import build, small_config

pytestmark = pytest.mark.tf


def given_values(model: Any) -> dict[str, np.ndarray]:
    """Random values of a Keras model's variables, assigned, by the names that its checkpoint gives them."""
    random, found = np.random.default_rng(0), {}
    layers = [layer for layer in model.layers if layer.weights]
    for number, layer in enumerate(layers):
        for variable in layer.weights:
            spread = (2 / np.prod(variable.shape[:-1])) ** 0.5 if len(variable.shape) > 1 else 0.1
            value = random.normal(0, spread, variable.shape).astype(np.float32)
            if variable.name in ("gamma", "moving_variance"):
                value = 1 + np.abs(value)
            variable.assign(value)
            found[f"m/layer_with_weights-{number}/{variable.name}"] = value
    return found


def test_it_computes_what_keras_computes_with_the_variables_of_the_same_names():
    from teachbox.detector.features.resnet_v2 import ResNetV2

    model = keras.applications.ResNet50V2(weights=None, include_top=False, input_shape=(64, 96, 3))
    values = given_values(model)
    own = ResNetV2(layers=50)
    images = np.random.default_rng(1).uniform(-1, 1, (2, 64, 96, 3)).astype(np.float32)
    own.build(images.shape)
    variables = own.object_variables("m")
    assert {name: tuple(variable.shape) for name, variable in variables.items()} == {
        name: value.shape for name, value in values.items()
    }
    for name, variable in variables.items():
        variable.assign(values[name])
    inner = keras.Model(model.input, model.get_layer("conv5_block3_out").output)
    expected = np.asarray(inner(images, training=False))
    found = np.asarray(own(images)["block4"])
    assert found.shape == (2, 2, 3, 2048)
    np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())


def test_transposed_convolutions_double_the_map_and_have_the_public_names():
    config = small_config("feature_extractor { type: 'resnet_v2_50' }")
    config.feature_extractor.ClearField("depth_multiplier")
    detector = build(config)
    found = detector(np.zeros((1, 64, 96, 3), np.float32), np.array([[64, 96, 3]], np.int32))
    assert found["object_center"][0].shape == (1, 16, 24, 2)
    path = "model/_feature_extractor/_feature_extractor_model/layer_with_weights-"
    shapes = {
        name.removeprefix(path): tuple(variable.shape)
        for name, variable in detector.checkpoint_variables().items()
        if name.startswith(path) and name.endswith("/kernel")
    }
    assert shapes == {
        "1/kernel": (3, 3, 2048, 256),
        "3/kernel": (3, 3, 256, 256),
        "5/kernel": (3, 3, 256, 128),
        "7/kernel": (3, 3, 128, 128),
        "9/kernel": (3, 3, 128, 64),
        "11/kernel": (3, 3, 64, 64),
    }
