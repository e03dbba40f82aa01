"""Typed parameters become a command line; wrong ones raise UsageError."""

from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teachbox.errors import UsageError
from teachbox.recipes import arguments
from teachbox.recipes.recipe import Arg, Recipe


def sample(
    name: str,
    *,
    label: list[str] | None = None,
    label_map_path: Path | None = None,
    steps: int = -1,
    threshold: float = 0.5,
    level: Literal[10, 40] = 40,
    run_eval: bool = False,
) -> None:
    """A sample."""


RECIPE = Recipe(
    "sample",
    sample,
    {
        "name": Arg(help="a name"),
        "label": Arg("--label", "-l"),
        "label_map_path": Arg("--label-map-path", "-lmp"),
        "steps": Arg("--steps-per-epoch", "-spe"),
        "level": Arg("--level", "-tl"),
        "run_eval": Arg("--run-eval", "-E"),
    },
)


def parse(*argv: str) -> dict:
    return arguments.parse(arguments.parser_for(RECIPE), argv)


def test_defaults():
    assert parse("x") == {
        "name": "x", "label": None, "label_map_path": None, "steps": -1, "threshold": 0.5, "level": 40,
        "run_eval": False,
    }  # fmt: skip


def test_short_flags_of_several_letters():
    assert parse("x", "-lmp", "a/b.pbtxt", "-l", "cat, dog", "-spe", "-1", "-tl", "10", "-E") == {
        "name": "x", "label": ["cat", "dog"], "label_map_path": Path("a/b.pbtxt"), "steps": -1,
        "threshold": 0.5, "level": 10, "run_eval": True,
    }  # fmt: skip


def test_underscores_are_hyphens():
    assert parse("x", "--label_map_path=a_b.pbtxt")["label_map_path"] == Path("a_b.pbtxt")


def test_as_many_words_as_there_are():
    def find(words: list[str] | None = None, *, all_of: bool = False) -> None:
        """Find."""

    parser = arguments.parser_for(Recipe("find", find, {"words": Arg(help="words", many=True)}))
    assert arguments.parse(parser, ["a", "b,c"]) == {"words": ["a", "b,c"], "all_of": False}
    assert arguments.parse(parser, ["--all-of"]) == {"words": [], "all_of": True}


@given(st.integers(-(10**9), 10**9), st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_come_back(steps, threshold):
    values = parse("x", f"--steps-per-epoch={steps}", f"--threshold={threshold!r}")
    assert (values["steps"], values["threshold"]) == (steps, threshold)


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        ([], "the following arguments are required: name"),
        (["x", "--steps-per-epoch", "many"], "invalid int value: 'many'"),
        (["x", "--level", "20"], "invalid choice: 20"),
        (["x", "--label-map", "f"], "unrecognized arguments: --label-map f"),
    ],
)
def test_wrong_command_lines(argv, says):
    with pytest.raises(UsageError, match=says):
        parse(*argv)


def test_type_that_cannot_be_given():
    def odd(name: dict) -> None: ...

    with pytest.raises(UsageError, match=r"recipe odd: parameter 'name' has type <class 'dict'>"):
        arguments.parser_for(Recipe("odd", odd, {}))
