"""Ask a model server for detections over gRPC, without TensorFlow: ours, or Google's own."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import grpc
import numpy as np
from google.protobuf.message import Message

from teachbox.errors import ForeignServer, ModelMissing, RequestRefused, ServerDown, ServerSlow, ServingError
from teachbox.serving.tensor_proto import string_scalar, to_numpy
from teachbox.wire import predict_pb2 as wire

State = Literal["up", "no_model", "down", "foreign"]

SIGNATURE = "serving_default"
INPUT = "serialized_example"
OUTPUTS = ("detection_boxes", "detection_scores", "detection_classes", "num_detections")

_SETTINGS = 4  # the type of the frame that both sides of an HTTP/2 connection begin with
_HTTP2_HELLO = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, _SETTINGS, 0, 0, 0, 0, 0])

_OPTIONS = [
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    (
        "grpc.enable_http_proxy",
        0,
    ),  # a model server is a neighbour; a proxy set for the web must not swallow it
    ("grpc.use_local_subchannel_pool", 1),  # a fresh channel must look afresh, not remember another's failure
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 2000),  # gRPC's name for the time one attempt to connect may take
    ("grpc.max_reconnect_backoff_ms", 500),
]


@dataclass(frozen=True)
class Detections:
    """What a detector found in one image: `M` rows, best first as the model gave them.

    boxes: float32 [M, 4] `ymin, xmin, ymax, xmax`, normalized; scores: float32 [M]; classes: int32 [M], from
    1; version: of the model that answered, None if the server does not tell.
    """

    boxes: np.ndarray
    scores: np.ndarray
    classes: np.ndarray
    version: int | None


class Client:
    """One model at one address; one channel for its life. May be used by several threads."""

    def __init__(self, host: str, port: int, model_name: str) -> None:
        self.model_name = model_name
        self.host = host
        self.port = port
        self.address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        self._channel = grpc.insecure_channel(self.address, options=_OPTIONS)
        self._predict = self._channel.unary_unary(
            "/tensorflow.serving.PredictionService/Predict",
            request_serializer=wire.PredictRequest.SerializeToString,
            response_deserializer=wire.PredictResponse.FromString,
        )
        self._status = _status_method(self._channel)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the channel; calls under way end with ServerDown."""
        self._channel.close()

    def predict(self, serialized_example: bytes, timeout: float = 10.0) -> Detections:
        """The detections in one image, a serialized tf.Example, within `timeout` seconds.

        A server that goes away meanwhile is waited for until the time is over. Raises ServerDown, ServerSlow,
        ModelMissing, ForeignServer or RequestRefused.
        """
        request = wire.PredictRequest(
            model_spec=wire.ModelSpec(name=self.model_name, signature_name=SIGNATURE),
            inputs={INPUT: string_scalar(serialized_example)},
        )
        response = self._call(self._predict, request, timeout)
        version = response.model_spec.version.value if response.model_spec.HasField("version") else None
        try:
            return read_detections(response.outputs, version)
        except ValueError as error:
            raise ServingError(
                f"model {self.model_name!r} answered, but not as a detector: {error}", where=self.address
            ) from error

    def served_version(self, timeout: float = 2.0) -> int | None:
        """The newest version that is loaded; None if there is none or nothing answers (`probe` says)."""
        try:
            return _newest_available(self._status(self._status_request(), timeout=timeout))
        except grpc.RpcError:
            return None

    def probe(self, timeout: float = 2.0) -> State:
        """What is at the address.

        "up": the model is served. "no_model": a model server without a loaded version of it. "down": nothing
        listens, or it does not answer. "foreign": something answers that does not speak the TensorFlow
        Serving API.
        """
        deadline = time.monotonic() + timeout
        state = self._probe_once(timeout)
        if state is None and (left := deadline - time.monotonic()) > 0:
            state = self._probe_once(left)
        return state or "down"

    def _probe_once(self, timeout: float) -> State | None:
        """None: it speaks HTTP/2 and gave no answer; it was just starting, or it is stuck."""
        with grpc.insecure_channel(self.address, options=_OPTIONS) as channel:
            try:
                response = _status_method(channel)(self._status_request(), timeout=timeout)
            except grpc.RpcError as error:
                if _means_no_model(error):
                    return "no_model"
                if error.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED):
                    return _look_at(self.host, self.port)
                return "foreign"
        return "no_model" if _newest_available(response) is None else "up"

    def _status_request(self) -> wire.GetModelStatusRequest:
        return wire.GetModelStatusRequest(model_spec=wire.ModelSpec(name=self.model_name))

    def _call(self, method: Any, request: Message, timeout: float) -> Any:
        deadline = time.monotonic() + timeout
        try:
            return method(request, timeout=timeout)
        except grpc.RpcError as error:
            first = error
        if first.code() is not grpc.StatusCode.UNAVAILABLE or _is_no_grpc(first):
            raise self._explain(first, timeout) from first
        try:  # wait_for_ready: gRPC reconnects by itself, and sends as soon as there is a connection
            return method(request, timeout=max(0.0, deadline - time.monotonic()), wait_for_ready=True)
        except grpc.RpcError as error:
            # Time ran out before anything was there: the reason is why there was nothing, not that time
            # passed.
            waited = error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
            raise self._explain(first if waited else error, timeout) from error

    def _explain(self, error: grpc.RpcError, timeout: float) -> ServingError:
        code, details = error.code(), (error.details() or "").strip()
        if _means_no_model(error):
            return ModelMissing(
                f"the model server has no loaded version of model {self.model_name!r} ({details})",
                where=self.address,
            )
        if code is grpc.StatusCode.DEADLINE_EXCEEDED:
            return ServerSlow(f"the model server gave no answer within {timeout:g} s", where=self.address)
        if code is grpc.StatusCode.UNIMPLEMENTED or _is_no_grpc(error):
            return ForeignServer(
                "what answers here does not speak the TensorFlow Serving API over gRPC; name the gRPC port "
                f"of a model server (8500 by default, not the REST port) ({details})",
                where=self.address,
            )
        if code in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED):
            return ServerDown(f"no model server can be reached ({details})", where=self.address)
        return RequestRefused(f"the model server refused: {code.name}: {details}", where=self.address)


def read_detections(outputs: Mapping[str, wire.TensorProto], version: int | None) -> Detections:
    """The first image's detections out of a Predict answer; ValueError as `detections_from`."""
    return detections_from({name: to_numpy(outputs[name]) for name in OUTPUTS if name in outputs}, version, outputs)


def detections_from(
    arrays: Mapping[str, np.ndarray], version: int | None = None, there: Iterable[str] | None = None
) -> Detections:
    """The first image's detections out of arrays by their public names; ValueError names what is missing or does not
    fit (`there`: all the outputs that there are).

    `num_detections` may be missing, then all rows count. Classes may be integers or floats. A batch dimension
    may be there or not.
    """
    if missing := [name for name in OUTPUTS[:3] if name not in arrays]:
        names = ", ".join(sorted(arrays if there is None else there)) or "none"
        raise ValueError(f"output {', '.join(missing)} is missing; there is {names}")
    boxes, scores, classes = (arrays[name] for name in OUTPUTS[:3])
    scores = (scores[0] if scores.ndim > 1 else scores).reshape(-1)
    rows = len(scores)
    boxes = boxes.reshape(-1)[: rows * 4]
    classes = classes.reshape(-1)[:rows]
    if len(boxes) != rows * 4 or len(classes) != rows:
        raise ValueError(f"{rows} scores, {len(classes)} classes and {len(boxes)} box coordinates do not fit together")
    if OUTPUTS[3] in arrays:
        counts = arrays[OUTPUTS[3]].reshape(-1)
        rows = max(0, min(rows, int(counts[0]))) if len(counts) else 0
    return Detections(
        boxes.reshape(-1, 4)[:rows].astype(np.float32),
        scores[:rows].astype(np.float32),
        np.rint(classes[:rows]).astype(np.int32),
        version,
    )


def _status_method(channel: grpc.Channel) -> Any:
    return channel.unary_unary(
        "/tensorflow.serving.ModelService/GetModelStatus",
        request_serializer=wire.GetModelStatusRequest.SerializeToString,
        response_deserializer=wire.GetModelStatusResponse.FromString,
    )


def _newest_available(response: wire.GetModelStatusResponse) -> int | None:
    available = (s.version for s in response.model_version_status if s.state == wire.ModelVersionStatus.AVAILABLE)
    return max(available, default=None)


def _means_no_model(error: grpc.RpcError) -> bool:
    """Whether a model server says that it lacks the model; others answer NOT_FOUND too, in other words."""
    details = error.details() or ""
    words = ("Servable not found", "Could not find any versions", "Could not find version")
    return error.code() is grpc.StatusCode.NOT_FOUND and any(w in details for w in words)


def _is_no_grpc(error: grpc.RpcError) -> bool:
    """Whether the other side answered, and not in HTTP/2."""
    return error.code() is grpc.StatusCode.UNAVAILABLE and "Failed parsing HTTP/2" in (error.details() or "")


def _look_at(host: str, port: int) -> State | None:
    """What there is behind a port without gRPC's help: nothing, something that speaks HTTP/2 (None), or a stranger."""
    try:
        connection = socket.create_connection((host, port), timeout=1.0)
    except OSError:
        return "down"
    with connection:
        try:
            connection.sendall(_HTTP2_HELLO)
            answer = connection.recv(9)
        except OSError:
            return "foreign"
    return None if len(answer) == 9 and answer[3] == _SETTINGS else "foreign"
