"""The shared box predictor: what is shared and what is not, its options, and the names of both kinds of checkpoints."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from google.protobuf import text_format

from teachbox.config.protos import box_predictor_pb2
from teachbox.errors import ConfigError

pytestmark = pytest.mark.tf

CONFIG = """weight_shared_convolutional_box_predictor {
  conv_hyperparams {
    activation: RELU_6 initializer { truncated_normal_initializer { stddev: 0.1 } } batch_norm { scale: true }
  }
  depth: 8 num_layers_before_predictor: 2
}"""


def predictor(change: str = "", kind: Any = "graph", depths: tuple[int, ...] = (8, 8), **options: Any) -> Any:
    from teachbox.detector.build.box_predictors import build_box_predictor

    message = text_format.Parse(CONFIG, box_predictor_pb2.BoxPredictor())
    text_format.Merge(f"weight_shared_convolutional_box_predictor {{ {change} }}", message)
    options = {"num_classes": 2, "anchors_per_location": [3] * len(depths), "box_code_size": 4, **options}
    found = build_box_predictor(message, kind=kind, **options)
    found.build([(None, None, None, depth) for depth in depths])
    return found


def maps(*depths: int) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.normal(size=(2, 5, 4, depth)).astype(np.float32) for depth in depths]


def test_maps_share_convolutions_but_not_normalisations():
    found = predictor()
    codes, classes = found(maps(8, 8))
    assert codes.shape == (2, 2 * 5 * 4 * 3, 4)
    assert classes.shape == (2, 2 * 5 * 4 * 3, 3)
    same = maps(8)[0]
    before = np.split(np.asarray(found([same, same])[0]), 2, axis=1)
    np.testing.assert_array_equal(*before)
    name = "WeightSharedConvolutionalBoxPredictor/BoxPredictionTower/conv2d_1/BatchNorm/feature_1/beta"
    found.named_variables()[name].assign_add(np.ones(8, np.float32))
    after = np.split(np.asarray(found([same, same])[0]), 2, axis=1)
    np.testing.assert_array_equal(after[0], before[0])
    assert np.abs(after[1] - before[1]).max() > 0.01
    found([same, 3 * same], training=True)
    means = [
        np.asarray(found.named_variables()[name.replace("feature_1/beta", f"feature_{index}/moving_mean")])
        for index in (0, 1)
    ]
    assert np.abs(means[0] - means[1]).max() > 0


def test_one_convolution_by_hand():
    """No tower: codes are the sums of a 3×3 neighbourhood of ones, in the order row, column, anchor."""
    found = predictor("num_layers_before_predictor: 0 class_prediction_bias_init: -4.6", depths=(1,))
    names = found.named_variables()
    box, classes = (f"WeightSharedConvolutionalBoxPredictor/{name}Predictor" for name in ("Box", "Class"))
    assert set(names) == {f"{scope}/{kind}" for scope in (box, classes) for kind in ("weights", "biases")}
    np.testing.assert_allclose(names[f"{classes}/biases"], np.full(9, -4.6))
    names[f"{box}/weights"].assign(np.ones((3, 3, 1, 12)))
    names[f"{box}/biases"].assign(np.arange(12.0))
    codes = np.asarray(found([np.ones((1, 2, 3, 1), np.float32)])[0])
    neighbours = np.array([[4, 6, 4], [4, 6, 4]]).reshape(-1, 1, 1)
    np.testing.assert_allclose(codes[0], (neighbours + np.arange(12.0).reshape(3, 4)).reshape(-1, 4))


def test_a_shared_tower_carries_both():
    found = predictor("share_prediction_tower: true")
    towers = {name.split("/")[1] for name in found.named_variables()}
    assert towers == {"PredictionTower", "BoxPredictor", "ClassPredictor"}
    objects = found.object_variables("p")
    assert len(objects) == len(found.named_variables()) == len(found.variables)
    assert {
        "p/_head_scope_conv_layers/PredictionTower/1/kernel",
        "p/_box_prediction_head/_box_encoder_layers/0/bias",
    } <= set(objects)


def test_maps_of_other_depths_are_projected():
    found = predictor(depths=(4, 8, 8))
    scope = "WeightSharedConvolutionalBoxPredictor/ProjectionLayer"
    shapes = {name: tuple(variable.shape) for name, variable in found.named_variables().items()}
    assert shapes[f"{scope}/conv2d_0/weights"] == (1, 1, 4, 8)
    assert shapes[f"{scope}/conv2d_2/weights"] == (1, 1, 8, 8)
    assert shapes[f"{scope}/conv2d_1/BatchNorm/moving_mean"] == (8,)
    assert found.object_variables("p")["p/_additional_projection_layers/0/1/beta"].shape == (8,)
    assert found(maps(4, 8, 8))[0].shape == (2, 3 * 60, 4)


def test_scores_are_converted_in_inference_alone():
    plain, sigmoid = predictor("use_dropout: false"), predictor("score_converter: SIGMOID")
    for name, variable in sigmoid.named_variables().items():
        variable.assign(plain.named_variables()[name])
    images = maps(8, 8)
    logits = np.asarray(plain(images)[1])
    np.testing.assert_allclose(sigmoid(images)[1], 1 / (1 + np.exp(-logits)), rtol=1e-5)
    np.testing.assert_allclose(sigmoid(images, training=True)[1], plain(images, training=True)[1])


def test_codes_are_clipped_and_dropout_is_before_classes_alone():
    found = predictor(
        "box_encodings_clip_range { min: -0.01 max: 0.02 } use_dropout: true dropout_keep_probability: 0.5"
    )
    first, second = (found(maps(8, 8), training=True) for _ in range(2))
    assert (np.min(first[0]), np.max(first[0])) == (np.float32(-0.01), np.float32(0.02))
    np.testing.assert_array_equal(first[0], second[0])
    assert np.abs(np.asarray(first[1]) - np.asarray(second[1])).max() > 0
    # In a list of layers the dropout has a number of its own.
    classes = "p/_prediction_heads/class_predictions_with_background/_class_predictor_layers"
    assert f"{classes}/1/kernel" in found.object_variables("p")


@pytest.mark.parametrize(
    ("kind", "change", "regularised"),
    [
        ("graph", "", 2 * 4 + 2 * 2),  # every kernel
        ("object", "", 4),  # of each tower's layers the depthwise one
        ("object", "apply_conv_hyperparams_pointwise: true", 8),
        ("object", "apply_conv_hyperparams_to_heads: true", 8),
    ],
)
def test_what_is_regularised_of_separable_convolutions(kind, change, regularised):
    l2 = "conv_hyperparams { regularizer { l2_regularizer { weight: 1 } } }"
    assert len(predictor(f"use_depthwise: true {l2} {change}", kind).losses) == regularised


def test_biases_where_nothing_is_normalised():
    found = predictor("")
    assert not any(name.endswith("conv2d_0/biases") for name in found.named_variables())
    message = text_format.Parse(CONFIG.replace("batch_norm { scale: true }", ""), box_predictor_pb2.BoxPredictor())
    from teachbox.detector.build.box_predictors import build_box_predictor

    plain = build_box_predictor(message, num_classes=2, anchors_per_location=[3], box_code_size=4)
    plain.build([(None, None, None, 8)])
    names = set(plain.named_variables())
    assert "WeightSharedConvolutionalBoxPredictor/BoxPredictionTower/conv2d_0/biases" in names
    assert not any("BatchNorm" in name for name in names)


def test_the_heads_of_efficientdet_have_the_public_names(oracles: Path):
    folder = oracles / "ssd_efficientdet_d0_keras"
    from teachbox.config.load import load_pipeline
    from teachbox.detector.build.box_predictors import build_box_predictor

    config = load_pipeline(folder / "pipeline.config").message.model.ssd
    found = build_box_predictor(
        config.box_predictor,
        num_classes=3,
        anchors_per_location=[9] * 5,
        box_code_size=4,
        add_background_class=config.add_background_class,
        kind="object",
    )
    found.build([(None, None, None, 64)] * 5)
    stored = {
        variable["name"]: variable["shape"]
        for variable in json.loads((folder / "variables.json").read_text())["variables"]
        if variable["name"].startswith("model/_box_predictor/")
    }
    names = found.object_variables("model/_box_predictor")
    assert {name: list(variable.shape) for name, variable in names.items()} == stored
    assert found.box_tower.activation is keras.ops.silu


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("depth: 0", "depth is 0; it must be at least 1"),
        ("apply_conv_hyperparams_to_heads: true", "apply_conv_hyperparams_to_heads: is not built"),
    ],
)
def test_refused_by_name(change, words):
    with pytest.raises(ConfigError, match=words):
        predictor(change)
