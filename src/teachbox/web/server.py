"""uvicorn, run from Python: a port in use is found before anything starts, and stopping never hangs on a stream."""

from __future__ import annotations

import contextlib
import errno
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from types import FrameType

import uvicorn
from fastapi import FastAPI

from teachbox.errors import UsageError
from teachbox.web.app import close_streams

STOP_SECONDS = 3


def check_port_free(host: str, port: int) -> None:
    """Raise `UsageError` unless a server could listen at `host`:`port` now."""
    bind(host, port).close()


def bind(host: str, port: int) -> socket.socket:
    """A socket bound to `host`:`port`; port 0 takes any that is free. Raises `UsageError`."""
    where = f"{host}:{port}"
    if not 0 <= port <= 65535:
        raise UsageError(f"there is no port {port}; it must be 1 to 65535", where=where)
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except socket.gaierror as error:
        raise UsageError(f"no such host ({error.strerror})", where=where) from error
    listener = socket.socket(family, kind, protocol)
    try:
        # As every server does: a port that was left a moment ago is free.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(128)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise UsageError("another program listens there; choose another port", where=where) from error
        raise UsageError(f"cannot listen there ({error.strerror})", where=where) from error
    return listener


class WebServer(uvicorn.Server):
    """A server of `app` on a socket; `run()` returns after `stop()`, SIGINT or SIGTERM."""

    def __init__(self, app: FastAPI, listener: socket.socket, ready: Callable[[], None] | None = None) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                log_level="warning",
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=STOP_SECONDS,
            )
        )
        self._app = app
        self._listener = listener
        self._ready = ready

    @property
    def port(self) -> int:
        """The port it listens at."""
        return int(self._listener.getsockname()[1])

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until stopped. In the main thread it takes SIGINT and SIGTERM, and gives them back at the end."""
        super().run(sockets=sockets or [self._listener])

    def stop(self) -> None:
        """Make `run` return; may be called from any thread."""
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        if self.started and self._ready is not None:
            # In a thread of its own: opening a browser may take its time.
            threading.Thread(target=self._ready, name="web-ready", daemon=True).start()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        close_streams(self._app)
        await super().shutdown(sockets=sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Unlike uvicorn's own, a signal that stopped the server is not raised again: what comes after tidies up."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self._stop_on) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _stop_on(self, number: int, _frame: FrameType | None) -> None:
        # A second Ctrl-C does not wait for requests under way.
        self.force_exit = self.should_exit and number == signal.SIGINT
        self.should_exit = True


def serve(app: FastAPI, host: str, port: int, ready: Callable[[], None] | None = None) -> None:
    """Serve `app` until Ctrl-C or SIGTERM; `ready` is called, in a thread, as soon as requests are answered.

    Raises `UsageError` where nothing can listen at `host`:`port`.
    """
    with bind(host, port) as listener:
        WebServer(app, listener, ready).run()
