"""What another version brings, by hand: what it learned from, and how much better it was measured to be."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from teachbox.store import StoredEvent, StoredMetrics
from teachbox.web.news import learned, measured

MEAN, HALF = "DetectionBoxes_Precision/mAP", "DetectionBoxes_Precision/mAP@.50IOU"
CLASS = "DetectionBoxes_PerformanceByCategory/mAP/"


def trained(version, images, boxes, loss):
    data = {"run": 1, "version": version, "images": images, "boxes": boxes, "loss": loss}
    return StoredEvent(version, "boxes", "trained", data, 0.0)


def evaluation(version, metrics):
    return StoredMetrics(metrics, version, None, version, 0.0)


def test_what_a_round_learned_from():
    rounds = [trained(9, 30, 70, 0.5), trained(7, 20, 50, 0.75), trained(4, 10, 21, 2.0)]
    before = {"images": 20, "boxes": 50, "loss": 0.75}
    assert learned(rounds, 9) == {"images": 30, "boxes": 70, "loss": 0.5, "before": before}
    # An older version serves again: what came after it is not its past.
    assert learned(rounds, 7) == {**before, "before": {"images": 10, "boxes": 21, "loss": 2.0}}
    assert learned(rounds, 4) == {"images": 10, "boxes": 21, "loss": 2.0, "before": None}
    assert learned(rounds, 8) is None  # of no round: exported again, or somebody else's
    assert learned([], 1) is None
    # Written by a trainer that did not say it yet.
    old = StoredEvent(3, "boxes", "trained", {"run": 1, "version": 9}, 0.0)
    assert learned([old], 9) is None


def test_how_much_better_it_was_measured_to_be():
    evaluations = [
        evaluation(
            9,
            {
                "Evaluation/images": 6,
                MEAN: 0.5,
                HALF: 0.75,
                CLASS + "cat": 0.25,
                CLASS + "dog": 0.75,
                CLASS + "eel": 0.5,
            },
        ),
        evaluation(7, {MEAN: 0.375, HALF: 0.75, CLASS + "cat": 0.5, CLASS + "dog": 0.25, CLASS + "eel": -1.0}),
        evaluation(6, {"Loss/total_loss": 1.0}),
        evaluation(4, {HALF: 0.125}),
    ]
    assert measured(evaluations, 9) == {
        "before": 7,
        "images": 6,
        "images_before": None,
        "means": [{"name": "mAP", "value": 0.5, "before": 0.375}, {"name": "mAP@.50", "value": 0.75, "before": 0.75}],
        "classes": [{"name": "dog", "value": 0.75, "before": 0.25}, {"name": "cat", "value": 0.25, "before": 0.5}],
    }
    # The one before measured less.
    assert measured(evaluations, 7)["before"] == 4
    assert [mean["before"] for mean in measured(evaluations, 7)["means"]] == [None, 0.125]
    assert measured(evaluations, 4) == {
        "before": None,
        "images": None,
        "images_before": None,
        "means": [{"name": "mAP@.50", "value": 0.125, "before": None}],
        "classes": [],
    }
    assert measured(evaluations, 6) is None
    assert measured([], 9) is None


def test_of_two_evaluations_of_a_version_the_newer_counts():
    assert measured([evaluation(2, {MEAN: 0.5}), evaluation(2, {MEAN: 0.25})], 2)["means"][0]["value"] == 0.5


values = st.dictionaries(st.sampled_from("abcdef"), st.floats(0, 1), max_size=6)


@given(values, values)
def test_classes_come_by_what_they_gained(now, before):
    one, two = ({MEAN: 0.5, **{CLASS + name: value for name, value in some.items()}} for some in (now, before))
    told = measured([evaluation(2, one), evaluation(1, two)], 2)["classes"]
    gains = [row["value"] - row["before"] for row in told]
    assert gains == sorted(gains, reverse=True)
    assert {row["name"] for row in told} == set(now) & set(before)


def test_over_http(make_feed, images, serve_feed, store):
    client = serve_feed(make_feed(images(1))[0])
    assert client.get("/news?version=3").json() == {"version": 3, "learned": None, "measured": None}
    store.log_event("boxes", "trained", run=1, version=3, images=5, boxes=9, loss=1.5)
    store.add_metrics("boxes", version=3, step=40, metrics={MEAN: 0.5})
    told = client.get("/news?version=3").json()
    assert told["learned"] == {"images": 5, "boxes": 9, "loss": 1.5, "before": None}
    assert told["measured"]["means"] == [{"name": "mAP", "value": 0.5, "before": None}]
    assert client.get("/news?version=x").status_code == 400
