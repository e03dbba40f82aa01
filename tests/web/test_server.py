"""Ports: in use, impossible, free."""

import socket

import pytest

from teachbox.errors import UsageError
from teachbox.web.server import bind, check_port_free, serve


def test_a_port_in_use_is_named_before_anything_starts():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for refuse in (check_port_free, lambda host, port: serve(None, host, port)):
            with pytest.raises(UsageError) as refused:
                refuse("127.0.0.1", port)
            assert str(refused.value) == f"127.0.0.1:{port}: another program listens there; choose another port"
    check_port_free("127.0.0.1", port)


@pytest.mark.parametrize(
    ("host", "port", "says"),
    [
        ("127.0.0.1", 70000, "there is no port 70000"),
        ("192.0.2.1", 8080, "cannot listen there"),
        ("no host", 8080, "no such host"),
    ],
)
def test_where_nothing_can_listen(host, port, says):
    with pytest.raises(UsageError, match=says):
        check_port_free(host, port)


def test_port_0_takes_any():
    with bind("localhost", 0) as listener:
        assert listener.getsockname()[1] > 0
