"""db-in, db-out, stats: what goes in comes out, and what is wrong is said with its line."""

import json

import pytest
from PIL import Image

from teachbox import cli
from teachbox.annotation import input_hash, make_span
from teachbox.store import Store


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for number in (1, 2, 3):
        Image.new("RGB", (40 * number, 30), (number, 0, 0)).save(tmp_path / f"{number}.png")
    return tmp_path


def write(path, *tasks):
    path.write_text("".join(json.dumps(task) + "\n" for task in tasks))


def test_in_and_out_again(here, capsys):
    box = make_span("cat", 1, 2, 11, 22)
    write(
        here / "in.jsonl",
        {"path": "1.png", "spans": [box], "answer": "accept", "_task_hash": 77, "meta": {"by": "hand"}},
        {"image": "2.png"},
        {"image": str(here / "3.png"), "spans": [{"label": "dog", "points": [[1, 1], [5, 9]]}], "answer": "reject"},
    )
    assert cli.run(["db-in", "pets", "in.jsonl", "--answer", "ignore"]) == 0
    assert (
        capsys.readouterr().out == "added 3 answers to dataset pets in ./teachbox.db (1 accept, 1 reject, 1 ignore)\n"
    )

    assert cli.run(["db-out", "pets"]) == 0
    tasks = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [task["answer"] for task in tasks] == ["accept", "ignore", "reject"]
    assert tasks[0]["spans"] == [box]
    assert tasks[0]["meta"] == {"by": "hand", "file": "1.png"}
    assert (tasks[0]["_task_hash"], tasks[0]["_input_hash"]) == (77, input_hash((here / "1.png").read_bytes()))
    assert [(task["path"], task["width"], task["height"]) for task in tasks] == [
        (str(here / "1.png"), 40, 30), (str(here / "2.png"), 80, 30), (str(here / "3.png"), 120, 30),
    ]  # fmt: skip

    # Out to a file, in to another dataset, out again: the same answers.
    assert cli.run(["db-out", "pets", "out.jsonl"]) == 0
    assert cli.run(["db-in", "again", "out.jsonl"]) == 0
    assert cli.run(["db-out", "again", "twice.jsonl"]) == 0
    first, second = (
        [json.loads(line) for line in (here / name).read_text().splitlines()] for name in ("out.jsonl", "twice.jsonl")
    )
    assert first == second == tasks
    assert not list(here.glob(".*.part"))

    capsys.readouterr()
    assert cli.run(["db-out", "pets", "--answer", "accept"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1
    assert cli.run(["stats"]) == 0
    assert capsys.readouterr().out == (
        "2 datasets in ./teachbox.db\n  pets: 1 accept, 1 reject, 1 ignore\n  again: 1 accept, 1 reject, 1 ignore\n"
    )


def test_stats_of_one_dataset(here, capsys):
    with Store.open(here / "teachbox.db") as store:
        store.add_dataset("pets")
        store.add_version("pets", 1700000000, step=20, path=here)
        store.add_metrics("pets", version=1700000000, step=20, metrics={"mAP": 0.25})
    assert cli.run(["stats", "pets"]) == 0
    assert capsys.readouterr().out == (
        "dataset pets in ./teachbox.db: 0 accept, 0 reject, 0 ignore\n"
        "  rounds of training: 0\n  versions: 1, the newest 1700000000\n  mAP: 0.25\n"
    )


@pytest.mark.parametrize("argv", [["db-out", "pets"], ["stats"], ["stats", "pets", "--db", "sqlite:///none.db"]])
def test_asking_makes_no_database(here, capsys, argv):
    assert cli.run(argv) == 1
    assert "there is no database here; --db names another" in capsys.readouterr().err
    assert not list(here.glob("*.db"))


def test_unknown_dataset(here, capsys):
    with Store.open(here / "teachbox.db") as store:
        store.add_dataset("pets")
    assert cli.run(["db-out", "pest"]) == 1
    assert capsys.readouterr().err == "teachbox: ./teachbox.db: there is no dataset 'pest'; there is pets\n"


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("{", "in.jsonl:2: not a line of JSON"),
        ("[]", "in.jsonl:2: a task must be an object"),
        ('{"path": "none.png"}', "none.png: the image cannot be read (No such file or directory)"),
        ('{"image": "data:image/png;base64,AA"}', "in.jsonl:2: the image is inlined as base64"),
        ('{"path": "1.png", "answer": "maybe"}', "`answer` is 'maybe'; it must be one of accept, reject, ignore"),
        ('{"path": "1.png", "spans": [{"x": 1}]}', "has neither x, y, width, height nor points"),
    ],
)
def test_all_or_nothing(here, capsys, line, says):
    (here / "in.jsonl").write_text(f'{{"path": "1.png"}}\n{line}\n')
    assert cli.run(["db-in", "pets", "in.jsonl"]) == 1
    error = capsys.readouterr().err
    assert says in error
    assert error.count("\n") == 1
    assert not list(here.glob("*.db"))


def test_not_jsonl(here, capsys):
    assert cli.run(["db-in", "pets", "1.png"]) == 1
    assert "1.png: db-in reads .jsonl or .ndjson files, one task a line" in capsys.readouterr().err
