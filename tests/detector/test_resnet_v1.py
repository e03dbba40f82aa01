"""ResNet v1: public names, and its variants against each other and against the Keras model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

pytestmark = pytest.mark.tf

IMAGE = np.random.default_rng(0).uniform(-60, 60, (1, 65, 97, 3)).astype(np.float32)


def resnet(variant: str, scope: str = "resnet_v1_50", **options: Any) -> Any:
    from teachbox.detector.features import resnet_v1

    chosen = getattr(resnet_v1, variant)
    options = {"layers": 50, "depth": lambda filters: filters // 16, **options}
    found = resnet_v1.ResNetV1(scope, resnet_v1.resnet_hyperparams(chosen), variant=chosen, **options)
    found.build((None, None, None, 3 if found.stem else 1024))
    return found


def alike(source: Any, target: Any) -> None:
    """Random values for the variables of one, the same for the other, by their public names."""
    rng, values = np.random.default_rng(1), source.named_variables()
    assert set(target.named_variables()) == set(values)
    for name, variable in target.named_variables().items():
        low, high = (0.5, 1.5) if name.endswith(("gamma", "variance")) else (-0.2, 0.2)
        variable.assign(rng.uniform(low, high, variable.shape))
        values[name].assign(variable)


@pytest.mark.parametrize(
    ("oracle", "variant", "path", "options"),
    [
        ("ssd_resnet50_v1_fpn", "SLIM_PYRAMID", "FeatureExtractor/resnet_v1_50", {}),
        ("faster_rcnn_resnet101", "SLIM", "FirstStageFeatureExtractor/resnet_v1_101", {"layers": 101, "last": 3}),
        ("faster_rcnn_resnet50", "SLIM", "SecondStageFeatureExtractor/resnet_v1_50", {"blocks": (4,)}),
        ("ssd_resnet50_v1_fpn_keras", "KERAS", "model/_feature_extractor/classification_backbone", {}),
        (
            "faster_rcnn_resnet50_keras",
            "KERAS",
            "model/_feature_extractor_for_proposal_features",
            {"blocks": (1, 2, 3), "last": 3},
        ),
        (
            "faster_rcnn_resnet50_keras",
            "KERAS",
            "model/_feature_extractor_for_box_classifier_features",
            {"blocks": (4,)},
        ),
        ("center_net_resnet50_v1_fpn", "KERAS_APPLICATION", "model/_feature_extractor/_base_model", {}),
    ],
)
def test_variables_have_the_public_names_and_shapes(oracles: Path, oracle: str, variant: str, path: str, options: Any):
    found = resnet(variant, path, depth=lambda filters: filters, **options)
    names = found.object_variables(path) if path.startswith("model/") else found.named_variables()
    listed = json.loads((oracles / oracle / "variables.json").read_text())["variables"]
    stored = {
        variable["name"]: tuple(variable["shape"])
        for variable in listed
        if variable["name"].startswith(f"{path}/") and "/fpn/" not in variable["name"]
    }
    assert {name: tuple(variable.shape) for name, variable in names.items()} == stored
    assert len({id(variable) for variable in names.values()}) == len(found.variables)


def test_where_a_block_is_halved_does_not_change_what_it_says():
    """The strided last unit gives every second value of the block that is halved behind it."""
    behind, within = resnet("SLIM_PYRAMID"), resnet("SLIM")
    alike(behind, within)
    whole, strided = behind(IMAGE), within(IMAGE)
    assert [whole[f"block{block}"].shape[1:3] for block in (1, 2, 3, 4)] == [(17, 25), (9, 13), (5, 7), (3, 4)]
    for block in ("block1", "block2", "block3"):
        np.testing.assert_allclose(strided[block], whole[block][:, ::2, ::2], atol=1e-4)
    np.testing.assert_allclose(strided["block4"], whole["block4"], atol=1e-4)


@pytest.mark.parametrize(("stride", "steps"), [(16, (1, 1, 1, 2)), (8, (1, 1, 2, 4))])
def test_dilated_blocks_say_more_but_the_same(stride, steps):
    """Every second (fourth) value of a dilated block is what the block says that was not dilated."""
    plain, dilated = resnet("SLIM_PYRAMID"), resnet("SLIM", output_stride=stride)
    alike(plain, dilated)
    expected, found = plain(IMAGE), dilated(IMAGE)
    for block in (3, 4):
        step = steps[block - 1]
        np.testing.assert_allclose(found[f"block{block}"][:, ::step, ::step], expected[f"block{block}"], atol=1e-4)


def test_only_what_is_asked_for_is_computed():
    found = resnet("SLIM", last=2)
    assert list(found(IMAGE)) == ["block1", "block2"]
    assert any("block4" in name for name in found.named_variables())


def test_the_keras_application_is_keras_own():
    """The same values as the model of Keras itself, with its weights."""
    ours = resnet("KERAS_APPLICATION", depth=lambda filters: filters)
    model = keras.applications.ResNet50(include_top=False, weights=None, input_shape=(65, 97, 3))
    rng = np.random.default_rng(2)
    layers = [layer for layer in model.layers if layer.weights]
    names = ours.object_variables("model")
    for number, layer in enumerate(layers):
        for weight in layer.weights:
            low, high = (0.5, 1.5) if weight.name in ("gamma", "moving_variance") else (-0.05, 0.05)
            weight.assign(rng.uniform(low, high, weight.shape))
            names.pop(f"model/layer_with_weights-{number}/{weight.name}").assign(weight)
    assert not names
    end = model(IMAGE)
    np.testing.assert_allclose(ours(IMAGE)["block4"], end, atol=1e-4 * float(np.abs(end).max()))
