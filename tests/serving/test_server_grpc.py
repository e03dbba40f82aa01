"""The server's gRPC side, asked by the stock stubs: TensorFlow Serving's own integration cases."""

from __future__ import annotations

import threading

import grpc
import pytest
import tensorflow as tf
from grpc_stubs import example, predict_request, refusal
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    predict_pb2,
    regression_pb2,
)

pytestmark = pytest.mark.tf


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
