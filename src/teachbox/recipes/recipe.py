"""Recipes and commands: the decorators that declare them, and the table of the built-in names.

A *recipe* returns components (`dataset`, `stream`, `view_id` …) that the web app serves; a *command* does its
work and returns. Both are plain functions whose typed parameters become the command line; `Arg` says how one
of them is given. A built-in is imported only when it is called: the table holds group, module and summary.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from teachbox.errors import UsageError

Components = dict[str, Any]


@dataclass(frozen=True)
class Arg:
    """How a parameter is given: `Arg(help=…)` by position, `Arg("--steps", "-s", help=…)` as an option.

    The type comes from the annotation (str, int, float, bool, Path, list[str] split at commas, Literal),
    unless `converter` reads the text. With `many`, a list[str] by position takes all the words that are left.
    """

    option: str | None = None
    short: str | None = None
    help: str = ""
    converter: Callable[[str], Any] | None = None
    many: bool = False


@dataclass(frozen=True)
class Recipe:
    """A function that can be called from the command line."""

    name: str
    function: Callable[..., Any]
    args: dict[str, Arg] = field(default_factory=dict)
    serves: bool = True
    """Whether the function returns components for the web app."""


class BuiltIn(NamedTuple):
    """One row of the table: where a built-in lives and what it does, in one line."""

    group: str
    module: str
    summary: str
    raw: bool = False
    """Whether the module's `main(argv)` reads the arguments itself."""


BUILT_IN: dict[str, BuiltIn] = {
    "teach": BuiltIn("Label and teach", "teach", "label a folder of images and teach a detector meanwhile"),
    "image.trainmodel": BuiltIn("Label and teach", "image_trainmodel", "the same, with a pipeline.config of your own"),
    "image.manual": BuiltIn("Label and teach", "image_manual", "draw boxes, without a model"),
    "review": BuiltIn("Label and teach", "review", "decide between the answers of several annotators"),
    "demo": BuiltIn("Label and teach", "demo", "the loop on images that it draws itself"),
    "db-out": BuiltIn("Annotations", "database", "write the answers of a dataset as JSONL"),
    "db-in": BuiltIn("Annotations", "database", "add tasks or answers from a JSONL file to a dataset"),
    "stats": BuiltIn("Annotations", "database", "datasets, answers, runs and versions"),
    "create-tfrecord": BuiltIn("Annotations", "create_tfrecord", "boxes in a CSV file and their images as a TFRecord"),
    "config check": BuiltIn("Models", "config_check", "say whether a pipeline.config parses and can be built"),
    "zoo": BuiltIn("Models", "zoo", "the public models to start from: speed, AP, whether they can be used here"),
    "zoo fetch": BuiltIn("Models", "zoo", "download one of them into a project"),
    "evaluate": BuiltIn("Models", "evaluate", "metrics of a model on images whose boxes are known; a page of mistakes"),
    "export": BuiltIn("Models", "export", "write a trained detector as the Object Detection API's exporters do"),
    "train": BuiltIn("Models", "train", "the trainer alone, on this machine or another"),
    "serve": BuiltIn("Models", "serve", "the model server, with TensorFlow Serving's own flags", raw=True),
}

_declared: dict[str, Recipe] = {}


def recipe(name: str, /, **args: Arg) -> Callable[[Callable[..., Components]], Callable[..., Components]]:
    """Declare a function that returns components: `@teachbox.recipe("boxes", source=Arg(help="folder"))`."""
    return _declare(name, args, serves=True)


def command(name: str, /, **args: Arg) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declare a function that does its work and returns None, or an exit status."""
    return _declare(name, args, serves=False)


def _declare(name: str, args: dict[str, Arg], *, serves: bool) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def declare(function: Callable[..., Any]) -> Callable[..., Any]:
        _declared[name] = Recipe(name, function, args, serves)
        return function

    return declare


def find(name: str) -> Recipe | None:
    """The recipe called `name`: one from a file of one's own before a built-in; None if there is neither."""
    if name not in _declared and name in BUILT_IN and not BUILT_IN[name].raw:
        importlib.import_module(f"teachbox.recipes.{BUILT_IN[name].module}")
    return _declared.get(name)


def load_file(path: Path) -> list[str]:
    """Import a file with recipes of one's own and return the names that it declares.

    Raises `UsageError` where the file is missing, does not import, or declares nothing.
    """
    if not path.is_file():
        raise UsageError("there is no such file with recipes", where=str(path))
    known = dict(_declared)
    module_name = f"teachbox_recipes_{path.stem}"
    spec = importlib.util.spec_from_file_location(module_name, path)
    if spec is None or spec.loader is None:
        raise UsageError("a file with recipes must be a Python file (.py)", where=str(path))
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    try:
        spec.loader.exec_module(module)
    except SyntaxError as error:
        raise UsageError(f"the file with recipes is not Python: {error.msg}", where=f"{path}:{error.lineno}") from error
    except ImportError as error:
        raise UsageError(f"the file with recipes cannot be imported: {error}", where=str(path)) from error
    names = [name for name, declared in _declared.items() if known.get(name) is not declared]
    if not names:
        raise UsageError("the file declares no recipe; decorate a function with @teachbox.recipe", where=str(path))
    return names
