"""What a recipe returns, checked before anything of it is started."""

from __future__ import annotations

from typing import Any

from teachbox.errors import UsageError
from teachbox.recipes.settings import read_settings
from teachbox.web.project_labels import ProjectLabels
from teachbox.web.questions import SHOWN, VIEWS

REQUIRED = ("dataset", "stream", "view_id")
HOOKS = (
    "before_db",
    "on_exit",
    "on_load",
    "predict",
    "progress",
    "served_version",
    "tensorboard",
    "update",
    "validate_answer",
)
OPTIONAL = ("config", "db", "exclude", "labels", *HOOKS)
REFUSED = {
    "get_session_id": "a person names the session in the page's address, ?session=NAME",
    "session_factory": "a person names the session in the page's address, ?session=NAME",
    "task_router": "each task goes to one session; `teachbox review` compares datasets",
    "event_hooks": "no code of others runs on the page",
    "metrics": "`teachbox evaluate` measures, `teachbox review` compares annotators",
}
"""Components of Prodigy's that there are not: what is so instead."""


def check_components(components: Any) -> None:
    """Raises `UsageError` naming what of a recipe's components is missing, wrong, or not supported here."""
    if not isinstance(components, dict):
        raise UsageError(f"the recipe returned {type(components).__name__}; it must return a dict of components")
    for key in REQUIRED:
        if key not in components:
            raise UsageError(f"the recipe's components have no {key!r}; they need {', '.join(REQUIRED)}")
    for key in components:
        if key not in REQUIRED + OPTIONAL:
            supported = f"supported are {', '.join(sorted(REQUIRED + OPTIONAL))}"
            raise UsageError(f"the recipe's component {key!r} is not supported: {REFUSED.get(key, supported)}")
    if not isinstance(components["dataset"], str) or not components["dataset"]:
        raise UsageError(f"the recipe's dataset is {components['dataset']!r}; it must be the name of a dataset")
    for key in HOOKS:
        if components.get(key) is not None and not callable(components[key]):
            raise UsageError(f"the recipe's {key} is {components[key]!r}; it must be a function")
    exclude = components.get("exclude") or []
    if not isinstance(exclude, list) or not all(isinstance(name, str) for name in exclude):
        raise UsageError(f"the recipe's exclude is {exclude!r}; it must be a list of names of datasets")
    if not isinstance(components.get("db") or "", str):
        raise UsageError(f"the recipe's db is {components['db']!r}; it must be the address of a database")
    labels = components.get("labels")
    if labels is not None and not isinstance(labels, ProjectLabels):
        raise UsageError(f"the recipe's labels are {labels!r}; names belong in config['labels']")
    config = components.get("config") or {}
    if not isinstance(config, dict):
        raise UsageError(f"the recipe's config is {config!r}; it must be a dict")
    view_id = components["view_id"]
    if view_id not in VIEWS:
        raise UsageError(f"the recipe's view_id is {view_id!r}; it can be {', '.join(VIEWS)}")
    settings = read_settings(config)
    views = views_of(view_id, settings)
    # Those of a review are its answers', unless it says others.
    if "image_manual" in views and not settings["labels"]:
        raise UsageError("the recipe's config has no labels; give at least one, in config['labels']")


def views_of(view_id: str, settings: dict[str, Any]) -> tuple[str, ...]:
    """The views that are shown together. Raises `UsageError` for blocks that do not go together."""
    blocks = settings["blocks"]
    if view_id == "review" and not blocks:
        return ("review",)
    if view_id not in ("blocks", "review"):
        if blocks:
            raise UsageError(f"the recipe's config has blocks, and its view_id is {view_id!r}; it must be 'blocks'")
        return (view_id,)
    if not blocks:
        raise UsageError("the recipe's view_id is 'blocks'; config['blocks'] must list them: [{'view_id': …}, …]")
    views = tuple(block["view_id"] for block in blocks)
    if len(set(views)) < len(views):
        raise UsageError(f"the recipe's blocks are {', '.join(views)}; each view can be there once")
    if sum(view in SHOWN for view in views) != 1:
        raise UsageError(f"the recipe's blocks are {', '.join(views)}; exactly one must be {' or '.join(SHOWN)}")
    return views if view_id == "blocks" else (*views, "review")
