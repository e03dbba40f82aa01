"""The recipe of examples/recipes, as docs/recipes.md calls it: what it asks, refuses, stores and tells."""

from pathlib import Path

import pytest
from asking import ask
from PIL import Image
from running import Running

from teachbox.store import Store

EXAMPLE = Path(__file__).parents[2] / "examples" / "recipes" / "day_or_night.py"


@pytest.fixture
def folder(tmp_path):
    for name, grey in (("noon", 255), ("midnight", 0), ("dusk", 102)):
        Image.new("RGB", (40, 30), (grey, grey, grey)).save(tmp_path / f"{name}.jpg", quality=95)
    return tmp_path


def test_the_example(folder):
    run = Running(folder, "-F", str(EXAMPLE), "day-or-night", "light", ".", "--wanted", "4")
    try:
        project = run.http.get("/project").json()
        assert (project["view_id"], project["config"]["choice_auto_accept"]) == ("choice", True)
        assert run.post("/get_session_questions", n=1)["progress"] == 0
        given = ask(run.http, 3)
        files = [(task["meta"]["file"], task["meta"]["brightness"]) for task in given]
        assert files == [("midnight.jpg", 0.0), ("dusk.jpg", 0.4), ("noon.jpg", 1.0)]
        midnight, dusk, noon = given
        refused = run.http.post("/give_answers", json={"answers": [{**midnight, "answer": "accept", "accept": []}]})
        assert (refused.status_code, refused.json()) == (400, {"error": "choose an option first, or ignore the image"})
        saved = run.post("/give_answers", answers=[{**midnight, "answer": "accept", "accept": ["night"]}])
        assert saved["progress"] == 0.25
        run.post("/give_answers", answers=[{**noon, "answer": "accept", "accept": ["day"]}])
        run.post("/give_answers", answers=[{**dusk, "answer": "ignore", "accept": []}])
        lines, status = run.end()
    finally:
        run.kill()
    assert status == 0
    assert f"3 photographs, from {run.url}" in lines
    assert lines[-1] == "This time: {'night': 1, 'day': 1}"
    with Store.open(folder / "teachbox.db") as store:
        answers = [stored.task for stored in store.effective_answers("light")]
    assert [(task["meta"]["file"], task["answer"], task["accept"], task["light"]) for task in answers] == [
        ("midnight.jpg", "accept", ["night"], "night"),
        ("noon.jpg", "accept", ["day"], "day"),
        ("dusk.jpg", "ignore", [], None),
    ]


def test_its_page_is_the_command_of_the_docs():
    docs = (EXAMPLE.parents[2] / "docs" / "recipes.md").read_text()
    assert "teachbox -F examples/recipes/day_or_night.py day-or-night light ~/photos" in docs
    signature = EXAMPLE.read_text().partition("@teachbox.recipe(")[2].partition(") -> dict:")[0]
    assert signature in docs
