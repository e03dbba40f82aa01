"""Images of tasks: read from where the task says, turned upright, kept for a while."""

from __future__ import annotations

import threading
from collections import OrderedDict

from teachbox.images import UprightImage, thumbnail, upright

CACHE_BYTES = 64 * 2**20
THUMBNAILS = 2000


def read_image(path: str) -> bytes:
    """The bytes of a local file or of an address. Raises `DataError`."""
    # Imported here: what opens addresses costs start-up time, and the page is to be there before the first image.
    from teachbox.data.sources import read_bytes

    return read_bytes(path)


class ImageCache:
    """Upright images by input hash, the least used dropped beyond `max_bytes`. Safe to use from several threads."""

    def __init__(self, max_bytes: int = CACHE_BYTES) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._images: OrderedDict[int, UprightImage] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, input_hash: int, path: str) -> UprightImage:
        """The image, read from `path` unless it is still here. Raises `DataError`."""
        with self._lock:
            image = self._images.get(input_hash)
            if image is not None:
                self._images.move_to_end(input_hash)
                return image
        return self.put(input_hash, upright(read_image(path), where=path))

    def put(self, input_hash: int, image: UprightImage) -> UprightImage:
        """Keep `image`, and return it."""
        with self._lock:
            old = self._images.pop(input_hash, None)
            self._bytes += len(image.encoded) - (len(old.encoded) if old else 0)
            self._images[input_hash] = image
            while self._bytes > self._max_bytes and len(self._images) > 1:
                _, dropped = self._images.popitem(last=False)
                self._bytes -= len(dropped.encoded)
        return image


class Thumbnails:
    """Small JPEGs by input hash, the least used dropped beyond `most`. Safe to use from several threads."""

    def __init__(self, most: int = THUMBNAILS) -> None:
        self._most = most
        self._made: OrderedDict[tuple[int, int], bytes] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, input_hash: int, path: str, side: int) -> bytes:
        """The image at `path`, no side longer than `side` pixels. Raises `DataError`."""
        key = input_hash, side
        with self._lock:
            if key in self._made:
                self._made.move_to_end(key)
                return self._made[key]
        made = thumbnail(read_image(path), side, where=path)
        with self._lock:
            self._made[key] = made
            while len(self._made) > self._most:
                self._made.popitem(last=False)
        return made
