"""One model: follows its base path, and swaps versions so that no request ever fails or sees mixed weights.

A version is loaded and warmed before it takes requests, and the one before is let go only then. Where a new
version has the same graph as the one served (a trainer publishes the same `saved_model.pb` with new
variables), only its variables are read, into a second instance of the graph that takes no requests: the
standby. Then the two change places: the old instance becomes the standby as soon as its last request has
ended.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import IntEnum
from pathlib import Path

from teachbox.serving.loader import SavedModel, graph_digest
from teachbox.serving.status import Code, StatusError
from teachbox.serving.versions import Policy, aspired_versions, find_versions, fingerprint

log = logging.getLogger(__name__)

_ENDED_KEPT = 100  # versions that ended linger in the status; a long session must not make it grow for ever

Load = Callable[[Path], SavedModel]
WarmUp = Callable[[SavedModel, bool], None]


class State(IntEnum):
    """The public states of a version (tensorflow_serving/apis/get_model_status.proto)."""

    UNKNOWN = 0
    START = 10
    LOADING = 20
    AVAILABLE = 30
    UNLOADING = 40
    END = 50


@dataclass(frozen=True)
class VersionStatus:
    """What became of a version."""

    version: int
    state: State
    code: Code = Code.OK
    message: str = ""


class Servable:
    """A version that takes requests: a loaded model and the number of requests under way in it."""

    def __init__(self, version: int, model: SavedModel) -> None:
        self.version = version
        self.model = model
        self.under_way = 0
        self.retired = False


class ModelManager:
    """Serves the versions under one base path. `start` follows it on a thread; `poll` looks once."""

    def __init__(
        self,
        name: str,
        base_path: Path,
        policy: Policy,
        load: Load,
        warm_up: WarmUp,
        *,
        poll_seconds: float = 1.0,
        keep_standby: bool = True,
    ) -> None:
        self.name = name
        self.base_path = base_path
        self.policy = policy
        self._load = load
        self._warm_up = warm_up
        self._poll_seconds = poll_seconds
        self._keep_standby = keep_standby
        self._changed = threading.Condition()  # guards everything below
        self._ready: dict[int, Servable] = {}
        self._statuses: dict[int, VersionStatus] = {}
        # Version → what its folder looked like when it failed.
        self._failed: dict[int, frozenset[tuple[str, int, int]]] = {}
        self._standby: SavedModel | None = None
        self._complaint = ""  # the last thing said about the base path, so that it is said once
        self._asked, self._done = 1, 0  # looks asked for by a setting, and looks done
        self._stopping = False
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Looks at once, then every `poll_seconds`: 0 looks only once, a negative number never."""
        if self._poll_seconds >= 0:
            self._thread = threading.Thread(target=self._follow, name=f"versions of {self.name}", daemon=True)
            self._thread.start()
        else:
            self._done = self._asked

    def stop(self) -> None:
        """Takes no more requests, waits for those under way, and lets every version go."""
        with self._changed:
            self._stopping = True
        self._wake.set()
        if self._thread:
            self._thread.join()
        with self._changed:
            versions = list(self._ready)
        for version in versions:
            self._unload(version)
        with self._changed:
            self._changed.wait_for(lambda: not self._unloading(), timeout=30)
            standby, self._standby = self._standby, None
        if standby:
            standby.close()

    def set_policy(self, base_path: Path, policy: Policy) -> None:
        """Serves other versions, or those of another folder, from the next look on."""
        with self._changed:
            self.base_path, self.policy = base_path, policy
            self._failed.clear()
            self._asked += self._thread is not None
        self._wake.set()

    @contextmanager
    def lease(self, version: int | None = None) -> Iterator[Servable]:
        """A version to run a request in, held for as long as the request takes: the newest, or that one."""
        with self._changed:
            servable = None
            if not self._stopping:
                servable = self._ready.get(max(self._ready, default=-1) if version is None else version)
            if servable is None:
                which = f"Latest({self.name})" if version is None else f"Specific({self.name}, {version})"
                raise StatusError(Code.NOT_FOUND, f"Servable not found for request: {which}")
            servable.under_way += 1
        try:
            yield servable
        finally:
            with self._changed:
                servable.under_way -= 1
                last = servable.retired and servable.under_way == 0
            if last:
                self._let_go(servable)

    def is_ready(self, version: int) -> bool:
        with self._changed:
            return version in self._ready

    def statuses(self) -> list[VersionStatus]:
        """Every version seen, newest first; those that ended stay with their error."""
        with self._changed:
            return [self._statuses[v] for v in sorted(self._statuses, reverse=True)]

    def wait_until_polled(self, timeout: float | None = None) -> bool:
        """Waits until the base path was looked at once and what it held was loaded or has failed."""
        with self._changed:
            return self._changed.wait_for(lambda: self._done >= self._asked or self._stopping, timeout)

    def poll(self) -> None:
        """One look: load what is new, let go what is no longer wanted, have a standby ready."""
        with self._changed:
            asked = self._asked
        found = self._look()
        if found is not None:
            wanted = aspired_versions(found, self.policy)
            for version, folder in wanted.items():
                if not self.is_ready(version) and self._may_try(version, folder):
                    self._bring_up(version, folder)
            with self._changed:
                ready = set(self._ready)
                for version in set(self._failed) - set(wanted):
                    del self._failed[version]
            # Availability before tidiness: the old version stays until a wanted one has taken over.
            if not wanted or ready & set(wanted):
                for version in sorted(ready - set(wanted)):
                    self._unload(version)
        with self._changed:
            self._done = asked
            self._changed.notify_all()
        self._prepare_standby()

    def _follow(self) -> None:
        while not self._stopping:
            self.poll()
            self._wake.wait(self._poll_seconds or None)
            self._wake.clear()

    def _look(self) -> dict[int, Path] | None:
        complaint = ""
        found = None
        try:
            found = find_versions(self.base_path)
        except OSError as error:
            complaint = (
                f"Could not find base path {self.base_path} for servable {self.name} ({error.strerror}); "
                "what is loaded stays served"
            )
        if found == {}:
            complaint = (
                f"No versions of servable {self.name} found under base path {self.base_path}. "
                "Did you forget to name your leaf directory as a number (eg. '/1/')?"
            )
        if complaint and complaint != self._complaint:
            log.warning(complaint)
        self._complaint = complaint
        return found

    def _may_try(self, version: int, folder: Path) -> bool:
        with self._changed:
            failed = self._failed.get(version)
        return failed is None or failed != fingerprint(folder)

    def _bring_up(self, version: int, folder: Path) -> None:
        self._set(version, State.START)
        before = fingerprint(folder)
        started = time.perf_counter()
        self._set(version, State.LOADING)
        try:
            model, how = self._load_or_restore(folder)
        except StatusError as error:
            log.error("Loading servable: {name: %s version: %d} failed: %s", self.name, version, error.message)
            with self._changed:
                self._failed[version] = before
            self._set(version, State.END, error)
            return
        with self._changed:
            self._failed.pop(version, None)
            self._ready[version] = Servable(version, model)
        self._set(version, State.AVAILABLE)
        took = (time.perf_counter() - started) * 1000
        log.info("Successfully loaded servable version {name: %s version: %d} (%s, %.0f ms)",
                 self.name, version, how, took)  # fmt: skip

    def _load_or_restore(self, folder: Path) -> tuple[SavedModel, str]:
        digest = graph_digest(folder)
        with self._changed:
            standby = self._standby
            if standby and standby.digest == digest:
                self._standby = None
            else:
                standby = None
        if standby:
            try:
                if standby.restore(folder):
                    self._warm_up(standby, True)
                    return standby, "variables only"
            except StatusError:
                with self._changed:
                    # Its weights are undefined now; the next restore defines them before anyone sees them.
                    self._standby = standby
                raise
        model = self._load(folder)
        try:
            self._warm_up(model, False)
        except StatusError:
            model.close()
            raise
        return model, "graph and variables"

    def _prepare_standby(self) -> None:
        """Loads the graph served a second time, unless a standby for it is there or on its way."""
        if not self._keep_standby or self._stopping:
            return
        with self._changed:
            newest = self._ready.get(max(self._ready, default=-1))
            if newest is None or self._unloading():
                return
            standby = self._standby
            if standby and standby.digest == newest.model.digest:
                return
            self._standby = None
        if standby:
            standby.close()
        try:
            fresh = self._load(newest.model.folder)
            if not fresh.restore(newest.model.folder):
                self._keep_standby = False  # this kind of model cannot change its weights
                fresh.close()
                return
            self._warm_up(fresh, False)
        except StatusError as error:
            # The folder may be gone by now; the next version will do.
            log.debug("no standby for %s: %s", self.name, error.message)
            return
        with self._changed:
            self._standby = fresh

    def _unload(self, version: int) -> None:
        with self._changed:
            servable = self._ready.pop(version)
            servable.retired = True
            idle = servable.under_way == 0
            self._set(version, State.UNLOADING)
        if idle:
            self._let_go(servable)

    def _let_go(self, servable: Servable) -> None:
        with self._changed:
            useful = any(s.model.digest == servable.model.digest for s in self._ready.values())
            keep = self._keep_standby and useful and self._standby is None and not self._stopping
            if keep:
                self._standby = servable.model
        if not keep:
            servable.model.close()
        log.info("Unloaded servable version {name: %s version: %d}", self.name, servable.version)
        self._set(servable.version, State.END)

    def _unloading(self) -> bool:
        return any(s.state is State.UNLOADING for s in self._statuses.values())

    def _set(self, version: int, state: State, error: StatusError | None = None) -> None:
        with self._changed:
            status = VersionStatus(version, state)
            if error:
                status = replace(status, code=error.code, message=error.message)
            self._statuses[version] = status
            ended = sorted(v for v, s in self._statuses.items() if s.state is State.END)
            for old in ended[:-_ENDED_KEPT]:
                del self._statuses[old]
            self._changed.notify_all()
