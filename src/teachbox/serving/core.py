"""The models of a server: which there are, and finding the one that a request means."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager

from tensorflow_serving.apis import model_pb2

from teachbox.serving.manager import ModelManager, Servable, VersionStatus
from teachbox.serving.model_config import ModelSettings
from teachbox.serving.status import Code, StatusError, invalid

log = logging.getLogger(__name__)

MakeManager = Callable[[ModelSettings], ModelManager]


class ServerCore:
    """All models of one server."""

    def __init__(self, make_manager: MakeManager) -> None:
        self._make_manager = make_manager
        self._lock = threading.Lock()  # guards the two below
        self._managers: dict[str, ModelManager] = {}
        self._labels: dict[str, Mapping[str, int]] = {}
        self._applying = threading.Lock()

    def apply(self, models: list[ModelSettings], *, wait: bool = False) -> None:
        """Serves exactly these models from now on. An empty list changes nothing.

        With `wait`, returns when each new model's folder was looked at once. StatusError for a label that
        points to a version that is not loaded.
        """
        if not models:
            return
        log.info("Adding/updating models.")
        with self._applying:
            with self._lock:
                there = dict(self._managers)
            new, gone = [], [name for name in there if name not in {m.name for m in models}]
            for model in models:
                manager = there.get(model.name)
                log.info(" (Re-)adding model: %s", model.name)
                if manager is None:
                    manager = self._make_manager(model)
                    manager.start()
                    new.append(manager)
                elif (manager.base_path, manager.policy) != (model.base_path, model.policy):
                    manager.set_policy(model.base_path, model.policy)
                    new.append(manager)
                there[model.name] = manager
            stopped = [there.pop(name) for name in gone]
            with self._lock:
                self._managers = there
            for manager in stopped:
                manager.stop()
            labelled = any(m.labels for m in models)
            for manager in new if wait or labelled else []:
                manager.wait_until_polled()
            self._set_labels(models)

    def _set_labels(self, models: list[ModelSettings]) -> None:
        labels = {m.name: m.labels for m in models}
        for model in models:
            for version in model.labels.values():
                if not self._managers[model.name].is_ready(version):
                    raise StatusError(
                        Code.FAILED_PRECONDITION,
                        f"Request to assign label to version {version} of model {model.name}, which is not "
                        "currently available for inference",
                    )
        with self._lock:
            self._labels = labels

    def stop(self) -> None:
        """Lets every model go, after the requests under way."""
        with self._lock:
            managers, self._managers = list(self._managers.values()), {}
        for manager in managers:
            manager.stop()

    @contextmanager
    def lease(self, spec: model_pb2.ModelSpec) -> Iterator[Servable]:
        """The version that a ModelSpec means, held while the request runs. StatusError: there is none."""
        with self._find(spec) as servable:
            yield servable

    def statuses(self, spec: model_pb2.ModelSpec) -> list[VersionStatus]:
        """What became of the model's versions, or of the one that the ModelSpec names."""
        version = self._version(spec)
        with self._lock:
            manager = self._managers.get(spec.name)
        statuses = manager.statuses() if manager else []
        if version is not None:
            statuses = [s for s in statuses if s.version == version]
            if not statuses:
                raise StatusError(Code.NOT_FOUND, f"Could not find version {version} of model {spec.name}")
        if not statuses:
            raise StatusError(Code.NOT_FOUND, f"Could not find any versions of model {spec.name}")
        return statuses

    def _find(self, spec: model_pb2.ModelSpec) -> AbstractContextManager[Servable]:
        version = self._version(spec)
        with self._lock:
            manager = self._managers.get(spec.name)
        if manager is None:
            which = f"Latest({spec.name})" if version is None else f"Specific({spec.name}, {version})"
            raise StatusError(Code.NOT_FOUND, f"Servable not found for request: {which}")
        return manager.lease(version)

    def _version(self, spec: model_pb2.ModelSpec) -> int | None:
        if not spec.name:
            raise invalid("ModelSpec has no name specified.")
        choice = spec.WhichOneof("version_choice")
        if choice == "version":
            return spec.version.value
        if choice == "version_label":
            with self._lock:
                version = self._labels.get(spec.name, {}).get(spec.version_label)
            if version is None:
                raise invalid(f"Unrecognized servable version label: {spec.version_label}")
            return version
        return None
