"""`python -m teachbox.serving` as a process of its own."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from teachbox.serving.client import Client

pytestmark = pytest.mark.e2e


def start(*flags: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "teachbox.serving", *flags]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)


def lines_until(process: subprocess.Popen[str], words: str) -> list[str]:
    assert process.stderr is not None
    lines = []
    for line in process.stderr:
        lines.append(line)
        if words in line:
            return lines
    raise AssertionError(f"{words!r} never came: {''.join(lines)}")


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_start_and_stop(serving_fixtures, free_port, how):
    base, port, rest = serving_fixtures / "saved_model_half_plus_two_2_versions", free_port(), free_port()
    process = start(f"--port={port}", "--rest_api_port", str(rest), "--host=127.0.0.1", f"--model_base_path={base}")
    try:
        lines = "".join(lines_until(process, "Successfully loaded servable version"))
        lines += "" if "Exporting" in lines else "".join(lines_until(process, "Exporting HTTP/REST API"))
        assert "Building single TensorFlow model file config:  model_name: default model_base_path: " in lines
        assert "Adding/updating models." in lines
        assert " (Re-)adding model: default" in lines
        assert f"Running gRPC ModelServer at 127.0.0.1:{port} ..." in lines
        assert f"Exporting HTTP/REST API at:127.0.0.1:{rest} ..." in lines
        with Client("127.0.0.1", port, "default") as client:
            assert client.probe() == "up"
            assert client.served_version() == 124
        process.send_signal(how)
        _, rest_of_log = process.communicate(timeout=30)
        assert process.returncode == 0
        assert "Traceback" not in rest_of_log
    finally:
        process.kill()
        process.communicate()


def test_port_in_use(tmp_path: Path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        process = start(f"--port={port}", "--host=127.0.0.1", f"--model_base_path={tmp_path}")
        _, log = process.communicate(timeout=60)
    assert process.returncode == 1
    assert log.strip().splitlines() == [
        f"error: 127.0.0.1:{port}: the port is in use; stop what listens there, or choose another port"
    ]


def test_p9_bad_config(tmp_path: Path, free_port):
    path = tmp_path / "models.config"
    path.write_text("model_config_list { confg {} }")
    process = start(f"--port={free_port()}", f"--model_config_file={path}")
    _, log = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "Error parsing text-format tensorflow.serving.ModelServerConfig" in log
    assert "Traceback" not in log


def test_wrong_flag():
    process = start("--model_base_path=/m", "--enable_batching=true")
    _, log = process.communicate(timeout=60)
    assert process.returncode == 1
    assert log.strip() == "error: flag --enable_batching is TensorFlow Serving's; this server does not build it"
