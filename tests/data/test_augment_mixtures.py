"""Mosaic, copy-paste and mix-up: by hand, by what must hold for any images, and in batches."""

from __future__ import annotations

import io
import itertools
from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from teachbox.data.augmentation import mixtures
from teachbox.data.augmentation.mixtures import copy_paste, mix_up, mixed, mosaic
from teachbox.data.augmentation.sample import Sample
from teachbox.data.batches import Batches, training_batches
from teachbox.data.examples import Example
from teachbox.data.mix import Mix
from teachbox.data.resizers import fixed_shape_resizer

pytestmark = pytest.mark.tf

NO_BOXES = np.zeros((0, 4), np.float32)


def seed(number: int) -> tf.Tensor:
    return tf.constant([number, 1])


def plain(value: int, height: int, width: int, boxes: list[list[float]] | np.ndarray, label: int = 0) -> Sample:
    """An even image; all boxes of one class, weights 0.5, 1, …"""
    rows = np.asarray(boxes, np.float32).reshape(-1, 4)
    return Sample(
        tf.fill([height, width, 3], tf.constant(value, tf.uint8)),
        tf.constant(rows),
        tf.fill([len(rows)], label),
        0.5 + 0.5 * tf.range(len(rows), dtype=tf.float32),
    )


def test_a_mosaic_by_hand():
    # Even images with one box around all of each: the parts and their boxes say the same.
    sizes = [(40, 60), (80, 120), (20, 30), (60, 90)]
    samples = [plain(10 * n + 10, *size, [[0, 0, 1, 1]], label=n) for n, size in enumerate(sizes)]
    turns, centres = set(), set()
    for number in range(20):
        after = mosaic(samples, seed(number))
        image = after.image.numpy()[:, :, 0]
        assert (image.shape, after.image.dtype) == ((40, 60), tf.uint8)
        assert after.classes.numpy().tolist() == [0, 1, 2, 3]
        assert after.weights.numpy().tolist() == [0.5] * 4
        for box, label in zip(after.boxes.numpy() * [40, 60, 40, 60], range(4), strict=True):
            y0, x0, y1, x1 = np.round(box).astype(int)
            np.testing.assert_allclose(box, [y0, x0, y1, x1], atol=1e-4)
            assert np.all(image[y0:y1, x0:x1] == 10 * label + 10)
            assert np.sum(image == 10 * label + 10) == (y1 - y0) * (x1 - x0)
        corner = image[0, 0] // 10 - 1
        turns.add(int(corner))
        centres.add(tuple(np.round(after.boxes.numpy()[corner, 2:] * [40, 60]).astype(int).tolist()))
    assert turns == {0, 1, 2, 3}
    assert len(centres) > 15
    assert all(12 <= y <= 28 and 18 <= x <= 42 for y, x in centres)


def test_a_part_of_a_mosaic_keeps_its_shape_and_boxes_are_cut():
    image = np.zeros((60, 80, 3), np.uint8)
    image[10:50, 10:30] = 200
    framed = Sample(
        tf.constant(image), tf.constant([[10 / 60, 10 / 80, 50 / 60, 30 / 80]]), tf.zeros([1], tf.int32), [1.0]
    )
    empty = plain(0, 50, 50, NO_BOXES)
    kept = 0
    for number in range(30):
        after = mosaic([empty, framed, empty, empty], seed(number))
        found = np.argwhere(after.image.numpy()[:, :, 0] > 100)
        if len(after.boxes) == 0:
            # At most the part of it that counts as gone is left: 0.3, and the rounding of a pixel.
            continue
        kept += 1
        box = after.boxes.numpy()[0] * 50
        assert np.all(np.abs(np.concatenate([found.min(axis=0), found.max(axis=0) + 1]) - box) <= 1.5)
    assert kept > 15


def test_one_object_is_pasted_by_hand(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(mixtures, "PASTED_SCALE", (1.0, 1.0))
    sample = plain(0, 40, 40, [[0, 0, 0.5, 1]], label=1)
    other = plain(200, 80, 80, [[0.25, 0.25, 0.5, 0.75]], label=2)
    places = set()
    for number in range(30):
        after = copy_paste(sample, other, seed(number))
        assert after.classes.numpy().tolist() == [1, 2]
        assert after.weights.numpy().tolist() == [0.5, 0.5]
        y0, x0, y1, x1 = np.round(after.boxes.numpy()[1] * 40).astype(int)
        assert (y1 - y0, x1 - x0) == (10, 20)  # the same part of the image as before
        image = after.image.numpy()[:, :, 0]
        found = np.argwhere(image > 0)
        assert [*found.min(axis=0), *(found.max(axis=0) + 1)] == [y0, x0, y1, x1]
        # It fades over a tenth of its shorter side, one pixel: half of it there.
        assert np.all(image[y0 + 1 : y1 - 1, x0 + 1 : x1 - 1] == 200)
        assert image[y0, x0] == 100
        places.add((y0, x0))
        assert y0 >= 15  # of ten places, the one that hides least of the box above
    assert len(places) > 10


def test_a_hidden_box_is_gone_and_one_that_is_half_hidden_stays():
    everywhere = plain(200, 30, 30, [[0, 0, 1, 1]], label=2)
    for number in range(20):
        sample = plain(0, 30, 30, [[0.45, 0.45, 0.55, 0.55], [0, 0, 1, 1]], label=1)
        after = copy_paste(sample, everywhere, seed(number))
        pasted = after.boxes.numpy()[-1]
        hidden = [
            np.prod(np.maximum(np.minimum(box[2:], pasted[2:]) - np.maximum(box[:2], pasted[:2]), 0))
            / np.prod(box[2:] - box[:2])
            for box in sample.boxes.numpy()
        ]
        assert after.weights.numpy().tolist() == [
            w for w, part in zip([0.5, 1.0], hidden, strict=True) if part < 0.7
        ] + [0.5]


def test_at_most_three_objects_are_pasted_and_none_of_none():
    sample = plain(0, 50, 50, NO_BOXES)
    rows = [[0.1 * n, 0.0, 0.1 * n + 0.05, 0.05] for n in range(8)]
    counts = [len(copy_paste(sample, plain(200, 50, 50, rows), seed(n)).boxes) for n in range(40)]
    assert set(counts) <= {1, 2, 3}
    assert {1, 3} <= set(counts)
    unchanged = copy_paste(sample, plain(200, 50, 50, NO_BOXES), seed(1))
    np.testing.assert_array_equal(unchanged.image, sample.image)
    assert unchanged.boxes.shape == (0, 4)


def test_mix_up_by_hand():
    sample = plain(100, 40, 60, [[0, 0, 1, 0.5]], label=1)
    other = plain(200, 40, 40, [[0.0, 0.0, 0.5, 1.0], [0.0, 0.0, 1.0, 1.0]], label=2)
    parts, places = [], set()
    for number in range(200):
        after = mix_up(sample, other, seed(number))
        part = float(after.weights[0] / 0.5)
        parts.append(part)
        np.testing.assert_allclose(after.weights, [0.5 * part, 0.5 * (1 - part), 1 - part], rtol=1e-5)
        assert after.classes.numpy().tolist() == [1, 2, 2]
        box = after.boxes.numpy()[2] * [40, 60, 40, 60]
        left = round(float(box[1]))
        np.testing.assert_allclose(box, [0, left, 40, left + 40], atol=1e-4)
        np.testing.assert_allclose(after.boxes.numpy()[1] * [40, 60, 40, 60], [0, left, 20, left + 40], atol=1e-4)
        image = after.image.numpy()[:, :, 0]
        assert np.all(image[:, left : left + 40] == np.round(100 * part + 200 * (1 - part)))
        assert np.all(np.delete(image, np.s_[left : left + 40], axis=1) == 100)
        places.add(left)
    assert min(places) <= 2
    assert max(places) >= 18
    # Beta(1.5, 1.5): mean 1/2, variance 1/16; four standard errors, and somewhat more for the variance.
    assert abs(np.mean(parts) - 0.5) < 4 * 0.25 / 200**0.5
    assert abs(np.var(parts) - 1 / 16) < 0.02


RUN = tf.function(
    lambda image, boxes, others, other_boxes, number: mixed(
        Sample(image, boxes, tf.range(tf.shape(boxes)[0]), tf.ones(tf.shape(boxes)[:1])),
        [
            lambda: Sample(
                others, other_boxes, 100 + tf.range(tf.shape(other_boxes)[0]), tf.ones(tf.shape(other_boxes)[:1])
            )
        ]
        * 5,
        tf.random.stateless_uniform([5], tf.stack([number, 9])) < 0.7,
        tf.stack([number, 1]),
    ),
    input_signature=[
        tf.TensorSpec([None, None, 3], tf.uint8),
        tf.TensorSpec([None, 4], tf.float32),
        tf.TensorSpec([None, None, 3], tf.uint8),
        tf.TensorSpec([None, 4], tf.float32),
        tf.TensorSpec([], tf.int32),
    ],
)


sides = st.tuples(st.integers(1, 40), st.integers(1, 40))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**31 - 1), sides, sides, st.integers(0, 3), st.integers(0, 3))
def test_what_holds_for_any_images(
    number: int, size: tuple[int, int], other_size: tuple[int, int], count: int, other_count: int
):
    random = np.random.default_rng(number)

    def drawn(size: tuple[int, int], count: int) -> tuple[np.ndarray, np.ndarray]:
        rows = np.sort(random.random((count, 2, 2)), axis=1).reshape(-1, 4)
        return random.integers(0, 256, (*size, 3), dtype=np.uint8), rows.astype(np.float32)

    given_ = *drawn(size, count), *drawn(other_size, other_count), number
    first, again = RUN(*given_), RUN(*given_)
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, other)
    assert first.image.shape == (*size, 3)
    boxes = first.boxes.numpy()
    assert np.all((boxes >= 0) & (boxes <= 1 + 1e-6))
    assert np.all(boxes[:, :2] < boxes[:, 2:])
    assert len(boxes) == len(first.classes) == len(first.weights)
    assert set(first.classes.numpy().tolist()) <= {*range(count), *range(100, 100 + other_count)}
    assert np.all((first.weights.numpy() >= 0) & (first.weights.numpy() <= 1))


def test_nothing_is_done_where_no_partner_is_there():
    before = plain(7, 9, 8, [[0, 0, 1, 1]])
    after = mixed(before, [lambda: pytest.fail("decoded")] * 5, tf.zeros([5], tf.bool), seed(1))
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one, other)


def example(number: int) -> Example:
    """A grey image; its box covers it, and has its number as class."""
    buffer = io.BytesIO()
    Image.new("RGB", (30, 20), (number, number, number)).save(buffer, "PNG")
    return Example(str(number), buffer.getvalue(), np.array([[0, 0, 1, 1]], np.float32), np.full(1, number, np.int32))


def mixing(mix: Mix, **more: int) -> Batches:
    source = itertools.cycle([example(50 * n + 50) for n in range(4)])
    return training_batches(source, fixed_shape_resizer(20, 30), None, 4, seed=5, mix=mix, **more)


def test_batches_of_mosaics():
    batches = mixing(Mix(mosaic=1.0))
    first, second = next(batches), next(batches)
    # The first image of all has no others, and stays.
    assert first["num_boxes"].numpy().tolist() == [1, 4, 4, 4]
    assert second["num_boxes"].numpy().tolist() == [4] * 4
    assert set(second["classes"].numpy()[0, :4].tolist()) == {50, 100, 150, 200}
    for image, boxes, classes in zip(
        second["image"].numpy(), second["boxes"].numpy(), second["classes"].numpy(), strict=True
    ):
        for box, label in zip(boxes[:4] * [20, 30, 20, 30], classes[:4], strict=True):
            y0, x0, y1, x1 = np.round(box).astype(int)
            assert np.all(image[y0:y1, x0:x1] == label)
    again = mixing(Mix(mosaic=1.0))
    for batch in (first, second):
        other = next(again)
        for key, value in batch.items():
            np.testing.assert_array_equal(value, other[key])
    batches.close()
    again.close()


def test_scores_come_with_the_boxes_of_partners():
    classes = {50: 0, 100: 1, 150: 2, 200: 3}
    source = itertools.cycle([replace(example(grey), classes=np.array([label])) for grey, label in classes.items()])
    resizer = fixed_shape_resizer(20, 30)
    batches = training_batches(source, resizer, None, 4, seed=5, mix=Mix(0.5, 0.5, 0.5), num_scores=4)
    for batch in itertools.islice(batches, 3):
        for scores, labels, count in zip(
            batch["class_scores"].numpy(), batch["classes"].numpy(), batch["num_boxes"].numpy(), strict=True
        ):
            np.testing.assert_array_equal(scores[:count], np.eye(4)[labels[:count]])
            assert not scores[count:].any()
    assert batch["num_boxes"].numpy().max() > 1
    batches.close()


def test_a_new_source_has_nothing_of_the_old_one():
    batches = mixing(Mix(mix_up=1.0))
    assert next(batches)["num_boxes"].numpy().tolist() == [1, 2, 2, 2]
    batches.reset(itertools.cycle([example(10), example(20)]))
    assert set(np.unique(next(batches)["classes"].numpy())) == {0, 10, 20}
    batches.close()


def test_boxes_without_room_are_told(caplog: pytest.LogCaptureFixture):
    batches = mixing(Mix(mosaic=1.0), max_boxes=2)
    assert next(batches)["num_boxes"].numpy().tolist() == [1, 2, 2, 2]
    assert "100 has 4 boxes after augmentation; the first 2 are used" in caplog.text
    batches.close()


def test_without_mixing_batches_are_as_before():
    source = [example(50 * n + 50) for n in range(4)]
    resizer = fixed_shape_resizer(20, 30)
    asked, unasked = (next(training_batches(source, resizer, None, 4, mix=mix)) for mix in (Mix(), None))
    assert unasked["num_boxes"].numpy().tolist() == [1] * 4
    for key, value in unasked.items():
        np.testing.assert_array_equal(asked[key], value)
