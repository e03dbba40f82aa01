"""Figures of the work, by hand; and over HTTP."""

from __future__ import annotations

import pytest

from teachbox.store.records import AnswerFacts, StoredMetrics, StoredRun
from teachbox.web.metrics import classes_of, mean_of, overall
from teachbox.web.progress import by_version, curve, groups, pace, round_under_way, untouched


def fact(id, *, session="ann", created=0.0, boxes=0, version=None, done=None):
    """`done`: kept, moved, relabelled, removed, added, disagreement."""
    kept = done or (None,) * 6
    return AnswerFacts(id, id, session, "accept", created, f"{id}.jpg", False, boxes, version, *kept, {})


def test_pace():
    facts = [
        fact(1, created=0, boxes=50),  # nobody knows how long the first took
        fact(2, session="bob", created=5, boxes=50),
        fact(3, created=30, boxes=4),  # 30 s
        fact(4, session="bob", created=35, boxes=2),  # 30 s
        fact(5, created=1000, boxes=50),  # a break
        fact(6, created=1060, boxes=6),  # 60 s
    ]
    assert pace(facts) == {"minutes": 2.0, "boxes_per_minute": 6.0}
    assert pace([]) == {"minutes": 0.0, "boxes_per_minute": None}
    assert pace(facts[:1]) == {"minutes": 0.0, "boxes_per_minute": None}


KEPT, MOVED, MISSED = (2, 0, 0, 0, 0, 0.0), (1, 1, 0, 0, 0, 0.2), (0, 0, 0, 1, 2, 1.0)


def test_corrections():
    facts = [fact(1, version=3, done=MISSED), fact(2), fact(3, version=3, done=MOVED), fact(4, version=5, done=KEPT)]
    assert untouched(facts) == {"predicted": 3, "untouched": pytest.approx(1 / 3)}
    assert untouched([fact(1)]) == {"predicted": 0, "untouched": None}
    assert groups(facts, most=2) == [
        {"from": 1, "to": 2, "added": 1.0, "moved": 0.5, "relabelled": 0.0, "removed": 0.5, "kept": 0.5},
        {"from": 3, "to": 3, "added": 0.0, "moved": 0.0, "relabelled": 0.0, "removed": 0.0, "kept": 2.0},
    ]
    assert groups([]) == []
    assert by_version(facts) == [
        {"version": 3, "answers": 2, "untouched": 0.0, "agreement": pytest.approx(0.4)},
        {"version": 5, "answers": 1, "untouched": 1.0, "agreement": 1.0},
    ]


def test_the_learning_curve():
    name = "DetectionBoxes_Precision/mAP"
    category = "DetectionBoxes_PerformanceByCategory/mAP/"
    evaluations = [
        StoredMetrics({name: 0.6, category + "a/b": 0.7, category + "c": -1.0}, 2, None, 40, 0.0),
        StoredMetrics({name: 0.1}, 2, None, 40, 0.0),  # an older one of the same version
        StoredMetrics({"Loss/total_loss": 3.0}, 1, None, 20, 0.0),
        StoredMetrics({name: -1.0, "DetectionBoxes_Precision/mAP@.50IOU": 0.5}, 0, None, 0, 0.0),
    ]
    assert curve(evaluations) == [
        {"version": 0, "step": 0, "mean": 0.5, "classes": {}},
        {"version": 2, "step": 40, "mean": 0.6, "classes": {"a/b": 0.7}},
    ]
    pascal = {"PascalBoxes_Precision/mAP@0.5IOU": 0.3, "PascalBoxes_PerformanceByCategory/AP@0.5IOU/cat": 0.4}
    assert (mean_of(pascal), classes_of(pascal)) == (0.3, {"cat": 0.4})
    assert (mean_of({}), classes_of({}), curve([])) == (None, {}, [])
    assert overall(pascal | {"DetectionBoxes_Recall/AR@1 ByCategory/cat": 0.5}) == {
        "PascalBoxes_Precision/mAP@0.5IOU": 0.3
    }


def test_the_round_under_way():
    run = StoredRun(1, "running", 40, 12, None, None, None, 100.0, None)
    status = {"state": "training", "step": 10, "steps": 40, "updated": 120.0}
    # 2 s a step, 30 to go, 5 s of them gone.
    left = {"step": 10, "steps": 40, "answers": 12, "seconds_per_step": 2.0, "seconds_left": 55.0}
    assert round_under_way([run], status, 125.0) == left
    begun = round_under_way([run], {**status, "step": 0}, 125.0)
    assert (begun["seconds_per_step"], begun["seconds_left"]) == (None, None)
    assert round_under_way([run], {**status, "state": "publishing"}, 125.0) is None
    assert round_under_way([], {}, 125.0) is None


def test_where_tensorboard_is(make_feed, images, serve_feed):
    where = [":6006", None]
    client = serve_feed(make_feed(images(1))[0], tensorboard=where.pop)
    assert client.get("/progress").json()["tensorboard"] is None  # it is starting
    assert client.get("/progress").json()["tensorboard"] == ":6006"


def test_over_http(make_feed, images, serve_feed, store):
    client = serve_feed(make_feed(images(2))[0])
    (task,) = client.post("/get_session_questions", json={"session_id": "ann"}).json()["tasks"][:1]
    span = {"label": "dark", "x": 0, "y": 0, "width": 4, "height": 4}
    answer = {**task, "version": 7, "answer": "accept", "spans": [span], "replaced": []}
    assert client.post("/give_answers", json={"answers": [answer], "session_id": "ann"}).status_code == 200
    store.add_metrics("boxes", version=7, step=40, metrics={"DetectionBoxes_Precision/mAP": 0.5})
    store.start_run("boxes", steps=40, answers=1)
    store.set_trainer_status("boxes", state="training", step=0, steps=40)
    told = client.get("/progress").json()
    assert told["answers"] == {"accept": 1, "reject": 0, "ignore": 0}
    assert (told["asked"], told["progress"]) == (2, 0.5)
    assert (told["predicted"], told["untouched"], told["boxes_per_minute"]) == (1, 0.0, None)
    assert told["groups"] == [{"from": 1, "to": 1, "added": 1, "moved": 0, "relabelled": 0, "removed": 0, "kept": 0}]
    assert told["suggestions"] == [{"version": 7, "answers": 1, "untouched": 0, "agreement": 0}]
    assert told["curve"] == [{"version": 7, "step": 40, "mean": 0.5, "classes": {}}]
    assert (told["round"]["step"], told["round"]["steps"], told["tensorboard"]) == (0, 40, None)
