"""Ask a model server for detections over REST, without TensorFlow: ours, or Google's own."""

from __future__ import annotations

import base64
from typing import Any, NoReturn
from urllib.parse import quote

import httpx
import numpy as np

from teachbox.errors import ForeignServer, ModelMissing, RequestRefused, ServerDown, ServerSlow, ServingError
from teachbox.serving.client import INPUT, OUTPUTS, SIGNATURE, Detections, detections_from


class RestClient:
    """One model at one address, such as `http://localhost:8501`."""

    def __init__(self, address: str, model_name: str) -> None:
        self.model_name = model_name
        self.address = address.rstrip("/")
        # A model server is a neighbour; a proxy set for the web must not swallow it.
        self._http = httpx.Client(trust_env=False)
        self._model = f"{self.address}/v1/models/{quote(model_name, safe='')}"

    def __enter__(self) -> RestClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()

    def predict(self, serialized_example: bytes, timeout: float = 30.0) -> Detections:
        """The detections in one image, a serialized tf.Example, within `timeout` seconds; the answer tells no version.

        Raises ServerDown, ServerSlow, ModelMissing, ForeignServer or RequestRefused.
        """
        encoded = base64.b64encode(serialized_example).decode()
        body = {"signature_name": SIGNATURE, "inputs": {INPUT: {"b64": encoded}}}
        outputs = self._ask("POST", f"{self._model}:predict", timeout, body).get("outputs")
        try:
            if not isinstance(outputs, dict):
                raise ValueError("there is one output without a name" if outputs is not None else "no outputs")
            arrays = {name: np.array(outputs[name], np.float64) for name in OUTPUTS if name in outputs}
            return detections_from(arrays, None, outputs)
        except (ValueError, TypeError) as error:
            raise ServingError(
                f"model {self.model_name!r} answered, but not as a detector: {error}", where=self.address
            ) from error

    def served_version(self, timeout: float = 5.0) -> int | None:
        """The newest version that is loaded, None if there is none. Raises as `predict`."""
        try:
            states = self._ask("GET", self._model, timeout).get("model_version_status", [])
            return max((int(one["version"]) for one in states if one["state"] == "AVAILABLE"), default=None)
        except (KeyError, TypeError, ValueError) as error:
            raise self._foreign(f"an odd status: {error}") from error

    def _ask(self, method: str, url: str, timeout: float, body: dict[str, Any] | None = None) -> dict[str, Any]:
        try:
            response = self._http.request(method, url, json=body, timeout=timeout)
        except httpx.TimeoutException as error:
            raise ServerSlow(f"the model server gave no answer within {timeout:g} s", where=self.address) from error
        except (httpx.ConnectError, httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
            raise ServerDown(f"no model server can be reached ({error})", where=self.address) from error
        except httpx.HTTPError as error:
            raise self._foreign(str(error)) from error
        try:
            answer = response.json()
        except ValueError as error:
            raise self._foreign(f"status {response.status_code}, no JSON") from error
        if not isinstance(answer, dict):
            raise self._foreign("JSON that is no object")
        if response.status_code != httpx.codes.OK:
            self._refuse(response.status_code, answer)
        return answer

    def _refuse(self, status: int, answer: dict[str, Any]) -> NoReturn:
        said = answer.get("error")
        if not isinstance(said, str):
            raise self._foreign(f"status {status}")
        if status == httpx.codes.NOT_FOUND:
            raise ModelMissing(
                f"the model server has no loaded version of model {self.model_name!r} ({said})", where=self.address
            )
        raise RequestRefused(f"the model server refused: status {status}: {said}", where=self.address)

    def _foreign(self, what: str) -> ForeignServer:
        return ForeignServer(
            "what answers here does not speak the TensorFlow Serving API over REST; name the REST port of a model "
            f"server (8501 by default, not the gRPC port) ({what})",
            where=self.address,
        )
