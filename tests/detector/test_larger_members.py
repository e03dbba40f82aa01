"""Members of a family that no oracle has: restored from a checkpoint with the public names, and run.

Names and shapes of the larger ResNets are not asked of the detector. They are the oracle's of the smaller sibling, with
as many units in a block as slim counts, or numbered as the layers of Keras' own model are. Of what no sibling tells the
names, one detector is written and another takes it up.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from golden import named_value
from google.protobuf import text_format
from object_files import write_objects
from test_restore_types import write as write_names

from teachbox.config.load import load_pipeline
from teachbox.config.protos import model_pb2

pytestmark = pytest.mark.tf

UNITS = {50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}
"""Units of the four blocks (He et al., 2015, table 1)."""
Shapes = dict[str, tuple[int, ...]]


def listed(oracles: Path, oracle: str) -> list[dict[str, Any]]:
    return json.loads((oracles / oracle / "variables.json").read_text())["variables"]


def by_units(variables: list[dict[str, Any]], layers: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Names of TensorFlow 1: all units of a block behind the first are alike."""
    for variable in variables:
        name = variable["name"].replace("resnet_v1_50", f"resnet_v1_{layers}")
        unit = re.search(r"block(\d)/unit_(\d+)/", name)
        numbers: Any = [None]
        if unit and unit[2] != "1":
            numbers = range(2, UNITS[layers][int(unit[1]) - 1] + 1) if unit[2] == "2" else []
        for number in numbers:
            own = name if number is None else name.replace("/unit_2/", f"/unit_{number}/")
            yield own, tuple(variable["shape"])


def by_layers(variables: list[dict[str, Any]], layers: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Names of TensorFlow 2: layers with weights are numbered in the order of Keras' model, each half from 0."""
    model = getattr(keras.applications, f"ResNet{layers}")(include_top=False, weights=None)
    order = [layer.name for layer in model.layers if layer.weights]
    parts: dict[str, dict[str, tuple[str, tuple[int, ...]]]] = {}
    for variable in variables:
        layer, _, part = variable.get("layer_variable_name", "").removesuffix(":0").rpartition("/")
        if layer in order:
            path = variable["name"].rpartition("/layer_with_weights-")[0]
            parts.setdefault(layer, {})[part] = path, tuple(variable["shape"])
        else:
            yield variable["name"], tuple(variable["shape"])
    numbers: dict[str, int] = {}
    for layer in order:
        known = parts.get(layer) or parts[re.sub(r"_block\d+_", "_block2_", layer)]
        path = next(iter(known.values()))[0]
        number = numbers[path] = numbers.get(path, -1) + 1
        for part, (_, shape) in known.items():
            yield f"{path}/layer_with_weights-{number}/{part}", shape


RESNETS = [
    ("ssd_resnet50_v1_fpn", by_units, "ssd_resnet{}_v1_fpn"),
    ("ssd_resnet50_v1_fpn_keras", by_layers, "ssd_resnet{}_v1_fpn_keras"),
    ("faster_rcnn_resnet50", by_units, "faster_rcnn_resnet{}"),
    ("faster_rcnn_resnet50_keras", by_layers, "faster_rcnn_resnet{}_keras"),
    ("center_net_resnet50_v1_fpn", by_layers, "resnet_v1_{}_fpn"),
]


def model_of(oracles: Path, oracle: str) -> model_pb2.DetectionModel:
    return load_pipeline(oracles / oracle / "pipeline.config").message.model


def build(model: model_pb2.DetectionModel) -> Any:
    from teachbox.detector.build import build_detector

    return build_detector(model)


def random_values(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
    return {name: named_value(name, list(shape), [("", 0.5)]) for name, shape in shapes.items()}


def detections(detector: Any, side: int = 128) -> dict[str, np.ndarray]:
    """What it finds in an image of noise."""
    image = np.random.default_rng(0).uniform(0, 255, (1, side, side, 3)).astype(np.float32)
    true_shape = np.array([[side, side, 3]], np.int32)
    predictions = detector(detector.preprocess(image), true_shape, training=False)
    found = detector.postprocess(predictions, true_shape)
    return {name: keras.ops.convert_to_numpy(value) for name, value in found.items()}


def check_detections(found: dict[str, np.ndarray]) -> None:
    assert all(np.isfinite(value).all() for value in found.values())
    scores = found["detection_scores"][0]
    count = int(found["num_detections"][0])
    assert 0 < scores[count - 1] <= scores[0] <= 1
    assert (np.diff(scores[:count]) <= 0).all()


@pytest.mark.parametrize(("oracle", "names_of"), [(oracle, names_of) for oracle, names_of, _ in RESNETS])
def test_the_rule_gives_the_oracles_own_names(oracles: Path, oracle: str, names_of: Any) -> None:
    variables = listed(oracles, oracle)
    assert dict(names_of(variables, 50)) == {variable["name"]: tuple(variable["shape"]) for variable in variables}


LARGER = [
    (oracle, names_of, extractor, layers)
    for oracle, names_of, extractor in RESNETS
    # The original has no CenterNet on ResNet 152.
    for layers in ((101,) if oracle.startswith("center_net") else (101, 152))
]


@pytest.mark.slow
@pytest.mark.parametrize(("oracle", "names_of", "extractor", "layers"), LARGER)
def test_a_larger_resnet(
    oracles: Path, tmp_path: Path, oracle: str, names_of: Any, extractor: str, layers: int
) -> None:
    from teachbox.detector.weights import restore

    model = model_of(oracles, oracle)
    getattr(model, model.WhichOneof("model")).feature_extractor.type = extractor.format(layers)
    detector = build(model)
    expected: Shapes = dict(names_of(listed(oracles, oracle), layers))
    variables = detector.checkpoint_variables()
    assert {name: tuple(variable.shape) for name, variable in variables.items()} == expected
    values = random_values(expected)
    prefix = write_objects(tmp_path, values) if names_of is by_layers else write_names(tmp_path / "model.ckpt", values)
    report = restore(variables, prefix, checkpoint_type="full")
    assert (sorted(report.taken), report.left, report.unused) == (sorted(expected), {}, [])
    for name, variable in variables.items():
        np.testing.assert_array_equal(variable.numpy(), values[name], err_msg=name)
    check_detections(detections(detector))


def low_proposals(oracles: Path) -> model_pb2.DetectionModel:
    """The zoo's `lowproposals`: the same detector that looks at twenty regions."""
    model = model_of(oracles, "faster_rcnn_inception_resnet_v2")
    model.faster_rcnn.first_stage_max_proposals = model.faster_rcnn.second_stage_batch_size = 20
    return model


@pytest.mark.slow
def test_low_proposals(oracles: Path, tmp_path: Path) -> None:
    from teachbox.detector.weights import restore

    detector = build(low_proposals(oracles))
    variables = listed(oracles, "faster_rcnn_inception_resnet_v2")
    values = random_values({variable["name"]: tuple(variable["shape"]) for variable in variables})
    prefix = write_names(tmp_path / "model.ckpt", values)
    report = restore(detector.checkpoint_variables(), prefix, checkpoint_type="full")
    assert (len(report.taken), report.left, report.unused) == (len(variables), {}, [])
    image, true_shape = np.zeros((1, 128, 128, 3), np.float32), np.array([[128, 128, 3]], np.int32)
    predictions = detector(detector.preprocess(image), true_shape, training=False)
    assert tuple(predictions["refined_box_encodings"].shape[:2]) == (1, 20)
    check_detections(detections(detector))


def with_extractor(oracles: Path, oracle: str, extractor: str, change: str = "") -> model_pb2.DetectionModel:
    model = model_of(oracles, oracle)
    chosen = getattr(model, model.WhichOneof("model"))
    text_format.Merge(change, chosen)
    chosen.feature_extractor.type = extractor
    return model


def sample(oracles: Path, name: str, change: str) -> model_pb2.DetectionModel:
    (file,) = (oracles / "sample_configs" / "configs_tf2").glob(f"{name}*.config")
    model = load_pipeline(file).message.model
    text_format.Merge(change, getattr(model, model.WhichOneof("model")))
    return model


SMALL_SQUARE = "image_resizer { keep_aspect_ratio_resizer { min_dimension: 128 max_dimension: 128 } }"
OTHERS = {
    **{
        f"ssd_efficientdet_d{version}": lambda oracles, version=version: sample(
            oracles, f"ssd_efficientdet_d{version}_", SMALL_SQUARE
        )
        for version in range(1, 8)
    },
    "faster_rcnn_resnet50_fpn_keras": lambda oracles: sample(oracles, "faster_rcnn_resnet50_v1_fpn_640", ""),
    **{
        f"faster_rcnn_resnet{layers}_fpn_keras": lambda oracles, layers=layers: sample(
            oracles,
            "faster_rcnn_resnet50_v1_fpn_640",
            f"feature_extractor {{ type: 'faster_rcnn_resnet{layers}_fpn_keras' }}",
        )
        for layers in (101, 152)
    },
    "faster_rcnn_inception_resnet_v2_keras": lambda oracles: with_extractor(
        oracles, "faster_rcnn_inception_resnet_v2", "faster_rcnn_inception_resnet_v2_keras"
    ),
    **{
        f"ssd_resnet{layers}_v1_ppn": lambda oracles, layers=layers: with_extractor(
            oracles, "ssd_mobilenet_v1_ppn", f"ssd_resnet{layers}_v1_ppn"
        )
        for layers in (50, 101, 152)
    },
    **{
        f"rfcn_resnet{layers}": lambda oracles, layers=layers: with_extractor(
            oracles, "rfcn_resnet101", f"faster_rcnn_resnet{layers}"
        )
        for layers in (50, 152)
    },
    "ssd_mobilenet_v1_fpn_keras": lambda oracles: sample(oracles, "ssd_mobilenet_v1_fpn_640", ""),
}
"""Members whose names no smaller sibling tells: their models, small where that changes no variable."""


@pytest.mark.slow
@pytest.mark.parametrize("member", OTHERS)
def test_what_one_wrote_another_takes_up(oracles: Path, tmp_path: Path, member: str) -> None:
    from teachbox.detector.weights import restore
    from teachbox.detector.written import write_checkpoint

    model = OTHERS[member](oracles)
    first, second = build(model), build(model)
    names = first.checkpoint_variables()
    for name, value in random_values({name: tuple(variable.shape) for name, variable in names.items()}).items():
        names[name].assign(value)
    write_checkpoint(tmp_path / "model.ckpt", {name: variable.numpy() for name, variable in names.items()}, step=3)
    report = restore(second.checkpoint_variables(), tmp_path / "model.ckpt", checkpoint_type="full")
    assert (sorted(report.taken), report.left, report.unused) == (sorted(names), {}, [])
    found, again = detections(first), detections(second)
    check_detections(found)
    for name, value in found.items():
        np.testing.assert_array_equal(again[name], value, err_msg=name)
