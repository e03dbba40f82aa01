"""Which model server is used: one that answers, one of our own, or none and why."""

import http.server
import socket
import threading

import pytest

from teachbox.errors import ServingError, UsageError
from teachbox.recipes.model_server import free_port, is_this_machine, server_to_start
from teachbox.serving.client import Client


@pytest.fixture
def free():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def test_nothing_there_on_this_machine(tmp_path, free):
    with Client("127.0.0.1", free, "boats") as client:
        program = server_to_start(client, tmp_path / "export", tmp_path / "server.log")
    assert program.argv == [
        "serve", "--host=127.0.0.1", f"--port={free}", "--model_name=boats",
        f"--model_base_path={tmp_path / 'export'}", "--file_system_poll_wait_seconds=0.2",
    ]  # fmt: skip


def test_something_else_there(tmp_path):
    server = http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        with Client("127.0.0.1", server.server_port, "boats") as client, pytest.raises(ServingError) as error:
            server_to_start(client, tmp_path, tmp_path / "server.log")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert str(error.value).startswith(f"127.0.0.1:{server.server_port}: answers, but is no TensorFlow Serving;")


def test_nothing_there_on_another_machine(tmp_path):
    # 192.0.2.0/24 is reserved for documentation: nobody has this address.
    with (
        Client("192.0.2.1", 8500, "boats") as client,
        pytest.raises(ServingError, match=r"192\.0\.2\.1:8500: no model"),
    ):
        server_to_start(client, tmp_path, tmp_path / "server.log")


def test_this_machine():
    assert is_this_machine("localhost")
    assert is_this_machine("127.0.0.1")
    assert not is_this_machine("192.0.2.1")
    with pytest.raises(ServingError, match=r"no-such-host\.invalid"):
        is_this_machine("no-such-host.invalid")


def test_free_port(free):
    assert free_port(free) == free
    with socket.create_server(("127.0.0.1", free)):
        other = free_port(free)
        assert other != free
        with socket.create_server(("127.0.0.1", other)):
            pass


def test_silent_listener_is_not_taken_for_a_model_server(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with Client("127.0.0.1", port, "boats") as client, pytest.raises((ServingError, UsageError)) as error:
            server_to_start(client, tmp_path, tmp_path / "server.log")
    assert str(port) in str(error.value)
