"""Server-sent events: from the threads where things happen to every page that listens."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any

KEEP_ALIVE_SECONDS = 15.0
_LARGEST_BACKLOG = 512


def format_event(kind: str, data: dict[str, Any]) -> str:
    """One event as it goes over the wire."""
    return f"event: {kind}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n"


class Listener:
    """One open stream. `session` is whose tasks it wants to hear of; None: everyone's."""

    def __init__(self, session: str | None) -> None:
        self.session = session
        self.messages: asyncio.Queue[str | None] = asyncio.Queue()

    def wants(self, session: str | None) -> bool:
        return session is None or self.session is None or self.session == session


class Events:
    """Hands each event to every listener. `publish` may be called from any thread, the rest from the event loop."""

    def __init__(self, keep_alive_seconds: float = KEEP_ALIVE_SECONDS) -> None:
        self._keep_alive_seconds = keep_alive_seconds
        self._loop: asyncio.AbstractEventLoop | None = None
        self._listeners: set[Listener] = set()
        self._closed = False
        self.listened_to = threading.Event()
        """Set while anyone listens."""

    def open(self, loop: asyncio.AbstractEventLoop) -> None:
        """Events are delivered in `loop` from now on."""
        self._loop = loop

    def publish(self, kind: str, data: dict[str, Any], session: str | None = None) -> None:
        """Tell the listeners of `session`, or all; nothing happens where there are none."""
        if self._loop is None or self._closed or not self.listened_to.is_set():
            return
        message = format_event(kind, data)
        try:
            self._loop.call_soon_threadsafe(self._deliver, message, session)
        except RuntimeError:
            # The loop closed between the check and the call: the server is going down.
            self._closed = True

    def _deliver(self, message: str, session: str | None) -> None:
        for listener in list(self._listeners):
            if not listener.wants(session):
                continue
            if listener.messages.qsize() < _LARGEST_BACKLOG:
                listener.messages.put_nowait(message)
            else:
                # It does not read. Its page reconnects by itself, and is then told how things are.
                self._end(listener)

    def _end(self, listener: Listener) -> None:
        self._listeners.discard(listener)
        listener.messages.put_nowait(None)
        if not self._listeners:
            self.listened_to.clear()

    def add(self, session: str | None) -> Listener:
        """A new listener; it is heard of until its stream ends."""
        listener = Listener(session)
        if self._closed:
            listener.messages.put_nowait(None)
        else:
            self._listeners.add(listener)
            self.listened_to.set()
        return listener

    async def stream(self, listener: Listener, first: str, still_here: Callable[[], None]) -> AsyncIterator[str]:
        """The text of a stream: `first`, then every event, and a comment now and then so that the line stays open.

        `still_here` is called as often as a comment would come, as long as the page listens.
        """
        clock = asyncio.get_running_loop().time
        told = clock()
        try:
            yield first
            while True:
                try:
                    message = await asyncio.wait_for(listener.messages.get(), self._keep_alive_seconds)
                except TimeoutError:
                    message = ": still here\n\n"
                if message is None:
                    return
                yield message
                if clock() - told >= self._keep_alive_seconds:
                    told = clock()
                    still_here()
        finally:
            self._end(listener)

    def close(self) -> None:
        """End every stream at once."""
        self._closed = True
        for listener in list(self._listeners):
            self._end(listener)
