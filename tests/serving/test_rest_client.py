"""The REST client against our server, and against what is no server at all."""

from __future__ import annotations

import http.server
import io
import json
import subprocess
import sys
import threading

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from teachbox.errors import ForeignServer, ModelMissing, RequestRefused, ServerDown, ServerSlow, ServingError
from teachbox.serving.client import Client
from teachbox.serving.rest_client import RestClient

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


def rest(server, name: str = "racoons") -> RestClient:
    return RestClient(f"http://127.0.0.1:{server.rest_port}/", name)


@pytest.fixture
def answering():
    """Starts a web server that gives one answer to everything, and returns its address."""
    running = []

    def start(status: int, body: bytes) -> str:
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_GET

            def log_message(self, *_):
                pass

        web = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=web.serve_forever).start()
        running.append(web)
        return f"http://127.0.0.1:{web.server_port}"

    yield start
    for web in running:
        web.shutdown()
        web.server_close()


def test_says_the_same_as_grpc(server):
    with rest(server) as client, Client("127.0.0.1", server.port, "racoons") as other:
        assert client.served_version() == other.served_version() == 1700000000
        found, same = client.predict(example_of(204)), other.predict(example_of(204))
        np.testing.assert_allclose(found.scores, same.scores, rtol=1e-6)
        np.testing.assert_allclose(found.boxes, same.boxes, rtol=1e-6)
        assert found.classes.tolist() == same.classes.tolist() == [1, 3]
        assert found.boxes.dtype == found.scores.dtype == np.float32
        assert found.version is None


def test_refused(server):
    with rest(server) as client, pytest.raises(RequestRefused, match="refused: status 400: "):
        client.predict(b"this is no Example")


def test_no_model(server):
    with rest(server, "of/others") as client:
        for ask in (client.served_version, lambda: client.predict(b"")):
            with pytest.raises(ModelMissing, match="no loaded version of model 'of/others'"):
                ask()


def test_down(free_port):
    with RestClient(f"http://127.0.0.1:{free_port()}", "m") as client:
        with pytest.raises(ServerDown, match="no model server can be reached"):
            client.served_version()
        with pytest.raises(ServerDown):
            client.predict(b"")
    with RestClient("http://no.such.host.invalid:8501", "m") as client, pytest.raises(ServerDown):
        client.served_version()


def test_grpc_port_is_foreign(server):
    with RestClient(f"http://127.0.0.1:{server.port}", "m") as client, pytest.raises(ForeignServer, match="REST port"):
        client.served_version()


@pytest.mark.parametrize(
    ("status", "body"), [(200, b"<p>hello</p>"), (404, b"gone"), (500, b"{}"), (200, b"[1]"), (404, b'{"error": 3}')]
)
def test_another_web_server_is_foreign(answering, status, body):
    with RestClient(answering(status, body), "m") as client, pytest.raises(ForeignServer, match="does not speak"):
        client.predict(b"")


@pytest.mark.parametrize(
    ("outputs", "reason"),
    [
        ([0.5], "one output without a name"),
        (None, "no outputs"),
        ({"scores": [[1.0]]}, "detection_boxes, detection_scores, detection_classes is missing; there is scores"),
        (
            {"detection_boxes": [[[0, 0, 1, 1]]], "detection_scores": [[0.5, 0.4]], "detection_classes": [[1, 1]]},
            "2 scores, 2 classes and 4 box coordinates do not fit together",
        ),
        ({"detection_boxes": ["a"], "detection_scores": [0.5], "detection_classes": [1]}, "could not convert"),
    ],
)
def test_no_detector(answering, outputs, reason):
    body = json.dumps({"outputs": outputs}).encode()
    with RestClient(answering(200, body), "m") as client, pytest.raises(ServingError, match=reason) as caught:
        client.predict(b"")
    assert "answered, but not as a detector" in str(caught.value)


def test_silence_is_slow():
    import socket

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with RestClient(address, "m") as client, pytest.raises(ServerSlow, match=r"no answer within 0\.3 s"):
            client.predict(b"", timeout=0.3)


def test_needs_no_tensorflow():
    code = (
        "import sys, teachbox.serving.rest_client; "
        "sys.exit(any(m.split('.')[0] in ('tensorflow', 'tensorflow_serving', 'keras') for m in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
