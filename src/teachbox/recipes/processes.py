"""Child processes of a recipe: started, watched, started again when they die, stopped together.

Children stand in process groups of their own, so that Ctrl-C reaches the recipe alone, and each holds the
other end of a pipe from us: when we are gone, however that came, the pipe ends and they leave.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

logger = logging.getLogger(__name__)

WATCHES_STDIN = "TEACHBOX_ENDS_WITH_STDIN"
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 30.0
STABLE_AFTER_S = 60.0
PATIENCE_S = 20.0
_ERROR_LINE = b"teachbox: "


@dataclass(frozen=True)
class Program:
    """What to run: a name for people, arguments, the file for its output, and the module that takes them.

    `if_killed` is said where SIGKILL ended it: a system that runs out of memory does that.
    """

    name: str
    argv: list[str]
    log: Path
    module: str = "teachbox"
    if_killed: str = ""


@dataclass(frozen=True)
class State:
    """`up`, `restarting` (ended by itself; `message` says how) or `stopped`."""

    state: str
    message: str = ""
    pid: int | None = None


class Supervisor:
    """Keeps programs running until `stop`. `on_change(name, state)` is called from a thread of its own."""

    def __init__(self, on_change: Callable[[str, State], None] | None = None, *, echo: bool = False) -> None:
        self._on_change = on_change
        self._echo = echo
        self._stopping = threading.Event()
        self._keepers: list[_Keeper] = []

    def start(self, program: Program) -> None:
        """Start `program` and keep it running."""
        keeper = _Keeper(program, self._stopping, self._report, self._echo)
        self._keepers.append(keeper)
        keeper.start()

    def states(self) -> dict[str, State]:
        """How every program is, by name."""
        return {keeper.program.name: keeper.state for keeper in self._keepers}

    def stop(self, patience: float = PATIENCE_S) -> None:
        """End all programs: SIGTERM, wait up to `patience` seconds, then SIGKILL to those that still run."""
        self._stopping.set()
        deadline = time.monotonic() + patience
        for keeper in self._keepers:
            keeper.signal(signal.SIGTERM)
        for keeper in self._keepers:
            keeper.join(max(0.0, deadline - time.monotonic()))
            if keeper.is_alive():
                logger.warning("%s did not stop within %.0f s and was killed", keeper.program.name, patience)
                keeper.signal(signal.SIGKILL)
                keeper.join()

    def _report(self, name: str, state: State) -> None:
        if self._on_change is not None:
            self._on_change(name, state)


class _Keeper(threading.Thread):
    """The thread that runs one program again and again."""

    def __init__(
        self, program: Program, stopping: threading.Event, report: Callable[[str, State], None], echo: bool
    ) -> None:
        super().__init__(name=f"keeper of {program.name}", daemon=True)
        self.program = program
        self.state = State("stopped")
        self._stopping = stopping
        self._report = report
        self._echo = echo
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    def run(self) -> None:
        pause = FIRST_PAUSE_S
        self.program.log.parent.mkdir(parents=True, exist_ok=True)
        while True:
            started = time.monotonic()
            with self._lock:
                if self._stopping.is_set():
                    break
                process = self._process = self._spawn()
            self._enter(State("up", pid=process.pid))
            last_line = self._pump(process)
            status = process.wait()
            if self._stopping.is_set():
                break
            if time.monotonic() - started > STABLE_AFTER_S:
                pause = FIRST_PAUSE_S
            message = _how_it_ended(status, last_line, self.program.if_killed)
            self._enter(State("restarting", message))
            logger.warning(
                "the %s %s; starting it again in %.0f s (its log: %s)",
                self.program.name, message, pause, self.program.log,
            )  # fmt: skip
            if self._stopping.wait(pause):
                break
            pause = min(2 * pause, LONGEST_PAUSE_S)
        self._enter(State("stopped"))

    def signal(self, number: int) -> None:
        """Send a signal to the running process, if there is one."""
        with self._lock:
            if self._process is not None and self._process.poll() is None:
                self._process.send_signal(number)

    def _spawn(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", self.program.module, *self.program.argv],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, WATCHES_STDIN: "1", "PYTHONUNBUFFERED": "1"},
            start_new_session=True,
        )

    def _pump(self, process: subprocess.Popen[bytes]) -> str:
        """Copy the process's output to its log until it ends; returns what it said about its end."""
        assert process.stdout is not None
        last = error = b""
        with self.program.log.open("ab", buffering=0) as log, process.stdout as output:
            for line in output:
                log.write(line)
                if self._echo:
                    _echo(sys.stderr.buffer, self.program.name, line)
                last = line.strip() or last
                error = last if last.startswith(_ERROR_LINE) else error
        return (error or last).decode(errors="replace")

    def _enter(self, state: State) -> None:
        self.state = state
        self._report(self.program.name, state)


def _echo(terminal: BinaryIO, name: str, line: bytes) -> None:
    terminal.write(f"[{name}] ".encode() + line)
    terminal.flush()


def _how_it_ended(status: int, last_line: str, if_killed: str) -> str:
    if status < 0:
        hint = f" ({if_killed})" if if_killed and -status == signal.SIGKILL else ""
        return f"was ended by {signal.Signals(-status).name}{hint}"
    said = f": {last_line.removeprefix(_ERROR_LINE.decode())}" if last_line else ""
    return f"ended with status {status}{said}"


def end_with_parent(patience: float = PATIENCE_S) -> None:
    """In a child of a `Supervisor`: SIGTERM to ourselves when the parent is gone, SIGKILL `patience` s later.

    Does nothing in a process that was started by hand.
    """
    if os.environ.pop(WATCHES_STDIN, None) is None:
        return

    def watch() -> None:
        while os.read(sys.stdin.fileno(), 4096):
            pass
        os.kill(os.getpid(), signal.SIGTERM)
        killer = threading.Timer(patience, os.kill, (os.getpid(), signal.SIGKILL))
        killer.daemon = True
        killer.start()

    threading.Thread(target=watch, name="watching the parent", daemon=True).start()
