"""The real app on a real server, which can be stopped and started again, and a model that knows the answers."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from teachbox.annotation import Prediction, Span, make_span
from teachbox.errors import ServerDown
from teachbox.recipes.components import views_of
from teachbox.recipes.settings import read_settings
from teachbox.recipes.versions import review_settings
from teachbox.recipes.web_app import page_config
from teachbox.store import Store
from teachbox.web.app import create_app
from teachbox.web.feed import LOOK_AHEAD, Feed
from teachbox.web.instructions import read_instructions
from teachbox.web.questions import Question
from teachbox.web.server import WebServer, bind

DATASET = "flights"
THRESHOLD = 0.5
LABELS = [
    {"name": "balloon", "color": "#e69f00"},
    {"name": "bird", "color": "#56b4e9"},
    {"name": "airship", "color": "#009e73"},
]


@dataclass
class Seer:
    """Predicts what it was told is there, moved by a few pixels that depend on the version; None serves nothing."""

    truth: dict[str, list[Span]]
    version: int | None = 1
    faint: list[Span] = field(default_factory=list)
    """Said of every file besides."""

    def served_version(self) -> int | None:
        return self.version

    def predict(self, task: dict[str, Any], image: object) -> Prediction:
        if self.version is None:
            raise ServerDown("no model yet", where="127.0.0.1:9")
        return Prediction(self.version, [*self.spans(task["meta"]["file"], self.version), *self.faint])

    def spans(self, file: str, version: int) -> list[Span]:
        """What `version` says about a file."""
        return [
            make_span(
                span["label"],
                span["y"] - 2 * version,
                span["x"] - 2 * version,
                span["y"] + span["height"] + version,
                span["x"] + span["width"] + version,
                score=round(0.97 - 0.06 * place, 2),
                version=version,
            )
            for place, span in enumerate(self.truth[file])
        ]


class App:
    """The app over `paths`, or tasks. Started again after a stop it listens at the same address, on the same store."""

    def __init__(
        self,
        store: Store,
        paths: list[Path | dict[str, Any]],
        model: Any = None,
        labels: list[dict[str, str]] = LABELS,
        config: dict[str, Any] | None = None,
        view_id: str = "image_manual",
        rest_comes: threading.Event | None = None,
    ) -> None:
        """`rest_comes`: what the source waits for before all but its first image."""
        self._settings = read_settings(config)
        if view_id == "review":
            self._settings = review_settings(self._settings, [path for path in paths if isinstance(path, dict)])
        self._view_id = view_id
        self.store = store
        self._labels = labels
        self._paths = paths
        self._model = model
        self._rest_comes = rest_comes
        self.board: str | None = None
        """Where TensorBoard is said to be."""
        self._port = 0
        self._server: WebServer | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}/"

    def start(self) -> None:
        """Serve; returns once requests are answered and images are read ahead."""
        views = views_of(self._view_id, self._settings)
        question = Question(self._view_id, views, self._settings["choice_style"])
        options: dict[str, Any] = {"labels": [label["name"] for label in self._labels], "question": question}
        if self._model:
            options |= {
                "threshold": THRESHOLD,
                "predict": self._model.predict,
                "served_version": self._model.served_version,
            }
        feed = Feed(
            self._source(),
            self.store,
            DATASET,
            total=len(self._paths),
            **options,
        )
        told = {"labels": self._labels, "threshold": THRESHOLD, "config": page_config(self._settings)}
        path = self._settings["instructions"]
        app = create_app(
            self.store,
            feed,
            {**told, "view_id": self._view_id},
            instructions=read_instructions(path) if path else None,
            tensorboard=lambda: self.board,
        )
        listener = bind("127.0.0.1", self._port)
        ready = threading.Event()
        self._server = WebServer(app, listener, ready.set)
        self._port = self._server.port
        self._thread = threading.Thread(target=self._server.run)
        self._thread.start()
        assert ready.wait(20)
        ahead = 1 if self._rest_comes else min(len(self._paths), LOOK_AHEAD)
        with feed._changed:
            assert feed._changed.wait_for(lambda: len(feed._queue) >= ahead or feed._exhausted, 20)

    def _source(self) -> Iterator[dict[str, Any]]:
        for place, path in enumerate(self._paths):
            if place == 1 and self._rest_comes:
                self._rest_comes.wait(20)
            yield path if isinstance(path, dict) else {"path": str(path)}

    def stop(self) -> None:
        """Stop serving. Stopping twice does no harm."""
        if self._server and self._thread:
            self._server.stop()
            self._thread.join(20)
            assert not self._thread.is_alive()
        self._server = None

    def answers(self) -> list[dict[str, Any]]:
        """The effective answers, oldest first."""
        return [stored.task for stored in self.store.effective_answers(DATASET)]

    def answer_to(self, path: Path) -> dict[str, Any]:
        """The effective answer to the image at `path`."""
        (found,) = [task for task in self.answers() if task["meta"]["file"] == path.name]
        return found
