"""Teachbox teaches an object detector while you label.

A file with recipes of one's own (`teachbox -F FILE`) needs two names: `teachbox.recipe` and `teachbox.Arg`.
"""

import importlib
from typing import Any

__version__ = "0.1.0"

_FOR_RECIPES = ("Arg", "recipe")


def __getattr__(name: str) -> Any:
    """Names for files with recipes, imported when they are asked for: the package itself imports no room."""
    if name in _FOR_RECIPES:
        return getattr(importlib.import_module("teachbox.recipes.recipe"), name)
    raise AttributeError(f"module 'teachbox' has no attribute {name!r}")
