"""The gRPC services of TensorFlow Serving, on its own service definitions."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NoReturn

import grpc
from tensorflow_serving.apis import (
    model_management_pb2,
    model_service_pb2_grpc,
    prediction_service_pb2_grpc,
)

from teachbox.serving import classify, inference
from teachbox.serving.core import ServerCore
from teachbox.serving.model_config import models_of
from teachbox.serving.status import Code, StatusError

log = logging.getLogger(__name__)

_LONGEST = 1024  # of an error's text, as TensorFlow Serving cuts it
_CODES = {code.value[0]: code for code in grpc.StatusCode}


def make_grpc_server(
    core: ServerCore, *, threads: int, as_content: bool = False, arguments: dict[str, str | int] | None = None
) -> grpc.Server:
    """A server for both services, without an address yet."""
    options: dict[str, str | int] = {
        "grpc.max_receive_message_length": 2**31 - 1,
        "grpc.max_send_message_length": 2**31 - 1,
        "grpc.so_reuseport": 0,  # a port in use must be an error, not a port shared with a stranger
        **(arguments or {}),
    }
    server = grpc.server(ThreadPoolExecutor(threads, thread_name_prefix="grpc"), options=list(options.items()))
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(PredictionService(core, as_content), server)
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(ModelService(core), server)
    return server


class PredictionService(prediction_service_pb2_grpc.PredictionServiceServicer):
    """tensorflow.serving.PredictionService."""

    def __init__(self, core: ServerCore, as_content: bool) -> None:
        self._core = core
        self._as_content = as_content

    def Predict(self, request: Any, context: grpc.ServicerContext) -> Any:
        return _answer(
            context,
            lambda ms: inference.predict(self._core, request, timeout_ms=ms, as_content=self._as_content),
        )

    def Classify(self, request: Any, context: grpc.ServicerContext) -> Any:
        return _answer(context, lambda ms: classify.classify(self._core, request, timeout_ms=ms))

    def Regress(self, request: Any, context: grpc.ServicerContext) -> Any:
        return _answer(context, lambda ms: classify.regress(self._core, request, timeout_ms=ms))

    def MultiInference(self, request: Any, context: grpc.ServicerContext) -> Any:
        return _answer(context, lambda ms: classify.multi_inference(self._core, request, timeout_ms=ms))

    def GetModelMetadata(self, request: Any, context: grpc.ServicerContext) -> Any:
        return _answer(context, lambda _: inference.model_metadata(self._core, request))


class ModelService(model_service_pb2_grpc.ModelServiceServicer):
    """tensorflow.serving.ModelService."""

    def __init__(self, core: ServerCore) -> None:
        self._core = core

    def GetModelStatus(self, request: Any, context: grpc.ServicerContext) -> Any:
        return _answer(context, lambda _: inference.model_status(self._core, request))

    def HandleReloadConfigRequest(
        self, request: model_management_pb2.ReloadConfigRequest, context: grpc.ServicerContext
    ) -> model_management_pb2.ReloadConfigResponse:
        response = model_management_pb2.ReloadConfigResponse()
        try:
            self._core.apply(models_of(request.config), wait=True)
        except StatusError as error:
            # The status stands in the message too, but a client that gets an error never sees the message.
            abort(context, error)
        response.status.error_code = int(Code.OK)
        return response


def abort(context: grpc.ServicerContext, error: StatusError) -> NoReturn:
    """Ends the call with the error's code and text."""
    text = error.message
    if len(text) > _LONGEST:
        text = text[:_LONGEST] + "...TRUNCATED"
    context.abort(_CODES[int(error.code)], text)
    raise AssertionError("abort raises")


def _answer(context: grpc.ServicerContext, work: Callable[[int], Any]) -> Any:
    remaining = context.time_remaining()
    timeout_ms = 0 if remaining is None else min(max(1, int(remaining * 1000)), 2**31 - 1)
    try:
        return work(timeout_ms)
    except StatusError as error:
        abort(context, error)
