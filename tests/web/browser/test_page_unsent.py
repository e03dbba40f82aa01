"""Never lose a stroke: edits and answers over reloads, crashes, lost networks, killed servers; the store is asked."""

from __future__ import annotations

import contextlib
import re
import signal
import subprocess
import sys
import time

import httpx
import pytest
from driver import Annotator
from playwright.sync_api import Error, expect
from serving_app import DATASET

from teachbox.store import Store

pytestmark = pytest.mark.browser

FIRST, SECOND, THIRD = "flight-00.jpg", "flight-01.jpg", "flight-02.jpg"


@pytest.fixture
def reopen(page, annotate):
    """`reopen(app, how)`: the same person in a new tab, after the old one has gone in this way."""

    def open_again(app, how):
        context = page.context
        if how == "reload":
            page.reload()
            return Annotator(page)
        if how == "crash":
            crash(page)
        else:
            page.close()
        other = context.new_page()
        other.set_default_timeout(10_000)
        other.goto(app.url)
        return Annotator(other)

    return open_again


def crash(page):
    """The renderer's process ends without a word."""
    with page.expect_event("crash"), contextlib.suppress(Error):
        page.goto("chrome://crash", timeout=5000)


def edit(person):
    """Two boxes, a polygon, and one box taken back: what is left is a box and a polygon, and what can be done again."""
    person.drag((100, 100), (200, 220))
    person.press("2", "p")
    for x, y in ((300, 100), (400, 100), (350, 200)):
        person.click(x, y)
    person.press("Enter", "b")
    person.drag((500, 300), (600, 400))
    person.press("z", "f")
    person.has_boxes("balloon", "bird")


def drafts_of(app, session=f"{DATASET}-default"):
    return list(app.store.drafts(DATASET, session).values())


def wait_for(condition, seconds=10):
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return found


@pytest.mark.parametrize("how", ["reload", "crash", "close"])
def test_edits_come_back_as_they_were(serve, annotate, reopen, scenes, how):
    app = serve(3)
    person = annotate(app)
    person.sees(FIRST)
    person.press("a")
    person.sees(SECOND)
    edit(person)
    # The next edit is not at the server yet when the page goes.
    person.page.route("**/save_draft", lambda route: route.abort())
    person.drag((650, 100), (750, 180))
    person.has_boxes("balloon", "bird", "bird")
    person = reopen(app, how)
    person.sees(SECOND)
    person.has_boxes("balloon", "bird", "bird")
    expect(person.page.locator("#flag")).to_have_attribute("aria-pressed", "true")
    # What was undone can be undone and done again.
    person.press("z", "z", "z")
    person.has_boxes()
    person.press("Shift+z", "Shift+z", "Shift+z")
    person.has_boxes("balloon", "bird", "bird")
    person.press("a")
    person.sees(THIRD)
    person.sees_saved()
    answer = app.answer_to(scenes[1].path)
    box, polygon, last = answer["spans"]
    assert answer["flagged"] is True
    assert [box[key] for key in ("x", "y", "width", "height")] == pytest.approx([100, 100, 100, 120], abs=2)
    assert [value for point in polygon["points"] for value in point] == pytest.approx(
        [300, 100, 400, 100, 350, 200], abs=2
    )
    assert [last[key] for key in ("x", "y", "width", "height")] == pytest.approx([650, 100, 100, 80], abs=2)
    assert wait_for(lambda: drafts_of(app) == [])
    assert len(app.answers()) == 2


def test_edits_of_suggestions_come_back_on_another_machine(serve, annotate, seer, browser, scenes):
    app = serve(3, model=seer)
    person = annotate(app, "?session=ada")
    person.sees(FIRST)
    predicted = seer.spans(FIRST, 1)
    expect(person.options).to_have_count(len(predicted))
    person.options.first.click()
    person.press("Delete")
    person.drag((30, 450), (130, 550))
    # Where there is much else to do, each edit is a draft of its own.
    both = wait_for(lambda: [it for it in drafts_of(app, f"{DATASET}-ada") if len(it["past"]) == 2])
    assert [len(edit["gone"]) - len(edit["come"]) for edit in both[0]["past"]] == [1, -1]
    # A newer model has other suggestions meanwhile; the work stands.
    app.stop()
    seer.version = 2
    app.start()
    with browser.new_context() as context:
        other = Annotator(context.new_page())
        other.page.goto(app.url + "?session=ada")
        other.sees(FIRST)
        expect(other.options).to_have_count(len(predicted))
        other.press("a")
        other.sees(SECOND)
        other.sees_saved()
    *kept, drawn = app.answer_to(scenes[0].path)["spans"]
    assert kept == predicted[1:]
    assert "score" not in drawn
    assert app.store.drafts(DATASET, f"{DATASET}-ada") == {}


def test_answers_given_offline_are_named_and_sent_once(serve, annotate, artifacts):
    app = serve(6)
    person = annotate(app)
    person.sees(FIRST)
    person.page.context.set_offline(True)
    person.press("a")
    person.sees(SECOND)
    person.drag((100, 100), (200, 200))
    person.press("x")
    person.sees(THIRD)
    person.drag((100, 100), (200, 200))
    expect(person.banner).to_contain_text(f"Not sent yet: 2 answers ({FIRST}, {SECOND})")
    expect(person.banner).to_contain_text("the work on 1 image")
    person.page.screenshot(path=artifacts / "page-offline.png")
    assert app.answers() == []
    person.page.context.set_offline(False)
    person.sees_saved()
    expect(person.banner).to_be_hidden()
    assert [(task["meta"]["file"], task["answer"], len(task["spans"])) for task in app.answers()] == [
        (FIRST, "accept", 0),
        (SECOND, "reject", 1),
    ]
    assert app.store.last_answer_id(DATASET) == 2
    (draft,) = wait_for(lambda: drafts_of(app))
    assert (draft["task"]["meta"]["file"], len(draft["past"])) == (THIRD, 1)
    person.has_boxes("balloon")


@pytest.fixture
def command(tmp_path, scenes):
    """`teachbox image.manual` in a process of its own, which can be killed and started again at the same port."""

    class Served:
        port = 0
        process = None
        db = tmp_path / "teachbox.db"

        @property
        def url(self):
            return f"http://127.0.0.1:{self.port}/"

        def start(self):
            folder = scenes[0].path.parent
            argv = ["image.manual", DATASET, str(folder), "--label", "balloon,bird", "--no-browser"]
            argv += ["--web-port", str(self.port), "--db", str(self.db)]
            self.process = subprocess.Popen(
                [sys.executable, "-m", "teachbox", *argv], stdout=subprocess.PIPE, text=True
            )
            said = self.process.stdout.readline()
            self.port = int(re.search(r":(\d+)", said.split("http://")[1])[1])
            wait_for(lambda: httpx.get(f"{self.url}health", trust_env=False).status_code == 200)

        def kill(self):
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
            self.process.stdout.close()

    served = Served()
    served.start()
    yield served
    served.kill()


def test_a_server_killed_in_the_middle_of_an_edit(command, annotate):
    person = annotate(command)
    person.sees(FIRST)
    person.drag((100, 100), (200, 220))
    with Store.open(command.db) as store:
        wait_for(lambda: store.drafts(DATASET, f"{DATASET}-default"))
    command.kill()
    person.drag((300, 300), (400, 400))
    person.press("a")
    person.sees(SECOND)
    person.drag((500, 300), (600, 400))
    expect(person.banner).to_contain_text(f"Not sent yet: 1 answer ({FIRST})")
    command.start()
    person.sees_saved()
    expect(person.banner).to_be_hidden()
    person.page.reload()
    person.sees(SECOND)
    person.has_boxes("balloon")
    person.press("x")
    person.sees(THIRD)
    person.sees_saved()
    with Store.open(command.db) as store:
        answers = [stored.task for stored in store.effective_answers(DATASET)]
        assert [(task["meta"]["file"], task["answer"], len(task["spans"])) for task in answers] == [
            (FIRST, "accept", 2),
            (SECOND, "reject", 1),
        ]
        assert store.drafts(DATASET, f"{DATASET}-default") == {}
        assert store.last_answer_id(DATASET) == 2


@pytest.fixture
def two_answers(serve, annotate, browser, scenes):
    """Ada was offline while Bob was given her image, after a restart, and answered it. Then she answers too."""
    app = serve(4)
    ada = annotate(app, "?session=ada")
    ada.sees(FIRST)
    ada.drag((100, 100), (200, 200))
    wait_for(lambda: drafts_of(app, f"{DATASET}-ada"))
    ada.page.context.set_offline(True)
    app.stop()
    app.start()
    with browser.new_context() as context:
        bob = Annotator(context.new_page())
        bob.page.goto(app.url + "?session=bob")
        bob.sees(FIRST)
        bob.press("x")
        bob.sees(SECOND)
        bob.sees_saved()
    ada.page.context.set_offline(False)
    ada.press("a")
    return app, ada


def test_two_answers_to_one_image_are_both_kept_and_the_newest_counts(two_answers, artifacts, scenes, finds_nothing):
    app, ada = two_answers
    notice = ada.page.get_by_role("region", name="Two answers to one image")
    expect(notice).to_contain_text(f"Bob had answered {FIRST} before you: reject, no box.")
    expect(notice).to_contain_text("Yours, accept, 1 box, is newer and counts. Both are kept.")
    ada.page.screenshot(path=artifacts / "page-two-answers.png")
    for scheme in ("light", "dark"):
        ada.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        finds_nothing(ada.page, f"two answers, {scheme}")
    assert app.answer_to(scenes[0].path)["answer"] == "accept"
    notice.get_by_role("button", name="Mine counts").click()
    expect(notice).to_be_hidden()
    assert app.store.last_answer_id(DATASET) == 2
    assert app.answer_to(scenes[0].path)["_annotator"] == f"{DATASET}-ada"


def test_the_other_answer_can_be_chosen(two_answers, scenes):
    app, ada = two_answers
    notice = ada.page.get_by_role("region", name="Two answers to one image")
    notice.get_by_role("button", name="Let bob’s count").click()
    expect(notice).to_be_hidden()
    ada.sees_saved()
    answer = app.answer_to(scenes[0].path)
    assert (answer["answer"], answer["spans"]) == ("reject", [])
    assert answer["_version_of"] == {"session_id": f"{DATASET}-bob", "id": 1}
    assert app.store.last_answer_id(DATASET) == 3


REFUSING = """
  Object.defineProperty(window, "indexedDB", {get() { throw new DOMException("storage is off", "SecurityError"); }});
  for (const name of ["localStorage", "sessionStorage"]) {
    Object.defineProperty(window, name, {get() { throw new DOMException("storage is off", "SecurityError"); }});
  }
"""
FULL = """
  IDBObjectStore.prototype.put = () => { throw new DOMException("no more room", "QuotaExceededError"); };
"""


@pytest.mark.parametrize(("browser_says", "reason"), [(REFUSING, "storage is off"), (FULL, "its storage is full")])
def test_a_browser_that_keeps_nothing_is_told_of_and_works(serve, annotate, page, scenes, browser_says, reason):
    page.add_init_script(browser_says)
    app = serve(3)
    person = annotate(app)
    person.sees(FIRST)
    person.drag((100, 100), (200, 200))
    expect(person.banner).to_contain_text(f"This browser keeps nothing ({reason})")
    # The server keeps the draft all the same.
    wait_for(lambda: drafts_of(app))
    person.page.reload()
    person.sees(FIRST)
    person.has_boxes("balloon")
    person.press("a")
    person.sees(SECOND)
    person.sees_saved()
    assert len(app.answer_to(scenes[0].path)["spans"]) == 1


def test_a_skipped_image_comes_back_as_it_was_left(serve, annotate, scenes):
    app = serve(2)
    person = annotate(app)
    person.sees(FIRST)
    person.drag((100, 100), (200, 200))
    person.press("n")
    person.sees(SECOND)
    person.page.reload()
    file = person.page.locator("#file")
    expect(file).not_to_have_text("–")
    shown = file.inner_text()
    person.sees(shown)
    if shown == SECOND:
        person.press("x")
    person.sees(FIRST)
    person.has_boxes("balloon")
    person.press("a")
    person.sees_saved()
    (span,) = app.answer_to(scenes[0].path)["spans"]
    assert [span[key] for key in ("x", "y", "width", "height")] == pytest.approx([100] * 4, abs=2)
