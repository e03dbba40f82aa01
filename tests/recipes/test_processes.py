"""The supervisor on real processes: started, started again when killed, stopped, gone with their parent."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from teachbox.recipes import processes
from teachbox.recipes.processes import Program, State, Supervisor

RECIPES = """
import signal, sys, teachbox, threading, os
from teachbox.recipes.recipe import command
from teachbox.recipes.processes import end_with_parent

@command("sleeper")
def sleeper() -> None:
    end_with_parent()
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    print("sleeping", flush=True)
    stop.wait()
    print("woken", flush=True)

@command("stubborn")
def stubborn() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print("sleeping", flush=True)
    threading.Event().wait()

@command("wrong")
def wrong() -> None:
    from teachbox.errors import CheckpointError
    raise CheckpointError("does not exist", where="model.ckpt")

@command("parent")
def parent(log: str) -> None:
    from pathlib import Path
    from teachbox.recipes.processes import Program, Supervisor
    Supervisor().start(Program("sleeper", ["-F", __file__, "sleeper"], Path(log)))
    sys.stdin.read()
"""


class Watch:
    """States as they are reported, to be waited for."""

    def __init__(self):
        self.seen: list[tuple[str, State]] = []
        self._changed = threading.Condition()

    def __call__(self, name: str, state: State) -> None:
        with self._changed:
            self.seen.append((name, state))
            self._changed.notify_all()

    def wait(self, state: str, count: int = 1, timeout: float = 20) -> State:
        def there():
            return [s for _, s in self.seen if s.state == state]

        with self._changed:
            assert self._changed.wait_for(lambda: len(there()) >= count, timeout), self.seen
            return there()[count - 1]


def until(condition, timeout=60):
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    with open(f"/proc/{pid}/stat") as file:
        return file.read().rsplit(")", 1)[1].split()[0] != "Z"


@pytest.fixture
def recipes(tmp_path):
    path = tmp_path / "own.py"
    path.write_text(RECIPES)
    return path


def test_killed_program_is_started_again_and_stopped_in_the_end(tmp_path, recipes):
    watch = Watch()
    supervisor = Supervisor(watch)
    log = tmp_path / "logs/sleeper.log"
    supervisor.start(Program("sleeper", ["-F", str(recipes), "sleeper"], log, if_killed="perhaps it was cold"))
    first = watch.wait("up")
    until(lambda: log.exists() and "sleeping" in log.read_text())
    assert os.getpgid(first.pid) == first.pid != os.getpgid(0)  # Ctrl-C in our group does not reach it
    os.kill(first.pid, signal.SIGKILL)
    assert watch.wait("restarting").message == "was ended by SIGKILL (perhaps it was cold)"
    second = watch.wait("up", count=2)
    assert second.pid != first.pid
    until(lambda: log.read_text().count("sleeping") == 2)
    supervisor.stop()
    assert supervisor.states() == {"sleeper": State("stopped")}
    assert log.read_text().splitlines()[-1] == "woken"
    assert not alive(second.pid)


def test_program_that_ends_with_an_error_says_it(tmp_path, recipes, monkeypatch):
    watch = Watch()
    supervisor = Supervisor(watch)
    supervisor.start(Program("trainer", ["-F", str(recipes), "wrong"], tmp_path / "wrong.log"))
    assert watch.wait("restarting").message == "ended with status 1: model.ckpt: does not exist"
    supervisor.stop()


def test_program_that_does_not_listen_is_killed(tmp_path, recipes):
    watch = Watch()
    supervisor = Supervisor(watch)
    log = tmp_path / "stubborn.log"
    supervisor.start(Program("stubborn", ["-F", str(recipes), "stubborn"], log))
    pid = watch.wait("up").pid
    until(lambda: log.exists() and "sleeping" in log.read_text())
    supervisor.stop(patience=0.2)
    assert not alive(pid)


def test_child_goes_when_its_parent_is_killed(tmp_path, recipes):
    log = tmp_path / "sleeper.log"
    parent = subprocess.Popen(
        [sys.executable, "-m", "teachbox", "-F", str(recipes), "parent", str(log)], stdin=subprocess.PIPE
    )
    until(lambda: log.exists() and "sleeping" in log.read_text())
    parent.kill()
    parent.wait()
    until(lambda: log.read_text().endswith("sleeping\n"))
    (child,) = _children_of(recipes)
    until(lambda: not alive(child))


def _children_of(recipes) -> list[int]:
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/cmdline", "rb") as file:
                    words = file.read().split(b"\0")
            except (FileNotFoundError, ProcessLookupError):
                continue
            if str(recipes).encode() in words and b"sleeper" in words:
                found.append(int(entry))
    return found


def test_pauses_grow_and_are_bounded():
    assert processes.FIRST_PAUSE_S == 1.0
    assert processes.LONGEST_PAUSE_S == 30.0
