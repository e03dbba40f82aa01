"""Encoded images in memory, the least recently used ones dropped first, bounded by their bytes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable


class ByteCache:
    """Bytes by key, at most `capacity` bytes of them. Safe to use from several threads."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self._held: OrderedDict[str, bytes] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()

    def get(self, key: str, load: Callable[[], bytes]) -> bytes:
        """The bytes under `key`, from `load` where they are not held. What is larger than the cache is not
        kept.
        """
        with self._lock:
            if key in self._held:
                self._held.move_to_end(key)
                return self._held[key]
        loaded = load()
        with self._lock:
            if key not in self._held and len(loaded) <= self.capacity:
                self._held[key] = loaded
                self._size += len(loaded)
                while self._size > self.capacity:
                    _, dropped = self._held.popitem(last=False)
                    self._size -= len(dropped)
        return loaded

    @property
    def size(self) -> int:
        """Bytes held."""
        return self._size

    def __contains__(self, key: object) -> bool:
        return key in self._held

    def __len__(self) -> int:
        return len(self._held)
