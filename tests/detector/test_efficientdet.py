"""EfficientDet: its pyramid by hand, its backbones against Keras' own, its larger versions built and run once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from google.protobuf import text_format
from hypothesis import given
from hypothesis import strategies as st

from teachbox.config.load import load_pipeline
from teachbox.config.protos import model_pb2
from teachbox.errors import ConfigError

pytestmark = pytest.mark.tf


def test_the_nodes_of_one_iteration_by_hand():
    """Maps 0, 1, 2 of the levels 3, 4, 5; then 3 and 4 of the levels 6 and 7; down to 8, up to 12."""
    from teachbox.detector.features.bifpn import bifpn_nodes

    beyond = [(6, (2,)), (7, (3,))]
    down = [(6, (3, 4)), (5, (2, 5)), (4, (1, 6)), (3, (0, 7))]
    up = [(4, (1, 7, 8)), (5, (2, 6, 9)), (6, (3, 5, 10)), (7, (4, 11))]
    assert [(node.level, node.inputs) for node in bifpn_nodes(3, 5, 7, 1)] == [*beyond, *down, *up]
    second = bifpn_nodes(3, 5, 7, 2)[len([*beyond, *down, *up]) :]
    assert (second[0].level, second[0].inputs) == (6, (11, 12))
    assert (second[3].level, second[3].inputs) == (3, (8, 15))


@given(st.integers(1, 5), st.integers(1, 4), st.integers(1, 6))
def test_nodes_take_what_is_there_already(least: int, beyond: int, iterations: int):
    from teachbox.detector.features.bifpn import bifpn_nodes

    most, first = 5 + beyond, 6 - least
    nodes = bifpn_nodes(least, 5, most, iterations)
    levels = [*range(least, 6), *(node.level for node in nodes)]
    for number, node in enumerate(nodes):
        assert all(source < first + number for source in node.inputs)
        assert all(abs(levels[source] - node.level) <= 1 for source in node.inputs)
    assert levels[-(most - least + 1) :] == list(range(least, most + 1))
    used = {source for node in nodes for source in node.inputs}
    assert used | set(range(len(levels) - (most - least + 1), len(levels))) == set(range(len(levels)))


@pytest.mark.parametrize(
    ("method", "weights", "total"),
    [
        ("fast_attention", [[1], [3]], 1 * 1 / 4.0001 + 10 * 3 / 4.0001),
        ("fast_attention", [[-1], [3]], 10 * 3 / 3.0001),
        ("weighted_sum", [[-1], [3]], 29),
        ("sum", None, 11),
    ],
)
def test_maps_are_added_up_by_hand(method: Any, weights: Any, total: float):
    from teachbox.detector.features.bifpn import Combine

    layer = Combine(method, 2)
    maps = [np.full((1, 1, 2, 1), value, np.float32) for value in (1, 10)]
    layer(maps)
    if weights is not None:
        layer.object_variables("place")["place/bifpn_combine_weights"].assign(weights)
    assert bool(layer.variables) == (weights is not None)
    np.testing.assert_allclose(layer(maps)[0, 0, :, 0], [total, total], rtol=1e-5)


# Of Keras' own models, less the seven numbers with which these normalise images.
PARAMETERS = (5_330_564, 7_856_232, 9_177_562, 12_320_528, 19_466_816, 30_562_520, 43_265_136, 66_658_680)


def efficientnet(version: int) -> Any:
    from teachbox.detector.features.efficientnet import EfficientNet, efficientnet_hyperparams

    backbone = EfficientNet(efficientnet_hyperparams(), version=version)
    backbone.build((None, None, None, 3))
    return backbone


@pytest.mark.parametrize(
    "version", [*range(3), *(pytest.param(version, marks=pytest.mark.slow) for version in range(3, 8))]
)
def test_each_version_has_as_many_numbers_as_published(version: int):
    backbone = efficientnet(version)
    names = backbone.object_variables("path")
    counted = sum(int(np.prod(variable.shape)) for variable in names.values())
    assert counted == PARAMETERS[version]
    numbers = sorted({int(name.split("-")[1].split("/")[0]) for name in names})
    assert numbers == list(range(len(numbers)))


@pytest.mark.parametrize("version", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_the_backbone_is_keras_own(version: int):
    """The same values as the model of Keras itself, with its weights, at each of the levels."""
    ours = efficientnet(version)
    model = getattr(keras.applications, f"EfficientNetB{version}")(weights=None, input_shape=(128, 128, 3))
    theirs = [layer for layer in model.layers if layer.weights and not isinstance(layer, keras.layers.Normalization)]
    rng, names = np.random.default_rng(3), ours.object_variables("path")
    own = sorted(names, key=lambda name: int(name.split("-")[1].split("/")[0]))
    assert len({name.rsplit("/", 1)[0] for name in own}) == len(theirs)
    for number, layer in enumerate(theirs):
        for weight in layer.weights:
            low, high = (0.5, 1.5) if weight.name in ("gamma", "moving_variance") else (-0.3, 0.3)
            if weight.name in ("kernel", "depthwise_kernel"):
                high = (3.0 / max(1, np.prod(weight.shape[:-1]))) ** 0.5 if weight.name == "kernel" else 0.6
                low = -high
            weight.assign(rng.uniform(low, high, weight.shape))
            # Keras calls them in their own way; the places are the same.
            found = next(name for name in own if f"layer_with_weights-{number}/" in name and _same(name, weight.name))
            names[found].assign(weight)
    ends = ["block3b_add", "block5c_add", "block7a_project_bn"]
    inner = keras.Model(model.get_layer("stem_conv_pad").input, [model.get_layer(name).output for name in ends])
    image = np.random.default_rng(0).uniform(-1, 1, (1, 128, 128, 3)).astype(np.float32)
    for expected, found in zip(inner(image), ours(image).values(), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-4 * float(np.abs(expected).max()))


def _same(name: str, weight: str) -> bool:
    return name.rsplit("/", 1)[1].removeprefix("depthwise_") == weight.removeprefix("depthwise_")


def test_residuals_are_left_out_in_training_and_kept_otherwise():
    backbone = efficientnet(0)
    rates = [residual.drop.rate for residual in backbone.residuals if residual.drop is not None]
    # The third residual of sixteen is the first that is added to its input, the fifteenth the last.
    assert rates[0] == pytest.approx(0.2 * 2 / 16)
    assert rates[-1] == pytest.approx(0.2 * 14 / 16)
    drop = backbone.residuals[14].drop
    ones = np.ones((400, 1, 1, 2), np.float32)
    np.testing.assert_array_equal(drop(ones, training=False), ones)
    found = np.asarray(drop(ones, training=True))[:, 0, 0]
    np.testing.assert_array_equal(found[:, 0], found[:, 1])
    np.testing.assert_allclose(np.unique(found), [0, 1 / (1 - 0.175)], rtol=1e-5)
    assert 0.08 < (found[:, 0] == 0).mean() < 0.28


def sample(oracles: Path, version: int) -> model_pb2.DetectionModel:
    (file,) = (oracles / "sample_configs" / "configs_tf2").glob(f"ssd_efficientdet_d{version}_*.config")
    return load_pipeline(file).message.model


def build(model: model_pb2.DetectionModel, change: str = "") -> Any:
    from teachbox.detector.build import build_detector

    copy = model_pb2.DetectionModel()
    copy.CopyFrom(model)
    text_format.Merge(f"ssd {{ {change} }}", copy)
    return build_detector(copy)


SMALL = "image_resizer { keep_aspect_ratio_resizer { min_dimension: 128 max_dimension: 128 } }"


@pytest.mark.parametrize("version", [pytest.param(version, marks=pytest.mark.slow) for version in range(1, 8)])
def test_the_larger_samples_are_built_and_run(oracles: Path, version: int):
    """With the names of a published checkpoint: every layer of the backbone is in one of two places, none in both."""
    model = sample(oracles, version)
    detector = build(model, SMALL)
    image, shape = np.zeros((1, 128, 128, 3), np.float32), np.array([[128, 96, 3]], np.int32)
    found = detector(image, shape)
    assert [tuple(part.shape[1:3]) for part in found["feature_maps"]] == [(16, 16), (8, 8), (4, 4), (2, 2), (1, 1)]
    assert found["class_predictions_with_background"].shape == (1, 341 * 9, 90)
    assert np.isfinite(found["box_encodings"]).all()
    names = detector.checkpoint_variables()
    assert len(names) == len({id(variable) for variable in names.values()})
    # Dropout has a state of its own, which no checkpoint keeps.
    assert {id(variable) for variable in names.values()} == {
        id(variable) for variable in detector.variables if "seed" not in variable.path
    }
    options = model.ssd.feature_extractor.bifpn
    weights = [name for name in names if name.endswith("bifpn_combine_weights")]
    assert len(weights) == (8 * options.num_iterations if options.combine_method != "sum" else 0)
    stage = "model/_feature_extractor/_bifpn_stage"
    last = f"{stage}/node_post_combine_block/{1 + 8 * options.num_iterations}/1/pointwise_kernel"
    assert tuple(names[last].shape) == (1, 1, options.num_filters, options.num_filters)


REFUSED = [
    (
        "feature_extractor { bifpn { min_level: 0 } } anchor_generator { multiscale_anchor_generator { min_level: 0} }",
        "min_level is 0 and max_level is 7; give 1 to 5, and 6 or",
    ),
    (
        "feature_extractor { bifpn { max_level: 5 } } anchor_generator { multiscale_anchor_generator { max_level: 5} }",
        "min_level is 3 and max_level is 5",
    ),
    ("feature_extractor { bifpn { num_iterations: 0 } }", "num_iterations and num_filters are needed"),
    ("feature_extractor { bifpn { combine_method: 'attention' } }", "combine_method: 'attention' is not built"),
    ("feature_extractor { use_depthwise: true }", "feature_extractor.use_depthwise: is not built"),
    ("feature_extractor { depth_multiplier: 0.5 }", "feature_extractor.depth_multiplier: is not built"),
    ("feature_extractor { fpn { } }", "ssd_efficientnet-b0_bifpn_keras needs a bifpn, with num_iterations and num_fil"),
    (
        "image_resizer { keep_aspect_ratio_resizer { max_dimension: 576 } }",
        "maps of 72, 36, 18, 9, 5; each must be twice the next; choose a multiple of 128, or pad_to_multiple: 128",
    ),
]


@pytest.mark.parametrize(("change", "words"), REFUSED)
def test_refused_by_name(oracles: Path, change: str, words: str):
    with pytest.raises(ConfigError, match=words):
        build(sample(oracles, 0), change)


def test_a_picture_is_padded_after_it_is_normalised(oracles: Path):
    """The original normalises before it pads: beyond the picture stands the value that the config gives."""
    image, shape = np.full((1, 4, 4, 3), 255, np.float32), np.array([[2, 3, 3]], np.int32)
    detector = build(sample(oracles, 0), SMALL.replace("} }", "per_channel_pad_value: [7, 8, 9] } }"))
    normalised = detector.preprocess(image)
    found = np.asarray(detector.padded(normalised, shape))[0]
    np.testing.assert_allclose(found[0, 0], [(1 - 0.485) / 0.229, (1 - 0.456) / 0.224, (1 - 0.406) / 0.225], 1e-5)
    np.testing.assert_array_equal(found[2:], np.broadcast_to([7, 8, 9], (2, 4, 3)))
    np.testing.assert_array_equal(found[:, 3], np.broadcast_to([7, 8, 9], (4, 3)))
    np.testing.assert_array_equal(found[:2, :3], np.broadcast_to(found[0, 0], (2, 3, 3)))
    np.testing.assert_array_equal(detector.padded(normalised), normalised)
