"""The server's gRPC side while it lives: its config read again, a reload, a socket."""

from __future__ import annotations

import threading

import grpc
import numpy as np
import pytest
from grpc_stubs import THREE, TWO, Stubs, predict_request, refusal
from tensorflow_serving.apis import (
    model_management_pb2,
    prediction_service_pb2_grpc,
)

pytestmark = pytest.mark.tf


def test_p10_to_p12_config_is_read_again(start_server, serving_fixtures, tmp_path, caplog):
    path = tmp_path / "models.config"

    def write(*models: tuple[str, str]) -> None:
        configs = "".join(
            f'config {{ name: "{n}" base_path: "{serving_fixtures / f}" model_platform: "tensorflow" }}\n'
            for n, f in models
        )
        path.write_text(f"model_config_list {{ {configs} }}")

    write(("first", TWO))
    server = start_server(
        model_config_file=path,
        model_config_file_poll_seconds=0.05,
        rest_api_port=0,
        grpc_channel_arguments={"grpc.max_connection_age_ms": 2000},
    )
    never = start_server(model_config_file=path, rest_api_port=0)  # P11: without polling, the old ones stay
    stubs, old = Stubs(server.port), Stubs(never.port)
    assert list(stubs.prediction.Predict(predict_request("first"), timeout=10).outputs["y"].float_val) == [3.0]
    path.write_text("this is no config")  # an error is logged, and nothing changes
    _wait_for(lambda: "Error parsing text-format tensorflow.serving.ModelServerConfig" in caplog.text)
    assert list(stubs.prediction.Predict(predict_request("first"), timeout=10).outputs["y"].float_val) == [3.0]
    write(("second", THREE))
    manager = _wait_for(lambda: server.core._managers.get("second"))
    assert manager.wait_until_polled(10)
    assert list(stubs.prediction.Predict(predict_request("second"), timeout=10).outputs["y"].float_val) == [4.0]
    assert refusal(stubs.prediction.Predict, predict_request("first"))[0] is grpc.StatusCode.NOT_FOUND
    assert list(old.prediction.Predict(predict_request("first"), timeout=10).outputs["y"].float_val) == [3.0]

    reload = model_management_pb2.ReloadConfigRequest()
    third = reload.config.model_config_list.config.add(name="third", model_platform="tensorflow")
    third.base_path = str(serving_fixtures / TWO)
    assert old.model.HandleReloadConfigRequest(reload, timeout=20).status.error_code == 0
    assert list(old.prediction.Predict(predict_request("third"), timeout=10).outputs["y"].float_val) == [3.0]
    third.base_path = "relative"
    code, text = refusal(old.model.HandleReloadConfigRequest, reload)
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert "Expected model third to have an absolute path" in text


def test_p20_socket_and_content(start_server, serving_fixtures, tmp_path):
    socket = tmp_path / "serving.sock"
    start_server(
        base_path=serving_fixtures / TWO,
        rest_api_port=0,
        grpc_socket_path=str(socket),
        outputs_as_content=True,
        keep_standby=False,
    )
    with grpc.insecure_channel(f"unix:{socket}") as channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        output = stub.Predict(predict_request(), timeout=10).outputs["y"]
    assert len(output.float_val) == 0
    assert np.frombuffer(output.tensor_content, "<f4").tolist() == [3.0]


def _wait_for(condition, seconds=10.0):
    done = threading.Event()
    for _ in range(int(seconds / 0.02)):
        if value := condition():
            return value
        done.wait(0.02)
    raise AssertionError("waited in vain")
