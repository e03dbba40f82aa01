"""The zoo as data: what its pages say, and whether each model can be used here."""

import dataclasses
import re

import pytest
from google.protobuf.message import Message
from hypothesis import given
from hypothesis import strategies as st

from teachbox.config.load import load_pipeline, parse_pipeline
from teachbox.config.supported import examine
from teachbox.errors import UsageError
from teachbox.zoo.models import BASE, TABLES, find_model, select, zoo_models
from teachbox.zoo.usable import why_not

MODELS = zoo_models()


def test_one_model_as_its_page_has_it():
    model = find_model("ssd_mobilenet_v2_fpnlite_640x640_coco17_tpu-8")
    assert (model.table, model.title) == ("TF2 COCO", "SSD MobileNet V2 FPNLite 640x640")
    assert (model.speed_ms, model.ap, model.note, model.outputs) == (39, 28.2, "", ("Boxes",))
    assert (model.checkpoint_version, model.checkpoint_type) == ("V2", "detection")
    assert model.address() == (
        "http://download.tensorflow.org/models/object_detection/"
        "tf2/20200711/ssd_mobilenet_v2_fpnlite_640x640_coco17_tpu-8.tar.gz"
    )


@pytest.mark.parametrize(
    ("name", "numbers", "outputs"),
    [
        ("ssd_mobilenet_v1_coco", (30, 21, ""), ("Boxes",)),
        ("faster_rcnn_nas", (1833, 43, ""), ("Boxes",)),
        ("faster_rcnn_resnet50_lowproposals_coco", (64, None, ""), ("Boxes",)),
        ("ssd_mobiledet_edgetpu_coco", (6.9, 25.9, "uint8 25.6"), ("Boxes",)),
        ("context_rcnn_resnet101_snapshot_serengeti", (None, 56, ""), ("Boxes",)),
        ("mask_rcnn_inception_v2_coco", (79, 25, ""), ("Boxes", "Masks")),
        ("centernet_hg104_1024x1024_kpts_coco17_tpu-32", (211, 42.8, "keypoints 64.5"), ("Boxes", "Keypoints")),
        ("efficientdet_d7_coco17_tpu-32", (325, 51.2, ""), ("Boxes",)),
        ("extremenet", (None, None, ""), ("Boxes",)),
        ("mobilenet_v2", (None, None, ""), ()),
    ],
)
def test_numbers_of_the_pages(name, numbers, outputs):
    model = find_model(name)
    assert (model.speed_ms, model.ap, model.note) == numbers
    assert model.outputs == outputs


def test_every_row_can_be_used():
    assert len(MODELS) == 47 + 43 + 14
    assert len({model.name for model in MODELS}) == len(MODELS)
    assert len({model.address() for model in MODELS}) == len(MODELS)
    assert {model.table for model in MODELS} == set(TABLES)
    for model in MODELS:
        assert re.fullmatch(r"[a-z0-9][\w.-]*", model.name), model.name
        assert re.fullmatch(r"https?://[\w./-]+\.tar\.gz", model.address()), model.name
        assert model.outputs or model.table == "TF2 ImageNet", model.name
        parse_pipeline(model.config, where=model.name)


def test_another_address_stands_in_for_the_zoo():
    model = find_model("mobilenet_v1")
    for base in ("http://mirror/a/b", "http://mirror/a/b/"):
        assert model.address(base) == "http://mirror/a/b/classification/tf2/20200710/mobilenet_v1.tar.gz"
    elsewhere = [model.name for model in MODELS if not model.address().startswith(BASE)]
    assert elsewhere == ["ssd_mobilenet_edgetpu_coco"]
    assert find_model(elsewhere[0]).address("http://mirror/") == find_model(elsewhere[0]).address()


@pytest.mark.parametrize(
    "name", ["efficientdet_d0_coco17_tpu-32", "EfficientDet D0 512x512", "efficientdet d0 512X512"]
)
def test_names_and_titles(name):
    assert find_model(name).name == "efficientdet_d0_coco17_tpu-32"


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("ssd_mobilenet_v1_cocco", "; did you mean ssd_mobilenet_v1_coco"),
        ("rfcn", "; did you mean rfcn_resnet101_coco? (teachbox zoo lists them)"),
        ("yolo", "the zoo has no model 'yolo' (teachbox zoo lists them)"),
    ],
)
def test_a_name_that_is_none(name, hint):
    with pytest.raises(UsageError) as error:
        find_model(name)
    assert hint in str(error.value)


def test_words_and_order():
    found = select(MODELS, ["tf1", "COCO", "mobilenet_v1"], "name")
    assert [model.name for model in found] == [
        "ssd_mobilenet_v1_0.75_depth_coco",
        "ssd_mobilenet_v1_0.75_depth_quantized_coco",
        "ssd_mobilenet_v1_coco",
        "ssd_mobilenet_v1_fpn_coco",
        "ssd_mobilenet_v1_ppn_coco",
        "ssd_mobilenet_v1_quantized_coco",
    ]
    assert [model.name for model in select(MODELS, ["masks", "tf2"])] == [
        "mask_rcnn_inception_resnet_v2_1024x1024_coco17_gpu-8"
    ]
    assert [model.ap for model in select(MODELS, ["efficientdet"], "ap")][:2] == [51.2, 50.5]
    assert select(MODELS, ["no", "such"]) == []
    assert select([], []) == []
    assert select(MODELS, []) == MODELS


@given(st.permutations(MODELS), st.sampled_from(["speed", "ap"]))
def test_what_has_no_number_comes_last(shuffled, order):
    numbers = [model.speed_ms if order == "speed" else model.ap for model in select(shuffled, [], order)]
    known = [number for number in numbers if number is not None]
    assert numbers == known + [None] * (len(numbers) - len(known))
    assert known == sorted(known, reverse=order == "ap")


def test_which_can_be_used():
    reasons = {model.name: why_not(model) for model in MODELS}
    assert reasons["ssd_mobilenet_v1_0.75_depth_coco"] is None
    assert reasons["ssd_mobilenet_v2_coco"] is None
    assert reasons["ssd_inception_v2_coco"] is None
    assert reasons["ssd_mobilenet_v1_ppn_coco"] is None
    assert reasons["faster_rcnn_inception_v2_coco"] is None
    assert reasons["faster_rcnn_resnet50_v1_640x640_coco17_tpu-8"] is None
    assert reasons["rfcn_resnet101_coco"] is None
    assert reasons["ssd_mobilenet_v1_quantized_coco"] == "not built yet: graph_rewriter"
    assert reasons["mask_rcnn_resnet50_atrous_coco"] == "predicts masks"
    assert reasons["centernet_hg104_512x512_kpts_coco17_tpu-32"] == "predicts keypoints"
    assert reasons["centernet_mobilenetv2fpn_512x512_coco17_kpts"] == "predicts keypoints"


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ("model { ssd { feature_extractor { type: 'ssd_never' } } }", "ssd_never"),
        ("model { experimental_model { name: 'x' } }", "experimental_model"),
        (
            "model { ssd { feature_extractor { replace_preprocessor_with_placeholder: true } } }",
            "replace_preprocessor_with_placeholder true",
        ),
        ("model { ssd { feature_extractor { type: 'ssd_mobilenet_v1' } } }", None),
        ("", None),
    ],
)
def test_parts_that_are_not_built_are_named(config, says):
    reason = why_not(dataclasses.replace(find_model("ssd_mobilenet_v1_coco"), config=config))
    assert reason == (None if says is None else f"not built yet: {says}")


def sample_of(archive: str, folder):
    """The sample config that an archive was made with, if there is one of that name."""
    stem = re.sub(r"(_\d{4}_\d\d_\d\d)?\.tar\.gz$", "", archive.rpartition("/")[2]).replace("_hg104_", "_hourglass104_")
    found = [path for path in sorted(folder.rglob("*.config")) if path.stem == stem]
    if found or not (number := re.fullmatch(r"efficientdet_(d\d)_coco17_tpu-32", stem)):
        return found[0] if found else None
    return next(folder.rglob(f"ssd_efficientdet_{number[1]}_*.config"))


def holds(message: Message, parts: Message) -> bool:
    """Whether `message` has everything that is set in `parts`."""
    for field, value in parts.ListFields():
        other = getattr(message, field.name)
        if field.message_type is None:
            if other != value:
                return False
        elif not message.HasField(field.name) or not holds(other, value):
            return False
    return True


def test_the_parts_are_those_of_the_sample_configs(oracles):
    folder = oracles / "sample_configs"
    pairs = [(model, sample_of(model.archive, folder)) for model in MODELS if model.table != "TF2 ImageNet"]
    found = [(model, load_pipeline(path)) for model, path in pairs if path is not None]
    assert len(found) >= 55
    # The sample of this one names ResNet v2, which is neither what its name says nor its title.
    odd = "centernet_resnet101_v1_fpn_512x512_coco17_tpu-8"
    for model, sample in found:
        parts = parse_pipeline(model.config, where=model.name)
        assert holds(sample.message, parts.message) == (model.name != odd), model.name
        refused = [finding.text for finding in examine(sample).refused if finding.field_path.startswith("model")]
        # Quantisation stands beside the model.
        quantised = sample.message.HasField("graph_rewriter")
        assert (why_not(model) is None) == (not refused and not quantised), model.name
