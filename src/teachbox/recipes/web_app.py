"""Serves what a recipe returns: checks it, opens the store, runs the page until Ctrl-C, says what was saved."""

from __future__ import annotations

import logging
import threading
import webbrowser
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from teachbox.errors import TeachboxError
from teachbox.labels import PALETTE, LabelMap
from teachbox.recipes.components import check_components, views_of
from teachbox.recipes.database import DB_HELP, address_text, counts_text
from teachbox.recipes.recipe import Arg, Components
from teachbox.recipes.settings import DEFAULT_DB, read_settings
from teachbox.recipes.settings_keys import KEYS
from teachbox.recipes.streams import as_tasks, span_labels
from teachbox.recipes.versions import review_settings
from teachbox.store import Store
from teachbox.web.app import create_app
from teachbox.web.feed import Feed
from teachbox.web.hooks import Hooks
from teachbox.web.instructions import read_instructions
from teachbox.web.project_labels import ProjectLabels
from teachbox.web.questions import Question
from teachbox.web.server import WebServer, bind

logger = logging.getLogger(__name__)

UPDATE_POLL_S = 0.25
_LOOPBACK = ("127.0.0.1", "localhost")


@dataclass(frozen=True)
class WebOptions:
    """Options of every recipe that serves a page."""

    web_host: str | None = None
    web_port: int | None = None
    no_browser: bool = False
    db: str | None = None

    @property
    def settings(self) -> dict[str, Any]:
        """Those that were given, by the keys that settings have for them."""
        opens = False if self.no_browser else None
        return {"host": self.web_host, "port": self.web_port, "db": self.db, "open_browser": opens}


ARGS = {
    "web_host": Arg("--web-host", help="address that the page is served at (default: 127.0.0.1)"),
    "web_port": Arg("--web-port", help="its port; 0 takes any that is free (default: 8080)"),
    "no_browser": Arg("--no-browser", help="do not open the page in a browser"),
    "db": Arg("--db", help=DB_HELP),
}


@dataclass(frozen=True)
class Controller:
    """What `on_load(controller)` and `on_exit(controller)` of a recipe are told."""

    store: Store
    feed: Feed
    dataset: str
    db: str
    """Address of the store, for another process."""
    url: str
    """Of the page."""


def label_config(labels: LabelMap, shown: Sequence[str]) -> dict[str, Any]:
    """The `labels` of a project as the page wants them, those of `shown`, each with its colour."""
    return {"labels": [{"name": name, "color": labels.color_of(name)} for name in shown]}


def run(make_components: Callable[[], Components], options: WebOptions) -> int:
    """Serve the components until Ctrl-C or SIGTERM. Raises `TeachboxError` where they cannot be served."""
    # The port first: nothing is started, and nothing written, for a page that cannot be shown.
    outside = read_settings(options=options.settings)
    with bind(outside["host"], outside["port"]) as listener:
        components = make_components()
        check_components(components)
        settings = read_settings(components.get("config"), options.settings)
        db = settings["db"] or components.get("db") or DEFAULT_DB
        with Store.open(db) as store:
            store.add_dataset(components["dataset"])
            first_id = store.last_answer_id(components["dataset"])
            life = _Life(components, store, db, settings)
            server = WebServer(life.app, listener, life.ready)
            life.server = server
            try:
                server.run()
                print(_saved(store, components["dataset"], first_id), flush=True)
            finally:
                life.end()
            if life.error is not None:
                raise life.error
    return 0


class _Life:
    """One run of the app: built at once, the recipe's hooks called when the page is up and when it is gone."""

    def __init__(self, components: Components, store: Store, db: str, settings: dict[str, Any]) -> None:
        self._components = components
        self._settings = settings
        self._store = store
        self._db = db
        self._dataset: str = components["dataset"]
        threshold, view_id = settings["threshold"], components["view_id"]
        # Before the feed predicts anything: a recipe's predictor may ask for them.
        labels: ProjectLabels = components.get("labels") or ProjectLabels()
        theme = settings["custom_theme"].get("labels") or {}
        stream = components["stream"](store) if callable(components["stream"]) else components["stream"]
        if view_id == "review" and isinstance(stream, list):
            settings = self._settings = review_settings(settings, stream)
        named = settings["labels"] or (span_labels(stream) if isinstance(stream, list) else [])
        labels.open(store, self._dataset, page_labels(named, theme))
        self._feed = Feed(
            as_tasks(stream),
            store,
            self._dataset,
            predict=components.get("predict"),
            served_version=components.get("served_version"),
            exclude=components.get("exclude") or (),
            labels=labels.first_names,
            question=Question(view_id, views_of(view_id, settings), settings["choice_style"]),
            threshold=0.0 if threshold is None else threshold,
            progress=components.get("progress"),
        )
        hooks = Hooks(components.get("validate_answer"), components.get("before_db"))
        project = {"view_id": view_id, "threshold": threshold, "config": page_config(settings)}
        # A page that only this machine is to see answers to no other name: no foreign site can reach it by DNS.
        hosts = list(_LOOPBACK) if settings["host"] in _LOOPBACK else None
        self.app = create_app(
            store,
            self._feed,
            project,
            labels=labels,
            hooks=hooks,
            instructions=_instructions(settings),
            allowed_hosts=hosts,
            tensorboard=components.get("tensorboard"),
        )
        self.server: WebServer | None = None
        self.error: TeachboxError | None = None
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._controller: Controller | None = None
        self._updates: threading.Thread | None = None

    def ready(self) -> None:
        """The page answers: start what the recipe starts beside it. Called from a thread of its own."""
        assert self.server is not None
        name = self._settings["host"]
        host = f"[{name}]" if ":" in name else name
        url = f"http://{host}:{self.server.port}"
        with self._lock:
            if self._over.is_set():
                return
            where = f"dataset {self._dataset} in {address_text(self._store)}"
            print(f"Teachbox is at {url} ({where}). Ctrl-C stops it.", flush=True)
            if name not in (*_LOOPBACK, "::1"):
                print("Whoever can reach this address can see the images and answer: there is no login.", flush=True)
            self._controller = Controller(self._store, self._feed, self._dataset, self._db, url)
            try:
                if self._components.get("on_load"):
                    self._components["on_load"](self._controller)
            except TeachboxError as error:
                self.error = error
                self.server.stop()
                return
            if self._components.get("update"):
                self._updates = threading.Thread(target=self._update, name="recipe-update", daemon=True)
                self._updates.start()
        if self._settings["open_browser"]:
            webbrowser.open(url)

    def end(self) -> None:
        """The page is gone: stop what was started."""
        with self._lock:
            self._over.set()
            if self._controller is None:
                return
            if self._updates is not None:
                self._updates.join()
            if self._components.get("on_exit"):
                self._components["on_exit"](self._controller)

    def _update(self) -> None:
        """Hand new answers to the recipe's `update`, in a thread: no save waits for it. The last ones at the end."""
        last_id = self._store.last_answer_id(self._dataset)
        over = False
        while not over:
            over = self._over.wait(UPDATE_POLL_S)
            answers = self._store.effective_answers(self._dataset, after_id=last_id)
            if answers:
                last_id = answers[-1].id
                self._components["update"]([stored.task for stored in answers])


def page_config(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Of the settings what the page is told; of a file, that there is one."""
    told = {name: settings[name] for name, key in KEYS.items() if key.on_page}
    return {**told, "instructions": bool(settings["instructions"])}


def _instructions(settings: Mapping[str, Any]) -> str | None:
    return read_instructions(settings["instructions"]) if settings["instructions"] else None


def page_labels(labels: Sequence[str | Mapping[str, str]], theme: Mapping[str, str]) -> list[dict[str, str]]:
    """Names and colours: the theme's, else the label's own, else one from the palette by its place."""
    told = []
    for place, entry in enumerate(labels):
        own = {"name": entry} if isinstance(entry, str) else dict(entry)
        color = theme.get(own["name"]) or own.get("color") or PALETTE[place % len(PALETTE)]
        told.append({**own, "color": color})
    return told


def _saved(store: Store, dataset: str, first_id: int) -> str:
    """What this run has added to the dataset."""
    counts = Counter(stored.answer for stored in store.iter_effective_answers(dataset, after_id=first_id))
    number = sum(counts.values())
    if not number:
        held = sum(store.answer_counts(dataset).values())
        return f"No new annotations; dataset {dataset} in {address_text(store)} holds {held}"
    noun = "annotation" if number == 1 else "annotations"
    return f"Saved {number} {noun} to dataset {dataset} in {address_text(store)} ({counts_text(counts)})"
