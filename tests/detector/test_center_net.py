"""CenterNet's parts by hand: heat maps, peaks, boxes, losses, names; what cannot be built is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from center_nets import build, small_config
from hypothesis import given
from hypothesis import strategies as st

from teachbox.errors import ConfigError

pytestmark = pytest.mark.tf

SIDE = 16
"""Cells of a side of the feature map of an image of 64 × 64."""


def groundtruth(*objects: tuple[list[float], int, float], rows: int = 4) -> dict[str, np.ndarray]:
    """Padded ground truth of one image: (box, class, weight) each."""
    boxes, weights = np.zeros((1, rows, 4), np.float32), np.zeros((1, rows), np.float32)
    classes = np.zeros((1, rows), np.int32)
    for row, (box, kind, weight) in enumerate(objects):
        boxes[0, row], classes[0, row], weights[0, row] = box, kind, weight
    return {
        "boxes": boxes,
        "classes": classes,
        "weights": weights,
        "num_boxes": np.array([len(objects)], np.int32),
    }


def assigned(*objects: tuple[list[float], int, float], overlap: float = 0.7) -> Any:
    from teachbox.detector.center_targets import CenterTargetAssigner

    return CenterTargetAssigner(num_classes=2, min_overlap=overlap)((SIDE, SIDE), **groundtruth(*objects))


# Targets


def test_a_heat_map_by_hand():
    # From 2 to 10 and 4 to 12 cells: the centre (6, 8), 8 cells high and wide.
    targets = assigned(([2 / 16, 4 / 16, 10 / 16, 12 / 16], 1, 1.0))
    heat = np.asarray(targets.heatmap)
    assert heat.shape == (1, SIDE, SIDE, 2)
    assert heat[0, :, :, 0].max() == 0.0
    assert heat[0, 6, 8, 1] == 1.0
    # The least of the three cases: (sqrt(22.4² + 4 · 2.8 · 0.3 · 64) - 22.4) / 2 = 2.19, in whole cells 2, which is
    # three deviations but for a half: (2 · 2 + 1) / 6.
    assert heat[0, 6, 9, 1] == pytest.approx(np.exp(-1 / (2 * (5 / 6) ** 2)), abs=1e-6)
    assert heat[0, 4, 7, 1] == pytest.approx(np.exp(-5 / (2 * (5 / 6) ** 2)), abs=1e-6)
    np.testing.assert_allclose(targets.sizes[0, 0], [8, 8], atol=1e-5)
    np.testing.assert_allclose(targets.offsets[0, 0], [0, 0], atol=1e-5)
    assert int(targets.cells[0, 0]) == 6 * SIDE + 8
    assert np.asarray(targets.weights).tolist() == [[1, 0, 0, 0]]


def test_where_objects_of_a_class_meet_the_higher_counts():
    box, next_to_it = [2 / 16, 4 / 16, 10 / 16, 12 / 16], [2 / 16, 5 / 16, 10 / 16, 13 / 16]
    both = np.asarray(assigned((box, 0, 1.0), (next_to_it, 0, 1.0)).heatmap)
    one, other = (np.asarray(assigned((row, 0, 1.0)).heatmap) for row in (box, next_to_it))
    np.testing.assert_array_equal(both, np.maximum(one, other))
    assert (both[0, 6, 8, 0], both[0, 6, 9, 0]) == (1.0, 1.0)


def test_a_smaller_overlap_that_counts_makes_a_wider_heat_map():
    box = [0.1, 0.1, 0.9, 0.9]
    narrow, wide = (np.asarray(assigned((box, 0, 1.0), overlap=overlap).heatmap).sum() for overlap in (0.9, 0.3))
    assert wide > 2 * narrow


@pytest.mark.parametrize("objects", [(), (([0.2, 0.2, 0.6, 0.6], 1, 0.0),)])
def test_no_objects_and_objects_of_weight_0_leave_no_trace(objects):
    targets = assigned(*objects)
    assert np.asarray(targets.heatmap).max() == 0.0
    assert np.asarray(targets.weights).max() == 0.0


def test_a_centre_on_the_border_is_in_the_last_cell():
    targets = assigned(([1.0, 1.0, 1.0, 1.0], 0, 1.0))
    assert int(targets.cells[0, 0]) == SIDE * SIDE - 1
    assert np.asarray(targets.heatmap)[0, -1, -1, 0] == 1.0
    np.testing.assert_allclose(targets.offsets[0, 0], [1, 1])


BOX = st.tuples(*[st.floats(0, 1, width=32)] * 4).map(
    lambda row: [min(row[0], row[2]), min(row[1], row[3]), max(row[0], row[2]), max(row[1], row[3])]
)


@given(st.lists(st.tuples(BOX, st.integers(0, 1), st.just(1.0)), min_size=1, max_size=4))
def test_each_object_is_1_in_its_cell_and_found_again(objects):
    targets = assigned(*objects)
    heat = np.asarray(targets.heatmap)
    assert heat.min() >= 0.0
    assert heat.max() == 1.0
    cells = np.asarray(targets.cells)[0]
    for (box, kind, _), cell, size, offset in zip(
        objects, cells, np.asarray(targets.sizes)[0], np.asarray(targets.offsets)[0], strict=False
    ):
        row, column = divmod(int(cell), SIDE)
        assert heat[0, row, column, kind] == 1.0
        center = np.array([row, column]) + offset
        np.testing.assert_allclose(np.concatenate([center - size / 2, center + size / 2]) / SIDE, box, atol=1e-5)
    drawn = {(int(cell), kind) for (_, kind, _), cell in zip(objects, cells, strict=False)}
    assert (heat == 1.0).sum() == len(drawn)


# Peaks


def test_peaks_are_as_high_as_all_around_them():
    from teachbox.detector.center_peaks import highest_peaks

    heat = np.zeros((1, 4, 5, 2), np.float32)
    heat[0, 1, 1, 0], heat[0, 1, 2, 0], heat[0, 3, 4, 0] = 0.9, 0.8, 0.3
    heat[0, 1, 2, 1], heat[0, 1, 3, 1] = 0.5, 0.5
    peaks = highest_peaks(heat, 5)
    rows = np.stack([np.asarray(part)[0] for part in (peaks.scores, peaks.rows, peaks.columns, peaks.classes)], axis=1)
    # 0.8 stands beside 0.9; of equals both stay; the other class is not in the way.
    np.testing.assert_allclose(rows[:4], [[0.9, 1, 1, 0], [0.5, 1, 2, 1], [0.5, 1, 3, 1], [0.3, 3, 4, 0]], atol=1e-6)
    assert rows[4, 0] == 0.0
    assert np.asarray(highest_peaks(heat, 1000).scores).shape == (1, 4 * 5 * 2)


def test_boxes_at_peaks_stay_in_the_map():
    from teachbox.detector.center_peaks import Peaks, boxes_at

    place = np.array([[1, 3]], np.int32)
    sizes, offsets = np.zeros((1, 4, 5, 2), np.float32), np.zeros((1, 4, 5, 2), np.float32)
    sizes[0, 1, 1], offsets[0, 1, 1] = [2.0, -1.0], [0.5, 0.25]
    sizes[0, 3, 3], offsets[0, 3, 3] = [4.0, 9.0], [0.0, 0.5]
    boxes = boxes_at(Peaks(np.ones((1, 2), np.float32), place, place, place), sizes, offsets)
    # A negative size is none.
    np.testing.assert_allclose(boxes[0], [[0.5, 1.25, 2.5, 1.25], [1.0, 0.0, 4.0, 5.0]])


# The whole


@pytest.fixture(scope="module")
def detector() -> Any:
    return build(small_config())


def predictions(true_shape: tuple[int, int] = (64, 96)) -> dict[str, Any]:
    """What a detector would say that knows nothing: of an image of 64 × 96, and one feature map."""
    maps = {"object_center": 2, "box/scale": 2, "box/offset": 2}
    found: dict[str, Any] = {name: [np.zeros((1, 16, 24, depth), np.float32)] for name, depth in maps.items()}
    return found | {"true_shape": np.array([[*true_shape, 3]], np.int32)}


@pytest.mark.parametrize(("height", "rows"), [(64, 16), (32, 8), (33, 9)])
def test_the_loss_of_padding_does_not_count(detector, height, rows):
    losses = detector.loss(predictions((height, 96)), groundtruth())
    # Each of two classes of each cell: a quarter (½ squared) of log 2; of no objects as of one.
    assert float(losses["Loss/object_center"]) == pytest.approx(rows * 24 * 2 * np.log(2) / 4, rel=1e-5)
    assert float(losses["Loss/box/scale"]) == float(losses["Loss/box/offset"]) == 0.0


def test_losses_by_hand(detector):
    known = predictions()
    known["box/scale"][0][0, 8, 12] = [5.0, 7.0]
    box = [4 / 16, 8 / 24, 13 / 16, 17 / 24]  # 9 × 9 cells around (8.5, 12.5)
    losses = detector.loss(known, groundtruth((box, 1, 1.0)))
    assert float(losses["Loss/box/scale"]) == pytest.approx(0.1 * (4 + 2), rel=1e-5)
    assert float(losses["Loss/box/offset"]) == pytest.approx(0.5 + 0.5, rel=1e-5)
    twice = detector.loss(known, groundtruth((box, 1, 0.5), (box, 1, 0.5)))
    # Half as much each, and divided by two objects.
    assert float(twice["Loss/box/scale"]) == pytest.approx(0.1 * 6 / 2, rel=1e-5)


def test_the_weights_of_losses_are_followed():
    changes = """
        object_detection_task { task_loss_weight: 2 scale_loss_weight: 3 offset_loss_weight: 5 }
        object_center_params { object_center_loss_weight: 7 }
    """
    box = ([4 / 16, 8 / 24, 13 / 16, 17 / 24], 1, 1.0)
    plain = build(small_config()).loss(predictions(), groundtruth(box))
    weighed = build(small_config(changes)).loss(predictions(), groundtruth(box))
    factors = {"Loss/object_center": 7.0, "Loss/box/scale": 60.0, "Loss/box/offset": 10.0}
    for name, factor in factors.items():
        assert float(weighed[name]) == pytest.approx(factor * float(plain[name]), rel=1e-5)


def test_detections_by_hand(detector):
    known = predictions((48, 96))
    known["object_center"][0][:] = -9.0
    known["object_center"][0][0, 6, 10] = [1.0, -2.0]
    known["box/scale"][0][0, 6, 10] = [4.0, 6.0]
    known["box/offset"][0][0, 6, 10] = [0.5, 0.25]
    found = detector.postprocess(known, known["true_shape"])
    assert np.asarray(found["detection_boxes"]).shape == (1, 100, 4)
    # Cells 4.5 to 8.5 and 7.25 to 13.25, of 12 and 24 that show the picture.
    np.testing.assert_allclose(
        np.asarray(found["detection_boxes"])[0, 0], [4.5 / 12, 7.25 / 24, 8.5 / 12, 13.25 / 24], rtol=1e-5
    )
    assert float(found["detection_scores"][0, 0]) == pytest.approx(1 / (1 + np.exp(-1)), rel=1e-5)
    assert float(found["detection_classes"][0, 0]) == 0.0
    np.testing.assert_allclose(
        np.asarray(found["detection_multiclass_scores"])[0, 0], 1 / (1 + np.exp([-1, 2])), rtol=1e-5
    )


def test_a_head_begins_with_the_bias_of_the_config(detector):
    variables = detector.checkpoint_variables()
    for name, bias in (("object_center", -2.19), ("box.Sscale", 0.0), ("box.Soffset", 0.0)):
        last = variables[f"model/_prediction_head_dict/{name}/0/layer_with_weights-1/bias"]
        np.testing.assert_allclose(last.numpy(), bias)


def test_heads_and_path_of_separable_convolutions_have_the_public_names():
    changes = """
        use_depthwise: true
        feature_extractor { use_separable_conv: true upsampling_interpolation: "bilinear" }
        object_detection_task { offset_head_params { num_filters: 8 kernel_sizes: 5 } }
    """
    config = small_config(changes)
    config.object_detection_task.scale_head_params.Clear()
    shapes = {name: tuple(variable.shape) for name, variable in build(config).checkpoint_variables().items()}
    heads, path = "model/_prediction_head_dict", "model/_feature_extractor/_feature_extractor_model"
    assert shapes[f"{heads}/box.Soffset/0/layer_with_weights-0/depthwise_kernel"] == (3, 3, 24, 1)
    assert shapes[f"{heads}/box.Soffset/0/layer_with_weights-1/depthwise_kernel"] == (5, 5, 16, 1)
    assert shapes[f"{heads}/box.Soffset/0/layer_with_weights-1/pointwise_kernel"] == (1, 1, 16, 8)
    assert shapes[f"{heads}/box.Soffset/0/layer_with_weights-2/kernel"] == (1, 1, 8, 2)
    # A head whose parameters are there and empty is its last convolution alone.
    assert shapes[f"{heads}/box.Sscale/0/layer_with_weights-0/kernel"] == (1, 1, 24, 2)
    assert shapes[f"{path}/layer_with_weights-3/depthwise_kernel"] == (3, 3, 64, 1)
    assert shapes[f"{path}/layer_with_weights-3/pointwise_kernel"] == (1, 1, 64, 32)


def test_channels_are_reordered_before_they_are_normalised():
    extractor = "feature_extractor { bgr_ordering: true channel_means: [1, 2, 3] channel_stds: [1, 2, 4] }"
    images = np.array([[[[30.0, 20.0, 10.0]]]], np.float32)
    found = np.asarray(build(small_config(extractor)).preprocess(images))[0, 0, 0]
    # Blue, green, red less their means: 9, 9 and 6.75; then MobileNet's −1…1.
    np.testing.assert_allclose(found, np.array([9.0, 9.0, 6.75]) * 2 / 255 - 1, rtol=1e-5)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ("mask_estimation_task { }", "mask_estimation_task: is not built; leave it out"),
        ("post_processing { }", "post_processing: is not built; leave it out"),
        ("feature_extractor { type: 'resnet_v2_52' }", "resnet_v2_52 is not built; resnet_v1_50_fpn, "),
        ("feature_extractor { channel_means: 3 }", "channel_means: 1 values; give 3, or none"),
        ("image_resizer { fixed_shape_resizer { height: 65 } }", "65 × 96; mobilenet_v2_fpn halves and doubles them"),
        ("image_resizer { keep_aspect_ratio_resizer { } }", "keep_aspect_ratio_resizer is not built"),
        (
            "object_detection_task { localization_loss { weighted_l2 { } } }",
            "weighted_l2 is not built; l1_localization_loss is",
        ),
        ("object_center_params { center_head_params { num_filters: 3 } }", "2 num_filters for 1 kernel_sizes"),
        ("object_center_params { use_labeled_classes: true }", "use_labeled_classes: is not built; leave it out"),
    ],
)
def test_what_is_not_built_is_refused(changes, words):
    with pytest.raises(ConfigError) as caught:
        build(small_config(changes))
    assert words in str(caught.value)


@pytest.mark.slow
def test_resnet_101_runs_and_has_the_public_names():
    extractor = "feature_extractor { type: 'resnet_v1_101_fpn' }"
    config = small_config(extractor)
    config.feature_extractor.ClearField("depth_multiplier")
    detector = build(config)
    found = detector(np.zeros((1, 64, 96, 3), np.float32), np.array([[64, 96, 3]], np.int32))
    assert found["object_center"][0].shape == (1, 16, 24, 2)
    names = detector.checkpoint_variables()
    # 1 and its normalisation; 33 units of three convolutions and as many normalisations; 4 projections: 208 layers.
    path = "model/_feature_extractor/_base_model/layer_with_weights-"
    assert len({name.split("/")[3] for name in names if name.startswith(path)}) == 208
    assert names[f"{path}206/kernel"].shape == (1, 1, 512, 2048)
