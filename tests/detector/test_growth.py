"""More classes: by hand for each layout, and for each family the old classes' logits stay what they were."""

from __future__ import annotations

from typing import Any

import center_nets
import keras
import numpy as np
import pytest
import two_stages
from hypothesis import given
from hypothesis import strategies as st
from test_shared_heads import CONFIG as SHARED

pytestmark = pytest.mark.tf


def grown(*arguments: Any) -> np.ndarray:
    from teachbox.detector.growth import grown

    return grown(*arguments)


def row(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


def test_two_anchors_with_background_by_hand():
    old = row(10, 11, 12, 20, 21, 22)  # background and two classes, for each of two anchors
    fresh = row(0, 1, 2, 3, 4, 5, 6, 7, 8, 9)
    np.testing.assert_array_equal(grown(fresh, old, 2, 4), row(10, 11, 12, 3, 4, 20, 21, 22, 8, 9))


def test_two_anchors_without_background_by_hand():
    np.testing.assert_array_equal(grown(row(0, 1, 2, 3, 4, 5), row(10, 11, 20, 21), 2, 3), row(10, 11, 2, 20, 21, 5))


def test_a_box_for_each_class_by_hand():
    old, fresh = row(*range(10, 18)), row(*range(12))
    np.testing.assert_array_equal(grown(fresh, old, 2, 3, 4), row(*range(10, 18), 8, 9, 10, 11))
    # Two parts of a region, a box of four for each class in each.
    old, fresh = row(*range(100, 108)), row(*range(16))
    wanted = row(100, 101, 102, 103, 4, 5, 6, 7, 104, 105, 106, 107, 12, 13, 14, 15)
    np.testing.assert_array_equal(grown(fresh, old, 1, 2, 4), wanted)


def test_what_does_not_depend_on_the_classes_is_the_old():
    old = row(1, 2)
    assert grown(row(3, 4), old, 1, 2) is old
    assert grown(np.float32(3), np.float32(5), 1, 2) == 5
    for fresh in (row(1, 2, 3, 4), np.zeros((2, 3), np.float32), row(1)):
        with pytest.raises(ValueError, match="does not become"):
            grown(fresh, old, 5, 6)


@given(st.integers(1, 5), st.integers(1, 4), st.integers(1, 3), st.booleans(), st.sampled_from([1, 4]))
def test_every_number_is_an_old_or_a_fresh_one_in_its_place(blocks, before, more, background, per_class):
    columns, after = before + background, before + more
    old = np.arange(3 * blocks * columns * per_class).reshape(3, -1)
    fresh = -1 - np.arange(3 * blocks * (columns + more) * per_class).reshape(3, -1)
    if background and per_class > 1:
        return  # no family has it
    found = grown(fresh, old, before, after, per_class).reshape(3, blocks, columns + more, per_class)
    assert (found[:, :, :columns] == old.reshape(3, blocks, columns, per_class)).all()
    assert (found[:, :, columns:] == fresh.reshape(3, blocks, columns + more, per_class)[:, :, columns:]).all()


def take_over(new: Any, old: Any, before: int, after: int) -> int:
    """Give `new` what `old` has learned; returns how many variables have grown."""
    from teachbox.detector.growth import numbers_per_class

    per_class = numbers_per_class(new)
    variables = new.checkpoint_variables()
    count = 0
    for name, variable in old.checkpoint_variables().items():
        count += variable.shape != variables[name].shape
        variables[name].assign(grown(variables[name].numpy(), variable.numpy(), before, after, per_class.get(name, 1)))
    return count


def predictions(detector: Any, names: tuple[str, ...]) -> list[np.ndarray]:
    images = np.random.default_rng(0).uniform(0, 255, (1, 64, 96, 3)).astype(np.float32)
    found = detector(detector.preprocess(images), np.array([[64, 96, 3]], np.int32))
    return [keras.ops.convert_to_numpy(found[name]) for name in names]


SSD = """
num_classes: %d
feature_extractor { type: "ssd_mobilenet_v1" depth_multiplier: 0.25 min_depth: 8
  conv_hyperparams { initializer { truncated_normal_initializer { } } batch_norm { } } }
image_resizer { fixed_shape_resizer { height: 64 width: 96 } }
anchor_generator { ssd_anchor_generator { num_layers: 6 min_scale: 0.2 max_scale: 0.95 aspect_ratios: [1.0, 2.0] } }
box_coder { faster_rcnn_box_coder { } } matcher { argmax_matcher { } }
similarity_calculator { iou_similarity { } }
box_predictor { %s }
loss { localization_loss { weighted_smooth_l1 { } } classification_loss { weighted_sigmoid { } } }
post_processing { batch_non_max_suppression { } score_converter: SIGMOID }
"""
CONVOLUTIONAL = """convolutional_box_predictor { kernel_size: 1
  conv_hyperparams { initializer { truncated_normal_initializer { stddev: 0.5 } } } }"""


def ssd(classes: int, head: str, change: str = "") -> Any:
    from google.protobuf import text_format

    from teachbox.config.protos import model_pb2, ssd_pb2
    from teachbox.detector.build import build_detector

    config = text_format.Parse(SSD % (classes, head), ssd_pb2.Ssd())
    return build_detector(model_pb2.DetectionModel(ssd=text_format.Merge(change, config)))


def test_single_shot_keeps_what_it_knows():
    for head, change, background, variables in (
        (CONVOLUTIONAL, "", 1, 12),
        (CONVOLUTIONAL, "add_background_class: false", 0, 12),
    ):
        old, new = ssd(2, head, change), ssd(5, head, change)
        assert take_over(new, old, 2, 5) == variables
        names = ("box_encodings", "class_predictions_with_background")
        (old_codes, old_logits), (codes, logits) = predictions(old, names), predictions(new, names)
        np.testing.assert_allclose(codes, old_codes, atol=1e-6)
        assert logits.shape[-1] == old_logits.shape[-1] + 3 == 5 + background
        np.testing.assert_allclose(logits[..., : 2 + background], old_logits, atol=1e-5)


def test_shared_heads_keep_what_they_know():
    from test_shared_heads import maps, predictor

    class Alone:
        """A box predictor in the place of a detector."""

        def __init__(self, classes: int) -> None:
            self.predictor = predictor("use_depthwise: true", num_classes=classes)

        def _flatten_layers(self):
            return [self.predictor]

        def checkpoint_variables(self):
            return self.predictor.named_variables()

    assert "depth: 8" in SHARED
    old, new = Alone(2), Alone(3)
    assert take_over(new, old, 2, 3) == 2
    plain = keras.ops.convert_to_numpy
    codes, logits = map(plain, new.predictor(maps(8, 8)))
    old_codes, old_logits = map(plain, old.predictor(maps(8, 8)))
    np.testing.assert_allclose(codes, old_codes, atol=1e-6)
    np.testing.assert_allclose(logits[..., :3], old_logits, atol=1e-5)


def test_center_net_keeps_its_heatmaps():
    old, new = (center_nets.build(center_nets.small_config(f"num_classes: {count}")) for count in (2, 3))
    assert take_over(new, old, 2, 3) == 2
    names = tuple(sorted(old(np.zeros((1, 64, 96, 3), np.float32), np.array([[64, 96, 3]], np.int32))))
    grew = 0
    for before, after in zip(predictions(old, names), predictions(new, names), strict=True):
        grew += before.shape != after.shape
        np.testing.assert_allclose(after[..., : before.shape[-1]], before, atol=1e-4)
    assert grew == 1


RFCN = """
second_stage_box_predictor { rfcn_box_predictor {
  conv_hyperparams { initializer { truncated_normal_initializer { stddev: 0.05 } } }
  depth: 16 num_spatial_bins_height: 3 num_spatial_bins_width: 3 crop_height: 6 crop_width: 6
} }
"""


@pytest.mark.parametrize("change", ["", RFCN])
def test_two_stages_keep_what_they_know(change):
    old, new = (two_stages.build(two_stages.small_config(f"{change} num_classes: {count}")) for count in (2, 4))
    assert take_over(new, old, 2, 4) == 4
    names = ("refined_box_encodings", "class_predictions_with_background")
    (old_codes, old_logits), (codes, logits) = predictions(old, names), predictions(new, names)
    assert (codes.shape[-2:], logits.shape[-1]) == ((4, 4), 5)
    np.testing.assert_allclose(codes[..., :2, :], old_codes, atol=1e-4)
    np.testing.assert_allclose(logits[..., :3], old_logits, atol=1e-4)
