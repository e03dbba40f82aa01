"""What the server does for a request, however it came in: messages in, messages out, StatusError else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from tensorflow.core.protobuf import meta_graph_pb2
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_pb2,
    predict_pb2,
    prediction_log_pb2,
)

from teachbox.serving import classify
from teachbox.serving.core import ServerCore
from teachbox.serving.loader import DEFAULT_SIGNATURE, SavedModel
from teachbox.serving.manager import Servable
from teachbox.serving.status import Code, StatusError, invalid
from teachbox.serving.tensors import from_proto, to_proto


def predict(
    core: ServerCore, request: predict_pb2.PredictRequest, *, timeout_ms: int = 0, as_content: bool = False
) -> predict_pb2.PredictResponse:
    """PredictionService.Predict."""
    if not request.HasField("model_spec"):
        raise invalid("Missing ModelSpec")
    with core.lease(request.model_spec) as servable:
        return predict_with(servable.model, request, servable.version, timeout_ms, as_content)


def predict_with(
    model: SavedModel,
    request: predict_pb2.PredictRequest,
    version: int | None = None,
    timeout_ms: int = 0,
    as_content: bool = False,
) -> predict_pb2.PredictResponse:
    """Predict with one loaded model; outputs are typed fields unless `as_content`."""
    name = request.model_spec.signature_name or DEFAULT_SIGNATURE
    signature = model.signature(name)
    if signature is None:
        raise StatusError(Code.FAILED_PRECONDITION, f'Serving signature key "{name}" not found.')
    check_input_names(signature, request.inputs)
    inputs = {alias: from_proto(alias, tensor) for alias, tensor in request.inputs.items()}
    outputs = wanted_outputs(signature, request.output_filter)
    values = run(model, name, inputs, outputs, timeout_ms)
    response = predict_pb2.PredictResponse()
    fill_spec(response.model_spec, request.model_spec.name, version, name)
    for alias, value in zip(outputs, values, strict=True):
        response.outputs[alias].CopyFrom(to_proto(value, as_content=as_content))
    return response


def run(
    model: SavedModel,
    signature: str,
    inputs: Mapping[str, np.ndarray],
    outputs: Sequence[str],
    timeout_ms: int,
) -> list[np.ndarray]:
    """Runs a signature; inputs that the request left out take the signature's defaults."""
    definition = model.signatures[signature]
    complete = dict(inputs)
    for alias in definition.inputs:
        if alias not in complete:
            if alias not in definition.defaults:
                raise invalid(f"input tensor alias {alias} is missing, and the signature has no default for it")
            complete[alias] = from_proto(alias, definition.defaults[alias])
    return model.run(signature, complete, outputs, timeout_ms)


def check_input_names(signature: meta_graph_pb2.SignatureDef, sent: Mapping[str, object]) -> None:
    """StatusError if the request's inputs are not the signature's."""
    expected = set(signature.inputs)
    extra, missing = set(sent) - expected, expected - set(sent) - set(signature.defaults)
    if extra or missing:
        raise invalid(
            f"input size does not match signature: {len(sent)}!={len(expected)} len({_braces(sent)}) != "
            f"len({_braces(expected)}). Sent extra: {_braces(extra)}. "
            f"Missing but required: {_braces(missing)}."
        )


def wanted_outputs(signature: meta_graph_pb2.SignatureDef, output_filter: Sequence[str]) -> list[str]:
    """The outputs that a request asks for: those of its filter, all if it has none."""
    for position, alias in enumerate(output_filter):
        if alias not in signature.outputs:
            raise invalid(
                f"output tensor alias not found in signature: {alias} Outputs expected to be in the set "
                f"{_braces(signature.outputs)}."
            )
        if alias in output_filter[:position]:
            raise invalid(f"duplicate output tensor alias: {alias}")
    return list(output_filter) or sorted(signature.outputs)


def model_status(
    core: ServerCore, request: get_model_status_pb2.GetModelStatusRequest
) -> get_model_status_pb2.GetModelStatusResponse:
    """ModelService.GetModelStatus: newest version first."""
    if not request.HasField("model_spec"):
        raise invalid("Missing ModelSpec")
    response = get_model_status_pb2.GetModelStatusResponse()
    for status in core.statuses(request.model_spec):
        entry = response.model_version_status.add(version=status.version, state=int(status.state))
        entry.status.error_code = int(status.code)
        entry.status.error_message = status.message
    return response


def model_metadata(
    core: ServerCore, request: get_model_metadata_pb2.GetModelMetadataRequest
) -> get_model_metadata_pb2.GetModelMetadataResponse:
    """PredictionService.GetModelMetadata: the only field there is, `signature_def`."""
    if not request.HasField("model_spec"):
        raise invalid("Missing ModelSpec")
    if not request.metadata_field:
        raise invalid("GetModelMetadataRequest must specify at least one metadata_field")
    for name in request.metadata_field:
        if name != "signature_def":
            raise invalid(f"Metadata field {name} is not supported")
    with core.lease(request.model_spec) as servable:
        response = get_model_metadata_pb2.GetModelMetadataResponse()
        response.model_spec.name = request.model_spec.name
        response.model_spec.version.value = servable.version
        response.metadata["signature_def"].Pack(signature_map(servable))
        return response


def signature_map(servable: Servable) -> get_model_metadata_pb2.SignatureDefMap:
    message = get_model_metadata_pb2.SignatureDefMap()
    for name, signature in servable.model.signatures.items():
        message.signature_def[name].CopyFrom(signature)
    return message


def replay(model: SavedModel, record: prediction_log_pb2.PredictionLog) -> None:
    """Runs a recorded request for its effect alone: warm-up."""
    match record.WhichOneof("log_type"):
        case "predict_log":
            predict_with(model, record.predict_log.request)
        case "classify_log":
            classify.classify_with(model, record.classify_log.request)
        case "regress_log":
            classify.regress_with(model, record.regress_log.request)
        case "multi_inference_log":
            classify.multi_inference_with(model, record.multi_inference_log.request)
        case other:
            raise StatusError(Code.UNIMPLEMENTED, f"Unsupported log_type for warmup: {other}")


def fill_spec(spec: model_pb2.ModelSpec, name: str, version: int | None, signature: str) -> None:
    """The effective ModelSpec of an answer."""
    spec.name = name
    spec.signature_name = signature
    if version is not None:
        spec.version.value = version


def _braces(names: Mapping[str, object] | set[str]) -> str:
    return "{" + ",".join(sorted(names)) + "}"
