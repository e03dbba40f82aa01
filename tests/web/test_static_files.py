"""The page's files as they travel."""

from __future__ import annotations

import gzip
import re
import shutil
import subprocess

import pytest

from teachbox.web.pages import STATIC
from teachbox.web.static_files import without_comments

MODULES = sorted(path for path in STATIC.rglob("*.js"))
AT_START = [path for path in MODULES if path.parent.name != "later"]


def test_comments_go_and_lines_keep_their_numbers():
    kept = ["f(a);", "/** @type {X} */ (a).b();", 'c = "/** three */"; // four']
    lines = ["/**", " * One.", " */", kept[0], "  /** Two. */", *kept[1:]]
    assert without_comments("\n".join(lines)).split("\n") == ["", "", "", kept[0], "", *kept[1:]]


@pytest.mark.skipif(shutil.which("node") is None, reason="no node")
def test_a_program_without_comments_is_the_same_program(tmp_path):
    for path in MODULES:
        (tmp_path / path.name).with_suffix(".mjs").write_text(without_comments(path.read_text()))
    for path in tmp_path.iterdir():
        subprocess.run(["node", "--check", path], check=True, capture_output=True)


def test_files_are_compressed_and_asked_for_again_only_when_they_changed(serve_feed, make_feed, images):
    feed, _ = make_feed(images(1))
    client = serve_feed(feed)
    response = client.get("/static/app.js")
    assert response.headers["content-encoding"] == "gzip"
    assert response.headers["content-type"].startswith("text/javascript")
    assert response.headers["cache-control"] == "no-cache"
    assert response.text == without_comments((STATIC / "app.js").read_text())
    again = client.get("/static/app.js", headers={"If-None-Match": response.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    plain = client.get("/static/app.js", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.content == response.content
    assert client.post("/static/app.js").status_code == 405


def test_the_page_asks_for_all_its_modules_at_once():
    wanted = re.findall(r'<link rel="modulepreload" href="static/([^"]+)"', (STATIC / "index.html").read_text())
    # The worker's is loaded by the worker, `types.js` holds types alone, and `app.js` is the script itself.
    others = {"app.js", "types.js", "canvas/decoder.js"}
    assert wanted == [name for path in AT_START if (name := path.relative_to(STATIC).as_posix()) not in others]


def test_what_is_loaded_later_is_not_asked_for_at_the_start():
    for path in AT_START:
        assert not re.findall(r'^import [^"]*"[^"]*later/[^"]+"', path.read_text(), re.MULTILINE), path


def test_the_page_s_own_code_is_small():
    size = sum(len(gzip.compress(without_comments(path.read_text()).encode(), 9)) for path in AT_START)
    assert size <= 60_000
