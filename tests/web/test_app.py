"""The app over HTTP on a real server: each endpoint, by value, and what it refuses."""

import io
import json
import re
import signal
import subprocess
import sys
import textwrap
import threading

import asking
import httpx
import pytest
from light_or_dark import LightOrDark
from PIL import Image

from teachbox import __version__


@pytest.fixture
def app(make_feed, images, serve_feed):
    """A client of an app over four images, without a model."""
    feed, _ = make_feed(images(4), start=False)
    return serve_feed(feed)


def post(client, path, body, status=200):
    response = client.post(path, json=body)
    assert response.status_code == status, response.text
    return response.json()


def ask(client, n=1, session="ann", exclude=()):
    return asking.ask(client, n, exclude=exclude, session_id=session)


def test_health(app):
    assert app.get("/health").json() == {"ok": True}


def test_project(app):
    assert app.get("/project").json() == {
        "dataset": "boxes",
        "view_id": "image_manual",
        "labels": [
            {"id": 1, "name": "light", "color": "#e69f00", "was": []},
            {"id": 2, "name": "dark", "color": "#56b4e9", "was": []},
        ],
        "threshold": 0.5,
        "version": __version__,
        "config": {},
        "session_id": "boxes-default",
    }
    assert app.get("/project", params={"session": "ann"}).json()["session_id"] == "boxes-ann"
    assert app.get("/project", params={"session": "a\n"}).status_code == 400


def test_the_way_of_an_answer(app, store):
    questions = post(app, "/get_session_questions", {"session_id": "ann", "n": 1})
    (task,) = questions.pop("tasks")
    assert questions == {"total": 0, "progress": 0.0, "session_id": "ann", "done": False, "drafts": []}
    span = {"label": "dark", "x": 1.25, "y": 2, "width": 3, "height": 4}
    answer = {**task, "spans": [span], "answer": "accept", "_answer_key": "k1"}
    saved = {"progress": 0.25, "total": 1, "saved": [{"_task_hash": task["_task_hash"], "id": 1}]}
    assert post(app, "/give_answers", {"answers": [answer], "session_id": "ann"}) == saved
    # Sent again, because the answer to the request was lost.
    assert post(app, "/give_answers", {"answers": [answer], "session_id": "ann"}) == saved
    (stored,) = store.effective_answers("boxes")
    assert (stored.session_id, stored.answer) == ("ann", "accept")
    assert abs(stored.task.pop("_timestamp") - stored.created) <= 1
    assert stored.task == {**task, "spans": [span], "answer": "accept", "_session_id": "ann", "_annotator": "ann"}
    assert ask(app)[0]["_task_hash"] != task["_task_hash"]

    undone = post(app, "/undo_answer", {"_task_hash": task["_task_hash"], "session_id": "ann"})
    assert (undone["task"]["spans"], undone["task"]["answer"]) == ([span], "accept")
    assert (undone["total"], undone["progress"]) == (0, 0.0)
    assert store.effective_answers("boxes") == []
    assert ask(app)[0]["_task_hash"] == task["_task_hash"]
    post(app, "/give_answers", {"answers": [{**undone["task"], "answer": "reject"}], "session_id": "ann"})
    assert store.answer_counts("boxes") == {"accept": 0, "reject": 1, "ignore": 0}


def test_a_draft_comes_back_with_its_task_and_before_others(app, store):
    first, second = ask(app, 2)
    hash = second["_task_hash"]
    body = {"_task_hash": hash, "session_id": "ann", "stamp": 5, "draft": {"task": {"_task_hash": hash}, "past": []}}
    assert post(app, "/save_draft", body) == {"_task_hash": hash, "kept": True}
    assert post(app, "/save_draft", {**body, "stamp": 4}) == {"_task_hash": hash, "kept": False}
    again = post(app, "/get_session_questions", {"session_id": "ann", "n": 2})
    assert ([task["_task_hash"] for task in again["tasks"]], again["drafts"]) == (
        [first["_task_hash"], hash],
        [body["draft"]],
    )
    post(app, "/give_answers", {"answers": [{**second, "answer": "accept"}], "session_id": "ann"})
    assert store.drafts("boxes", "ann") == {}
    assert post(app, "/save_draft", {**body, "stamp": 6})["kept"] is False


def test_two_who_answer_one_task_are_told(app, store):
    (task,) = ask(app)
    hash = task["_task_hash"]

    def give(session, answer, **more):
        body = {"answers": [{**task, "answer": answer, **more}], "session_id": session}
        return post(app, "/give_answers", body)["saved"][0]

    assert give("ann", "accept", _answer_key="a") == {"_task_hash": hash, "id": 1}
    told = give("bob", "reject", _answer_key="b")
    assert (told["id"], told["overtook"]["id"], told["overtook"]["session_id"]) == (2, 1, "ann")
    assert told["overtook"]["task"]["answer"] == "accept"
    # As often as it is sent, and not where the earlier answer was seen.
    assert give("bob", "reject", _answer_key="b") == told
    assert give("bob", "accept", _answer_key="c", _base_answer=2) == {"_task_hash": hash, "id": 3}
    assert [stored.id for stored in store.effective_answers("boxes")] == [3]
    refused = post(app, "/undo_answer", {"_task_hash": hash, "session_id": "ann"}, 400)
    assert refused == {"error": "bob has answered it since; that is not yours to take back"}


def test_all_answered(app):
    for _ in range(4):
        (task,) = ask(app)
        post(app, "/give_answers", {"answers": [{**task, "answer": "ignore"}], "session_id": "ann"})
    found = post(app, "/get_session_questions", {"session_id": "ann"})
    assert found == {"tasks": [], "total": 4, "progress": 1.0, "session_id": "ann", "done": True, "drafts": []}


def test_exclude_and_sessions(app):
    first = ask(app, 2)
    assert ask(app, 2) == first
    assert ask(app, 1, exclude=[task["_task_hash"] for task in first])[0] not in first
    assert len(ask(app, 9, session="bob")) == 1
    assert ask(app, 9, session="eve") == []
    assert post(app, "/get_session_questions", {})["session_id"] == "boxes-default"


def test_an_answer_cannot_name_another_file(app, store):
    (task,) = ask(app)
    forged = {**task, "path": "/etc/hostname", "image": "http://elsewhere/", "_session_id": "bob", "_timestamp": 1}
    post(app, "/give_answers", {"answers": [{**forged, "answer": "accept"}], "session_id": "ann"})
    (stored,) = store.effective_answers("boxes")
    assert (stored.task["path"], stored.task["image"]) == (task["path"], task["image"])
    assert stored.task["_session_id"] == "ann"
    assert stored.task["_timestamp"] > 1


def test_images(app, images):
    (task,) = ask(app)
    response = app.get(task["image"])
    with open(task["path"], "rb") as file:
        assert response.content == file.read()
    assert response.headers["content-type"] == "image/png"
    assert response.headers["etag"] == f'"{task["_input_hash"]}"'
    assert "immutable" in response.headers["cache-control"]
    again = app.get(task["image"], headers={"If-None-Match": response.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_a_turned_image_is_upright(make_feed, serve_feed, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 8
    Image.new("RGB", (30, 20)).save(tmp_path / "turned.jpg", exif=exif)
    feed, _ = make_feed([tmp_path / "turned.jpg"], start=False)
    client = serve_feed(feed)
    (task,) = ask(client)
    with Image.open(io.BytesIO(client.get(task["image"]).content)) as image:
        assert image.size == (20, 30) == (task["width"], task["height"])
        assert image.getexif().get(0x0112, 1) == 1


NOT_THERE = [
    ("/image/12345", 404, "no task of dataset boxes has the image 12345"),
    ("/image/raccoon", 400, "input_hash"),
    (f"/image/{2**63}", 400, "input_hash"),
    ("/nothing", 404, "/nothing: Not Found"),
    ("/give_answers", 405, "Method Not Allowed"),
    ("/static/nothing.js", 404, "Not Found"),
    ("/static/../app.py", 404, "Not Found"),
    ("/static/%2e%2e/app.py", 404, "Not Found"),
]


def test_what_is_not_there(app, subtests):
    for path, status, says in NOT_THERE:
        with subtests.test(path=path):
            response = app.get(path)
            assert response.status_code == status
            assert says in response.json()["error"]


SPAN = {"label": "a", "x": 0, "y": 0, "width": 1, "height": 1}
GOOD = {"_input_hash": 1, "_task_hash": 2, "answer": "accept", "spans": [SPAN]}


BAD_BODIES = [
    ("/give_answers", {}, "`answers`: Field required"),
    ("/give_answers", [], "the body"),
    ("/give_answers", {"answers": {}}, "`answers`"),
    ("/give_answers", {"answers": ["x"]}, "`answers.0`"),
    ("/give_answers", {"answers": [], "sesion_id": "a"}, "`sesion_id`: Extra inputs are not permitted"),
    ("/give_answers", {"answers": [], "session_id": ""}, "`session_id`"),
    ("/give_answers", {"answers": [], "session_id": "a\nb"}, "`session_id` must be 1 to 200 printable characters"),
    ("/give_answers", {"answers": [{"answer": "accept"}]}, "`_task_hash` must be an integer"),
    ("/give_answers", {"answers": [{**GOOD, "answer": "yes"}]}, "`answer` is 'yes'; it must be one of accept"),
    ("/give_answers", {"answers": [{**GOOD, "answer": ["accept"]}]}, "`answer` is ['accept']"),
    ("/give_answers", {"answers": [{**GOOD, "_input_hash": 2**64}]}, "64 bits"),
    ("/give_answers", {"answers": [{**GOOD, "_task_hash": 2**64}]}, "64 bits"),
    ("/give_answers", {"answers": [{**GOOD, "spans": "x"}]}, "`spans` must be a list"),
    ("/give_answers", {"answers": [{**GOOD, "spans": [{}]}]}, "neither x, y, width, height nor points"),
    ("/give_answers", {"answers": [{**GOOD, "spans": [{**SPAN, "label": ""}]}]}, "a span has no label"),
    ("/give_answers", {"answers": [{**GOOD, "_answer_key": 5}]}, "`_answer_key`"),
    ("/get_session_questions", {"n": 0}, "`n`"),
    ("/get_session_questions", {"n": 101}, "`n`"),
    ("/get_session_questions", {"n": "2"}, "`n`"),
    ("/get_session_questions", {"exclude": ["x"]}, "`exclude.0`"),
    ("/undo_answer", {"session_id": "ann"}, "`_task_hash`: Field required"),
    ("/undo_answer", {"_task_hash": 5, "_answer_key": ""}, "`_answer_key`: String should have at least 1 character"),
    ("/save_draft", {"_task_hash": 5, "stamp": 1}, "`draft`: Field required"),
    ("/save_draft", {"_task_hash": 5, "stamp": -1, "draft": {}}, "`stamp`: Input should be greater"),
    ("/undo_answer", {"_task_hash": 5}, "task 5: it has no answer that could be taken back"),
]


def test_bad_bodies(app, store, subtests):
    for path, body, says in BAD_BODIES:
        with subtests.test(path=path, body=body):
            error = post(app, path, body, 400)["error"]
            assert says in error
            assert "\n" not in error
            assert store.effective_answers("boxes") == []


BAD_JSON = [
    (b"{", "not JSON"),
    (b"", "the body"),
    (b"\xff\xfe", ""),
    (b'{"answers": [{"_input_hash": 1, "_task_hash": 2, "answer": "accept", "meta": NaN}]}', "JSON"),
    (b'{"answers": ' + b"[" * 20000, ""),
]


def test_bad_json(app, subtests):
    for content, says in BAD_JSON:
        with subtests.test(content=content[:40]):
            response = app.post("/give_answers", content=content, headers={"Content-Type": "application/json"})
            assert response.status_code == 400
            assert says in response.json()["error"]


def test_one_bad_answer_saves_none(app, store):
    (task,) = ask(app)
    post(app, "/give_answers", {"answers": [{**task, "answer": "accept"}, {**GOOD, "answer": None}]}, 400)
    assert store.effective_answers("boxes") == []
    assert ask(app) == [task]


def test_a_database_that_fails_is_told_as_something_that_may_pass(app, store):
    """503 and not 400: the page keeps the answer and sends it again."""
    (task,) = ask(app)
    store._database.write(lambda c: c.exec_driver_sql("ALTER TABLE answers RENAME TO away"), durable=True)
    body = {"answers": [{**task, "answer": "accept"}], "session_id": "ann"}
    assert "no such table" in post(app, "/give_answers", body, 503)["error"]
    store._database.write(lambda c: c.exec_driver_sql("ALTER TABLE away RENAME TO answers"), durable=True)
    assert ask(app) == [task]
    assert post(app, "/give_answers", body)["saved"][0]["_task_hash"] == task["_task_hash"]


def test_odd_text_comes_back(app):
    (task,) = ask(app)
    note = "\ud83e <script> \u2028 🦝"
    body = b'{"answers": [%s]}' % json.dumps({**task, "answer": "accept", "note": note}).encode()
    assert app.post("/give_answers", content=body, headers={"Content-Type": "application/json"}).status_code == 200
    assert post(app, "/undo_answer", {"_task_hash": task["_task_hash"]})["task"]["note"] == note


def test_another_sites_form_is_refused(app, store):
    """A page of another site may send plain text without asking first; JSON it may not."""
    body = '{"answers": [{"_input_hash": 1, "_task_hash": 2, "answer": "accept"}]}'
    response = app.post("/give_answers", content=body, headers={"Content-Type": "text/plain", "Origin": "http://evil"})
    assert response.status_code == 400
    assert "access-control-allow-origin" not in response.headers
    assert store.effective_answers("boxes") == []


def test_names_it_may_be_called_by(make_feed, images, serve_feed):
    feed, _ = make_feed(images(1), start=False)
    client = serve_feed(feed, allowed_hosts=["127.0.0.1", "localhost"])
    assert client.get("/health").status_code == 200
    assert client.get("/health", headers={"Host": "localhost:1234"}).status_code == 200
    assert client.get("/health", headers={"Host": "evil.example"}).status_code == 400


def test_status(make_feed, images, serve_feed, store):
    predictor = LightOrDark(version=3)
    feed, heard = make_feed(images(2), predictor, start=False)
    client = serve_feed(feed)
    heard.wait_for(lambda _: len(heard.predicted(3)) == 2)
    first = client.get("/status").json()
    assert first == {
        "trainer": None,
        "served_version": 3,
        "answers": {"accept": 0, "reject": 0, "ignore": 0},
        "metrics": {},
        "metrics_version": None,
        "predicting": False,
        "model_server": "up",
        "model_server_message": None,
        "total": 0,
        "progress": 0.0,
        "broken_images": 0,
    }
    store.set_trainer_status("boxes", state="training", run=2, step=5, steps=40)
    store.add_metrics("boxes", version=3, step=40, metrics={"DetectionBoxes_Precision/mAP": 0.5})
    (task,) = ask(client)
    post(client, "/give_answers", {"answers": [{**task, "answer": "accept"}], "session_id": "ann"})
    second = client.get("/status").json()
    updated = second["trainer"].pop("updated")
    assert updated == store.trainer_status("boxes")["updated"]
    trainer = {"state": "training", "run": 2, "step": 5, "steps": 40, "version": None, "message": None}
    assert second["trainer"] == trainer
    assert second["answers"] == {"accept": 1, "reject": 0, "ignore": 0}
    assert (second["metrics"], second["metrics_version"]) == ({"DetectionBoxes_Precision/mAP": 0.5}, 3)
    assert (second["total"], second["progress"]) == (1, 0.5)


def test_the_page(app):
    response = app.get("/")
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/html")
    assert response.headers["cache-control"] == "no-cache"
    for path in re.findall(r'(?:src|href)="(/static/[^"]+)"', response.text):
        found = app.get(path)
        assert (found.status_code, found.headers["cache-control"]) == (200, "no-cache"), path


def test_importing_the_app_loads_no_tensorflow():
    code = (
        "import teachbox.web.app, teachbox.web.server, sys; print({'tensorflow', 'keras', 'grpc'} & set(sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"


SERVER = textwrap.dedent(
    """
    import sys
    from teachbox.store import Store
    from teachbox.web.app import create_app
    from teachbox.web.feed import Feed
    from teachbox.web.server import bind, WebServer

    with Store.open(sys.argv[1]) as store, bind("127.0.0.1", 0) as listener:
        app = create_app(store, Feed([], store, "boxes"), {})
        server = WebServer(app, listener, lambda: print(server.port, flush=True))
        server.run()
    print("tidied up", flush=True)
    """
)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_it_though_a_stream_is_open(tmp_path, number):
    arguments = [sys.executable, "-c", SERVER, str(tmp_path / "t.db")]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
        port = int(process.stdout.readline())
        with (
            httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20, trust_env=False) as client,
            client.stream("GET", "/events") as stream,
        ):
            lines = stream.iter_lines()
            assert next(lines) == "retry: 1000"
            process.send_signal(number)
            # The stream ends properly, and so does the program.
            assert not [line for line in lines if line.startswith("event: error")]
        assert process.stdout.read() == "tidied up\n"
        assert process.wait(20) == 0


def test_a_skipped_task_is_given_again_after_the_others(serve_feed, make_feed, images):
    all_read = threading.Event()

    def source():
        yield from ({"path": str(path)} for path in images(4))
        all_read.set()

    client = serve_feed(make_feed(source())[0])

    def files(n, exclude=()):
        tasks = ask(client, n, exclude=exclude)
        return [task["meta"]["file"] for task in tasks], [task["_task_hash"] for task in tasks]

    assert all_read.wait(20)
    names, hashes = files(2)
    assert names == ["i00.png", "i01.png"]
    skipped = client.post("/skip_task", json={"session_id": "ann", "_task_hash": hashes[0]})
    assert (skipped.status_code, skipped.json()) == (200, {"_task_hash": hashes[0]})
    assert files(3, hashes[1:])[0] == ["i02.png", "i03.png", "i00.png"]
    assert client.post("/skip_task", json={"session_id": "ann"}).status_code == 400
