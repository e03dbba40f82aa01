"""The model server of a recipe: the one that is there, or one of our own."""

from __future__ import annotations

import logging
import socket
from pathlib import Path

from teachbox.errors import ServingError
from teachbox.recipes.processes import Program
from teachbox.serving.client import Client
from teachbox.serving.ports import check_free

logger = logging.getLogger(__name__)

# How often our server looks for a new version, in seconds; TensorFlow Serving's own default is 1.
POLL_S = 0.2


def server_to_start(client: Client, export_dir: Path, log: Path) -> Program | None:
    """The model server that has to be started, None if one answers already.

    Raises `ServingError` where something else answers, or nothing does on another machine; `UsageError` where the
    port is taken by something that does not answer.
    """
    state = client.probe()
    if state == "foreign":
        raise ServingError(
            "answers, but is no TensorFlow Serving; name the gRPC port of a model server, or a free port of this "
            "machine to have one started",
            where=client.address,
        )
    if state in ("up", "no_model"):
        logger.info("Using the model server at %s (model %s: %s)", client.address, client.model_name, state)
        return None
    if not is_this_machine(client.host):
        raise ServingError(
            "no model server answers there, and one can be started on this machine only", where=client.address
        )
    check_free(client.host, client.port)
    return Program(
        "model server",
        [
            "serve",
            f"--host={client.host}",
            f"--port={client.port}",
            f"--model_name={client.model_name}",
            f"--model_base_path={export_dir.absolute()}",
            f"--file_system_poll_wait_seconds={POLL_S}",
        ],
        log,
    )


def is_this_machine(host: str) -> bool:
    """Whether `host` is an address of this machine: one that can be listened on. `ServingError` if unknown."""
    try:
        addresses = socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM)
    except OSError as error:
        raise ServingError(f"there is no machine of that name ({error.strerror})", where=host) from error
    for family, kind, protocol, _, address in addresses:
        with socket.socket(family, kind, protocol) as candidate:
            try:
                candidate.bind(address)
            except OSError:
                continue
            return True
    return False


def free_port(preferred: int, host: str = "127.0.0.1") -> int:
    """`preferred` if it can be listened on, else a port that can."""
    for port in (preferred, 0):
        with socket.socket() as candidate:
            try:
                candidate.bind((host, port))
            except OSError:
                continue
            return int(candidate.getsockname()[1])
    return preferred
