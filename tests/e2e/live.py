"""The real command with its real processes, on drawn scenes."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import psutil

ROUND = 4
STEPS = 16
PATIENCE_S = 90


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Command:
    """`teachbox image.trainmodel` on the project, as a person types it."""

    def __init__(self, project: Path, threshold: float = 0.01, steps: int = STEPS, options: Sequence[str] = ()):
        self.project = project
        self.port = free_port()
        argv = [
            *("image.trainmodel", "scenes", "images", "pipeline.config", "127.0.0.1", str(self.port), "scenes"),
            *("-spe", str(steps), "--batch-answers", str(ROUND), "--idle-seconds", "3600"),
            *("--threshold", str(threshold)),
            *("--web-port", "0", "--no-browser"),
            *options,
        ]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "teachbox", *argv],
            cwd=project,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        self.lines = []
        while not self.lines or "Teachbox is at" not in self.lines[-1]:
            line = self.process.stdout.readline()
            assert line, self.lines
            self.lines.append(line.rstrip("\n"))
        self.url = self.lines[-1].split()[3]

    def child(self, name: str) -> psutil.Process:
        """The trainer (`train`) or the model server (`serve`)."""
        (found,) = [
            child for child in psutil.Process(self.process.pid).children(recursive=True) if name in child.cmdline()
        ]
        return found

    def stop(self) -> list[str]:
        self.process.send_signal(signal.SIGINT)
        self.lines += self.process.stdout.read().splitlines()
        self.process.wait(timeout=30)
        return self.lines

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
