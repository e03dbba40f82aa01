"""The command line: finds the recipe, reads its arguments, runs it; an error is one line, no traceback."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from teachbox import __version__
from teachbox.errors import TeachboxError, UsageError
from teachbox.recipes import arguments, recipe

LOGGING_VARIABLES = ("TEACHBOX_LOGGING", "PRODIGY_LOGGING")
_LEVELS = {"basic": logging.INFO, "verbose": logging.DEBUG}
_STOPPED = 130


def run(argv: Sequence[str] | None = None) -> int:
    """Run one command line (`sys.argv`, if None); returns the exit status: 0, 1 for an error, 2 for usage."""
    try:
        _set_up_logging()
        status = _dispatch(list(sys.argv[1:] if argv is None else argv))
        sys.stdout.flush()
    except UsageError as error:
        return _fail(error, 2)
    except TeachboxError as error:
        return _fail(error, 1)
    except BrokenPipeError:
        # Whoever read our output has gone (`teachbox stats | head`): leave quietly, also at the last flush.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        return _fail(error, 1)
    except KeyboardInterrupt:
        print("teachbox: stopped", file=sys.stderr)
        return _STOPPED
    return status


def _fail(error: Exception, status: int) -> int:
    logging.getLogger(__name__).debug("where the error was raised", exc_info=error)
    print(f"teachbox: {' '.join(str(error).split())}", file=sys.stderr)
    return status


def _dispatch(argv: list[str]) -> int:
    own_names, argv = _load_files(argv)
    if not argv or argv[0] in ("-h", "--help", "help"):
        print(_overview(own_names))
        return 0 if argv or own_names else 2
    if argv[0] == "--version":
        print(f"teachbox {__version__}")
        return 0
    name, rest = _split_name(argv)
    built_in = recipe.BUILT_IN.get(name)
    if built_in is not None and built_in.raw and name not in own_names:
        return _run_raw(built_in.module, rest)
    found = recipe.find(name)
    if found is None:
        raise UsageError(_unknown(name, [*own_names, *recipe.BUILT_IN]))
    return _run_recipe(found, rest)


def _run_recipe(found: recipe.Recipe, rest: list[str]) -> int:
    if not found.serves:
        values = arguments.parse(arguments.parser_for(found), rest)
        return int(found.function(**arguments.pick(found, values)) or 0)
    from teachbox.recipes import settings, web_app

    options = recipe.Recipe("web", web_app.WebOptions, web_app.ARGS)
    parser = arguments.parser_for(found, options)
    parser.epilog = settings.ORDER
    values = arguments.parse(parser, rest)
    web_options = web_app.WebOptions(**arguments.pick(options, values))
    status: int = web_app.run(lambda: found.function(**arguments.pick(found, values)), web_options)
    return status


def _run_raw(module: str, rest: list[str]) -> int:
    import importlib

    return int(importlib.import_module(f"teachbox.recipes.{module}").main(rest))


def _load_files(argv: list[str]) -> tuple[list[str], list[str]]:
    """Import every `-F FILE`; returns the names declared there, and the command line without them."""
    names: list[str] = []
    rest: list[str] = []
    tokens = iter(argv)
    for token in tokens:
        if token != "-F":
            rest.append(token)
            continue
        file = next(tokens, None)
        if file is None:
            raise UsageError("-F needs the path of a Python file with recipes")
        names += recipe.load_file(Path(file))
    return names, rest


def _split_name(argv: list[str]) -> tuple[str, list[str]]:
    """`config check FILE` has a name of two words."""
    two = " ".join(argv[:2])
    if two in recipe.BUILT_IN:
        return two, argv[2:]
    return argv[0], argv[1:]


def _unknown(name: str, known: list[str]) -> str:
    import difflib

    near = difflib.get_close_matches(name, known, n=1) or [other for other in known if other.startswith(name)][:1]
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return f"there is no recipe or command {name!r}{hint} (teachbox --help lists them)"


def _overview(own_names: list[str]) -> str:
    width = max(map(len, [*recipe.BUILT_IN, *own_names]))
    lines = ["usage: teachbox [-F FILE] COMMAND …      teachbox COMMAND --help tells more", ""]
    lines += ["Teaches an object detector while you label."]
    for group in dict.fromkeys(row.group for row in recipe.BUILT_IN.values()):
        lines += ["", f"{group}:"]
        lines += [f"  {name:<{width}}  {row.summary}" for name, row in recipe.BUILT_IN.items() if row.group == group]
    if own_names:
        lines += ["", "From your file:", *(f"  {name}" for name in own_names)]
    lines += [
        "",
        "-F FILE adds recipes of your own, written in Python.",
        "TEACHBOX_LOGGING=basic (or verbose) in the environment prints what happens, with times.",
    ]
    return "\n".join(lines)


def _set_up_logging() -> None:
    """Warnings always; with `TEACHBOX_LOGGING` (or `PRODIGY_LOGGING`) set, time-stamped lines."""
    choice = next((os.environ[name] for name in LOGGING_VARIABLES if os.environ.get(name)), None)
    if choice is None:
        logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s")
        return
    if choice not in _LEVELS:
        raise UsageError(f"TEACHBOX_LOGGING is {choice!r}; it can be basic or verbose")
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s: %(message)s", datefmt="%H:%M:%S")
    logging.getLogger("teachbox").setLevel(_LEVELS[choice])
