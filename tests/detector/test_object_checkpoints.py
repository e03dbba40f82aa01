"""Checkpoints of TensorFlow 2: real files of `tf.train.Checkpoint` under the published ways, restored by type."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from object_files import write_objects

from teachbox.config.load import load_pipeline
from teachbox.detector.object_graph import GRAPH_KEY, ObjectGraph, object_graph, value_key
from teachbox.detector.sources import classifier_names, of_feature_extractor
from teachbox.errors import CheckpointError

pytestmark = pytest.mark.tf

BACKBONE = "model/_feature_extractor/classification_backbone/"


@pytest.fixture(scope="module")
def detector(oracles: Path) -> Any:
    """A small one of TensorFlow 2, of three classes."""
    from teachbox.detector.build import build_detector

    model = load_pipeline(oracles / "ssd_mobilenet_v2_keras" / "pipeline.config").message.model
    model.ssd.feature_extractor.depth_multiplier = 0.25
    model.ssd.feature_extractor.min_depth = 8
    model.ssd.image_resizer.fixed_shape_resizer.height = 96
    model.ssd.image_resizer.fixed_shape_resizer.width = 96
    return build_detector(model)


@pytest.fixture
def variables(detector: Any) -> dict[str, keras.Variable]:
    found = detector.checkpoint_variables()
    for variable in found.values():
        variable.assign(np.zeros(variable.shape, np.float32))
    return found


def others(variables: dict[str, Any], names: Any = lambda name: True) -> dict[str, np.ndarray]:
    """Other values for those of the variables whose `names` are wanted."""
    random = np.random.default_rng(0)
    return {
        name: random.normal(size=variable.shape).astype(np.float32)
        for name, variable in variables.items()
        if names(name)
    }


def assert_taken(variables: dict[str, keras.Variable], arrays: dict[str, np.ndarray]) -> None:
    """That these have the values of the checkpoint, and the rest those from before."""
    for name, variable in variables.items():
        np.testing.assert_array_equal(variable.numpy(), arrays.get(name, 0.0 * variable.numpy()), err_msg=name)


def test_detection_takes_what_fits(variables, tmp_path: Path):
    from teachbox.detector.weights import restore

    arrays = others(variables)
    classes = {name for name in arrays if "class_predictions_with_background" in name}
    for name in classes:
        arrays[name] = np.concatenate([arrays[name]] * 2, axis=-1)
    report = restore(variables, write_objects(tmp_path, arrays), checkpoint_type="detection")
    assert set(report.left) == classes == set(report.unused)
    assert len(classes) == 12
    assert_taken(variables, {name: array for name, array in arrays.items() if name not in classes})


def test_without_heads_detection_takes_the_feature_extractor(variables, tmp_path: Path):
    from teachbox.detector.weights import restore

    arrays = others(variables)
    report = restore(variables, write_objects(tmp_path, arrays), checkpoint_type="detection", heads=False)
    features = {name: array for name, array in arrays.items() if name.startswith("model/_feature_extractor/")}
    assert_taken(variables, features)
    assert set(report.left.values()) == {"not part of the feature extractor"}
    assert 0 < len(features) == len(report.taken) < len(arrays)


def test_classification_takes_the_backbone_of_a_classifier(variables, tmp_path: Path):
    from teachbox.detector.weights import restore

    arrays = others(variables, lambda name: name.startswith(BACKBONE))
    stored = {f"feature_extractor/{name.removeprefix(BACKBONE)}": array for name, array in arrays.items()}
    stored["feature_extractor/layer_with_weights-104/kernel"] = np.zeros((8, 1000), np.float32)
    report = restore(variables, write_objects(tmp_path, stored), checkpoint_type="classification")
    assert_taken(variables, arrays)
    assert set(report.left.values()) == {"not part of the backbone"}
    assert report.unused == ["feature_extractor/layer_with_weights-104/kernel"]


def test_full_takes_all_or_nothing(variables, tmp_path: Path):
    from teachbox.detector.weights import restore

    arrays = others(variables)
    missing = next(name for name in arrays if "_box_predictor" in name)
    partial = {name: array for name, array in arrays.items() if name != missing}
    with pytest.raises(CheckpointError, match=f"wants every variable, but {missing}: not in the checkpoint"):
        restore(variables, write_objects(tmp_path / "partial", partial), checkpoint_type="full")
    assert_taken(variables, {})
    report = restore(variables, write_objects(tmp_path / "whole", arrays), checkpoint_type="full")
    assert (report.left, report.unused) == ({}, [])
    assert_taken(variables, arrays)


def test_a_checkpoint_of_the_other_kind_is_told(variables, tmp_path: Path):
    from teachbox.detector.weights import restore

    scope = {"FeatureExtractor/MobilenetV1/Conv2d_0/weights": keras.Variable(np.zeros((3, 3, 3, 8), np.float32))}
    with pytest.raises(CheckpointError, match="a checkpoint of TensorFlow 2, and this feature extractor's are of Tens"):
        restore(scope, write_objects(tmp_path, others(variables)))


def test_an_object_that_several_ways_lead_to_is_found_by_each(tmp_path: Path):
    """It is stored under the shortest; names such as `box/offset` have their slash marked."""
    import tensorflow as tf

    from teachbox.detector.weights import restore

    shared = tf.train.Checkpoint(kernel=tf.Variable([1.0, 2.0]))
    model = tf.Module()
    model._feature_extractor = tf.Module()
    model._feature_extractor.classification_backbone = tf.train.Checkpoint(**{"layer_with_weights-0": shared})
    model._feature_extractor._layers = [tf.Module(), model._feature_extractor.classification_backbone]
    model._all = [shared]
    model._prediction_head_dict = {"box/offset": [tf.train.Checkpoint(bias=tf.Variable([3.0]))]}
    prefix = tf.train.Checkpoint(model=model, step=tf.Variable(5)).save(str(tmp_path / "ckpt"))
    keys = {name for name, _ in tf.train.list_variables(prefix)}
    assert value_key("model/_all/0/kernel") in keys
    ways = {f"{BACKBONE}layer_with_weights-0/kernel": 2, "model/_prediction_head_dict/box.Soffset/0/bias": 1}
    assert not {value_key(path) for path in list(ways)[:1]} & keys
    variables = {path: keras.Variable(np.zeros(size, np.float32)) for path, size in ways.items()}
    report = restore(variables, prefix, checkpoint_type="full")
    assert [variable.numpy().tolist() for variable in variables.values()] == [[1.0, 2.0], [3.0]]
    assert (report.left, report.unused) == ({}, [])


def test_a_damaged_graph_is_told(tmp_path: Path):
    import tensorflow as tf

    from teachbox.detector.weights import restore

    prefix = str(tmp_path / "ckpt-1")
    tf.raw_ops.SaveV2(
        prefix=prefix, tensor_names=[GRAPH_KEY], shape_and_slices=[""], tensors=[tf.constant(b"\xff no graph")]
    )
    with pytest.raises(CheckpointError, match="ckpt-1: cannot be read: its graph of objects cannot be read"):
        restore({}, prefix)


NAMES = st.text("abz_.-/0", min_size=1, max_size=4).map(lambda name: name.replace(".", "..").replace("/", ".S"))


@given(st.sets(st.lists(NAMES, min_size=3, max_size=3).map("/".join), max_size=12))
def test_a_graph_that_is_written_finds_each_of_its_values_and_no_other(paths: set[str]):
    graph = ObjectGraph(object_graph(sorted(paths)))
    assert {path: graph.key(path) for path in paths} == {path: value_key(path) for path in paths}
    assert graph.key("not/there") is None
    assert all(graph.key(path.rpartition("/")[0]) is None for path in paths)


# What a classifier calls a backbone, by family


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("FeatureExtractor/MobilenetV1/Conv2d_0/weights", "MobilenetV1/Conv2d_0/weights"),
        ("FirstStageFeatureExtractor/resnet_v1_50/conv1/weights", "resnet_v1_50/conv1/weights"),
        ("SecondStageFeatureExtractor/InceptionV2/Mixed_5a/x/weights", "InceptionV2/Mixed_5a/x/weights"),
        ("FirstStageFeatureExtractor/InceptionResnetV2/Repeat/x/weights", "InceptionResnetV2/Repeat/x/weights"),
        ("SecondStageFeatureExtractor/InceptionResnetV2/Repeat/x/weights", "InceptionResnetV2/Repeat_2/x/weights"),
        (f"{BACKBONE}layer_with_weights-3/kernel", "feature_extractor/layer_with_weights-3/kernel"),
        (
            "model/_feature_extractor/_efficientnet/layer_with_weights-3/beta",
            "feature_extractor/layer_with_weights-3/beta",
        ),
        (
            "model/_feature_extractor/_base_model/layer_with_weights-3/beta",
            "feature_extractor/layer_with_weights-3/beta",
        ),
        (
            "model/_feature_extractor_for_proposal_features/classification_backbone/layer_with_weights-3/beta",
            "feature_extractor/layer_with_weights-3/beta",
        ),
        ("model/_feature_extractor/_network/stem/kernel", None),
        ("model/_feature_extractor/_bifpn_stage/node_combine_op/5/bifpn_combine_weights", None),
        ("model/_feature_extractor_for_box_classifier_features/layer_with_weights-0/kernel", None),
        ("BoxPredictor_0/ClassPredictor/weights", None),
        ("Conv/weights", None),
    ],
)
def test_names_in_a_classifier(name: str, source: str | None):
    assert classifier_names([name]).get(name) == source
    assert of_feature_extractor(name) == ("eature" in name)


def test_the_second_half_of_a_backbone_goes_on_counting():
    first, second = (
        "model/_feature_extractor_for_proposal_features",
        "model/_feature_extractor_for_box_classifier_features",
    )
    names = [f"{first}/layer_with_weights-{number}/kernel" for number in range(3)]
    names += [f"{second}/layer_with_weights-{number}/kernel" for number in range(2)]
    found = classifier_names([*names, "model/_mask_rcnn_box_predictor/x/kernel"])
    assert [found[name] for name in names] == [f"feature_extractor/layer_with_weights-{n}/kernel" for n in range(5)]
    assert len(found) == 5


def test_an_hourglass_has_no_classifier(tmp_path: Path):
    from teachbox.detector.weights import restore

    prefix = write_objects(tmp_path, {"feature_extractor/layer_with_weights-0/kernel": np.zeros(1, np.float32)})
    stem = {"model/_feature_extractor/_network/downsample_input/conv_block/conv/kernel": keras.Variable(np.zeros(1))}
    with pytest.raises(
        CheckpointError, match="this detector's backbone is no classifier's; use fine_tune_checkpoint_ty"
    ):
        restore(stem, prefix, checkpoint_type="classification")
