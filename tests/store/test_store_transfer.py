"""Datasets out as JSONL and in again: what comes back is what went out."""

import io
import json

from hypothesis import given, settings
from hypothesis import strategies as st

from teachbox.store import Store
from teachbox.store.transfer import export, json_line, stats


def exported(store, dataset, answer=None):
    file = io.StringIO()
    count = export(store, dataset, file, answer)
    lines = file.getvalue().splitlines()
    assert len(lines) == count
    return lines


def tasks_of(lines):
    return [json.loads(line) for line in lines]


def test_what_counts_is_written(store, answered):
    store.add_answers("boxes", "ann", [answered(1), answered(2, "reject"), answered(3), answered(1, "ignore")])
    store.undo_answer("boxes", "ann", 1003)
    assert [(task["_input_hash"], task["answer"]) for task in tasks_of(exported(store, "boxes"))] == [
        (2, "reject"),
        (1, "ignore"),
    ]
    assert [task["_input_hash"] for task in tasks_of(exported(store, "boxes", "ignore"))] == [1]
    assert exported(store, "nothing") == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=25, deadline=None)
@given(st.dictionaries(st.text(min_size=1).filter(lambda key: not key.startswith("_")), JSON, max_size=4))
def test_round_trip_is_exact(tmp_path_factory, meta):
    with Store.open(tmp_path_factory.mktemp("store") / "t.db") as store:
        task = {"_input_hash": -1, "_task_hash": 1, "answer": "reject", "spans": [], "meta": meta}
        store.add_answers("boxes", "ann", [task])
        lines = exported(store, "boxes")
        store.add_answers("copy", "db-in", tasks_of(lines))
        assert exported(store, "copy") == lines
        assert tasks_of(lines)[0]["meta"] == meta


def test_half_a_surrogate_pair_survives(store, answered):
    store.add_answers("boxes", "ann", [answered(1, note="\ud83e")])
    lines = exported(store, "boxes")
    lines[0].encode("utf-8")
    assert tasks_of(lines)[0]["note"] == "\ud83e"


def test_stats(store, answered):
    other = [{"label": "cat", "x": 0, "y": 0, "width": 1, "height": 1}]
    store.add_answers("boxes", "ann", [answered(1), answered(2, spans=other * 2)])
    store.add_answers("boxes", "bob", [answered(3, "reject", spans=other)])
    run = store.start_run("boxes", steps=5, answers=2)
    store.add_version("boxes", 7, run_id=run, step=5, path="/export/7")
    store.add_metrics("boxes", version=7, step=5, metrics={"mAP": 0.5})
    found = stats(store, "boxes")
    assert found.answers == {"accept": 2, "reject": 1, "ignore": 0}
    assert found.sessions == {"ann": 2, "bob": 1}
    assert found.labels == {"cat": 2, "raccoon": 1}
    assert (found.last_run.id, found.last_version.version, found.last_metrics.metrics) == (run, 7, {"mAP": 0.5})
    empty = stats(store, "nothing")
    assert (empty.answers, empty.labels, empty.last_run) == ({"accept": 0, "reject": 0, "ignore": 0}, {}, None)


def test_a_task_is_one_line_for_every_reader():
    task = {"note": "a\x85b\u2028c\u2029d\ne"}
    line = json_line(task)
    assert line == '{"note": "a\\u0085b\\u2028c\\u2029d\\ne"}\n'
    assert json.loads(line) == task
