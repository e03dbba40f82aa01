"""Typed parameters ↔ command line: an argparse parser from a function's signature."""

from __future__ import annotations

import argparse
import inspect
import types
import typing
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, NoReturn

from teachbox.errors import UsageError
from teachbox.recipes.recipe import Arg, Recipe


class _Parser(argparse.ArgumentParser):
    """argparse, except that a wrong command line raises `UsageError`."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message} (teachbox {self.prog.removeprefix('teachbox ')} --help tells more)")


def split_commas(text: str) -> list[str]:
    """`"a, b"` → `["a", "b"]`."""
    return [part.strip() for part in text.split(",") if part.strip()]


def parser_for(recipe: Recipe, extra: Recipe | None = None) -> argparse.ArgumentParser:
    """The parser of a recipe's parameters, and of those of `extra` (the web app's options)."""
    parser = _Parser(
        prog=f"teachbox {recipe.name}",
        description=inspect.getdoc(recipe.function),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    _add(parser, recipe)
    if extra is not None:
        _add(parser.add_argument_group("web app"), extra)
    return parser


def parse(parser: argparse.ArgumentParser, argv: Sequence[str]) -> dict[str, Any]:
    """Arguments by parameter name. `--csv_input` is read as `--csv-input`, for every option."""
    return vars(parser.parse_args([_hyphens(token) for token in argv]))


def pick(recipe: Recipe, values: dict[str, Any]) -> dict[str, Any]:
    """Those of `values` that are parameters of the recipe's function."""
    return {name: values[name] for name in inspect.signature(recipe.function).parameters}


def _hyphens(token: str) -> str:
    if not token.startswith("--"):
        return token
    name, equals, value = token.partition("=")
    return name.replace("_", "-") + equals + value


def _add(parser: argparse._ActionsContainer, recipe: Recipe) -> None:
    hints = typing.get_type_hints(recipe.function)
    for parameter in inspect.signature(recipe.function).parameters.values():
        arg = recipe.args.get(parameter.name, Arg())
        required = parameter.default is inspect.Parameter.empty
        as_option = arg.option is not None or (parameter.name not in recipe.args and not required)
        convert, choices, is_flag = _converter(recipe, parameter.name, hints.get(parameter.name, str))
        keywords: dict[str, Any] = {"help": _help(arg, parameter.default, is_flag)}
        if is_flag and as_option:
            keywords["action"] = "store_true"
        else:
            keywords["type"] = arg.converter or convert
            keywords["choices"] = choices
        if not as_option:
            if arg.many:
                keywords |= {"nargs": "*", "type": arg.converter or str}
            elif not required:
                keywords["nargs"] = "?"
                keywords["default"] = parameter.default
            parser.add_argument(parameter.name, **keywords)
            continue
        option = (arg.option or f"--{parameter.name}").replace("_", "-")
        names = [arg.short, option] if arg.short else [option]
        if not is_flag:
            keywords["metavar"] = None if choices else option.removeprefix("--").upper().replace("-", "_")
        parser.add_argument(
            *names,
            dest=parameter.name,
            required=required,
            default=None if required else parameter.default,
            **keywords,
        )


def _help(arg: Arg, default: object, is_flag: bool) -> str:
    text = arg.help.replace("%", "%%")
    if is_flag or default in (inspect.Parameter.empty, None, "") or default == []:
        return text
    return f"{text} (default: {default})"


def _converter(recipe: Recipe, name: str, hint: Any) -> tuple[Callable[[str], Any], Sequence[Any] | None, bool]:
    """How text becomes a value of type `hint`: (converter, choices, is a flag)."""
    origin = typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        inner = [member for member in typing.get_args(hint) if member is not type(None)]
        if len(inner) == 1:
            return _converter(recipe, name, inner[0])
    if origin is Literal:
        choices = typing.get_args(hint)
        return type(choices[0]), choices, False
    if hint is bool:
        return bool, None, True
    if hint in (str, int, float, Path):
        return hint, None, False
    if hint in (list, list[str]):
        return split_commas, None, False
    raise UsageError(
        f"parameter {name!r} has type {hint}; it can be str, int, float, bool, Path, list[str] or Literal",
        where=f"recipe {recipe.name}",
    )
