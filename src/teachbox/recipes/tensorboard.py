"""The TensorBoard that the page links to: one that runs somewhere, or one that is started beside the page.

As a program (`python -m teachbox.recipes.tensorboard`, with TensorBoard's own flags) it is TensorBoard, and ends with
the recipe that started it.
"""

from __future__ import annotations

import importlib.util
import socket
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from teachbox.errors import UsageError
from teachbox.recipes.model_server import free_port
from teachbox.recipes.processes import Program
from teachbox.serving.ports import check_free

HELP = "port to start TensorBoard at, as in 6006, or the address of one that runs; the page's figures link to it"
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}
PATIENCE_S = 0.2


@dataclass
class Board:
    """`address` of one that runs; None where one is started at `port` of this machine, on `logdir`."""

    logdir: Path
    address: str | None = None
    port: int = 0
    _host: str | None = None

    def program(self, host: str) -> Program | None:
        """What to start, so that whoever reaches the page at `host` reaches it too; None where one runs.

        Raises `UsageError` where the port is taken.
        """
        if self.address is not None:
            return None
        self.port = self.port or free_port(0, host)
        check_free(host, self.port)
        self._host = host
        flags = [f"--logdir={self.logdir.absolute()}", f"--host={host}", f"--port={self.port}"]
        return Program("TensorBoard", flags, self.logdir / "logs" / "tensorboard.log", "teachbox.recipes.tensorboard")

    def link(self) -> str | None:
        """Where it is: an address, or `:port` of the machine that the page comes from; None until it answers."""
        if self.address is not None:
            return self.address
        if self._host is None:
            return None
        try:
            socket.create_connection((_EVERYWHERE.get(self._host, self._host), self.port), PATIENCE_S).close()
        except OSError:
            return None
        return f":{self.port}"


def board_at(where: str, logdir: Path) -> Board:
    """The board that `--tensorboard WHERE` asks for. Raises `UsageError`."""
    if where.isdecimal() and int(where) < 2**16:
        if importlib.util.find_spec("tensorboard") is None:
            raise UsageError(
                "TensorBoard is not installed; `pip install tensorboard`, or give the address of one that runs",
                where="--tensorboard",
            )
        return Board(logdir, port=int(where))
    try:
        is_address = urlsplit(where).scheme in ("http", "https") and bool(urlsplit(where).hostname)
    except ValueError:
        is_address = False
    if not is_address:
        raise UsageError(
            f"{where!r} is no port, as 6006, and no address, as http://trainer:6006", where="--tensorboard"
        )
    return Board(logdir, address=where)


def main() -> None:
    """Be TensorBoard until SIGTERM."""
    import os
    import runpy
    import sys
    import types

    from teachbox.recipes.processes import end_with_parent

    end_with_parent()
    # As with the trainer: saving and predicting come first.
    os.nice(10)
    # TensorBoard's own sign that it is to do without TensorFlow, which it needs for buckets and profiles alone: it is
    # there after 1.4 s of work instead of 8, in 85 MB of memory instead of 700.
    sys.modules["tensorboard.compat.notf"] = types.ModuleType("tensorboard.compat.notf")
    runpy.run_module("tensorboard.main", run_name="__main__")


if __name__ == "__main__":
    main()
