"""Every response says what a browser may do with it."""

from __future__ import annotations

import httpx
import pytest


@pytest.fixture
def client(serve_feed, make_feed, images):
    feed, _ = make_feed(images(1))
    return serve_feed(feed, instructions="<b>how</b>", allowed_hosts=["127.0.0.1"])


@pytest.mark.parametrize(
    ("path", "status"),
    [("/", 200), ("/?modules", 200), ("/project", 200), ("/static/app.js", 200), ("/static/none", 404), ("/none", 404)],
)
def test_the_page_s_own_alone(client, path, status):
    response = client.get(path)
    assert response.status_code == status
    policy = dict(one.split(" ", 1) for one in response.headers["content-security-policy"].split("; "))
    assert policy == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self'",
        "connect-src": "'self'",
        "worker-src": "'self'",
        "frame-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["referrer-policy"] == "no-referrer"


def test_what_was_kept_and_who_is_refused_hears_it_too(client):
    etag = client.get("/static/style.css").headers["etag"]
    kept = client.get("/static/style.css", headers={"If-None-Match": etag})
    refused = httpx.get(str(client.base_url), headers={"Host": "elsewhere.example"}, trust_env=False)
    assert (kept.status_code, refused.status_code) == (304, 400)
    for response in (kept, refused):
        assert response.headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'; ")
        assert response.headers["x-content-type-options"] == "nosniff"


def test_instructions_keep_a_policy_of_their_own(client):
    headers = client.get("/instructions").headers
    assert headers.get_list("content-security-policy") == [
        "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data: https: http:; "
        "media-src https: http:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
    ]
    assert headers["x-content-type-options"] == "nosniff"


def test_what_nobody_foresaw_is_told_with_it_too(serve_feed, make_feed, images):
    def broken():
        raise RuntimeError("out of order")

    feed, _ = make_feed(images(1))
    response = serve_feed(feed, tensorboard=broken).get("/progress")
    assert response.status_code == 500
    assert response.json() == {"error": "internal error (RuntimeError); the terminal shows it"}
    assert response.headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'; ")
    assert response.headers["x-content-type-options"] == "nosniff"
