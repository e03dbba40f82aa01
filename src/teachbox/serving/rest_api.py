"""The REST API of TensorFlow Serving."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import unquote

from google.protobuf import json_format
from google.protobuf.message import Message
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_pb2,
    regression_pb2,
)

from teachbox.serving import classify, inference, json_answers, json_examples, json_requests
from teachbox.serving.core import ServerCore
from teachbox.serving.loader import DEFAULT_SIGNATURE
from teachbox.serving.status import Code, StatusError, invalid

_PREDICTION = re.compile(
    r"(?i)/v1/models/([^/:]+)(?:(?:/versions/([0-9]+))|(?:/labels/([^/:]+)))?:(classify|regress|predict)"
)
_STATUS = re.compile(r"(?i)/v1/models(?:/([^/:]+))?(?:(?:/versions/([0-9]+))|(?:/labels/([^/:]+)))?(?:\/(metadata))?")
_OURS = re.compile(r"(?i)/v1/.*")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")

_HTTP = {
    Code.OK: 200,
    Code.CANCELLED: 499,
    Code.UNKNOWN: 500,
    Code.INVALID_ARGUMENT: 400,
    Code.DEADLINE_EXCEEDED: 504,
    Code.NOT_FOUND: 404,
    Code.ALREADY_EXISTS: 409,
    Code.PERMISSION_DENIED: 403,
    Code.RESOURCE_EXHAUSTED: 429,
    Code.FAILED_PRECONDITION: 400,
    Code.ABORTED: 409,
    Code.OUT_OF_RANGE: 400,
    Code.UNIMPLEMENTED: 501,
    Code.INTERNAL: 500,
    Code.UNAVAILABLE: 503,
    Code.DATA_LOSS: 500,
    Code.UNAUTHENTICATED: 401,
}


def make_rest_app(core: ServerCore, *, timeout_ms: int = 30_000) -> ASGIApp:
    """The ASGI application; a run is stopped after `timeout_ms` milliseconds."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        path = scope.get("raw_path", scope["path"].encode()).decode("latin-1")
        try:
            body = await request.body()
        except ClientDisconnect:
            return
        code, content = await run_in_threadpool(handle, core, request.method, path, body, timeout_ms)
        await Response(content, code, media_type="application/json")(scope, receive, send)

    return app


def handle(core: ServerCore, method: str, path: str, body: bytes, timeout_ms: int) -> tuple[int, bytes]:
    """One request: the HTTP status and the JSON body. `path` as sent, percent escapes and all."""
    if not _OURS.fullmatch(path):
        return 404, json_answers.error_json(f"Not found: {path}")
    try:
        return 200, _dispatch(core, method, path, body, timeout_ms)
    except StatusError as error:
        return _HTTP[error.code], json_answers.error_json(error.message)


def _dispatch(core: ServerCore, method: str, path: str, body: bytes, timeout_ms: int) -> bytes:
    if method == "POST" and (found := _PREDICTION.fullmatch(path)):
        name, version, label, verb = found.groups()
        spec = _spec(name, version, label)
        document = json_requests.parse_object(body)
        spec.signature_name = json_requests.signature_name(document)
        match verb.lower():
            case "predict":
                return _predict(core, spec, document, timeout_ms)
            case "classify":
                asked = classification_pb2.ClassificationRequest(model_spec=spec)
                json_examples.fill_input(document, asked.input)
                response = classify.classify(core, asked, timeout_ms=timeout_ms)
                return json_examples.classifications_json(response.result)
            case "regress":
                to_regress = regression_pb2.RegressionRequest(model_spec=spec)
                json_examples.fill_input(document, to_regress.input)
                regressed = classify.regress(core, to_regress, timeout_ms=timeout_ms)
                return json_examples.regressions_json(regressed.result)
    if method == "GET" and (found := _STATUS.fullmatch(path)):
        name, version, label, metadata = found.groups()
        if not name:
            raise invalid("Missing model name in request.")
        spec = _spec(name, version, label)
        return _metadata(core, spec) if metadata else _status(core, spec)
    raise invalid(f"Malformed request: {method} {path}")


def _predict(core: ServerCore, spec: model_pb2.ModelSpec, document: dict[str, Any], timeout_ms: int) -> bytes:
    with core.lease(spec) as servable:
        name = spec.signature_name or DEFAULT_SIGNATURE
        signature = servable.model.signature(name)
        if signature is None:
            raise invalid(f'Serving signature name: "{name}" not found in signature def')
        if not signature.inputs:
            raise invalid(f"Failed to get input map for signature: {spec.signature_name or 'DEFAULT'}")
        dtypes = {alias: info.dtype for alias, info in sorted(signature.inputs.items())}
        inputs, form = json_requests.inputs_of(document, dtypes)
        outputs = sorted(signature.outputs)
        values = inference.run(servable.model, name, inputs, outputs, timeout_ms)
    return json_answers.predictions_json(dict(zip(outputs, values, strict=True)), form)


def _status(core: ServerCore, spec: model_pb2.ModelSpec) -> bytes:
    request = get_model_status_pb2.GetModelStatusRequest(model_spec=spec)
    return _pretty(_fields(inference.model_status(core, request)))


def _metadata(core: ServerCore, spec: model_pb2.ModelSpec) -> bytes:
    request = get_model_metadata_pb2.GetModelMetadataRequest(model_spec=spec, metadata_field=["signature_def"])
    response = inference.model_metadata(core, request)
    signatures = get_model_metadata_pb2.SignatureDefMap()
    response.metadata["signature_def"].Unpack(signatures)
    return _pretty({"model_spec": _fields(response.model_spec), "metadata": {"signature_def": _fields(signatures)}})


def _spec(name: str, version: str | None, label: str | None) -> model_pb2.ModelSpec:
    spec = model_pb2.ModelSpec(name=_decoded(name, "model name"))
    if version is not None:
        if len(version.lstrip("0")) > 19 or int(version) >= 2**63:
            raise invalid(f"Failed to convert version: {version} to numeric.")
        spec.version.value = int(version)
    elif label is not None:
        spec.version_label = _decoded(label, "version label")
    return spec


def _decoded(text: str, what: str) -> str:
    try:
        if _BAD_ESCAPE.search(text):
            raise ValueError(text)
        return unquote(text, errors="strict")
    except ValueError as error:
        raise invalid(f"Failed to decode {what}: {text}") from error


def _fields(message: Message) -> dict[str, Any]:
    """All fields with their public names, defaults too; 64-bit integers as strings."""
    return json_format.MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )


def _pretty(value: dict[str, Any]) -> bytes:
    return (json.dumps(value, indent=1, ensure_ascii=False) + "\n").encode()
