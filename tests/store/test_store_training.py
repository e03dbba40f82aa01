"""What the trainer writes: runs, versions, metrics, status, events; and tasks."""

import math

import pytest

from teachbox.errors import DataError, StoreError


def test_runs(store):
    first = store.start_run("boxes", steps=10, answers=4)
    second = store.start_run("boxes", steps=20, answers=9)
    store.finish_run(second, state="finished", last_step=30, version=1700000000123, seconds=2.5)
    store.start_run("other", steps=1, answers=1)
    rows = [(run.id, run.state, run.steps, run.answers, run.last_step, run.version) for run in store.runs("boxes")]
    # The first was left running by a trainer that died.
    assert rows == [(first, "interrupted", 10, 4, None, None), (second, "finished", 20, 9, 30, 1700000000123)]
    assert store.runs("boxes")[1].seconds == 2.5
    with pytest.raises(StoreError, match="no run 99"):
        store.finish_run(99, state="finished", last_step=1)


def test_versions(store):
    run = store.start_run("boxes", steps=1, answers=1)
    store.add_version("boxes", 200, run_id=run, step=20, path="/export/200")
    store.add_version("boxes", 100, step=0, path="/export/100")
    store.add_version("boxes", 200, run_id=run, step=20, path="/elsewhere/200")
    rows = [(version.version, version.run_id, version.step, version.path) for version in store.versions("boxes")]
    assert rows == [(100, None, 0, "/export/100"), (200, run, 20, "/elsewhere/200")]
    assert store.versions("other") == []


def test_metrics(store):
    assert store.last_metrics("boxes") == {}
    assert store.last_evaluation("boxes") is None
    store.add_metrics("boxes", version=100, step=10, metrics={"mAP": 0.25})
    store.add_metrics("boxes", version=200, step=20, metrics={"mAP": 0.5, "mAP (small)": math.nan, "loss": 1})
    assert store.last_metrics("boxes") == {"mAP": 0.5, "loss": 1.0}
    assert [(row.version, row.step, row.metrics["mAP"]) for row in store.metrics("boxes")] == [
        (200, 20, 0.5),
        (100, 10, 0.25),
    ]


def test_trainer_status_keeps_the_fields_that_are_not_named(store):
    assert store.trainer_status("boxes") == {}
    store.set_trainer_status("boxes", state="training", run=3, step=1, steps=10, message=None)
    store.set_trainer_status("boxes", step=2)
    status = store.trainer_status("boxes")
    updated = status.pop("updated")
    assert status == {"state": "training", "run": 3, "step": 2, "steps": 10, "message": None}
    assert updated > 1.6e9
    with pytest.raises(DataError, match="not JSON"):
        store.set_trainer_status("boxes", step=object())
    assert store.trainer_status("boxes")["step"] == 2


def test_events(store):
    first = store.log_event("boxes", "published", version=7)
    store.log_event("other", "published", version=8)
    last = store.log_event("boxes", "broken_image", error="x.jpg: cut off")
    assert [(event.dataset, event.kind, event.data) for event in store.events_after(0)] == [
        ("boxes", "published", {"version": 7}),
        ("other", "published", {"version": 8}),
        ("boxes", "broken_image", {"error": "x.jpg: cut off"}),
    ]
    assert [event.id for event in store.events_after(first, "boxes")] == [last]
    assert store.events_after(0, "nowhere") == []
    assert store.last_event_id() == last
    again = store.log_event("boxes", "published", version=9)
    assert [event.id for event in store.newest_events("boxes", "published", 5)] == [again, first]
    assert [event.data for event in store.newest_events("boxes", "published", 1)] == [{"version": 9}]
    assert store.newest_events("nowhere", "published", 5) == []
    assert [event.id for event in store.events_after(0, limit=1)] == [first]


def test_tasks(store):
    task = {"_input_hash": -5, "_task_hash": 6, "path": "/a.jpg"}
    store.add_tasks("boxes", [task, {**task, "_task_hash": 7}])
    store.add_tasks("boxes", [{**task, "path": "/moved.jpg"}])
    assert store.find_task_by_hash("boxes", 6) == task
    assert store.find_task("boxes", -5) == {**task, "_task_hash": 7}
    assert store.find_task("boxes", 6) is None
    assert store.find_task("other", -5) is None
    with pytest.raises(DataError, match="_input_hash"):
        store.add_tasks("boxes", [{"_task_hash": 1}])


def test_datasets(store):
    for name in ("b", "a", "b"):
        store.add_dataset(name)
    assert store.datasets() == ["b", "a"]
