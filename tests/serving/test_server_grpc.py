"""The server's gRPC side, asked by the stock stubs: TensorFlow Serving's own integration cases, then its refusals."""

from __future__ import annotations

import threading
from pathlib import Path

import grpc
import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import text_format
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    model_management_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
    regression_pb2,
)

pytestmark = pytest.mark.tf

TWO = "saved_model_half_plus_two_2_versions"
TWO_TF2 = "saved_model_half_plus_two_tf2_cpu"
THREE = "saved_model_half_plus_three"


class Stubs:
    """The stock client stubs on one channel."""

    def __init__(self, port: int) -> None:
        self.channel = grpc.insecure_channel(f"127.0.0.1:{port}")
        self.prediction = prediction_service_pb2_grpc.PredictionServiceStub(self.channel)
        self.model = model_service_pb2_grpc.ModelServiceStub(self.channel)


@pytest.fixture(scope="module")
def config_file(serving_fixtures, write_version, tmp_path_factory) -> Path:
    """Several models: TF1 and TF2 exports, one with two versions and labels, one that is broken."""
    folder = tmp_path_factory.mktemp("models")
    for model, fixture in (("default", TWO), ("tf2", TWO_TF2), ("three", THREE)):
        (folder / model).mkdir()
        write_version(serving_fixtures / fixture / "00000123", folder / model / "00000123")
    path = folder / "models.config"
    path.write_text(
        f"""
        model_config_list {{
          config {{ name: "default" base_path: "{folder / "default"}" model_platform: "tensorflow" }}
          config {{ name: "tf2" base_path: "{folder / "tf2"}" model_platform: "tensorflow" }}
          config {{ name: "three" base_path: "{folder / "three"}" model_platform: "tensorflow" }}
          config {{
            name: "both" base_path: "{serving_fixtures / TWO}" model_platform: "tensorflow"
            model_version_policy {{ all {{}} }}
            version_labels {{ key: "stable" value: 123 }}
          }}
          config {{ name: "bad" base_path: "{serving_fixtures / "bad_half_plus_two"}" model_platform: "tensorflow" }}
        }}"""
    )
    return path


@pytest.fixture(scope="module")
def server(start_server, config_file):
    return start_server(model_config_file=config_file)


@pytest.fixture(scope="module")
def stubs(server):
    stubs = Stubs(server.port)
    yield stubs
    stubs.channel.close()


def predict_request(model="default", x=(2.0,), **fields) -> predict_pb2.PredictRequest:
    request = predict_pb2.PredictRequest(**fields)
    request.model_spec.name = model
    request.inputs["x"].CopyFrom(tf.make_tensor_proto(np.array(x, np.float32).reshape(-1, 1)))
    return request


def example(**features: float) -> tf.train.Example:
    return tf.train.Example(
        features=tf.train.Features(
            feature={n: tf.train.Feature(float_list=tf.train.FloatList(value=[v])) for n, v in features.items()}
        )
    )


def refusal(call, request) -> tuple[grpc.StatusCode, str]:
    with pytest.raises(grpc.RpcError) as caught:
        call(request, timeout=10)
    return caught.value.code(), caught.value.details()


def verify_spec(spec, name="default", version=123, signature="serving_default"):
    assert (spec.name, spec.version.value, spec.signature_name) == (name, version, signature)


def test_p1_model_status(stubs):
    request = get_model_status_pb2.GetModelStatusRequest()
    request.model_spec.name = "default"
    response = stubs.model.GetModelStatus(request, timeout=10)
    assert len(response.model_version_status) == 1
    (status,) = response.model_version_status
    assert status.version == 123
    assert status.state == get_model_status_pb2.ModelVersionStatus.AVAILABLE
    assert (status.status.error_code, status.status.error_message) == (0, "")


def test_p2_metadata(stubs):
    request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
    request.model_spec.name = "default"
    response = stubs.prediction.GetModelMetadata(request, timeout=10)
    assert (response.model_spec.name, response.model_spec.version.value) == ("default", 123)
    assert len(response.metadata) == 1
    signatures = get_model_metadata_pb2.SignatureDefMap()
    assert response.metadata["signature_def"].Unpack(signatures)
    assert signatures.signature_def["serving_default"].method_name == "tensorflow/serving/predict"
    assert signatures.signature_def["classify_x_to_y"].method_name == "tensorflow/serving/classify"


@pytest.mark.parametrize("model", ["default", "tf2"])
def test_p3_classify(stubs, model):
    request = classification_pb2.ClassificationRequest()
    request.model_spec.name = model
    request.model_spec.signature_name = "classify_x_to_y"
    request.input.example_list.examples.append(example(x=2.0))
    response = stubs.prediction.Classify(request, timeout=10)
    assert len(response.result.classifications) == 1
    (only,) = response.result.classifications[0].classes
    assert only.score == 3.0
    verify_spec(response.model_spec, model, 123, "classify_x_to_y")


@pytest.mark.parametrize("model", ["default", "tf2"])
def test_p4_regress(stubs, model):
    request = regression_pb2.RegressionRequest()
    request.model_spec.name = model
    request.model_spec.signature_name = "regress_x_to_y"
    request.input.example_list.examples.append(example(x=2.0))
    response = stubs.prediction.Regress(request, timeout=10)
    assert [r.value for r in response.result.regressions] == [3.0]
    verify_spec(response.model_spec, model, 123, "regress_x_to_y")


def test_context_is_shared_by_the_examples(stubs):
    request = regression_pb2.RegressionRequest()
    request.model_spec.name = "default"
    request.model_spec.signature_name = "regress_x_to_y"
    listed = request.input.example_list_with_context
    listed.context.CopyFrom(example(x=4.0))
    listed.examples.append(tf.train.Example())
    listed.examples.append(example(x=2.0))
    response = stubs.prediction.Regress(request, timeout=10)
    assert [r.value for r in response.result.regressions] == [4.0, 3.0]


@pytest.mark.parametrize("model", ["default", "tf2"])
def test_p5_multi_inference(stubs, model):
    request = inference_pb2.MultiInferenceRequest()
    request.input.example_list.examples.append(example(x=2.0))
    for kind in ("regress", "classify"):
        task = request.tasks.add(method_name=f"tensorflow/serving/{kind}")
        task.model_spec.name = model
        task.model_spec.signature_name = f"{kind}_x_to_y"
    response = stubs.prediction.MultiInference(request, timeout=10)
    regressed, classified = response.results
    assert regressed.regression_result.regressions[0].value == 3.0
    assert classified.classification_result.classifications[0].classes[0].score == 3.0
    verify_spec(regressed.model_spec, model, 123, "regress_x_to_y")
    verify_spec(classified.model_spec, model, 123, "classify_x_to_y")


@pytest.mark.parametrize("output_filter", [[], ["y"]])
@pytest.mark.parametrize("model", ["default", "tf2"])
def test_p6_predict(stubs, model, output_filter):
    response = stubs.prediction.Predict(predict_request(model, output_filter=output_filter), timeout=10)
    assert set(response.outputs) == {"y"}
    assert response.outputs["y"].dtype == tf.float32.as_datatype_enum
    assert list(response.outputs["y"].float_val) == [3.0]  # the original recipe reads float_val, not the content
    assert response.outputs["y"].tensor_content == b""
    verify_spec(response.model_spec, model)


def test_p7_bad_model(stubs):
    code, text = refusal(stubs.prediction.Predict, predict_request("bad"))
    assert (code, text) == (
        grpc.StatusCode.NOT_FOUND,
        "Servable not found for request: Latest(bad)",
    )
    request = get_model_status_pb2.GetModelStatusRequest()
    request.model_spec.name = "bad"
    (status,) = stubs.model.GetModelStatus(request, timeout=10).model_version_status
    assert (status.version, status.state) == (123, get_model_status_pb2.ModelVersionStatus.END)
    assert status.status.error_code == 5
    assert "Could not find SavedModel .pb" in status.status.error_message


def test_p8_two_models(stubs):
    assert list(stubs.prediction.Predict(predict_request("default"), timeout=10).outputs["y"].float_val) == [3.0]
    assert list(stubs.prediction.Predict(predict_request("three"), timeout=10).outputs["y"].float_val) == [4.0]


def test_by_version_and_label(stubs):
    request = predict_request("both")
    verify_spec(stubs.prediction.Predict(request, timeout=10).model_spec, "both", 124)
    request.model_spec.version.value = 123
    verify_spec(stubs.prediction.Predict(request, timeout=10).model_spec, "both", 123)
    request.model_spec.version_label = "stable"
    verify_spec(stubs.prediction.Predict(request, timeout=10).model_spec, "both", 123)
    request.model_spec.version_label = "nonexistent"
    assert refusal(stubs.prediction.Predict, request) == (
        grpc.StatusCode.INVALID_ARGUMENT,
        "Unrecognized servable version label: nonexistent",
    )
    request.model_spec.version.value = 99
    assert refusal(stubs.prediction.Predict, request) == (
        grpc.StatusCode.NOT_FOUND,
        "Servable not found for request: Specific(both, 99)",
    )


def test_rank_is_not_checked(stubs):
    request = predict_pb2.PredictRequest()
    request.model_spec.name = "default"
    request.inputs["x"].CopyFrom(tf.make_tensor_proto([2.0, 3.0, 4.0]))
    response = stubs.prediction.Predict(request, timeout=10)
    assert list(response.outputs["y"].float_val) == [3.0, 3.5, 4.0]
    assert [d.size for d in response.outputs["y"].tensor_shape.dim] == [3]


@pytest.mark.parametrize(
    ("request_text", "code", "text"),
    [
        ("", "INVALID_ARGUMENT", "Missing ModelSpec"),
        ("model_spec {}", "INVALID_ARGUMENT", "ModelSpec has no name specified."),
        ('model_spec { name: "m" }', "NOT_FOUND", "Servable not found for request: Latest(m)"),
        (
            'model_spec { name: "default" signature_name: "X" }',
            "FAILED_PRECONDITION",
            'Serving signature key "X" not found.',
        ),
        (
            'model_spec { name: "default" }',
            "INVALID_ARGUMENT",
            "input size does not match signature: 0!=1 len({}) != len({x}). Sent extra: {}. Missing but required: {x}.",
        ),
        (
            'model_spec { name: "default" } inputs { key: "z" value { dtype: DT_FLOAT float_val: 1 } }',
            "INVALID_ARGUMENT",
            "input size does not match signature: 1!=1 len({z}) != len({x}). Sent extra: {z}. "
            "Missing but required: {x}.",
        ),
        (
            'model_spec { name: "default" } output_filter: "z" '
            'inputs { key: "x" value { dtype: DT_FLOAT float_val: 1 } }',
            "INVALID_ARGUMENT",
            "output tensor alias not found in signature: z Outputs expected to be in the set {y}.",
        ),
        (
            'model_spec { name: "default" } output_filter: "y" output_filter: "y" '
            'inputs { key: "x" value { dtype: DT_FLOAT float_val: 1 } }',
            "INVALID_ARGUMENT",
            "duplicate output tensor alias: y",
        ),
        (
            'model_spec { name: "default" } inputs { key: "x" value { dtype: DT_BOOL bool_val: true } }',
            "INVALID_ARGUMENT",
            "Expects arg[0] to be float but bool is provided",
        ),
        (
            'model_spec { name: "default" } inputs { key: "x" value { dtype: DT_STRING string_val: "a" } }',
            "INVALID_ARGUMENT",
            "Expects arg[0] to be float but string is provided",
        ),
    ],
)
def test_predict_refusals(stubs, request_text, code, text):
    request = text_format.Parse(request_text, predict_pb2.PredictRequest())
    assert refusal(stubs.prediction.Predict, request) == (grpc.StatusCode[code], text)


@pytest.mark.parametrize(
    "tensor",
    [
        "dtype: DT_FLOAT tensor_shape { dim { size: 3 } } float_val: 1 float_val: 2 float_val: 3 float_val: 4",
        'dtype: DT_FLOAT tensor_shape { dim { size: 3 } } tensor_content: "abc"',
        "dtype: DT_RESOURCE",
        "dtype: DT_INVALID",
    ],
)
def test_malformed_tensors(stubs, tensor):
    request = text_format.Parse(
        f'model_spec {{ name: "default" }} inputs {{ key: "x" value {{ {tensor} }} }}',
        predict_pb2.PredictRequest(),
    )
    code, text = refusal(stubs.prediction.Predict, request)
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert text.startswith("tensor parsing error: x")


def test_long_error_is_cut(stubs):
    request = predict_request()
    request.model_spec.signature_name = "X" * 3000
    _, text = refusal(stubs.prediction.Predict, request)
    assert len(text) == 1024 + len("...TRUNCATED")
    assert text.endswith("X...TRUNCATED")


@pytest.mark.parametrize("kind", ["Classify", "Regress"])
def test_classify_and_regress_refusals(stubs, kind):
    message = {
        "Classify": classification_pb2.ClassificationRequest,
        "Regress": regression_pb2.RegressionRequest,
    }
    call = getattr(stubs.prediction, kind)
    request = message[kind]()
    invalid = grpc.StatusCode.INVALID_ARGUMENT
    assert refusal(call, request) == (invalid, "Missing ModelSpec")
    request.model_spec.name = "default"
    request.model_spec.signature_name = "X"
    assert refusal(call, request) == (invalid, "No signature was found with the name: X")
    request.model_spec.signature_name = f"{kind.lower()}_x_to_y"
    assert refusal(call, request) == (invalid, "Input is empty.")
    request.model_spec.signature_name = f"{kind.lower()}_x2_to_y3"  # wants a float tensor, not Examples
    request.input.example_list.examples.append(example(x2=2.0))
    code, text = refusal(call, request)
    assert code is invalid
    assert "to be float but string is provided" in text


@pytest.mark.parametrize(
    ("tasks", "code", "text"),
    [
        ([("", "", "classify")], "INVALID_ARGUMENT", "Found ModelSpec with an empty model name."),
        (
            [("default", "regress_x_to_y", "regress"), ("three", "", "regress")],
            "INVALID_ARGUMENT",
            "All ModelSpecs in a MultiInferenceRequest must access the same model name.",
        ),
        (
            [("default", "regress_x_to_y", "regress")] * 2,
            "INVALID_ARGUMENT",
            "Duplicate evaluation of signature: regress_x_to_y",
        ),
        (
            [("default", "X", "regress")],
            "INVALID_ARGUMENT",
            "Requested signature not found in model graph: X",
        ),
        (
            [("default", "serving_default", "predict")],
            "UNIMPLEMENTED",
            "Unsupported signature method_name: tensorflow/serving/predict",
        ),
    ],
)
def test_multi_inference_refusals(stubs, tasks, code, text):
    request = inference_pb2.MultiInferenceRequest()
    request.input.example_list.examples.append(example(x=2.0))
    for name, signature, method in tasks:
        task = request.tasks.add(method_name=f"tensorflow/serving/{method}")
        task.model_spec.name = name
        task.model_spec.signature_name = signature
    assert refusal(stubs.prediction.MultiInference, request) == (grpc.StatusCode[code], text)


def test_metadata_refusals(stubs):
    request = get_model_metadata_pb2.GetModelMetadataRequest()
    invalid = grpc.StatusCode.INVALID_ARGUMENT
    assert refusal(stubs.prediction.GetModelMetadata, request) == (invalid, "Missing ModelSpec")
    request.model_spec.name = "default"
    assert refusal(stubs.prediction.GetModelMetadata, request) == (
        invalid,
        "GetModelMetadataRequest must specify at least one metadata_field",
    )
    request.metadata_field.append("X")
    assert refusal(stubs.prediction.GetModelMetadata, request) == (
        invalid,
        "Metadata field X is not supported",
    )


def test_status_refusals(stubs):
    request = get_model_status_pb2.GetModelStatusRequest()
    assert refusal(stubs.model.GetModelStatus, request)[1] == "Missing ModelSpec"
    request.model_spec.name = "M"
    missing = grpc.StatusCode.NOT_FOUND
    assert refusal(stubs.model.GetModelStatus, request) == (missing, "Could not find any versions of model M")
    request.model_spec.name = "default"
    request.model_spec.version.value = 5
    assert refusal(stubs.model.GetModelStatus, request) == (
        missing,
        "Could not find version 5 of model default",
    )


def test_several_clients_at_once(stubs):
    answers: list[list[float]] = []

    def ask(x: float) -> None:
        for _ in range(20):
            answers.append([x, *stubs.prediction.Predict(predict_request(x=[x]), timeout=10).outputs["y"].float_val])

    threads = [threading.Thread(target=ask, args=[float(x)]) for x in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 80
    assert all(y == x / 2 + 2 for x, y in answers)


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
