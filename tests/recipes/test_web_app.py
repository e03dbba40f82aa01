"""Recipes of one's own through the web app: components checked, hooks called, answers handed on, Ctrl-C."""

import json
import signal
import subprocess
import sys

import pytest
from asking import ask
from PIL import Image
from running import Running

from teachbox.errors import UsageError
from teachbox.recipes.components import check_components
from teachbox.store import Store

GOOD = {"dataset": "pets", "stream": [], "view_id": "image_manual", "config": {"labels": ["cat"]}}

OWN = """
from pathlib import Path
import teachbox

@teachbox.recipe(
    "own.boxes",
    dataset=teachbox.Arg(help="dataset"),
    folder=teachbox.Arg(help="folder"),
    label=teachbox.Arg("--label", "-l", help="labels"),
)
def own_boxes(dataset: str, folder: Path, label: list[str]):
    "Boxes, my way."

    def stream():
        for path in sorted(folder.glob("*.png")):
            yield {"image": str(path), "meta": {"who": "me"}, "spans": []}

    return {
        "dataset": dataset,
        "stream": stream(),
        "view_id": "image_manual",
        "db": "own.db",
        "config": {"labels": label},
        "update": lambda answers: print("update", [task["answer"] for task in answers], flush=True),
        "on_load": lambda controller: print("loaded", controller.dataset, flush=True),
        "on_exit": lambda controller: print("left", controller.store.answer_counts(controller.dataset), flush=True),
    }
"""


@pytest.fixture
def folder(tmp_path):
    for number in (1, 2, 3):
        Image.new("RGB", (40, 30), (50 * number, 0, 0)).save(tmp_path / f"{number}.png")
    (tmp_path / "own.py").write_text(OWN)
    return tmp_path


def test_recipe_of_ones_own(folder):
    run = Running(folder, "own.boxes", "-F", "own.py", "pets", ".", "-l", "cat,dog")
    try:
        project = run.http.get("/project").json()
        assert [label["name"] for label in project["labels"]] == ["cat", "dog"]
        assert project["dataset"] == "pets"
        tasks = ask(run.http, 3)
        assert [task["meta"] for task in tasks] == [{"file": f"{number}.png", "who": "me"} for number in (1, 2, 3)]
        answers = [{**task, "answer": answer} for task, answer in zip(tasks, ("accept", "reject"), strict=False)]
        run.post("/give_answers", answers=answers)
        lines, status = run.end()
    finally:
        run.kill()
    assert status == 0
    assert lines[0].startswith(f"Teachbox is at {run.url} (dataset pets in own.db).")
    assert "loaded pets" in lines
    assert "update ['accept', 'reject']" in lines
    assert lines[-1] == "left {'accept': 1, 'reject': 1, 'ignore': 0}"
    assert "Saved 2 annotations to dataset pets in own.db (1 accept, 1 reject, 0 ignore)" in lines
    with Store.open(folder / "own.db") as store:
        assert [stored.answer for stored in store.effective_answers("pets")] == ["accept", "reject"]


def test_manual_labelling_ends_cleanly_by_sigterm_and_goes_on(folder):
    run = Running(folder, "image.manual", "pets", ".", "--label", "cat")
    try:
        (task,) = run.post("/get_session_questions", n=1)["tasks"]
        run.post("/give_answers", answers=[{**task, "answer": "ignore"}])
        lines, status = run.end(signal.SIGTERM)
    finally:
        run.kill()
    assert (status, lines[-1]) == (
        0,
        "Saved 1 annotation to dataset pets in ./teachbox.db (0 accept, 0 reject, 1 ignore)",
    )
    again = Running(folder, "image.manual", "pets", ".", "--label", "cat")
    try:
        tasks = ask(again.http, 9)
        assert [task["meta"]["file"] for task in tasks] == ["2.png", "3.png"]
        lines, status = again.end()
    finally:
        again.kill()
    assert (status, lines[-1]) == (0, "No new annotations; dataset pets in ./teachbox.db holds 1")


def test_excluded_dataset_and_broken_image(folder):
    (folder / "0.png").write_bytes(b"no image")
    answered = {"path": "2.png", "answer": "accept"}
    (folder / "done.jsonl").write_text(json.dumps(answered))
    subprocess.run([sys.executable, "-m", "teachbox", "db-in", "done", "done.jsonl"], cwd=folder, check=True)
    run = Running(folder, "image.manual", "pets", ".", "--label", "cat", "--exclude", "done")
    try:
        tasks = ask(run.http, 9)
        assert [task["meta"]["file"] for task in tasks] == ["1.png", "3.png"]
        lines, _ = run.end()
    finally:
        run.kill()
    assert any("0.png: not a JPEG, PNG, WebP or BMP image" in line for line in lines)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"dataset": False}, "the recipe's dataset is False; it must be the name of a dataset"),
        ({"view_id": "ner"}, "the recipe's view_id is 'ner'; it can be image, image_manual, classification, choice, r"),
        ({"theme": 1}, "the recipe's component 'theme' is not supported: supported are before_db, config, dataset, db"),
        (
            {"event_hooks": {}},
            "component 'event_hooks' is not supported: no code of others runs on the page",
        ),
        ({"exclude": "done"}, "the recipe's exclude is 'done'; it must be a list of names of datasets"),
        ({"db": True}, "the recipe's db is True; it must be the address of a database"),
        ({"before_db": []}, "the recipe's before_db is []; it must be a function"),
        ({"update": 3}, "the recipe's update is 3; it must be a function"),
        ({"config": {}}, "the recipe's config has no labels"),
        ({"config": []}, "the recipe's config has no labels"),
        ({"config": "labels"}, "the recipe's config is 'labels'; it must be a dict"),
        ({"config": {"labels": ["a"], "swipe": True}}, "the recipe's config: the key `swipe` is not supported"),
    ],
)
def test_components_that_are_refused(change, says):
    with pytest.raises(UsageError) as error:
        check_components({**GOOD, **change})
    assert says in str(error.value)


@pytest.mark.parametrize(
    ("view_id", "blocks", "says"),
    [
        ("blocks", [], "config['blocks'] must list them"),
        ("blocks", ["image"], "`blocks[0]` is 'image'; it must be an object with view_id"),
        (
            "blocks",
            [{"view_id": "ner"}],
            "`blocks[0].view_id` is 'ner'; a block can be image, image_manual, classification",
        ),
        ("blocks", [{"view_id": "review"}], "`blocks[0].view_id` is 'review'; a block can be"),
        ("blocks", [{"view_id": "image", "text": "x"}], "`blocks[0].text` is not supported"),
        ("blocks", [{"view_id": "choice"}], "blocks are choice; exactly one must be image or image_manual"),
        ("blocks", [{"view_id": "image"}, {"view_id": "image_manual"}], "exactly one must be image or image_manual"),
        ("blocks", [{"view_id": "image"}] * 2, "each view can be there once"),
        ("image", [{"view_id": "image"}], "its view_id is 'image'; it must be 'blocks'"),
    ],
)
def test_blocks_that_do_not_go_together(view_id, blocks, says):
    with pytest.raises(UsageError) as error:
        check_components({**GOOD, "view_id": view_id, "config": {"labels": ["a"], "blocks": blocks}})
    assert says in str(error.value)


def test_blocks_that_go_together():
    blocks = [{"view_id": view} for view in ("image_manual", "choice", "classification")]
    check_components({**GOOD, "view_id": "blocks", "config": {"labels": ["a"], "blocks": blocks}})
    check_components({**GOOD, "view_id": "blocks", "config": {"blocks": [{"view_id": "image"}, *blocks[1:]]}})


@pytest.mark.parametrize("missing", ["dataset", "stream", "view_id"])
def test_components_that_are_missing(missing):
    with pytest.raises(UsageError, match=f"have no '{missing}'"):
        check_components({key: value for key, value in GOOD.items() if key != missing})
    with pytest.raises(UsageError, match="returned list"):
        check_components([])


def test_good_components():
    check_components(GOOD)
    check_components({**GOOD, "view_id": "image", "config": {}})
    check_components({**GOOD, "update": print, "on_load": print, "on_exit": None, "exclude": ["x"]})


def test_settings_of_the_project_reach_page_and_commands(folder):
    theme = {"labels": {"cat": "#123456"}}
    (folder / "teachbox.json").write_text(json.dumps({"db": "mine.db", "show_flag": False, "custom_theme": theme}))
    run = Running(folder, "image.manual", "pets", ".", "--label", "cat")
    try:
        project = run.http.get("/project").json()
        (task,) = run.post("/get_session_questions", n=1)["tasks"]
        run.post("/give_answers", answers=[{**task, "answer": "ignore"}])
        lines, _ = run.end()
    finally:
        run.kill()
    assert (project["config"]["show_flag"], project["labels"][0]["color"]) == (False, "#123456")
    assert "db" not in project["config"]
    assert f"in {folder / 'mine.db'} (" in lines[-1]
    stats = [sys.executable, "-m", "teachbox", "stats"]
    done = subprocess.run(stats, cwd=folder, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[1] == "  pets: 0 accept, 0 reject, 1 ignore"
    other = [*stats, "--db", "none.db"]
    assert "none.db" in subprocess.run(other, cwd=folder, capture_output=True, text=True, check=False).stderr
