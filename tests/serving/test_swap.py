"""Versions change while requests run: none fails, none sees mixed weights, versions only go up."""

from __future__ import annotations

import logging
import shutil
import threading
from pathlib import Path

import grpc
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import get_model_status_pb2, predict_pb2, prediction_service_pb2_grpc

pytestmark = pytest.mark.tf


def ask(stub, x: float = 1.0) -> tuple[int, float, float]:
    request = predict_pb2.PredictRequest()
    request.model_spec.name = "scale"
    request.inputs["x"].CopyFrom(tf.make_tensor_proto([x]))
    response = stub.Predict(request, timeout=20)
    outputs = response.outputs
    return response.model_spec.version.value, outputs["y"].float_val[0], outputs["twin"].float_val[0]


def wait_for_version(server, version: int) -> None:
    manager = server.core._managers["scale"]
    with manager._changed:
        assert manager._changed.wait_for(lambda: version in manager._ready, 30)


@pytest.mark.parametrize("keep_standby", [True, False])
def test_under_load(start_server, scaled, write_version, tmp_path: Path, keep_standby, caplog):
    caplog.set_level(logging.INFO)
    base = tmp_path / "export"
    base.mkdir()
    write_version(scaled(1), base / "1")
    server = start_server(model_name="scale", base_path=base, rest_api_port=0, keep_standby=keep_standby)
    done = threading.Event()
    seen: list[list[tuple[int, float, float]]] = [[] for _ in range(4)]
    failures: list[grpc.RpcError] = []

    def fire(answers: list[tuple[int, float, float]]) -> None:
        with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
            stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
            while not done.is_set():
                try:
                    answers.append(ask(stub))
                except grpc.RpcError as error:
                    failures.append(error)
                    return

    threads = [threading.Thread(target=fire, args=[answers]) for answers in seen]
    for thread in threads:
        thread.start()
    for version in range(2, 8):
        write_version(scaled(version), base / str(version))
        wait_for_version(server, version)
        if version > 3:
            shutil.rmtree(base / str(version - 3))  # as a publisher's garbage collection does
    done.set()
    for thread in threads:
        thread.join()
    assert failures == []
    for answers in seen:
        assert len(answers) > 6
        assert all(version == y == twin for version, y, twin in answers)
        versions = [version for version, _, _ in answers]
        assert versions == sorted(versions)
    assert max(version for answers in seen for version, _, _ in answers) >= 6
    assert ("variables only" in caplog.text) is keep_standby


@pytest.fixture
def scale(start_server, scaled, write_version, tmp_path: Path):
    """A server for one model, with version 1."""
    write_version(scaled(1), tmp_path / "1")
    server = start_server(model_name="scale", base_path=tmp_path, rest_api_port=0)
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        yield server, prediction_service_pb2_grpc.PredictionServiceStub(channel), tmp_path


def statuses(server) -> dict[int, tuple[str, int, str]]:
    name = get_model_status_pb2.ModelVersionStatus.State.Name
    return {s.version: (name(int(s.state)), int(s.code), s.message) for s in server.core._managers["scale"].statuses()}


def wait_for_state(server, version: int, state: str) -> None:
    manager = server.core._managers["scale"]
    with manager._changed:
        assert manager._changed.wait_for(lambda: statuses(server).get(version, ("",))[0] == state, 30)


def test_a_running_request_keeps_its_weights(scale, scaled, write_version):
    server, stub, base = scale
    x = {"x": np.array([1.0], np.float32)}
    with server.core._managers["scale"].lease() as held:
        for version in (2, 3, 4):
            write_version(scaled(version), base / str(version))
            wait_for_version(server, version)
            assert ask(stub) == (version, version, version)
            assert held.model.run("serving_default", x, ["y"])[0].tolist() == [1.0]
        assert statuses(server)[1][0] == "UNLOADING"
    wait_for_state(server, 1, "END")


def test_weights_that_cannot_be_read_leave_the_old_ones(scale, scaled, write_version):
    server, stub, base = scale
    write_version(scaled(2), base / "2")
    wait_for_version(server, 2)
    cut = base / "temp-3"
    shutil.copytree(scaled(3), cut)
    (data,) = (cut / "variables").glob("variables.data*")
    data.write_bytes(data.read_bytes()[:-1])
    cut.rename(base / "3")
    wait_for_state(server, 3, "END")
    assert ask(stub) == (2, 2.0, 2.0)
    write_version(scaled(4), base / "4")
    wait_for_version(server, 4)
    assert ask(stub) == (4, 4.0, 4.0)


def test_newest_deleted_goes_back(scale, scaled, write_version):
    server, stub, base = scale
    write_version(scaled(2), base / "2")
    wait_for_version(server, 2)
    assert ask(stub) == (2, 2.0, 2.0)
    shutil.rmtree(base / "2")
    wait_for_state(server, 2, "END")
    assert ask(stub) == (1, 1.0, 1.0)
    assert statuses(server) == {2: ("END", 0, ""), 1: ("AVAILABLE", 0, "")}


def test_half_written_versions_are_never_served(scale, scaled, write_version):
    server, stub, base = scale
    shutil.copytree(scaled(5), base / "temp-5")  # a publisher was killed before it renamed
    broken = base / "3"  # and somebody copied into place by hand, and has not finished
    shutil.copytree(scaled(3), base / "temp-3", ignore=shutil.ignore_patterns("variables.data*"))
    (base / "temp-3").rename(broken)
    wait_for_state(server, 3, "END")
    _, code, message = statuses(server)[3]
    assert code != 0
    assert "variables.data" in message
    assert ask(stub) == (1, 1.0, 1.0)
    assert 5 not in statuses(server)
    for part in (scaled(3) / "variables").glob("variables.data*"):
        shutil.copy(part, broken / "variables")  # the copy ends, the folder changed: it is tried again
    wait_for_version(server, 3)
    assert ask(stub) == (3, 3.0, 3.0)


def test_a_failed_version_is_tried_once(scale, caplog):
    server, stub, base = scale
    (base / "2").mkdir()
    (base / "2" / "saved_model.pb").write_bytes(b"\xff no graph")
    wait_for_state(server, 2, "END")
    manager = server.core._managers["scale"]
    for _ in range(5):
        manager.poll()
    assert caplog.text.count("version: 2} failed") == 1
    assert ask(stub)[0] == 1


def test_missing_and_empty_base_path(start_server, scaled, write_version, tmp_path, caplog):
    base = tmp_path / "later"
    server = start_server(model_name="scale", base_path=base, rest_api_port=0)
    assert "Could not find base path" in caplog.text
    manager = server.core._managers["scale"]
    base.mkdir()
    manager.poll()
    assert "Did you forget to name your leaf directory as a number" in caplog.text
    write_version(scaled(4), base / "0004")
    wait_for_version(server, 4)
    shutil.move(base, tmp_path / "away")  # what is loaded stays served
    manager.poll()
    assert manager.is_ready(4)
    base.mkdir()  # there, and empty: nothing is wanted any more
    wait_for_state(server, 4, "END")
    assert not manager.is_ready(4)


def test_another_graph_is_loaded_whole(scale, serving_fixtures, write_version):
    server, stub, base = scale
    write_version(serving_fixtures / "saved_model_half_plus_two_tf2_cpu" / "00000123", base / "123")
    wait_for_version(server, 123)
    request = predict_pb2.PredictRequest()
    request.model_spec.name = "scale"
    request.inputs["x"].CopyFrom(tf.make_tensor_proto([2.0]))
    assert list(stub.Predict(request, timeout=10).outputs["y"].float_val) == [3.0]
