"""Settings in layers, each over the one before: what the recipe says, teachbox.json of the person, teachbox.json of the
working directory, the environment, the options of the command line.
"""

from __future__ import annotations

import difflib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from teachbox.errors import UsageError
from teachbox.recipes.settings_keys import KEYS, REFUSED

FILE = "teachbox.json"
HOME = "TEACHBOX_HOME"
OVERRIDES = "TEACHBOX_CONFIG_OVERRIDES"
VARIABLES = {"TEACHBOX_HOST": "host", "TEACHBOX_PORT": "port", "TEACHBOX_DB": "db"}
OPTIONS = {"host": "--web-host", "port": "--web-port", "db": "--db", "open_browser": "--no-browser"}
DEFAULT_DB = "./teachbox.db"
ORDER = f"""\
Settings, each over the one before: the recipe's own; {FILE} in ~/.teachbox (or in the folder that {HOME} names);
{FILE} in the working directory; {OVERRIDES}, a JSON object, then {", ".join(VARIABLES)}, in the environment;
the options here. docs/settings.md lists the keys."""


class Layer(NamedTuple):
    """Some settings, and where they stand."""

    values: Mapping[str, Any]
    where: str
    folder: Path | None = None
    """Of the file that they stand in: paths in it are beside it."""


def read_settings(recipe: Mapping[str, Any] | None = None, options: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Every key with the value that counts. Raises `UsageError`: where a key stands, what it holds, what is right.

    `recipe` is a recipe's `config`; of `options` those that are None were not given.
    """
    layers = [Layer(recipe or {}, "the recipe's config")]
    layers += outer_layers()
    layers += [Layer({name: value}, OPTIONS[name]) for name, value in (options or {}).items() if value is not None]
    values = {name: key.default for name, key in KEYS.items()}
    for layer in layers:
        for name, value in layer.values.items():
            check_key(name, value, layer)
            values[name] = _merged(values[name], _placed(name, value, layer.folder))
    if values["choice_auto_accept"] and values["choice_style"] == "multiple":
        raise UsageError("`choice_auto_accept` goes with `choice_style` single: of multiple options none is the last")
    return values


def db_address(option: str | None = None) -> str:
    """The database that a command works on: what --db says, else what the settings say."""
    return str(read_settings(options={"db": option})["db"] or DEFAULT_DB)


def outer_layers() -> list[Layer]:
    """The files and the environment, in their order."""
    home = Path(os.environ.get(HOME) or "~/.teachbox").expanduser()
    files = [home / FILE, Path(FILE)]
    if files[0].absolute() == files[1].absolute():
        files = files[:1]
    return [*(_read_file(file) for file in files if file.exists()), *_environment()]


def check_key(name: str, value: Any, layer: Layer) -> None:
    """Raises `UsageError` unless the key is known, may stand in this layer, and has a value that it can have."""
    key = KEYS.get(name)
    in_recipe = layer.where == "the recipe's config"
    if name in REFUSED:
        raise UsageError(f"the key `{name}` is not supported: {REFUSED[name]}", where=layer.where)
    if key is None:
        raise UsageError(f"there is no key `{name}`{_near(name, in_recipe)}", where=layer.where)
    if key.place == "recipe" and not in_recipe:
        raise UsageError(f"the key `{name}` belongs to a recipe; settings are of all recipes", where=layer.where)
    if key.place == "outside" and in_recipe:
        raise UsageError(f"the key `{name}` belongs into {FILE}, not into a recipe", where=layer.where)
    problem = key.problem(name, value)
    if problem:
        raise UsageError(problem, where=layer.where)


def _near(name: str, in_recipe: bool) -> str:
    known = [known for known, key in KEYS.items() if key.place != ("outside" if in_recipe else "recipe")]
    near = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean `{near[0]}`?" if near else f"; there are {', '.join(sorted(known))}"


def _read_file(file: Path) -> Layer:
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise UsageError(f"not JSON: {error.msg}", where=f"{file}:{error.lineno}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"the settings cannot be read ({error})", where=str(file)) from error
    if not isinstance(values, dict):
        raise UsageError(f'settings must be an object, such as {{"port": 8080}}; found {values!r}', where=str(file))
    return Layer(values, str(file), file.absolute().parent)


def _environment() -> list[Layer]:
    layers = []
    text = os.environ.get(OVERRIDES)
    if text:
        try:
            values = json.loads(text)
        except json.JSONDecodeError as error:
            raise UsageError(f"not JSON: {error.msg}", where=OVERRIDES) from error
        if not isinstance(values, dict):
            raise UsageError(f'settings must be an object, such as {{"port": 8080}}; found {values!r}', where=OVERRIDES)
        layers.append(Layer(values, OVERRIDES))
    for variable, name in VARIABLES.items():
        value = os.environ.get(variable)
        if value:
            layers.append(Layer({name: int(value) if name == "port" and value.isdecimal() else value}, variable))
    return layers


def _placed(name: str, value: Any, folder: Path | None) -> Any:
    """A file that a file of settings names lies beside it."""
    if not KEYS[name].is_path or folder is None or not isinstance(value, str) or "://" in value:
        return value
    return str(folder / Path(value).expanduser())


def _merged(before: Any, value: Any) -> Any:
    """Objects are merged key by key: a theme's colours stand in one file, its width in another."""
    if not isinstance(before, Mapping) or not isinstance(value, Mapping):
        return value
    return {**before, **{key: _merged(before.get(key), one) for key, one in value.items()}}
