"""Batches: what is in them, in which order, and what happens when the source changes, ends or fails."""

from __future__ import annotations

import io
import itertools
import logging
import queue
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import text_format
from PIL import Image

from teachbox.config.protos import preprocessor_pb2
from teachbox.data.augment import Augmentation, build_augmentations
from teachbox.data.batches import Batches, evaluation_batches, training_batches
from teachbox.data.cache import ByteCache
from teachbox.data.examples import Example
from teachbox.data.resizers import Resizer, fixed_shape_resizer, keep_aspect_ratio_resizer
from teachbox.data.tf_example_decoder import decode_example
from teachbox.data.tfrecord import read_records
from teachbox.errors import DataError

pytestmark = pytest.mark.tf

FIXED = fixed_shape_resizer(20, 30)
NO_BOXES = np.zeros((0, 4), np.float32)
BOXES = np.array([[0.0, 0.25, 0.5, 0.75], [0.5, 0.5, 1.0, 1.0]], np.float32)


def png(grey: int, height: int = 20, width: int = 30) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), (grey, grey, grey)).save(buffer, "PNG")
    return buffer.getvalue()


def example(number: int, boxes: np.ndarray = BOXES, height: int = 20, width: int = 30) -> Example:
    """A grey image, `number` its grey value and the class of its boxes."""
    classes = np.full(len(boxes), number, np.int32)
    return Example(str(number), png(number, height, width), boxes, classes)


def greys(batches: Batches, count: int | None = None) -> list[list[int]]:
    """Which examples are in the batches, by their grey values."""
    taken = itertools.islice(batches, count)
    return [batch["image"].numpy()[:, 0, 0, 0].astype(int).tolist() for batch in taken]


def built(*steps: str) -> Augmentation:
    return build_augmentations(text_format.Parse(step, preprocessor_pb2.PreprocessingStep()) for step in steps)


def flips() -> Batches:
    ramp = np.tile(np.arange(30, dtype=np.uint8)[None, :, None], (20, 1, 3))
    buffer = io.BytesIO()
    Image.fromarray(ramp).save(buffer, "PNG")
    source = itertools.repeat(Example("ramp", buffer.getvalue(), BOXES[:1], np.zeros(1, np.int32)))
    return training_batches(source, FIXED, built("random_horizontal_flip {}"), 4, seed=5)


def test_what_is_in_a_batch() -> None:
    first = Example("a", png(1), BOXES, np.array([4, 2], np.int32), weights=np.array([1, 0.5], np.float32))
    batch = next(training_batches([first, example(2, NO_BOXES)], FIXED, None, 2, max_boxes=3))
    assert {key: (value.dtype, value.shape.as_list()) for key, value in batch.items()} == {
        "image": (tf.float32, [2, 20, 30, 3]),
        "true_shape": (tf.int32, [2, 3]),
        "boxes": (tf.float32, [2, 3, 4]),
        "classes": (tf.int32, [2, 3]),
        "weights": (tf.float32, [2, 3]),
        "num_boxes": (tf.int32, [2]),
    }
    assert np.all(batch["image"].numpy() == np.array([1, 2])[:, None, None, None])
    assert batch["true_shape"].numpy().tolist() == [[20, 30, 3]] * 2
    assert batch["boxes"].numpy().tolist() == [[*BOXES.tolist(), [0] * 4], [[0] * 4] * 3]
    assert batch["classes"].numpy().tolist() == [[4, 2, 0], [0, 0, 0]]
    assert batch["weights"].numpy().tolist() == [[1, 0.5, 0], [0, 0, 0]]
    assert batch["num_boxes"].numpy().tolist() == [2, 0]


def scored(number: int, scores: list[list[float]] | None) -> Example:
    rows = None if scores is None else np.array(scores, np.float32)
    return replace(example(number), classes=np.array([2, 0], np.int32), scores=rows)


def test_scores_of_all_classes_are_in_a_batch_where_they_are_asked_for() -> None:
    source = [scored(1, [[0.5, 0.25], [0.0, 1.0]]), scored(2, None)]
    batch = next(training_batches(source, FIXED, None, 2, max_boxes=3, num_scores=3))
    assert (batch["class_scores"].dtype, batch["class_scores"].shape.as_list()) == (tf.float32, [2, 3, 3])
    assert batch["class_scores"].numpy().tolist() == [
        [[0.5, 0.25, 0], [0, 1, 0], [0, 0, 0]],
        [[0, 0, 1], [1, 0, 0], [0, 0, 0]],
    ]
    assert "class_scores" not in next(training_batches(source, FIXED, None, 2))
    # Where a step makes probabilities of logits, those of boxes without scores of their own are softened too.
    augment = built("convert_class_logits_to_softmax {}")
    batch = next(training_batches(source, FIXED, augment, 2, max_boxes=2, num_scores=3))
    e = np.e
    np.testing.assert_allclose(batch["class_scores"][1], np.array([[1, 1, e], [e, 1, 1]]) / (2 + e), rtol=1e-6)


def test_boxes_at_one_place_are_merged_by_the_classes_that_the_steps_leave() -> None:
    there = replace(scored(1, [[0.5, 0.25], [0.0, 1.0]]), boxes=BOXES[[0, 0]], classes=np.array([0, 1], np.int32))
    twice = next(training_batches([there], FIXED, None, 1, max_boxes=2, merge_classes=3))
    assert twice["num_boxes"].numpy().tolist() == [1]
    # Of the classes, whatever scores the example has; and of those that a step gives.
    assert twice["class_scores"].numpy().tolist() == [[[1, 1, 0], [0, 0, 0]]]
    augment = built("remap_labels { original_labels: 2 new_label: 3 }", "random_horizontal_flip {}")
    remapped = next(training_batches([there], FIXED, augment, 1, max_boxes=2, merge_classes=3))
    assert remapped["class_scores"].numpy().tolist() == [[[1, 0, 1], [0, 0, 0]]]


def test_boxes_in_pixels_are_parts_of_the_image_in_a_batch() -> None:
    plain, scaled = (
        next(training_batches([example(1), example(2, height=50)], FIXED, built(*steps), 2, seed=3))
        for steps in (["random_jitter_boxes {}"], ["random_jitter_boxes {}", "scale_boxes_to_pixel_coordinates {}"])
    )
    for name, values in plain.items():
        np.testing.assert_allclose(scaled[name], values, rtol=1e-6)


def test_examples_come_in_the_order_of_the_source() -> None:
    batches = training_batches((example(n) for n in range(13)), FIXED, None, 4)
    assert greys(batches) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]
    with pytest.raises(StopIteration):
        next(batches)


def test_a_function_may_be_the_source() -> None:
    numbers = iter(range(200))
    batches = training_batches(lambda: example(next(numbers)), FIXED, None, 2)
    assert greys(batches, 3) == [[0, 1], [2, 3], [4, 5]]
    batches.close()


def test_a_new_source_and_nothing_of_the_old_one() -> None:
    drawn: list[int] = []

    def counted() -> Iterator[Example]:
        for number in range(250):
            drawn.append(number)
            yield example(number)

    batches = training_batches(counted(), FIXED, None, 4)
    assert greys(batches, 1) == [[0, 1, 2, 3]]
    batches.reset(example(100 + n) for n in range(8))
    # One batch taken, one waiting, one being put together from as many as are prepared at once.
    assert len(drawn) <= 4 + 2 * 4 + 4 + 1
    before = len(drawn)
    assert greys(batches) == [[100, 101, 102, 103], [104, 105, 106, 107]]
    assert len(drawn) == before
    batches.reset(example(200 + n) for n in range(4))
    assert greys(batches) == [[200, 201, 202, 203]]


def test_reset_to_the_same_source() -> None:
    batches = evaluation_batches([example(n) for n in range(4)], FIXED, 4)
    assert greys(batches) == [[0, 1, 2, 3]]
    batches.reset()
    assert greys(batches) == [[0, 1, 2, 3]]
    going_on = training_batches((example(n) for n in range(200)), FIXED, None, 2)
    first = greys(going_on, 1)[0]
    going_on.reset()
    second = greys(going_on, 1)[0]
    assert first == [0, 1]
    assert second[0] >= 2
    assert second[1] == second[0] + 1
    going_on.close()


def test_boxes_that_augmentation_adds_are_never_dropped_silently(caplog: pytest.LogCaptureFixture) -> None:
    twice = "random_self_concat_image { concat_vertical_probability: 1 concat_horizontal_probability: 0 }"
    augment = built(twice)
    source = [example(1), example(2, NO_BOXES)] * 2
    with caplog.at_level(logging.WARNING):
        roomy, tight = (list(training_batches(source, FIXED, augment, 2, max_boxes=max_boxes)) for max_boxes in (4, 3))
    assert roomy[0]["num_boxes"].numpy().tolist() == [4, 0]
    assert tight[0]["num_boxes"].numpy().tolist() == [3, 0]
    np.testing.assert_array_equal(tight[0]["boxes"], roomy[0]["boxes"][:, :3])
    assert tight[0]["classes"].numpy().tolist() == [[1, 1, 1], [0, 0, 0]]
    assert set(tight[0]) == set(roomy[0]) == set(next(training_batches([example(1)], FIXED, None, 1)))
    assert [record.getMessage() for record in caplog.records] == [
        "1 has 4 boxes after augmentation; the first 3 are used (max_number_of_boxes of the input reader)"
    ]


def test_functions_are_traced_once_however_often_the_source_changes() -> None:
    traced: list[int] = []

    def counting(image: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        traced.append(1)
        return FIXED(image)

    batches = training_batches([example(1)], counting, None, 1)
    for number in range(3):
        batches.reset([example(number, height=20 + number)])
        next(batches)
    assert len(traced) == 1


def test_a_source_may_wait_for_examples_and_end() -> None:
    """The trainer's way: a queue that is filled with exactly what a round needs."""
    waiting: queue.SimpleQueue[Example | None] = queue.SimpleQueue()
    batches = training_batches(iter(waiting.get, None), FIXED, None, 2)
    for round_ in range(2):
        for number in range(4):
            waiting.put(example(10 * round_ + number))
        assert greys(batches, 2) == [[10 * round_, 10 * round_ + 1], [10 * round_ + 2, 10 * round_ + 3]]
    waiting.put(None)
    batches.close()


def test_what_the_source_raises_is_raised_here() -> None:
    def failing() -> Iterator[Example]:
        yield example(1)
        yield example(2)
        raise DataError("the store is gone")

    batches = training_batches(failing(), FIXED, None, 2)
    assert greys(batches, 1) == [[1, 2]]
    with pytest.raises(DataError, match="the store is gone"):
        next(batches)


def test_the_seed_decides() -> None:
    both = flips(), flips()
    first, again = (np.concatenate([next(b)["image"].numpy()[:, 0, 0, 0] for _ in range(5)]) for b in both)
    for batches in both:
        batches.close()
    np.testing.assert_array_equal(first, again)
    assert set(first.tolist()) == {0, 29}  # some flipped, some not


def test_augmentation_goes_on_after_a_reset() -> None:
    """A new round does not repeat the chance of the last one."""
    batches = flips()
    rounds = set()
    for _ in range(6):
        rounds.add(tuple(next(batches)["image"].numpy()[:, 0, 0, 0]))
        batches.reset()
    batches.close()
    assert len(rounds) > 1


@pytest.mark.parametrize("padded", [True, False])
def test_images_of_different_sizes(padded: bool) -> None:
    resize: Resizer = keep_aspect_ratio_resizer(20, 40, pad_to_max_dimension=padded)
    wide, high = example(10, height=10, width=20), example(20, height=30, width=20)
    batch = next(training_batches([wide, high], resize, None, 2))
    side = (40, 40) if padded else (30, 40)  # else the largest of the batch: 20 × 40 and 30 × 20
    assert batch["image"].shape.as_list() == [2, *side, 3]
    assert batch["true_shape"].numpy().tolist() == [[20, 40, 3], [30, 20, 3]]
    shares = np.array([[20, 40], [30, 20]]) / side
    for row, share in enumerate(shares):
        np.testing.assert_allclose(batch["boxes"].numpy()[row, :2], BOXES * np.tile(share, 2), rtol=1e-6)
    assert np.all(batch["image"].numpy()[1, :30, :20] == 20)
    assert np.all(batch["image"].numpy()[1, :, 20:] == 0)


def test_open_sides_come_in_whole_steps() -> None:
    resize = keep_aspect_ratio_resizer(20, 40)
    (batch,) = evaluation_batches([example(10, height=10, width=20)], resize, 1, max_boxes=2, side_step=32)
    assert batch["image"].shape.as_list() == [1, 32, 64, 3]  # of 20 × 40
    assert batch["true_shape"].numpy().tolist() == [[20, 40, 3]]
    np.testing.assert_allclose(batch["boxes"][0], BOXES * np.tile([20 / 32, 40 / 64], 2), rtol=1e-6)
    assert np.all(batch["image"].numpy()[0, :20, :40] == 10)
    assert batch["image"].numpy().sum() == 10 * 20 * 40 * 3
    # What fits stays as it is, and so does a size that the config fixes.
    (fits,) = evaluation_batches([example(10, height=32, width=32)], keep_aspect_ratio_resizer(32, 64), 1, side_step=32)
    assert fits["image"].shape.as_list() == [1, 32, 32, 3]
    fixed = next(training_batches([example(10)], FIXED, None, 1, side_step=32))
    assert fixed["image"].shape.as_list() == [1, 20, 30, 3]


def test_more_boxes_than_fit_are_never_dropped_silently(caplog: pytest.LogCaptureFixture) -> None:
    boxes = np.tile(BOXES[:1], (5, 1))
    many = Example("crowd.jpg", png(1), boxes, np.arange(5, dtype=np.int32))
    with caplog.at_level(logging.WARNING):
        batch = next(training_batches([many, many], FIXED, None, 2, max_boxes=3))
    assert batch["classes"].numpy().tolist() == [[0, 1, 2]] * 2
    assert batch["num_boxes"].numpy().tolist() == [3, 3]
    assert caplog.messages == ["crowd.jpg has 5 boxes; the first 3 are used (max_number_of_boxes of the input reader)"]


def test_unreadable_images_are_reported_and_skipped(caplog: pytest.LogCaptureFixture) -> None:
    def gone() -> bytes:
        raise DataError("the image cannot be read (No such file or directory)", where="/gone.jpg")

    none = np.zeros(0, np.int32)
    cut = Example("cut.png", png(9)[:-20], NO_BOXES, none)
    source = [example(1), cut, Example("gone", gone, NO_BOXES, none), example(2)]
    with caplog.at_level(logging.WARNING):
        assert greys(training_batches(source, FIXED, None, 2)) == [[1, 2]]
    assert len(caplog.messages) == 2
    assert caplog.messages[0].startswith("skipped: cut.png: the image cannot be decoded")
    assert caplog.messages[1] == "skipped: /gone.jpg: the image cannot be read (No such file or directory)"


def test_nothing_but_unreadable_images_ends() -> None:
    broken = itertools.repeat(Example("broken", b"no image", NO_BOXES, np.zeros(0, np.int32)))
    with pytest.raises(DataError, match="1000 images in a row could not be read"):
        next(training_batches(broken, FIXED, None, 2))


def test_images_are_loaded_once_while_the_cache_holds_them() -> None:
    loaded: list[int] = []

    def lazy(number: int) -> Example:
        def load() -> bytes:
            loaded.append(number)
            return png(number)

        return Example(str(number), load, NO_BOXES, np.zeros(0, np.int32))

    cache = ByteCache(10_000)
    batches = training_batches([lazy(1), lazy(2)] * 3, FIXED, None, 2, cache=cache)
    assert greys(batches) == [[1, 2]] * 3
    assert loaded == [1, 2]
    batches.reset([lazy(2), lazy(1)])
    assert greys(batches) == [[2, 1]]
    assert loaded == [1, 2]
    assert greys(evaluation_batches([lazy(1)], FIXED, 1, cache=cache)) == [[1]]
    assert loaded == [1, 2]


def test_evaluation_is_one_pass_with_the_last_batch_filled_up() -> None:
    crowd = Example("c", png(7, 40, 60), BOXES, np.zeros(2, np.int32), is_crowd=np.array([False, True]))
    batches = evaluation_batches([example(1), example(2), crowd], FIXED, 2, max_boxes=3)
    first, last = list(batches)
    assert first["key"].numpy().tolist() == [b"1", b"2"]
    assert first["valid"].numpy().tolist() == [True, True]
    assert last["valid"].numpy().tolist() == [True, False]
    assert last["original_shape"].numpy()[0].tolist() == [40, 60, 3]
    assert last["is_crowd"].numpy()[0].tolist() == [False, True, False]
    np.testing.assert_array_equal(last["image"][0], last["image"][1])


def test_evaluation_of_nothing() -> None:
    assert list(evaluation_batches([], FIXED, 2)) == []


def test_the_raccoons(datasets: Path) -> None:
    record = datasets / "raccoon" / "data" / "test.record"
    examples = [decode_example(serialized).training_example() for serialized in read_records(record)]
    batches = list(evaluation_batches(examples, fixed_shape_resizer(300, 300), 16))
    assert [int(batch["valid"].numpy().sum()) for batch in batches] == [16, 16, 8]
    assert sum(int(batch["num_boxes"].numpy()[batch["valid"].numpy()].sum()) for batch in batches) == 44
    keys = [key.decode() for batch in batches for key in batch["key"].numpy()[batch["valid"].numpy()]]
    assert keys == [example.key for example in examples]
