"""The page's files as they travel."""

from __future__ import annotations

import gzip
import json
import re

from teachbox.web.combined import combine, without_comments
from teachbox.web.pages import STATIC
from teachbox.web.static_files import PageFiles

SCRIPT = re.compile(r'<script type="module" src="static/([^"]+)">')


def program_of(client):
    (found,) = SCRIPT.findall(client.get("/").text)
    return found


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


def test_the_page_runs_one_program_that_a_browser_keeps(serve_feed, make_feed, images):
    feed, _ = make_feed(images(1))
    client = serve_feed(feed)
    sources = {path.relative_to(STATIC).as_posix(): path.read_text() for path in STATIC.rglob("*.js")}
    for name, text in combine(sources, "app.js").items():
        response = client.get("/static/" + program_of(client).replace("start.js", name))
        assert response.text == text
        assert response.headers["cache-control"] == "private, max-age=31536000, immutable"
        assert response.headers["content-encoding"] == "gzip"
    for unknown in ("0" * 24 + "/start.js", program_of(client).replace("start.js", "app.js")):
        assert client.get("/static/" + unknown).status_code == 404


def test_the_page_loads_its_modules_one_by_one_where_that_is_asked_for(serve_feed, make_feed, images):
    feed, _ = make_feed(images(1))
    client = serve_feed(feed)
    response = client.get("/?modules")
    assert response.text == (STATIC / "index.html").read_text()
    assert SCRIPT.findall(response.text) == ["app.js"]
    # They come in the one program: a list of modules to fetch ahead would fetch them twice.
    assert "modulepreload" not in response.text


def test_the_project_comes_with_the_page(serve_feed, make_feed, images):
    feed, _ = make_feed(images(1))
    client = serve_feed(feed)
    told = re.compile(r'<script type="application/json" id="project">(.*?)</script>')
    for session in ({}, {"session": "</script><b>"}):
        (found,) = told.findall(client.get("/", params=session).text)
        assert json.loads(found) == client.get("/project", params=session).json()
    # Where there is none to tell, the page asks and hears why.
    assert told.findall(client.get("/", params={"session": "a\n"}).text) == []


def test_a_change_of_a_module_changes_the_program_s_address(tmp_path):
    (tmp_path / "app.js").write_text("one();")
    files = PageFiles(tmp_path)
    first = files.prepare()
    assert files.prepare() == first
    (tmp_path / "app.js").write_text("two();")
    second = files.prepare()
    (tmp_path / "app.js").write_text("one();")
    assert second != first == files.prepare()


def test_the_page_s_own_code_is_small(serve_feed, make_feed, images):
    feed, _ = make_feed(images(1))
    client = serve_feed(feed)
    start = program_of(client)
    sources = {path.relative_to(STATIC).as_posix(): path.read_text() for path in STATIC.rglob("*.js")}
    addresses = ["/static/" + start.replace("start.js", name) for name in combine(sources, "app.js")]
    sizes = [len(gzip.compress(client.get(address).content, 9)) for address in addresses]
    # Also with all that is loaded later, and the worker.
    assert sum(sizes) <= 60_000
