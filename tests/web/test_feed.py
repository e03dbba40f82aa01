"""The feed with real images and threads: what is asked, what is left out, when it is predicted."""

import threading

import pytest
from light_or_dark import LightOrDark
from PIL import Image

from teachbox.annotation import input_hash, make_span, task_hash
from teachbox.errors import RequestRefused, SourceError


def files(tasks):
    return [task["meta"]["file"] for task in tasks]


def answer(store, feed, task, session="ann", kind="accept"):
    given = {**task, "answer": kind}
    store.add_answers("boxes", session, [given])
    feed.answered(session, [given])


def drain(feed, session="ann"):
    """Everything that the feed has to ask, answered with ignore in the feed alone."""
    found = []
    while tasks := feed.take(session, 10):
        found += tasks
        feed.answered(session, tasks)
    return found


def test_a_task_by_hand(make_feed, images):
    (path,) = images(1)
    feed, _ = make_feed([path])
    (task,) = feed.take("ann")
    hashed = input_hash(path.read_bytes())
    assert task == {
        "image": f"/image/{hashed}",
        "path": str(path),
        "width": 16,
        "height": 12,
        "spans": [],
        "meta": {"file": "i00.png"},
        "_input_hash": hashed,
        "_task_hash": task_hash(hashed, "image_manual", ["light", "dark"]),
        "_view_id": "image_manual",
    }


def test_what_the_source_says_is_kept(make_feed, images):
    (path,) = images(1)
    span = make_span("light", 1, 2, 3, 4)
    given = {"path": str(path), "spans": [span], "meta": {"note": "x"}, "_input_hash": 7, "_task_hash": 8, "more": 1}
    feed, _ = make_feed([given])
    (task,) = feed.take("ann")
    assert (task["spans"], task["meta"]) == ([span], {"file": "i00.png", "note": "x"})
    assert (task["image"], task["_input_hash"], task["_task_hash"], task["more"]) == ("/image/7", 7, 8, 1)


def test_urls(make_feed, images):
    (path,) = images(1)
    feed, _ = make_feed([{"path": path.as_uri()}])
    (task,) = feed.take("ann")
    assert (task["path"], task["meta"]["file"], task["width"]) == (path.as_uri(), "i00.png", 16)
    assert feed.image(task["_input_hash"]).encoded == path.read_bytes()


def test_nothing_to_ask(make_feed):
    feed, _ = make_feed([])
    assert feed.take("ann") == []
    assert (feed.done, feed.total, feed.progress) == (True, 0, 1.0)


def test_answered_excluded_duplicate_and_broken_images_are_left_out(make_feed, images, store, tmp_path):
    paths = images(6)
    for dataset, path in (("boxes", paths[0]), ("other", paths[1]), ("unrelated", paths[2])):
        hashed = input_hash(path.read_bytes())
        store.add_answers(dataset, "ann", [{"_input_hash": hashed, "_task_hash": 1, "answer": "reject"}])
    copy = tmp_path / "copy.png"
    copy.write_bytes(paths[3].read_bytes())
    cut = tmp_path / "cut.png"
    cut.write_bytes(paths[4].read_bytes()[:45])
    feed, _ = make_feed([*paths[:4], copy, cut, tmp_path / "gone.jpg", *paths[4:]], exclude=["other"])
    assert files(drain(feed)) == ["i02.png", "i03.png", "i04.png", "i05.png"]
    skipped = feed.skipped
    assert (skipped.answered, skipped.excluded, skipped.duplicate, skipped.broken) == (1, 1, 1, 2)
    events = store.events_after(0, "boxes")
    assert [event.kind for event in events] == ["broken_image", "broken_image"]
    assert events[0].data["error"].startswith(f"{cut}: ")
    assert events[1].data["error"] == f"{tmp_path / 'gone.jpg'}: the image cannot be read (No such file or directory)"


def test_the_source_is_read_only_as_far_as_needed(make_feed, images):
    paths = images(9)
    read = []

    def source():
        for path in paths:
            read.append(path.name)
            yield {"path": str(path)}

    feed, _ = make_feed(source(), look_ahead=3)
    (first,) = feed.take("ann")
    assert len(read) <= 4
    assert feed.progress is None
    feed.answered("ann", [first])
    assert files(drain(feed)) == [path.name for path in paths[1:]]
    assert feed.progress == 1.0


def test_progress(make_feed, images, store):
    paths = images(4)
    feed, _ = make_feed([*paths, paths[0]])
    tasks = feed.take("ann", 1)
    while len(tasks) < 4:
        tasks += feed.take("ann", 4, {task["_task_hash"] for task in tasks})
    assert feed.take("bob", 1) == []
    assert (feed.total, feed.progress, feed.done) == (0, 0.0, False)
    answer(store, feed, tasks[0])
    assert (feed.total, feed.progress) == (1, 0.25)
    feed.undone("ann", store.undo_answer("boxes", "ann", tasks[0]["_task_hash"]).task)
    assert (feed.total, feed.progress) == (0, 0.0)


def test_a_reload_and_a_second_session(make_feed, images):
    feed, _ = make_feed(images(4))
    (first,) = feed.take("ann")
    (other,) = feed.take("bob")
    assert files([first, other]) == ["i00.png", "i01.png"]
    assert files(feed.take("ann")) == ["i00.png"]
    assert files(feed.take("ann", 1, {first["_task_hash"]})) == ["i02.png"]
    assert files(feed.held_by("ann")) == ["i00.png", "i02.png"]


def test_a_lease_that_runs_out(make_feed, images):
    now = [0.0]
    feed, _ = make_feed(images(2), lease_seconds=600, clock=lambda: now[0])
    assert files(feed.take("ann")) == ["i00.png"]
    now[0] = 599
    feed.heartbeat("ann")
    now[0] = 700
    assert files(feed.take("bob", 1)) == ["i01.png"]
    now[0] = 1300
    assert files(feed.take("eve", 1)) == ["i00.png"]


def test_a_restart_continues_where_it_was(make_feed, images, store):
    paths = images(3)
    feed, _ = make_feed(paths)
    (first,) = feed.take("ann")
    answer(store, feed, first)
    (second,) = feed.take("ann")
    feed.stop()
    again, _ = make_feed(paths)
    assert files(again.take("ann", 1, {second["_task_hash"]})) in (["i01.png"], ["i02.png"])
    assert files(drain(again, "ann"))[0] in ("i01.png", "i02.png")
    assert again.skipped.answered == 1
    assert again.known_task(first["_task_hash"]) == first
    assert again.image(first["_input_hash"]).width == 16


def test_an_image_that_was_not_asked_is_not_given(make_feed, images):
    feed, _ = make_feed(images(1))
    assert feed.image(12345) is None


def test_a_source_that_fails_ends(make_feed, images, store, caplog):
    (path,) = images(1)

    def source():
        yield {"path": str(path)}
        raise SourceError("the bucket went away")

    feed, _ = make_feed(source())
    assert files(drain(feed)) == ["i00.png"]
    assert store.events_after(0)[-1].data["error"] == "the bucket went away"


def test_tasks_without_a_path_are_broken(make_feed, store):
    feed, _ = make_feed([{"text": "no image"}])
    assert feed.take("ann") == []
    assert store.events_after(0)[0].data == {"error": "a task needs `path`, the image file; it has text"}


def test_without_a_model(make_feed, images):
    feed, _ = make_feed(images(1))
    assert (feed.model_server, feed.predicting, feed.served_version) == ("none", False, None)


def test_every_task_is_predicted_and_told(make_feed, images):
    predictor = LightOrDark(version=4)
    feed, heard = make_feed(images(3), predictor)
    heard.wait_for(lambda _: len(heard.predicted(4)) == 3)
    assert heard.predicted() == ["i00.png", "i01.png", "i02.png"]
    assert [event for event in heard.events if event[0] == "served"] == [("served", {"version": 4}, None)]
    assert (feed.model_server, feed.served_version) == ("up", 4)
    tasks = feed.take("ann", 3)
    assert [(task["version"], task["spans"][0]["label"]) for task in tasks] == [(4, "dark"), (4, "light"), (4, "dark")]
    assert tasks[0]["spans"][0]["score"] == 0.75


def test_no_one_waits_for_a_prediction(make_feed, images):
    predictor = LightOrDark()
    predictor.gate.clear()
    feed, heard = make_feed(images(2), predictor)
    (task,) = feed.take("ann")
    assert (task["spans"], task.get("version")) == ([], None)
    predictor.gate.set()
    heard.wait_for(lambda _: "i00.png" in heard.predicted())
    kind, data, session = next(event for event in heard.events if event[0] == "task")
    assert (kind, data["_task_hash"], data["version"], session) == ("task", task["_task_hash"], 1, "ann")


def test_a_new_version_predicts_again_next_to_be_shown_first(make_feed, images, store):
    predictor = LightOrDark(version=1)
    feed, heard = make_feed(images(5), predictor)
    heard.wait_for(lambda _: len(heard.predicted(1)) == 5)
    first, second = feed.take("ann", 2)
    answer(store, feed, first)
    undone = store.undo_answer("boxes", "ann", first["_task_hash"])
    feed.undone("ann", undone.task)
    predictor.version = 2
    heard.wait_for(lambda _: len(set(heard.predicted(2))) == 4)
    # What a person answered and took back is theirs; the one that is shown next comes first.
    assert heard.predicted(2)[:4] == ["i01.png", "i02.png", "i03.png", "i04.png"]
    assert feed.served_version == 2
    (again, *_) = feed.take("ann", 2)
    assert again["_task_hash"] == first["_task_hash"]
    assert again["spans"] == undone.task["spans"]
    assert [task["version"] for task in feed.held_by("ann")] == [2]
    assert second["version"] == 1


def test_the_model_server_goes_away_and_comes_back(make_feed, images):
    predictor = LightOrDark(version=3, up=False)
    feed, heard = make_feed(images(2), predictor)
    heard.wait_for(lambda events: any("nothing listens" in (data.get("message") or "") for _, data, _ in events))
    assert feed.model_server == "down"
    assert feed.model_server_message == "127.0.0.1:9: nothing listens"
    assert files(feed.take("ann")) == ["i00.png"]
    predictor.up = True
    heard.wait_for(lambda _: set(heard.predicted(3)) == {"i00.png", "i01.png"})
    assert feed.model_server == "up"
    states = [data["state"] for kind, data, _ in heard.events if kind == "model_server"]
    assert states == ["down", "up"]


def test_a_server_without_a_version_yet(make_feed, images):
    predictor = LightOrDark(version=None)
    feed, heard = make_feed(images(1), predictor)
    heard.wait_for(lambda events: any("no version" in (data.get("message") or "") for _, data, _ in events))
    assert predictor.asked == []
    predictor.version = 1
    heard.wait_for(lambda _: heard.predicted(1) == ["i00.png"])
    assert feed.model_server == "up"


def test_one_refused_image_does_not_hold_up_the_others(make_feed, images):
    predictor = LightOrDark()

    def predict(task, image):
        if task["meta"]["file"] == "i00.png" and predictor.version == 1:
            raise RequestRefused("too large")
        return predictor.predict(task, image)

    feed, heard = make_feed(images(3), predictor, predict=predict)
    heard.wait_for(lambda _: len(heard.predicted(1)) == 2)
    assert heard.predicted(1) == ["i01.png", "i02.png"]
    assert feed.model_server == "up"
    predictor.version = 2
    heard.wait_for(lambda _: "i00.png" in heard.predicted(2))


def test_an_image_that_vanished_after_it_was_read(make_feed, images):
    paths = images(3)
    predictor = LightOrDark()
    feed, heard = make_feed(paths, predictor, look_ahead=3)
    heard.wait_for(lambda _: len(heard.predicted(1)) == 3)
    feed._images._images.clear()
    paths[0].unlink()
    predictor.version = 2
    heard.wait_for(lambda _: len(heard.predicted(2)) == 2)
    assert heard.predicted(2) == ["i01.png", "i02.png"]


def test_versions_are_learnt_from_predictions_alone(make_feed, images):
    predictor = LightOrDark(version=1)
    feed, heard = make_feed(images(4), predictor, served_version=None, look_ahead=2)
    heard.wait_for(lambda _: len(heard.predicted(1)) == 2)
    predictor.version = 2
    (task,) = feed.take("ann")
    heard.wait_for(lambda _: set(heard.predicted(2)) == {"i00.png", "i01.png", "i02.png"})
    assert feed.served_version == 2
    assert task["version"] == 1


def test_a_predict_of_ones_own_that_raises_is_told(make_feed, images):
    def predict(task, image):
        raise ZeroDivisionError("in a recipe of one's own")

    raised = threading.Event()
    before, threading.excepthook = threading.excepthook, lambda _: raised.set()
    try:
        feed, heard = make_feed(images(1), predict=predict)
        heard.wait_for(
            lambda events: any("ended after an error" in (data.get("message") or "") for _, data, _ in events)
        )
        assert raised.wait(20)
    finally:
        threading.excepthook = before
    assert feed.model_server == "down"
    assert files(feed.take("ann")) == ["i00.png"]


def test_turned_and_other_formats(make_feed, tmp_path):
    turned, webp = tmp_path / "turned.jpg", tmp_path / "x.webp"
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (30, 20)).save(turned, exif=exif)
    Image.new("RGBA", (8, 9)).save(webp)
    feed, _ = make_feed([turned, webp])
    tasks = drain(feed)
    assert [(task["width"], task["height"]) for task in tasks] == [(20, 30), (8, 9)]
    assert [feed.image(task["_input_hash"]).media_type for task in tasks] == ["image/jpeg", "image/png"]


@pytest.mark.parametrize("start", [True, False])
def test_stopping_lets_waiting_requests_go(make_feed, start):
    gate = threading.Event()

    def source():
        gate.wait()
        yield from ()

    feed, _ = make_feed(source(), start=start)
    taken = []
    request = threading.Thread(target=lambda: taken.append(feed.take("ann", wait_seconds=60)))
    request.start()
    feed.stop_waiting()
    request.join(20)
    gate.set()
    assert taken == [[]]
