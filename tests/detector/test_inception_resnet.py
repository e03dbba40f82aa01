"""Inception-ResNet v2: public names, a block worked by hand, its strides, and the Keras model's order and values."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from teachbox.config.load import load_pipeline

pytestmark = pytest.mark.tf

FIRST, SECOND = "FirstStageFeatureExtractor/InceptionResnetV2", "SecondStageFeatureExtractor/InceptionResnetV2"


def hyperparams() -> Any:
    from teachbox.detector.features.inception_resnet_v2 import inception_resnet_hyperparams

    # Values are given here where they matter; drawing many takes its time.
    return replace(inception_resnet_hyperparams(train_batch_norm=False), make_initializer=keras.initializers.Zeros)


def over_image(stride: int) -> Any:
    from teachbox.detector.features.inception_resnet_v2 import over_image

    return over_image(FIRST, hyperparams(), stride=stride)


def over_region() -> Any:
    from teachbox.detector.features.inception_resnet_v2 import over_region

    return over_region(SECOND, hyperparams())


def randomise(half: Any) -> None:
    rng = np.random.default_rng(1)
    for name, variable in half.named_variables().items():
        low, high = (0.5, 1.5) if name.endswith("variance") else (-0.05, 0.05)
        variable.assign(rng.uniform(low, high, variable.shape))


def test_variables_have_the_public_names_and_shapes(oracles: Path):
    image, region = over_image(8), over_region()
    image.build((None, None, None, 3))
    region.build((None, 17, 17, 1088))
    found = image.named_variables() | region.named_variables()
    folder = oracles / "faster_rcnn_inception_resnet_v2"
    listed = json.loads((folder / "variables.json").read_text())["variables"]
    stored = {entry["name"]: tuple(entry["shape"]) for entry in listed if "FeatureExtractor/" in entry["name"]}
    assert {name: tuple(variable.shape) for name, variable in found.items()} == stored
    assert len({id(variable) for variable in found.values()}) == len(stored) == 896
    assert region.out_shapes == {"Conv2d_7b_1x1": (None, 8, 8, 1536)}


@pytest.mark.parametrize(
    ("dilation", "last", "expected"),
    [(1, False, [0.0, 0.0, 6.0]), (1, True, [0.0, -1.0, 6.0]), (2, True, [-2.0, 7.0, 8.0])],
)
def test_a_residual_block_by_hand(dilation: int, last: bool, expected: list[float]):
    """1, 2, 3: doubled by the first branch, summed with neighbours (or with what lies two away) by the second."""
    from teachbox.detector.features.inception_resnet_v2 import residual

    table = ([("1x1", 1)], [("0a_1x1", 1), ("0b_1x3", 1)])
    block = residual("block", hyperparams(), table, channels=1, scale=2.0, dilation=dilation, last=last)
    block.build((None, 1, 3, 1))
    values = {
        "block/Branch_0/Conv2d_1x1/weights": 2.0,
        "block/Branch_1/Conv2d_0a_1x1/weights": 1.0,
        "block/Branch_1/Conv2d_0b_1x3/weights": 1.0,
        "block/Conv2d_1x1/weights": np.reshape([1.0, -1.0], (1, 1, 2, 1)),
        "block/Conv2d_1x1/biases": 0.5,
    }
    for name, variable in block.named_variables().items():
        # Variances that make 1 with batch normalisation's epsilon.
        value = values.get(name, 0.999 if name.endswith("variance") else 0.0)
        variable.assign(np.broadcast_to(value, variable.shape))
    # 1 + 2 (2 − 3 + 0.5) = 0, 2 + 2 (4 − 6 + 0.5) = −1, 3 + 2 (6 − 5 + 0.5) = 6; dilated, the sums are 4, 2, 4.
    found = keras.ops.convert_to_numpy(block(np.reshape([1.0, 2.0, 3.0], (1, 1, 3, 1)).astype(np.float32)))
    np.testing.assert_allclose(found.reshape(-1), expected, atol=1e-5)


def test_a_stride_of_8_says_more_but_the_same():
    """From the module on that halves the map or does not: every second value of the finer map is the coarser one."""
    from teachbox.detector.features.inception_resnet_v2 import Half

    first = next(n for n, part in enumerate(over_image(8).parts) if "Mixed_6a" in part.name)
    fine, coarse = (Half(over_image(stride).parts[first : first + 3], tap="map") for stride in (8, 16))
    for half in (fine, coarse):
        half.build((None, None, None, 320))
    randomise(fine)
    for name, variable in coarse.named_variables().items():
        variable.assign(fine.named_variables()[name])
    below = np.random.default_rng(0).uniform(0, 1, (1, 9, 5, 320)).astype(np.float32)
    more, same = (keras.ops.convert_to_numpy(half(below)["map"]) for half in (fine, coarse))
    assert (more.shape[1:], same.shape[1:]) == ((9, 5, 1088), (5, 3, 1088))
    assert float(np.std(same)) > 0.1
    np.testing.assert_allclose(more[:, ::2, ::2], same, atol=1e-5)


def test_branches_in_the_order_of_a_keras_model():
    """What is as far from the end stands together: the longest branch begins, the shortest comes in at last."""
    block = next(part for part in over_image(16).parts if "block35_1" in part.name)
    convs = [*(conv for branch in block.branches.branches for conv in branch), block.projection]
    names = {id(conv.conv): conv.scope.removeprefix(f"{FIRST}/Repeat/block35_1/") for conv in convs}
    assert [names[id(layer)] for layer in block.weighted_layers if id(layer) in names] == [
        "Branch_2/Conv2d_0a_1x1",
        "Branch_1/Conv2d_0a_1x1",
        "Branch_2/Conv2d_0b_3x3",
        "Branch_0/Conv2d_1x1",
        "Branch_1/Conv2d_0b_3x3",
        "Branch_2/Conv2d_0c_3x3",
        "Conv2d_1x1",
    ]


def test_the_detector_of_tensorflow_2_has_its_numbered_names(oracles: Path):
    """A half's layers are numbered from 0; the network of the whole classifier has 448 with variables."""
    from teachbox.detector.build import build_detector

    config = load_pipeline(oracles / "faster_rcnn_inception_resnet_v2" / "pipeline.config").message.model
    config.faster_rcnn.feature_extractor.type += "_keras"
    names = build_detector(config).checkpoint_variables()
    halves = {"_feature_extractor_for_proposal_features": 342, "_feature_extractor_for_box_classifier_features": 106}
    for half, count in halves.items():
        numbered = {name.split("/")[2] for name in names if name.startswith(f"model/{half}/")}
        assert numbered == {f"layer_with_weights-{number}" for number in range(count)}
    first = "model/_feature_extractor_for_proposal_features/layer_with_weights"
    # The convolution that projects the branches of the last block has a bias in place of a normalisation.
    assert {name for name in names if name.startswith(f"{first}-341/")} == {f"{first}-341/kernel", f"{first}-341/bias"}
    assert {name for name in names if name.startswith(f"{first}-1/")} == {
        f"{first}-1/{part}" for part in ("beta", "moving_mean", "moving_variance")
    }
    listed = json.loads((oracles / "faster_rcnn_inception_resnet_v2" / "variables.json").read_text())["variables"]
    assert len(names) == len(listed)


@pytest.mark.slow  # Keras takes half a minute for making its model twice
def test_the_keras_model_has_our_values_in_our_order():
    """Its own model, padded as the original pads it: all weights by their numbers, then both halves."""

    def padded(layer: Any) -> Any:
        config = layer.get_config()
        return type(layer).from_config(config | ({"padding": "same"} if "padding" in config else {}))

    model = keras.applications.InceptionResNetV2(include_top=False, weights=None, input_shape=(None, None, 3))
    first, second = over_image(16), over_region()
    first.build((None, None, None, 3))
    second.build((None, 17, 17, 1088))
    randomise(first)
    randomise(second)
    names = first.object_variables("first") | second.object_variables("second")
    between = model.get_layer("block17_20_ac").output
    halves = {
        "first": keras.models.clone_model(keras.Model(model.inputs, between), clone_function=padded),
        "second": keras.Model(between, model.get_layer("conv_7b_ac").output),
    }
    for path, half in halves.items():
        for number, layer in enumerate(layer for layer in half.layers if layer.weights):
            for weight in layer.weights:
                weight.assign(names.pop(f"{path}/layer_with_weights-{number}/{weight.name}"))
    assert not names
    rng = np.random.default_rng(2)
    image = rng.uniform(-1, 1, (1, 64, 80, 3)).astype(np.float32)
    region = rng.uniform(0, 1, (1, 17, 17, 1088)).astype(np.float32)
    for found, expected, allowed in (
        (first(image)["PreAuxLogits"], halves["first"](image), 1e-5),
        (second(region)["Conv2d_7b_1x1"], halves["second"](region), 1e-4),
    ):
        own, other = map(keras.ops.convert_to_numpy, (found, expected))
        np.testing.assert_allclose(own, other, atol=allowed)
