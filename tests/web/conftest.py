"""Real small images, a feed over them, and the app on a real server."""

from __future__ import annotations

import threading

import httpx
import pytest
from PIL import Image

from teachbox.store import Store
from teachbox.web.app import create_app
from teachbox.web.feed import Feed
from teachbox.web.server import WebServer, bind

LABELS = [{"name": "light", "color": "#e69f00"}, {"name": "dark", "color": "#56b4e9"}]


class Heard:
    """What a feed tells, to wait for."""

    def __init__(self):
        self.events = []
        self._changed = threading.Condition()

    def __call__(self, kind, data, session):
        with self._changed:
            self.events.append((kind, data, session))
            self._changed.notify_all()

    def wait_for(self, condition, timeout=20):
        with self._changed:
            assert self._changed.wait_for(lambda: condition(self.events), timeout), self.events

    def predicted(self, version=None):
        """Files of `task` events, in order."""
        return [
            data["meta"]["file"]
            for kind, data, _ in list(self.events)
            if kind == "task" and version in (None, data["version"])
        ]


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path / "teachbox.db") as opened:
        yield opened


@pytest.fixture
def images(tmp_path):
    """`images(3)`: paths of so many different PNG images, `i00.png` and so on, 16 wide and 12 high."""
    folder = tmp_path / "images"
    folder.mkdir()

    def make(count):
        paths = [folder / f"i{number:02}.png" for number in range(count)]
        for number, path in enumerate(paths):
            Image.new("RGB", (16, 12), (number, 40, 80)).save(path)
        return paths

    return make


def as_task(item):
    return item if isinstance(item, dict) else {"path": str(item)}


@pytest.fixture
def make_feed(store):
    """A started feed over paths, and what it tells; stopped at the end."""
    feeds = []

    def make(paths, predictor=None, start=True, **options):
        if predictor is not None:
            options.setdefault("predict", predictor.predict)
            options.setdefault("served_version", predictor.served_version)
        source = [as_task(path) for path in paths] if isinstance(paths, list) else paths
        options.setdefault("labels", ["light", "dark"])
        feed = Feed(source, store, "boxes", **options)
        feeds.append((feed, predictor))
        heard = Heard()
        feed.listen(heard)
        if start:
            feed.start()
        return feed, heard

    yield make
    for feed, predictor in feeds:
        if predictor is not None:
            predictor.gate.set()
        feed.stop()


@pytest.fixture
def serve_feed(store):
    """`serve_feed(feed)`: an httpx client of the app on a real server."""
    running = []

    def start(feed, **options):
        app = create_app(store, feed, {"labels": LABELS, "threshold": 0.5}, **options)
        listener = bind("127.0.0.1", 0)
        ready = threading.Event()
        server = WebServer(app, listener, ready.set)
        thread = threading.Thread(target=server.run)
        thread.start()
        assert ready.wait(20)
        client = httpx.Client(base_url=f"http://127.0.0.1:{server.port}", timeout=20, trust_env=False)
        running.append((server, thread, client))
        return client

    yield start
    for server, thread, client in running:
        client.close()
        server.stop()
        thread.join(20)
        assert not thread.is_alive()
