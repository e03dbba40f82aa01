"""Sockets: find out early, and say in one line, that a port cannot be had."""

from __future__ import annotations

import errno
import socket

from teachbox.errors import UsageError


def listen(host: str, port: int) -> socket.socket:
    """A listening TCP socket. UsageError if the port is in use or the address is not this machine's."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            reason = "the port is in use; stop what listens there, or choose another port"
        else:
            reason = f"cannot listen here: {error.strerror or error}"
        raise UsageError(reason, where=f"{host}:{port}") from error
    return listener


def check_free(host: str, port: int) -> None:
    """UsageError if `port` cannot be listened on."""
    listen(host, port).close()
