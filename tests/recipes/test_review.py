"""review: what several annotators answered becomes versions of one task; the decision goes to a new dataset."""

import subprocess
import sys

import pytest
from asking import ask
from PIL import Image
from running import Running

from teachbox.annotation import make_span
from teachbox.errors import DataError
from teachbox.recipes.versions import review_settings, review_tasks
from teachbox.store import Store


def task(hashed, *spans, answer="accept", **more):
    return {
        "path": f"{hashed}.png",
        "image": f"/image/{hashed}",
        "_input_hash": hashed,
        "_task_hash": 10 * hashed,
        "spans": list(spans),
        "answer": answer,
        **more,
    }


def cat(x, label="cat", **more):
    return make_span(label, 0, x, 10, x + 10, **more)


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path / "teachbox.db") as opened:
        yield opened


def test_answers_of_each_session_outlive_those_that_count(store):
    store.add_answers("pets", "pets-ada", [task(1, cat(0)), task(2, cat(0))])
    store.add_answers("pets", "pets-ben", [task(1, cat(2))])
    store.add_answers("pets", "pets-ada", [task(1, cat(1))])
    store.undo_answer("pets", "pets-ada", 20)
    found = [
        (one.session_id, one.task["_input_hash"], one.task["spans"][0]["x"]) for one in store.answers_by_session("pets")
    ]
    assert found == [("pets-ben", 1, 2), ("pets-ada", 1, 1)]
    assert store.answers_by_session("none") == []


def test_versions_of_one_image(store):
    predicted = cat(0, score=0.9, version=3, source="m")
    store.add_answers("pets", "pets-ada", [task(1, predicted, cat(50))])
    store.add_answers("pets", "pets-ben", [task(1, cat(2))])
    store.add_answers("pets", "pets-eve", [task(1, cat(2)), task(2)])
    store.add_answers("pets", "pets-ben", [task(2)])
    first, second = review_tasks({"pets": store.answers_by_session("pets")})
    assert [version["names"] for version in first["versions"]] == [["ada"], ["ben", "eve"]]
    assert [version["sessions"] for version in first["versions"]] == [["pets-ada"], ["pets-ben", "pets-eve"]]
    assert [version["default"] for version in first["versions"]] == [False, True]
    assert [version["groups"] for version in first["versions"]] == [[0, 1], [0]]
    assert first["versions"][0]["spans"] == [cat(0), cat(50)]
    assert first["spans"] == [cat(2)]
    # ada and ben 2/3, ada and eve 2/3, ben and eve 1.
    assert first["agreement"] == pytest.approx(7 / 9)
    assert second["agreement"] == 1
    assert second["versions"] == [
        {
            "spans": [],
            "answer": "accept",
            "sessions": ["pets-eve", "pets-ben"],
            "names": ["eve", "ben"],
            "groups": [],
            "default": True,
        }
    ]
    assert "answer" not in first


def test_accept_against_reject_is_no_agreement_and_one_alone_has_none(store):
    store.add_answers("pets", "pets-ada", [task(1, cat(0)), task(2, cat(0)), task(3, answer="reject")])
    store.add_answers("pets", "pets-ben", [task(1, cat(0), answer="reject"), task(3, answer="reject")])
    store.add_answers("zoo", "zoo-ada", [task(3, answer="ignore")])
    found = review_tasks({name: store.answers_by_session(name) for name in ("pets", "zoo")})
    assert [(one["_input_hash"], one["agreement"]) for one in found] == [(1, 0), (3, 1), (2, None)]
    assert [version["names"] for version in found[1]["versions"]] == [["ada (pets)", "ben (pets)"], ["ada (zoo)"]]


OPTIONS = [{"id": number, "text": text} for number, text in enumerate(("sun", "rain", "snow"))]


def choice(hashed, *accept, **more):
    return task(hashed, _view_id="choice", options=OPTIONS, accept=list(accept), text="Weather?", **more)


def test_versions_of_a_choice(store):
    store.add_answers("sky", "sky-ada", [choice(1, 0, 2), choice(2, 1), choice(3)])
    store.add_answers("sky", "sky-ben", [choice(1, 2, 0), choice(2, 1, answer="reject"), choice(3)])
    store.add_answers("sky", "sky-eve", [choice(1, 2), choice(2, answer="ignore")])
    reviewed = review_tasks({"sky": store.answers_by_session("sky")})
    assert [(one["_input_hash"], one["agreement"]) for one in reviewed] == [
        (2, 0),
        # ada and ben 1, each of them and eve 2 x 1 / 3.
        (1, pytest.approx(7 / 9)),
        (3, 1),
    ]
    second = reviewed[1]
    assert (second["options"], second["text"], second["accept"], second["spans"]) == (OPTIONS, "Weather?", [0, 2], [])
    assert [(one["names"], one["accept"], one["default"]) for one in second["versions"]] == [
        (["ada", "ben"], [0, 2], True),
        (["eve"], [2], False),
    ]
    told = review_settings({"blocks": [], "choice_style": "single"}, reviewed)
    assert told == {"blocks": [{"view_id": "image"}, {"view_id": "choice"}], "choice_style": "multiple"}
    assert review_settings({"choice_style": "single"}, reviewed[2:])["choice_style"] == "single"


def test_versions_of_a_classification(store):
    def said(hashed, answer):
        return task(hashed, cat(0), answer=answer, _view_id="classification", label="cat")

    for name, answers in (("ada", ("accept", "reject")), ("ben", ("accept", "reject")), ("eve", ("reject", "reject"))):
        given = [said(hashed, answer) for hashed, answer in enumerate(answers, 1)]
        store.add_answers("pets", f"pets-{name}", given)
    first, second = review_tasks({"pets": store.answers_by_session("pets")})
    assert (first["label"], first["spans"], first["agreement"]) == ("cat", [cat(0)], pytest.approx(1 / 3))
    assert [(one["names"], one["answer"]) for one in first["versions"]] == [
        (["ada", "ben"], "accept"),
        (["eve"], "reject"),
    ]
    assert (second["agreement"], len(second["versions"])) == (1, 1)
    assert review_settings({"choice_style": "single"}, [first])["blocks"] == [
        {"view_id": "image"},
        {"view_id": "classification"},
    ]
    # Decisions are answers too.
    store.add_answers("final", "final-zoe", [{**first, "_task_hash": 7, "_view_id": "review", "answer": "accept"}])
    (again,) = review_tasks({"final": store.answers_by_session("final")})
    assert (again["label"], again["versions"][0]["names"]) == ("cat", ["zoe"])


def test_polygons_stay_polygons(store):
    corners = [[0, 0], [10, 0], [5, 10]]
    polygon = {"label": "cat", "x": 0, "y": 0, "width": 10, "height": 10, "points": corners, "type": "polygon"}
    store.add_answers("pets", "pets-ada", [task(1, polygon)])
    store.add_answers("pets", "pets-ben", [task(1, cat(0))])
    (found,) = review_tasks({"pets": store.answers_by_session("pets")})
    assert [version["spans"] for version in found["versions"]] == [[polygon], [cat(0)]]
    # By their hulls they are of one object; they are two versions all the same.
    assert ([version["groups"] for version in found["versions"]], found["agreement"]) == ([[0], [0]], 1)
    assert review_settings({"blocks": []}, [found]) == {"blocks": []}


@pytest.mark.parametrize(
    ("pets", "zoo", "says"),
    [
        (
            task(1, _view_id="blocks"),
            None,
            "dataset pets: it has answers of the view 'blocks'; answers of image_manual",
        ),
        (
            task(1),
            choice(2, 0),
            r"the answers are of boxes \(dataset pets\), choice \(dataset zoo\); answers of one kind can be reviewed",
        ),
        (
            choice(1, 0, meta={"file": "1.png"}),
            {**choice(1), "options": OPTIONS[:2]},
            r"about 1.png it was asked \[0, 1, 2\] \(dataset pets\), \[0, 1\] \(dataset zoo\); answers to one question",
        ),
    ],
)
def test_what_does_not_go_together_is_refused_by_name(store, pets, zoo, says):
    store.add_answers("pets", "pets-ada", [pets])
    store.add_answers("zoo", "zoo-ada", [zoo] if zoo else [])
    with pytest.raises(DataError, match=says):
        review_tasks({name: store.answers_by_session(name) for name in ("pets", "zoo")})


def test_nothing_answered_is_nothing_to_review():
    assert review_tasks({}) == []
    assert review_settings({"blocks": []}, []) == {"blocks": []}


def test_the_recipe(tmp_path, store):
    for number in (1, 2):
        Image.new("RGB", (100, 60), (90 * number, 0, 0)).save(tmp_path / f"{number}.png")
    store.add_answers("pets", "pets-ada", [task(1, cat(0)), task(2, cat(0, "dog"))])
    store.add_answers("pets", "pets-ben", [task(1, cat(2)), task(2, cat(0))])
    run = Running(tmp_path, "review", "final", "pets", "--db", str(tmp_path / "teachbox.db"))
    try:
        project = run.http.get("/project").json()
        assert project["view_id"] == "review"
        assert sorted(label["name"] for label in project["labels"]) == ["cat", "dog"]
        asked = ask(run.http, 4)
        assert [one["meta"]["file"] for one in asked] == ["2.png", "1.png"]
        assert (asked[0]["width"], asked[0]["_view_id"], asked[0]["agreement"]) == (100, "review", 0)
        run.post("/give_answers", answers=[{**asked[0], "answer": "accept", "spans": [cat(1)]}])
        run.end()
    finally:
        run.kill()
    (stored,) = store.effective_answers("final")
    assert stored.task["spans"] == [cat(1)]
    assert [version["names"] for version in stored.task["versions"]] == [["ada"], ["ben"]]


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["final"], "name at least one dataset to review"),
        (["pets", "pets"], "the decisions cannot go to pets, which is reviewed; name a new dataset"),
        (["final", "none"], "there is no dataset 'none'; there is pets"),
        (["final", "pets"], "there is no answer to review in pets"),
        (
            ["final", "sky", "--label", "cat"],
            "--label offers labels of boxes, and the answers in sky are of the view choice",
        ),
        (["final", "blocks"], "dataset blocks: it has answers of the view 'blocks'; answers of image_manual, image"),
    ],
)
def test_what_cannot_be_reviewed(tmp_path, store, argv, says):
    store.add_dataset("pets")
    store.add_answers("sky", "sky-ada", [choice(1, 0)])
    store.add_answers("blocks", "blocks-ada", [task(1, _view_id="blocks")])
    done = subprocess.run(
        [sys.executable, "-m", "teachbox", "review", *argv, "--web-port", "0", "--no-browser"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (1, 2)
    assert done.stderr.count("\n") == 1
    assert says in done.stderr
