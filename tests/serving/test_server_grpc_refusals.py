"""What the server's gRPC side refuses, and in which words: TensorFlow Serving's."""

from __future__ import annotations

import grpc
import pytest
from google.protobuf import text_format
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
