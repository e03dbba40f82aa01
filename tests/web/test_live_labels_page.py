"""Labels over HTTP: added, renamed, recoloured, told to every page, refused in one line, kept."""

from __future__ import annotations

import pytest
from test_events import listening

from teachbox.errors import DataError
from teachbox.labels import PALETTE, Label, LabelMap
from teachbox.web.project_labels import ProjectLabels

LIGHT = {"id": 1, "name": "light", "color": "#e69f00", "was": []}
DARK = {"id": 2, "name": "dark", "color": "#56b4e9", "was": []}


@pytest.fixture
def app(make_feed, images, serve_feed):
    return serve_feed(make_feed(images(3))[0])


def post(client, path, body, status=200):
    response = client.post(path, json=body)
    assert response.status_code == status, response.text
    return response.json()


def labels(client):
    return client.get("/project").json()["labels"]


def test_added_renamed_and_recoloured(app, store):
    assert post(app, "/add_label", {"name": "dusk", "color": "#102030"})["id"] == 3
    assert post(app, "/add_label", {"name": " dawn "})["id"] == 4
    post(app, "/change_label", {"id": 2, "name": "night"})
    told = post(app, "/change_label", {"id": 1, "color": "#FFFFFF"})["labels"]
    assert told == labels(app) == [
        {**LIGHT, "color": "#ffffff"},
        {**DARK, "name": "night", "was": ["dark"]},
        {"id": 3, "name": "dusk", "color": "#102030", "was": []},
        {"id": 4, "name": "dawn", "color": PALETTE[3], "was": []},
    ]  # fmt: skip
    # An empty colour is the one that it came with.
    post(app, "/change_label", {"id": 1, "color": ""})
    assert labels(app)[0] == LIGHT
    assert [label.id for label in store.labels("boxes").all()] == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("/add_label", {"name": ""}, "a label needs a name"),
        ("/add_label", {"name": "x" * 101}, "the name of a label may have 100 characters; this one has 101"),
        ("/add_label", {"name": "Dark"}, "there is a label 'dark' already (id 2); choose another name"),
        ("/add_label", {"name": "dusk", "color": "blue"}, "'blue' is no colour; write it as #rrggbb"),
        ("/add_label", {"name": "dusk", "id": 9}, "`id`: Extra inputs are not permitted"),
        ("/add_label", {}, "`name`: Field required"),
        ("/change_label", {"id": 1, "name": "dark"}, "there is a label 'dark' already (id 2); choose another name"),
        ("/change_label", {"id": 7, "name": "x"}, "dataset boxes has no label with id 7"),
        ("/change_label", {"id": 0}, "`id`: Input should be greater than or equal to 1"),
    ],
)
def test_what_is_refused(app, path, body, said):
    assert post(app, path, body, 400) == {"error": said}
    assert labels(app) == [LIGHT, DARK]


def test_every_page_hears_of_it_and_so_it_does_of_another_process(app, store):
    with listening(app) as one, listening(app, session_id="boxes-ann") as other:
        told = [lambda s: [data["labels"] for kind, data in s.events if kind == "labels"]] * 2
        for stream, tell in zip((one, other), told, strict=True):
            stream.wait_for(tell)
            assert tell(stream) == [[LIGHT, DARK]]
        post(app, "/add_label", {"name": "dusk"})
        for stream, tell in zip((one, other), told, strict=True):
            stream.wait_for(lambda s, tell=tell: len(tell(s)) == 2)
            assert [label["name"] for label in tell(stream)[-1]] == ["light", "dark", "dusk"]
        store.labels("boxes").change(3, name="twilight")
        one.wait_for(lambda s: len(told[0](s)) == 3)
        assert told[0](one)[-1][2] == {"id": 3, "name": "twilight", "color": PALETTE[2], "was": ["dusk"]}


def test_an_old_answer_is_told_under_the_new_name(app, store):
    (task,) = post(app, "/get_session_questions", {"session_id": "ann", "n": 1})["tasks"]
    span = {"label": "dark", "x": 1, "y": 2, "width": 3, "height": 4}
    post(app, "/change_label", {"id": 2, "name": "night"})
    # The page of ann has not heard of it.
    answer = {**task, "spans": [span], "answer": "accept"}
    post(app, "/give_answers", {"session_id": "ann", "answers": [answer]})
    (row,) = app.get("/history", params={"label": "night"}).json()["answers"]
    assert row["labels"] == {"night": 1}
    assert app.get(f"/history/{row['id']}").json()["task"]["spans"][0]["label"] == "night"
    undone = post(app, "/undo_answer", {"session_id": "ann", "_task_hash": task["_task_hash"]})
    assert undone["task"]["spans"][0]["label"] == "night"


def test_the_same_start_finds_them_again_and_asks_the_same_question(make_feed, images, serve_feed):
    paths = images(3)
    app = serve_feed(make_feed(paths)[0])
    (before,) = post(app, "/get_session_questions", {"session_id": "ann", "n": 1})["tasks"]
    post(app, "/add_label", {"name": "dusk"})
    post(app, "/change_label", {"id": 1, "name": "bright"})
    again = serve_feed(make_feed(paths)[0])
    assert [label["name"] for label in labels(again)] == ["bright", "dark", "dusk"]
    (after,) = post(again, "/get_session_questions", {"session_id": "ann", "n": 1})["tasks"]
    # What was drawn on it is kept under its hash.
    assert after["_task_hash"] == before["_task_hash"]


def test_of_a_label_map_only_what_is_shown_is_offered(store):
    label_map = LabelMap(
        [Label(1, "n01", "cat"), Label(2, "n02", "dog"), Label(5, "n05", "owl")], use_display_name=True
    )
    project = ProjectLabels(label_map)
    project.open(store, "boxes", [{"name": "owl", "color": "#111111"}, {"name": "cat"}])
    assert project.first_names == ["owl", "cat"]
    heard = []
    project.listen(heard.append)
    assert project.add("fox") == 6
    project.change(1, name="tom")
    project.change(2, name="hound")
    assert project.shown == ["owl", "tom", "fox"]
    assert [(label.id, label.name, label.display_name) for label in project.map] == [
        (1, "n01", "tom"), (2, "n02", "hound"), (5, "n05", "owl"), (6, "fox", "")
    ]  # fmt: skip
    assert [project.map.name_of(id) for id in (1, 2, 5, 6, 7)] == ["tom", "hound", "owl", "fox", None]
    assert [len(told) for told in heard] == [3, 3, 3]
    project.refresh()
    assert len(heard) == 3
    with pytest.raises(DataError, match="ids never change"):
        ProjectLabels(LabelMap([Label(1, "dog")])).open(store, "boxes", [])
