"""Chromium, and the page of the real app over a store and drawn scenes."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest
from driver import Annotator
from playwright.sync_api import expect
from scenes import draw_scene
from serving_app import App, Seer

from teachbox.store import Store

# Two cores run tests, servers and browser at once: what comes late is not wrong.
expect.set_options(timeout=20_000)
_ROOT = Path(__file__).parents[3]
AXE = _ROOT / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args):
    """Debian's Chromium, which talks to nobody but us; the one that has no window needs two thirds of the time."""
    path = os.environ.get("TEACHBOX_CHROMIUM") or shutil.which("chromium-headless-shell") or shutil.which("chromium")
    if path is None:
        pytest.skip("no Chromium: install Debian's `chromium-headless-shell`, or name one in TEACHBOX_CHROMIUM")
    quiet = ["quic", "background-networking", "component-update", "sync", "gpu"]
    arguments = ["--no-sandbox", "--no-first-run", *(f"--disable-{name}" for name in quiet)]
    return {**browser_type_launch_args, "executable_path": path, "args": arguments}


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args):
    return {**browser_context_args, "viewport": {"width": 1280, "height": 800}}


@pytest.fixture(scope="session")
def scenes(tmp_path_factory):
    """Eight drawn scenes."""
    folder = tmp_path_factory.mktemp("scenes")
    return [draw_scene(folder / f"flight-{seed:02}.jpg", seed) for seed in range(8)]


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path / "teachbox.db") as opened:
        yield opened


@pytest.fixture
def serve(store, scenes):
    """`serve(count, tasks=None, model=None, config=None)`: over the first scenes, all, or tasks."""
    apps = []

    def start(count=None, *, tasks=None, **options):
        app = App(store, tasks or [scene.path for scene in scenes[:count]], **options)
        apps.append(app)
        app.start()
        return app

    yield start
    for app in apps:
        app.stop()


@pytest.fixture
def seer(scenes):
    """A model that sees every object of the scenes, a little beside its place."""
    return Seer({scene.path.name: scene.boxes for scene in scenes})


@pytest.fixture
def annotate(page, tmp_path):
    """`annotate(app)`: a person at the page of `app`. No program of the page fails, and none breaks its policy."""
    problems = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda said: problems.append(said.text) if "Security Policy" in said.text else None)
    page.set_default_timeout(10_000)

    def open_page(app, query=""):
        page.goto(app.url + query)
        return Annotator(page)

    yield open_page
    assert problems == []


@pytest.fixture(scope="session")
def artifacts():
    """Where screenshots are kept. Not in `test-results`: pytest-playwright empties that at every start of pytest."""
    folder = Path(os.environ.get("TEACHBOX_ARTIFACTS", _ROOT / "build" / "screenshots"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def readme_screenshot():
    """The README's picture of the page, or None unless TEACHBOX_README_SCREENSHOT=1 asks to take it anew."""
    return _ROOT / "docs" / "images" / "page.png" if os.environ.get("TEACHBOX_README_SCREENSHOT") == "1" else None


@pytest.fixture
def finds_nothing(artifacts):
    """`finds_nothing(page, state)`: axe-core has nothing to say about the page as it is; a screenshot of it is kept."""
    if not AXE.is_file():
        pytest.skip("no axe-core: `make modules` installs it (npm is needed)")

    def check(page, state):
        # Not as a script of the page: its policy may allow none.
        page.evaluate(f"() => {{ {AXE.read_text()} }}")
        # What fades in is read when it is there.
        page.wait_for_function("document.getAnimations().every(one => one.playState !== 'running')")
        scheme = "dark" if page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches") else "light"
        page.screenshot(path=artifacts / f"state-{re.sub('[^a-z]+', '-', state.lower())}-{scheme}.png")
        found = page.evaluate("tags => axe.run(document, {runOnly: tags}).then(result => result.violations)", RULES)
        said = [(rule["id"], rule["help"], [node["html"][:160] for node in rule["nodes"]][:4]) for rule in found]
        assert said == [], f"{state}: {said}"

    return check
