"""The command line: help, names, files with recipes of one's own, errors as one line."""

import os
import subprocess
import sys

import pytest

from teachbox import cli
from teachbox.config.starter import write_starter
from teachbox.recipes.recipe import BUILT_IN


def teachbox(*argv, **environment):
    return subprocess.run(
        [sys.executable, "-m", "teachbox", *map(str, argv)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **environment},
    )


def test_help_lists_every_name_and_imports_nothing_heavy():
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "teachbox", "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    for name, row in BUILT_IN.items():
        assert f"  {name} " in done.stdout
        assert row.summary in done.stdout
    modules = {line.rsplit("|", 1)[1].strip() for line in done.stderr.splitlines() if "|" in line}
    assert "teachbox.cli" in modules
    heavy = {
        "numpy",
        "fastapi",
        "uvicorn",
        "sqlalchemy",
        "grpc",
        "tensorflow",
        "keras",
        "PIL",
        "google.protobuf",
    }
    assert not heavy & modules
    assert not {module for module in modules if module.startswith("teachbox.recipes.")} - {
        "teachbox.recipes.arguments",
        "teachbox.recipes.recipe",
    }


def test_a_config_is_checked_without_tensorflow(tmp_path):
    """Only names of variables, which this config has none of, need the detector."""
    config, _ = write_starter(tmp_path, ["fox"])
    code = (
        "import sys; from teachbox.cli import run\n"
        "assert run(['config', 'check', sys.argv[1]]) == 0\n"
        "assert not {'tensorflow', 'keras', 'numpy'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(config)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "everything in it is built" in done.stdout
    assert "  trained " not in done.stdout


@pytest.mark.parametrize("name", sorted(BUILT_IN))
def test_every_command_has_help_without_tensorflow(name):
    code = (
        "import sys; from teachbox.cli import run\n"
        "try: status = run(sys.argv[1:])\n"
        "except SystemExit as end: status = end.code\n"
        "assert 'tensorflow' not in sys.modules and 'keras' not in sys.modules\n"
        "sys.exit(status)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *name.split(), "--help"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "usage:" in done.stdout


def test_no_command_is_usage():
    done = teachbox()
    assert done.returncode == 2
    assert "image.trainmodel" in done.stdout


@pytest.mark.parametrize(
    ("argv", "line"),
    [
        (
            ["tech"],
            "there is no recipe or command 'tech'; did you mean 'teach'? (teachbox --help lists them)",
        ),
        (["image.trainmode"], "did you mean 'image.trainmodel'?"),
        (["db-out"], "the following arguments are required: dataset (teachbox db-out --help tells more)"),
        (["-F"], "teachbox: -F needs the path of a Python file with recipes"),
        (["-F", "none.py", "x"], "teachbox: none.py: there is no such file with recipes"),
    ],
)
def test_wrong_command_line_is_one_line(argv, line):
    done = teachbox(*argv)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert line in done.stderr
    assert done.stdout == ""


def test_error_is_one_line_and_status_1(tmp_path):
    done = teachbox("config", "check", tmp_path / "none.config")
    assert done.returncode == 1
    assert done.stderr.startswith("teachbox: ")
    assert done.stderr.count("\n") == 1
    assert "none.config" in done.stderr


def test_wrong_logging_level():
    done = teachbox("stats", TEACHBOX_LOGGING="loud")
    assert (done.returncode, done.stderr) == (
        2,
        "teachbox: TEACHBOX_LOGGING is 'loud'; it can be basic or verbose\n",
    )


OWN = """
import logging
import teachbox
from teachbox.recipes.recipe import command

@command("add", one=teachbox.Arg(help="a number"), two=teachbox.Arg("--two", "-two"))
def add(one: int, two: int = 2) -> int:
    logging.getLogger("teachbox.own").info("adding")
    print(one + two)
    return 0 if two else 3
"""


@pytest.fixture
def own(tmp_path):
    path = tmp_path / "own.py"
    path.write_text(OWN)
    return path


@pytest.mark.parametrize("place", [0, 1, 4])
def test_file_with_recipes_anywhere_on_the_line(own, place):
    argv = ["add", "40", "-two", "1"]
    argv[place:place] = ["-F", str(own)]
    done = teachbox(*argv)
    assert (done.returncode, done.stdout, done.stderr) == (0, "41\n", "")


def test_own_status_help_and_log_lines(own):
    assert teachbox("-F", own, "add", "1", "--two", "0").returncode == 3
    assert "From your file:\n  add" in teachbox("-F", own, "--help").stdout
    for name in ("TEACHBOX_LOGGING", "PRODIGY_LOGGING"):
        line = teachbox("-F", own, "add", "1", **{name: "basic"}).stderr
        assert line.endswith("teachbox.own: adding\n")
        assert line[2] == line[5] == ":"  # a time stamp


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("def broken(:\n", ":1: the file with recipes is not Python: "),
        ("import prodigyy\n", "the file with recipes cannot be imported: No module named 'prodigyy'"),
        ("x = 1\n", "the file declares no recipe; decorate a function with @teachbox.recipe"),
    ],
)
def test_file_without_usable_recipes(tmp_path, text, says):
    path = tmp_path / "own.py"
    path.write_text(text)
    done = teachbox("-F", path, "x")
    assert done.returncode == 2
    assert says in done.stderr
    assert done.stderr.count("\n") == 1


def test_interrupt_is_clean(monkeypatch, capsys):
    def interrupted(argv):
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "_dispatch", interrupted)
    assert cli.run([]) == 130
    assert capsys.readouterr().err == "teachbox: stopped\n"


def test_reader_that_leaves_early(own):
    done = subprocess.run(
        f"{sys.executable} -m teachbox --help | true", shell=True, capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
