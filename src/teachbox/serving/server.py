"""The model server: models, gRPC and REST put together, and taken down in order."""

from __future__ import annotations

import functools
import logging
import threading

import uvicorn

from teachbox.errors import UsageError
from teachbox.serving import inference
from teachbox.serving.core import ServerCore
from teachbox.serving.grpc_api import make_grpc_server
from teachbox.serving.loader import LoadOptions, SavedModel, load
from teachbox.serving.manager import ModelManager
from teachbox.serving.model_config import ModelSettings, read_model_config
from teachbox.serving.ports import check_free, listen
from teachbox.serving.rest_api import make_rest_app
from teachbox.serving.settings import ServerSettings
from teachbox.serving.status import StatusError
from teachbox.serving.warmup import warm_up

log = logging.getLogger(__name__)

_GRACE = 10.0  # seconds that requests under way may take when the server stops


class ModelServer:
    """A running model server: `start`, then `stop`. `port` and `rest_port` are those really listened on."""

    def __init__(self, settings: ServerSettings) -> None:
        self.settings = settings
        self.core = ServerCore(functools.partial(_make_manager, settings))
        self.port = 0
        self.rest_port = 0
        self._grpc = make_grpc_server(
            self.core,
            threads=settings.grpc_max_threads,
            as_content=settings.outputs_as_content,
            arguments=settings.grpc_channel_arguments,
        )
        self._rest: uvicorn.Server | None = None
        self._rest_thread: threading.Thread | None = None
        self._stopped = threading.Event()
        self._config_thread: threading.Thread | None = None

    def start(self) -> None:
        """Takes requests from now on; models become ready meanwhile. UsageError if it cannot start."""
        settings = self.settings
        try:
            self.core.apply(models_to_serve(settings))
        except StatusError as error:
            raise UsageError(error.message) from error
        try:
            self._start_grpc()
            if settings.rest_api_port:
                self._start_rest()
        except UsageError:
            self.stop()
            raise
        if settings.model_config_file and settings.model_config_file_poll_seconds > 0:
            self._config_thread = threading.Thread(target=self._follow_config, name="model config", daemon=True)
            self._config_thread.start()

    def stop(self) -> None:
        """Takes no more requests, lets those under way end, lets the models go."""
        self._stopped.set()
        ended = self._grpc.stop(_GRACE)
        if self._rest and self._rest_thread:
            self._rest.should_exit = True
            self._rest_thread.join()
        ended.wait()
        if self._config_thread:
            self._config_thread.join()
        self.core.stop()

    def _start_grpc(self) -> None:
        host, port = self.settings.host, self.settings.port
        address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        if port:
            check_free(host, port)
        try:
            self.port = self._grpc.add_insecure_port(address)
            if self.settings.grpc_socket_path:
                self._grpc.add_insecure_port(f"unix:{self.settings.grpc_socket_path}")
        except RuntimeError as error:
            raise UsageError(f"cannot listen here: {error}", where=address) from error
        self._grpc.start()
        log.info("Running gRPC ModelServer at %s:%d ...", host, self.port)

    def _start_rest(self) -> None:
        listener = listen(self.settings.host, self.settings.rest_api_port)
        self.rest_port = listener.getsockname()[1]
        config = uvicorn.Config(
            make_rest_app(self.core, timeout_ms=self.settings.rest_api_timeout_ms),
            lifespan="off",
            log_config=None,
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=int(_GRACE),
        )
        self._rest = uvicorn.Server(config)
        self._rest_thread = threading.Thread(
            target=self._rest.run, kwargs={"sockets": [listener]}, name="rest", daemon=True
        )
        self._rest_thread.start()
        log.info("Exporting HTTP/REST API at:%s:%d ...", self.settings.host, self.rest_port)

    def _follow_config(self) -> None:
        path, seconds = self.settings.model_config_file, self.settings.model_config_file_poll_seconds
        assert path is not None
        while not self._stopped.wait(seconds):
            try:
                self.core.apply(read_model_config(path))
            except StatusError as error:
                log.error("Model config file cannot be applied: %s", error.message)


def run_server(settings: ServerSettings, stop: threading.Event) -> None:
    """Serves until `stop` is set. UsageError if the server cannot start."""
    server = ModelServer(settings)
    server.start()
    stop.wait()
    log.info("Stopping: requests under way may end")
    server.stop()


def models_to_serve(settings: ServerSettings) -> list[ModelSettings]:
    """The models that the settings name. StatusError if the config file cannot be used."""
    if settings.model_config_file:
        return read_model_config(settings.model_config_file)
    assert settings.base_path is not None
    log.info("Building single TensorFlow model file config:  model_name: %s model_base_path: %s",
             settings.model_name, settings.base_path)  # fmt: skip
    return [ModelSettings(settings.model_name, settings.base_path)]


def _make_manager(settings: ServerSettings, model: ModelSettings) -> ModelManager:
    options = LoadOptions(
        tags=settings.tags,
        intra_op_threads=settings.intra_op_threads,
        inter_op_threads=settings.inter_op_threads,
        gpu_memory_fraction=settings.gpu_memory_fraction,
    )

    def warm(loaded: SavedModel, graph_is_warm: bool) -> None:
        if settings.warm_up:
            warm_up(loaded, inference.replay, graph_is_warm=graph_is_warm)

    return ModelManager(
        model.name,
        model.base_path,
        model.policy,
        lambda folder: load(folder, options),
        warm,
        poll_seconds=settings.poll_seconds,
        keep_standby=settings.keep_standby,
    )
