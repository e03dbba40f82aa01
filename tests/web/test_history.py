"""What was answered, over HTTP: pages, filters, one answer, thumbnails, and what is kept of predictions."""

from __future__ import annotations

import io

import asking
import pytest
from light_or_dark import LightOrDark
from PIL import Image


@pytest.fixture
def app(make_feed, images, serve_feed):
    """A client of an app over four images, without a model."""
    feed, _ = make_feed(images(4))
    return serve_feed(feed)


def post(client, path, body):
    response = client.post(path, json=body)
    assert response.status_code == 200, response.text
    return response.json()


def ask(client, n=1, session="ann"):
    return asking.ask(client, n, session_id=session)


def give(client, task, answer="accept", session="ann", **more):
    body = {"answers": [{**task, "answer": answer, **more}], "session_id": session}
    return post(client, "/give_answers", body)["saved"][0]["id"]


def span(label):
    return {"label": label, "x": 0, "y": 0, "width": 4, "height": 4}


def test_pages_filters_and_one_answer(app, store):
    first, second = ask(app, 2)
    give(app, first, spans=[span("dark"), span("dark")])
    give(app, second, "reject", flagged=True)
    (third,) = ask(app, session="bob")
    give(app, third, session="bob", spans=[span("light")])
    page = app.get("/history").json()
    assert (page["next"], page["sessions"]) == (None, ["ann", "bob"])
    assert [(row["id"], row["file"], row["answer"]) for row in page["answers"]] == [
        (3, "i02.png", "accept"),
        (2, "i01.png", "reject"),
        (1, "i00.png", "accept"),
    ]
    last = page["answers"][2]
    assert (last["labels"], last["boxes"], last["flagged"], last["session_id"]) == ({"dark": 2}, 2, False, "ann")
    assert last["thumbnail"] == f"thumbnail/{first['_input_hash']}"

    def found(**wanted):
        return [row["id"] for row in app.get("/history", params=wanted).json()["answers"]]

    assert found(answer="accept") == [3, 1]
    assert found(flagged=True) == [2]
    assert found(label="dark") == [1]
    assert found(session_id="bob") == [3]
    assert found(disagreement=0) == []
    start = app.get("/history", params={"n": 2}).json()
    assert (len(start["answers"]), start["next"]) == (2, 2)
    assert found(n=2, before=start["next"]) == [1]

    # Corrected: the newer answer counts, the older one is still there.
    whole = app.get("/history/1").json()
    assert (whole["id"], whole["session_id"], whole["task"]["spans"]) == (1, "ann", [span("dark"), span("dark")])
    again = {key: value for key, value in whole["task"].items() if key != "answer"}
    assert give(app, again, session="bob", spans=[span("light")]) == 4
    assert found() == [4, 3, 2]
    assert app.get("/history/1").json() == whole
    assert [stored.id for stored in store.effective_answers("boxes")] == [2, 3, 4]


def test_nothing_yet_and_what_is_refused(app):
    assert app.get("/history").json() == {"answers": [], "next": None, "sessions": []}
    response = app.get("/history/7")
    assert (response.status_code, response.json()) == (404, {"error": "dataset boxes has no answer 7"})
    for query in ("before=x", "n=0", "n=101", "answer=maybe", "flagged=2x", "disagreement=2", "before=0"):
        response = app.get(f"/history?{query}")
        assert response.status_code == 400, query
        assert f"`query.{query.split('=')[0]}`" in response.json()["error"]


def test_thumbnails(make_feed, serve_feed, tmp_path):
    Image.new("RGB", (640, 320), "red").save(tmp_path / "large.png")
    feed, _ = make_feed([tmp_path / "large.png"])
    client = serve_feed(feed)
    (task,) = ask(client)
    response = client.get(f"/thumbnail/{task['_input_hash']}")
    assert Image.open(io.BytesIO(response.content)).size == (128, 64)
    assert response.headers["content-type"] == "image/jpeg"
    assert response.headers["cache-control"] == "private, max-age=31536000, immutable"
    unchanged = {"If-None-Match": response.headers["etag"]}
    assert client.get(f"/thumbnail/{task['_input_hash']}", headers=unchanged).status_code == 304
    # It is kept: the file is not read again.
    (tmp_path / "large.png").unlink()
    assert client.get(f"/thumbnail/{task['_input_hash']}").content == response.content
    assert client.get("/thumbnail/5").json() == {"error": "no task of dataset boxes has the image 5"}


def test_what_was_predicted_is_kept_where_the_answer_does_not_say_it(make_feed, images, serve_feed, store):
    feed, heard = make_feed(images(3), LightOrDark(version=4))
    client = serve_feed(feed)
    heard.wait_for(lambda events: len(heard.predicted(4)) == 3)
    kept, moved, stale = ask(client, 3)
    (predicted,) = moved["spans"]
    give(client, kept)
    give(client, moved, spans=[span("dark")])
    # It answers a prediction that the server does not know any more.
    give(client, stale, spans=[span("dark")], version=3)
    told = [stored.task.get("replaced") for stored in store.effective_answers("boxes")]
    assert told == [[], [predicted], None]
    rows = client.get("/history", params={"disagreement": 0.5}).json()["answers"]
    assert [(row["id"], row["removed"], row["added"], row["version"]) for row in rows] == [(2, 1, 1, 4)]
