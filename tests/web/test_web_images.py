"""The cache of upright images."""

import pytest
from PIL import Image

from teachbox.errors import DataError
from teachbox.web.images import ImageCache, read_image


def test_the_least_used_is_dropped(images):
    paths = images(3)
    size = max(path.stat().st_size for path in paths)
    cache = ImageCache(max_bytes=2 * size)
    first = cache.get(0, str(paths[0]))
    cache.get(1, str(paths[1]))
    assert cache.get(0, str(paths[0])) is first
    cache.get(2, str(paths[2]))
    paths[0].unlink()
    paths[1].unlink()
    assert cache.get(0, "no longer needed") is first
    with pytest.raises(DataError, match="No such file"):
        cache.get(1, str(paths[1]))


def test_an_image_larger_than_the_cache_is_still_given(images):
    (path,) = images(1)
    cache = ImageCache(max_bytes=1)
    assert cache.get(0, str(path)).width == 16
    assert cache.get(0, str(path)).encoded == path.read_bytes()


def test_what_cannot_be_read(tmp_path):
    Image.new("RGB", (2, 2)).save(tmp_path / "x.gif")
    for path, says in (
        (str(tmp_path), "Is a directory"),
        (str(tmp_path / "gone.png"), "No such file"),
        ("nothing://bucket/x.png", "cannot be read"),
        ("\0", "cannot be read"),
    ):
        with pytest.raises(DataError, match=says):
            read_image(path)
    with pytest.raises(DataError, match="not a JPEG, PNG, WebP or BMP image"):
        ImageCache().get(1, str(tmp_path / "x.gif"))
