"""Task, tf.Example and training example say the same."""

from __future__ import annotations

import hashlib
import io
import logging
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from teachbox.annotation import input_hash, make_span, task_boxes
from teachbox.data.ground_truth import ground_truth, task_to_training_example
from teachbox.data.tf_example_decoder import decode_example, example_to_task
from teachbox.data.tf_example_encoder import encode_example, task_to_example
from teachbox.errors import DataError, LabelMapError
from teachbox.images import UprightImage
from teachbox.labels import Label, LabelMap
from teachbox.wire import example_pb2

LABELS = LabelMap([Label(1, "cat", "Katze"), Label(2, "dog")], where="map.pbtxt")
HEIGHT, WIDTH = 50, 100
NO_BOXES = np.zeros((0, 4), np.float32)


def png(height: int = HEIGHT, width: int = WIDTH) -> UprightImage:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), (10, 200, 30)).save(buffer, "PNG")
    return UprightImage(buffer.getvalue(), "png", width, height)


IMAGE = png()


def task(*spans: Any, **changes: Any) -> dict[str, Any]:
    return {
        "path": "/images/a.b.png",
        "width": WIDTH,
        "height": HEIGHT,
        "spans": list(spans),
        "_input_hash": 7,
        **changes,
    }


def features(serialized: bytes) -> dict[str, list[Any]]:
    message = example_pb2.Example.FromString(serialized)
    return {
        key: list(getattr(f, f.WhichOneof("kind")).value) if f.WhichOneof("kind") else []
        for key, f in message.features.feature.items()
    }


def example_of(**values: list[Any]) -> bytes:
    """A tf.Example by keys without `image/`, `__` for `/`; the type goes by the values."""
    message = example_pb2.Example()
    for name, given_values in values.items():
        feature = message.features.feature["image/" + name.replace("__", "/")]
        kinds = {bytes: feature.bytes_list, float: feature.float_list, int: feature.int64_list}
        kinds[type(given_values[0])].value.extend(given_values)
    return message.SerializeToString()


def one_box(**values: list[Any]) -> bytes:
    box = {
        "object__bbox__ymin": [0.1],
        "object__bbox__xmin": [0.2],
        "object__bbox__ymax": [0.5],
        "object__bbox__xmax": [0.75],
        "object__class__text": [b"dog"],
        "object__class__label": [2],
    }
    return example_of(**{"encoded": [IMAGE.encoded], **box, **values})


def test_the_keys_and_values_by_hand() -> None:
    found = features(task_to_example(task(make_span("dog", 10, 20, 30, 60)), IMAGE, LABELS))
    assert found == {
        "image/encoded": [IMAGE.encoded],
        "image/format": [b"png"],
        "image/filename": [b"/images/a.b.png"],
        "image/source_id": [b"7"],
        "image/key/sha256": [hashlib.sha256(IMAGE.encoded).hexdigest().encode()],
        "image/height": [50],
        "image/width": [100],
        "image/object/bbox/ymin": [pytest.approx(0.2)],
        "image/object/bbox/xmin": [pytest.approx(0.2)],
        "image/object/bbox/ymax": [pytest.approx(0.6)],
        "image/object/bbox/xmax": [pytest.approx(0.6)],
        "image/object/class/text": [b"dog"],
        "image/object/class/label": [2],
    }


@pytest.mark.parametrize("spans", [{"spans": []}, {"spans": None}])
def test_a_task_without_boxes_is_a_true_negative(spans: dict[str, Any]) -> None:
    decoded = decode_example(task_to_example(task(**spans), IMAGE, LABELS), LABELS)
    assert decoded.boxes.shape == (0, 4)
    assert decoded.classes.shape == (0,)
    assert decoded.training_example().boxes.dtype == np.float32


def test_what_boxes_are_besides_their_class() -> None:
    spans = [
        make_span("cat", 0, 0, 25, 50, difficult=True, weight=0.5),
        make_span("dog", 0, 0, 50, 100, is_crowd=True, group_of=True, truncated=True),
    ]
    decoded = decode_example(task_to_example(task(*spans), IMAGE, LABELS), LABELS)
    assert decoded.difficult.tolist() == [True, False]
    assert decoded.is_crowd.tolist() == decoded.group_of.tolist() == decoded.truncated.tolist() == [False, True]
    assert decoded.weights.tolist() == [0.5, 1.0]
    assert decoded.area.tolist() == [1250.0, 5000.0]
    assert example_to_task(decoded, LABELS)["spans"] == spans


def test_scores_of_all_classes_by_hand() -> None:
    spans = [
        make_span("cat", 0, 60, 25, 50),  # inside out: dropped, and its row with it
        make_span("cat", 0, 0, 25, 50, class_scores={"dog": 0.25, "cat": 0.75}),
        make_span("dog", 0, 0, 50, 100),
        make_span("dog", 0, 0, 50, 100, class_scores={"cat": -1.5}),
    ]
    rows = [[0.75, 0.25], [0.0, 1.0], [-1.5, 0.0]]
    record = task_to_example(task(*spans), IMAGE, LABELS)
    assert features(record)["image/object/class/multiclass_scores"] == [0.75, 0.25, 0.0, 1.0, -1.5, 0.0]
    direct = task_to_training_example(task(*spans), lambda: IMAGE.encoded, LABELS)
    decoded = decode_example(record, LABELS)
    for found in (decoded.scores, decoded.training_example().scores, direct.scores):
        assert found is not None
        assert (found.tolist(), found.dtype) == (rows, np.float32)
    back = example_to_task(decoded, LABELS)["spans"]
    assert [span["class_scores"] for span in back] == [dict(zip(("cat", "dog"), row, strict=True)) for row in rows]
    # Classes that came later have 0; those that a detector does not tell yet are left out.
    assert direct.scores_of(3).tolist() == [[*row, 0.0] for row in rows]
    assert direct.scores_of(1).tolist() == [row[:1] for row in rows]


def test_without_scores_a_box_is_of_its_class_alone() -> None:
    plain = task(make_span("dog", 0, 0, 50, 100), make_span("cat", 0, 0, 50, 100))
    assert "image/object/class/multiclass_scores" not in features(task_to_example(plain, IMAGE, LABELS))
    example = task_to_training_example(plain, lambda: IMAGE.encoded, LABELS)
    assert example.scores is None
    assert example.scores_of(2).tolist() == [[0, 1], [1, 0]]
    assert example.scores_of(1).tolist() == [[0], [1]]
    empty = task_to_training_example(task(), lambda: IMAGE.encoded, LABELS)
    assert (empty.scores, empty.scores_of(2).shape) == (None, (0, 2))


@pytest.mark.parametrize(
    ("scores", "error", "message"),
    [
        ({"fox": 1.0}, LabelMapError, "/images/a.b.png: map.pbtxt: no label 'fox'; it has cat, dog"),
        ({"cat": "much"}, DataError, "/images/a.b.png: `class_scores` is {'cat': 'much'}; it must be an object with"),
    ],
)
def test_scores_that_cannot_be_learned(scores: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        ground_truth(task(make_span("cat", 0, 0, 1, 1, class_scores=scores)), LABELS)


def test_scores_of_other_classes_than_the_label_map_s_are_left_out_and_said(caplog: pytest.LogCaptureFixture) -> None:
    record = one_box(object__class__multiclass_scores=[0.2, 0.3, 0.5], filename=[b"f.png"])
    assert decode_example(record, LABELS).scores is None
    assert caplog.messages == [
        "f.png: left out `image/object/class/multiclass_scores`: it has 3 values for 1 boxes of 2 classes"
    ]
    # Without a label map there are as many classes as values for each box.
    decoded = decode_example(record)
    assert decoded.scores is not None
    np.testing.assert_allclose(decoded.scores, [[0.2, 0.3, 0.5]])


def test_boxes_are_clipped_and_what_is_left_of_none_is_dropped_with_a_warning(
    caplog: pytest.LogCaptureFixture,
) -> None:
    spans = [
        make_span("cat", -10, 90, 25, 130),
        make_span("cat", 10, 120, 20, 150),  # beside the image
        make_span("cat", 30, 10, 20, 40),  # inside out
        make_span("cat", 10, 10, 10, 40),  # flat
    ]
    with caplog.at_level(logging.WARNING):
        truth = ground_truth(task(*spans), LABELS)
    np.testing.assert_allclose(truth.boxes, [[0, 0.9, 0.5, 1]], rtol=1e-6)
    assert len(caplog.messages) == 3
    assert all("/images/a.b.png: dropped a box of 'cat'" in message for message in caplog.messages)


def test_a_label_that_the_map_does_not_hold_names_map_and_task() -> None:
    with pytest.raises(LabelMapError, match=r"a\.b\.png: map\.pbtxt: no label 'dogg'.*did you mean 'dog'"):
        ground_truth(task(make_span("dogg", 0, 0, 1, 1)), LABELS)


def test_an_image_of_another_size_than_annotated() -> None:
    with pytest.raises(DataError, match=r"100 × 40 pixels and was 100 × 50"):
        task_to_example(task(), png(40, 100), LABELS)


def test_a_task_that_says_no_size() -> None:
    sizeless = {"spans": [make_span("cat", 0, 0, 25, 50)]}
    with pytest.raises(DataError, match="no `width` and `height`"):
        ground_truth(sizeless, LABELS)
    assert ground_truth(sizeless, LABELS, size=(50, 100)).boxes.tolist() == [[0, 0, 0.5, 0.5]]


def test_a_span_without_a_box_names_the_task() -> None:
    with pytest.raises(DataError, match=r"a\.b\.png: span"):
        ground_truth(task({"label": "cat"}), LABELS)


def test_the_training_example_counts_classes_from_zero_and_loads_late() -> None:
    loaded: list[int] = []

    def load() -> bytes:
        loaded.append(1)
        return IMAGE.encoded

    example = task_to_training_example(
        task(make_span("dog", 0, 0, 25, 50), make_span("cat", 0, 0, 5, 5, is_crowd=True)), load, LABELS
    )
    assert example.key == "7"
    assert example.classes.tolist() == [1, 0]
    assert example.is_crowd is not None
    assert example.is_crowd.tolist() == [False, True]
    assert not loaded
    assert callable(example.encoded)
    assert example.encoded() == IMAGE.encoded


def test_text_wins_over_label_where_a_map_is_given() -> None:
    serialized = one_box(object__class__text=[b"cat"], object__class__label=[2])
    assert decode_example(serialized, LABELS).classes.tolist() == [1]
    assert decode_example(serialized).classes.tolist() == [2]


def test_a_record_may_use_the_display_name() -> None:
    assert decode_example(one_box(object__class__text=[b"Katze"]), LABELS).classes.tolist() == [1]


def test_without_texts_the_ids_stand() -> None:
    boxes = {k: v for k, v in features(one_box()).items() if k.startswith("image/object/bbox")}
    plain = {k.removeprefix("image/").replace("/", "__"): v for k, v in boxes.items()}
    ids = example_of(encoded=[IMAGE.encoded], object__class__label=[2], **plain)
    assert decode_example(ids, LABELS).classes.tolist() == [2]
    with pytest.raises(LabelMapError, match="without classes"):
        decode_example(example_of(encoded=[IMAGE.encoded], **plain))
    texts = example_of(encoded=[IMAGE.encoded], object__class__text=[b"dog"], **plain)
    with pytest.raises(LabelMapError, match="in words only; a label map is needed"):
        decode_example(texts)
    outside = example_of(encoded=[IMAGE.encoded], object__class__label=[9], **plain)
    with pytest.raises(LabelMapError, match=r"no label with id 9 in map\.pbtxt"):
        decode_example(outside, LABELS)


def test_a_class_that_the_map_does_not_hold() -> None:
    with pytest.raises(LabelMapError, match=r"x\.record: f\.jpg: map\.pbtxt: no label 'bird'"):
        decode_example(one_box(object__class__text=[b"bird"], filename=[b"f.jpg"]), LABELS, where="x.record")


def test_what_is_missing_is_found_in_the_image() -> None:
    decoded = decode_example(one_box())
    assert (decoded.height, decoded.width) == (HEIGHT, WIDTH)
    assert (decoded.filename, decoded.source_id, decoded.format) == ("", "", "jpeg")
    assert decoded.weights.tolist() == [1.0]
    assert decoded.area == pytest.approx([0.4 * 50 * 0.55 * 100])
    assert decoded.training_example().key == hashlib.sha256(IMAGE.encoded).hexdigest()


def test_bad_boxes_in_a_record_are_clipped_or_dropped(caplog: pytest.LogCaptureFixture) -> None:
    serialized = example_of(
        encoded=[IMAGE.encoded],
        filename=[b"f.jpg"],
        object__bbox__ymin=[-0.5, 0.5, float("nan")],
        object__bbox__xmin=[0.0, 0.5, 0.0],
        object__bbox__ymax=[0.5, 0.25, 1.0],
        object__bbox__xmax=[1.5, 1.0, 1.0],
        object__class__label=[1, 2, 2],
        object__weight=[0.25, 1.0, 1.0],
    )
    decoded = decode_example(serialized)
    assert decoded.boxes.tolist() == [[0, 0, 0.5, 1]]
    assert (decoded.classes.tolist(), decoded.weights.tolist()) == ([1], [0.25])
    assert [message.startswith("f.jpg: dropped a box") for message in caplog.messages] == [True, True]


@pytest.mark.parametrize(
    ("serialized", "message"),
    [
        (b"\xff\xff\xff", "not a serialized tf.Example"),
        (b"", "`image/encoded` is missing or empty"),
        (one_box(object__bbox__xmax=[0.5, 0.6]), "xmax` has 2 values, ymin 1"),
        (one_box(object__weight=[0.5, 0.6]), "2 × `image/object/weight` for 1 boxes"),
        (one_box(object__class__label=[1, 2]), "2 × `image/object/class/label` for 1 boxes"),
        (one_box(object__bbox__xmax=[1]), "is a int64_list; it must be a float_list"),
        (one_box(encoded=[b"no image"]), "`image/encoded` is no image"),
    ],
)
def test_records_that_cannot_be_read(serialized: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        decode_example(serialized, where="x.record, record 3")
    assert "x.record, record 3" in str(caught.value)


def test_one_value_for_each_box() -> None:
    with pytest.raises(DataError, match="1 × class_ids for 0 boxes"):
        encode_example(IMAGE, NO_BOXES, [], [1], "a.png", "a")


def test_the_same_task_gives_the_same_bytes() -> None:
    once = task_to_example(task(make_span("cat", 1, 2, 3, 4)), IMAGE, LABELS)
    assert once == task_to_example(task(make_span("cat", 1, 2, 3, 4)), IMAGE, LABELS)


sides = st.tuples(st.floats(0, 0.99), st.floats(0.01, 1)).map(lambda t: (t[0], min(1.0, t[0] + t[1])))


@given(
    st.lists(st.tuples(sides, sides, st.sampled_from(["cat", "dog"])), max_size=5),
    st.integers(20, 4000),
    st.integers(20, 4000),
)
def test_task_to_example_to_task_keeps_boxes_to_float32(
    drawn: list[tuple[tuple[float, float], tuple[float, float], str]], height: int, width: int
) -> None:
    spans = [make_span(label, y0 * height, x0 * width, y1 * height, x1 * width) for (y0, y1), (x0, x1), label in drawn]
    given_task = task(*spans, width=width, height=height)
    image = UprightImage(IMAGE.encoded, "png", width, height)
    decoded = decode_example(task_to_example(given_task, image, LABELS), LABELS)
    back = example_to_task(decoded, LABELS)
    expected, labels = task_boxes(given_task)
    found, found_labels = task_boxes(back)
    assert found_labels == labels
    # float32 in 0–1: half of 2**-24 of the side; and make_span rounds to a ten-thousandth of a pixel.
    np.testing.assert_allclose(found, expected, atol=max(height, width) * 2**-24 + 1.01e-4)
    assert (back["width"], back["height"], back["meta"]["file"]) == (width, height, "a.b.png")
    assert back["_input_hash"] == input_hash(IMAGE.encoded)
