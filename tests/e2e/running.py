"""A command that serves a page, run as a person runs it."""

import signal
import subprocess
import sys

import httpx
import psutil


class Running:
    """A command that serves a page on a free port; its output is read line by line."""

    def __init__(self, folder, *argv):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "teachbox", *argv, "--web-port", "0", "--no-browser"],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.lines = []
        while not self.lines or "Teachbox is at" not in self.lines[-1]:
            line = self.process.stdout.readline()
            assert line, self.lines
            self.lines.append(line.rstrip("\n"))
        self.url = self.lines[-1].split()[3]
        self.http = httpx.Client(base_url=self.url, timeout=20, trust_env=False)

    def post(self, path, **body):
        response = self.http.post(path, json=body)
        assert response.status_code == 200, response.text
        return response.json()

    def child(self, name: str) -> psutil.Process:
        """The process that the command started with the subcommand `name`: `train` or `serve`."""
        (found,) = [
            child for child in psutil.Process(self.process.pid).children(recursive=True) if name in child.cmdline()
        ]
        return found

    def end(self, number=signal.SIGINT):
        """Send the signal, and return the lines of output since the start and the exit status."""
        self.http.close()
        self.process.send_signal(number)
        self.lines += self.process.stdout.read().splitlines()
        self.process.wait(timeout=30)
        return self.lines, self.process.returncode

    def kill(self):
        self.http.close()
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
