"""Detections → spans: threshold, clipping, labels, classes that the map lacks."""

import io

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from teachbox.images import UprightImage
from teachbox.labels import Label, LabelMap
from teachbox.recipes.predictor import Predictor, spans_of
from teachbox.serving.client import Detections

LABELS = LabelMap([Label(1, "cat", "Cat"), Label(3, "dog")])
IMAGE = UprightImage(b"", "jpeg", 200, 100)


def detections(*rows, version=7):
    """Rows of (ymin, xmin, ymax, xmax, score, class)."""
    table = np.array(rows, dtype=np.float32).reshape(-1, 6)
    return Detections(table[:, :4], table[:, 4], table[:, 5].astype(np.int32), version)


def test_by_hand():
    found = detections((0.1, 0.25, 0.6, 0.75, 0.5, 1), (0, 0, 1, 1, 0.49, 1), (-0.2, 0.5, 0.5, 1.5, 0.9, 3))
    spans, unknown = spans_of(found, IMAGE, LABELS, 0.5)
    assert unknown == set()
    assert [(s["label"], s["x"], s["y"], s["width"], s["height"], s["score"], s["version"]) for s in spans] == [
        ("cat", 50, 10, 100, 50, 0.5, 7),
        ("dog", 100, 0, 100, 50, 0.9, 7),
    ]
    assert spans[0]["points"] == [[50, 10], [50, 60], [150, 60], [150, 10]]


def test_the_best_are_kept_in_their_order_and_say_which_model_found_them():
    found = detections(*((0, 0, 1, 1, score, 1) for score in (0.2, 0.9, 0.1, 0.4)))
    spans, _ = spans_of(found, IMAGE, LABELS, 0.05, source="raccoons", most=2)
    assert [(span["score"], span["source"]) for span in spans] == [(0.9, "raccoons"), (0.4, "raccoons")]


class Served:
    model_name = "pets"

    def predict(self, example):
        return detections(*((0, 0, 1, 1, score, 1) for score in (0.9, 0.2, 0.06, 0.04, 0.02)))


def test_all_from_a_low_floor_on_is_sent_and_none_above_the_threshold_is_kept_back():
    buffer = io.BytesIO()
    Image.new("RGB", (200, 100)).save(buffer, "png")
    image = UprightImage(buffer.getvalue(), "png", 200, 100)
    scores = {
        threshold: [span["score"] for span in Predictor(Served(), lambda: LABELS, threshold).predict({}, image).spans]
        for threshold in (0.5, 0.03)
    }
    assert scores == {0.5: [0.9, 0.2, 0.06], 0.03: [0.9, 0.2, 0.06, 0.04]}


def test_class_outside_the_map_and_labels_not_asked_for():
    found = detections((0, 0, 1, 1, 0.9, 2), (0, 0, 1, 1, 0.8, 1), (0, 0, 1, 1, 0.7, 3), (0, 0, 1, 1, 0.1, 9))
    spans, unknown = spans_of(found, IMAGE, LABELS, 0.5, only={"dog"})
    assert [span["label"] for span in spans] == ["dog"]
    assert unknown == {2}


def test_display_names():
    labels = LabelMap(list(LABELS), use_display_name=True)
    spans, _ = spans_of(detections((0, 0, 1, 1, 0.9, 1)), IMAGE, labels, 0.5)
    assert spans[0]["label"] == "Cat"


def test_nothing_found_and_no_version():
    assert spans_of(detections(), IMAGE, LABELS, 0.5) == ([], set())
    spans, _ = spans_of(detections((0, 0, 1, 1, 0.9, 1), version=None), IMAGE, LABELS, 0.5)
    assert "version" not in spans[0]


@given(
    st.lists(
        st.tuples(*[st.floats(-2, 3, width=32)] * 4, st.floats(0, 1, width=32), st.integers(1, 4)),
        max_size=20,
    ),
    st.floats(0, 1),
)
def test_spans_lie_in_the_image_and_reach_the_threshold(rows, threshold):
    spans, _ = spans_of(detections(*rows), IMAGE, LABELS, threshold)
    for span in spans:
        assert span["score"] >= threshold - 1e-4  # the score is rounded to four digits
        assert span["width"] >= 0
        assert span["height"] >= 0
        assert 0 <= span["x"] <= span["x"] + span["width"] <= 200 + 1e-3
        assert 0 <= span["y"] <= span["y"] + span["height"] <= 100 + 1e-3
