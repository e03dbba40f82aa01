"""The TensorFlow-free client against our server, and against what is no server at all."""

from __future__ import annotations

import http.server
import io
import socket
import subprocess
import sys
import threading
import time

import grpc
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from teachbox.errors import ForeignServer, ModelMissing, RequestRefused, ServerDown, ServerSlow, ServingError
from teachbox.serving.client import Client

pytestmark = pytest.mark.tf


def example_of(brightness: int) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (40, 30), (brightness,) * 3).save(out, "PNG")
    feature = tf.train.Feature(bytes_list=tf.train.BytesList(value=[out.getvalue()]))
    return tf.train.Example(features=tf.train.Features(feature={"image/encoded": feature})).SerializeToString()


@pytest.fixture(scope="module")
def server(start_server, detector, write_version, tmp_path_factory):
    base = tmp_path_factory.mktemp("served")
    write_version(detector, base / "1700000000")
    return start_server(model_name="racoons", base_path=base)


@pytest.fixture
def http_port():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler) as web:
        thread = threading.Thread(target=web.serve_forever)
        thread.start()
        yield web.server_port
        web.shutdown()
        thread.join()


@pytest.fixture
def silent_port():
    """Takes connections and never says a word."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_predict(server):
    with Client("127.0.0.1", server.port, "racoons") as client:
        assert client.probe() == "up"
        assert client.served_version() == 1700000000
        found = client.predict(example_of(204), timeout=20)
        np.testing.assert_allclose(found.scores, [0.8, 0.4], rtol=1e-5)
        np.testing.assert_allclose(found.boxes, [[0.1, 0.2, 0.5, 0.6], [0, 0, 1, 1]], rtol=1e-6)
        assert found.classes.tolist() == [1, 3]
        assert found.version == 1700000000
        assert client.predict(example_of(102)).scores[0] == pytest.approx(0.4)


def test_refused(server):
    with Client("127.0.0.1", server.port, "racoons") as client:
        with pytest.raises(RequestRefused, match="INVALID_ARGUMENT"):
            client.predict(b"this is no Example")
        assert client.probe() == "up"


def test_no_model(server):
    with Client("127.0.0.1", server.port, "other") as client:
        assert client.probe() == "no_model"
        assert client.served_version() is None
        with pytest.raises(ModelMissing, match=r"no loaded version of model 'other' \(Servable not found"):
            client.predict(b"")


def test_no_detector(start_server, scaled, write_version, tmp_path):
    write_version(scaled(2), tmp_path / "1")
    server = start_server(model_name="scale", base_path=tmp_path, rest_api_port=0)
    with (
        Client("127.0.0.1", server.port, "scale") as client,
        pytest.raises(RequestRefused, match="Missing but required"),
    ):
        client.predict(b"")


def test_down(free_port):
    with Client("127.0.0.1", free_port(), "m") as client:
        assert client.probe() == "down"
        assert client.served_version() is None
        started = time.monotonic()
        with pytest.raises(ServerDown, match=r"127\.0\.0\.1:\d+: no model server can be reached"):
            client.predict(b"", timeout=0.5)
        assert time.monotonic() - started < 3


def test_unknown_host():
    with Client("no.such.host.invalid", 8500, "m") as client:
        assert client.probe() == "down"


def test_http_server_is_foreign(http_port):
    with Client("127.0.0.1", http_port, "m") as client:
        assert client.probe() == "foreign"
        with pytest.raises(ForeignServer, match="does not speak the TensorFlow Serving API"):
            client.predict(b"", timeout=5)


def test_our_rest_port_is_foreign(server):
    with Client("127.0.0.1", server.rest_port, "racoons") as client:
        assert client.probe() == "foreign"


def test_silence_is_foreign(silent_port):
    with Client("127.0.0.1", silent_port, "m") as client:
        assert client.probe(timeout=0.5) == "foreign"
        with pytest.raises(ServerSlow, match=r"no answer within 0\.3 s"):
            client.predict(b"", timeout=0.3)


def test_stuck_server_is_down():
    """A model server that is too busy to answer is no stranger."""
    from concurrent.futures import ThreadPoolExecutor

    release = threading.Event()

    class Stuck(grpc.GenericRpcHandler):
        def service(self, handler_call_details):
            return grpc.unary_unary_rpc_method_handler(lambda request, context: release.wait(20) and b"")

    busy = grpc.server(ThreadPoolExecutor(1))
    busy.add_generic_rpc_handlers([Stuck()])
    port = busy.add_insecure_port("127.0.0.1:0")
    busy.start()
    try:
        with Client("127.0.0.1", port, "m") as client:
            assert client.probe(timeout=0.5) == "down"
    finally:
        release.set()
        busy.stop(None).wait()


def test_other_grpc_server_is_foreign():
    from concurrent.futures import ThreadPoolExecutor

    other = grpc.server(ThreadPoolExecutor(1))
    port = other.add_insecure_port("127.0.0.1:0")
    other.start()
    try:
        with Client("127.0.0.1", port, "m") as client:
            assert client.probe() == "foreign"
            with pytest.raises(ForeignServer, match="Method not found"):
                client.predict(b"")
    finally:
        other.stop(None).wait()


def test_waits_for_a_server_that_comes_back(start_server, detector, write_version, free_port, tmp_path):
    write_version(detector, tmp_path / "1")
    port = free_port()
    answers = []
    with Client("127.0.0.1", port, "d") as client:
        assert client.probe() == "down"
        asking = threading.Thread(target=lambda: answers.append(_predict_once_loaded(client)))
        asking.start()
        start_server(model_name="d", base_path=tmp_path, port=port, rest_api_port=0, keep_standby=False)
        asking.join(30)
        assert client.probe() == "up"
    assert [a.version for a in answers] == [1]


def _predict_once_loaded(client: Client):
    while True:
        try:
            return client.predict(example_of(10), timeout=20)
        except ModelMissing:  # it listens before the model is loaded
            continue


def test_errors_are_serving_errors():
    for kind in (ForeignServer, ModelMissing, RequestRefused, ServerDown, ServerSlow):
        assert issubclass(kind, ServingError)


def test_client_needs_no_tensorflow():
    code = (
        "import sys, teachbox.serving.client; "
        "sys.exit(any(m.split('.')[0] in ('tensorflow', 'tensorflow_serving', 'keras') for m in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
