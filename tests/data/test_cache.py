"""Encoded images in memory."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from teachbox.data.cache import ByteCache


def test_the_least_recently_used_goes_first() -> None:
    cache = ByteCache(10)
    for key in ("a", "b"):
        cache.get(key, lambda: b"12345")
    assert cache.get("a", lambda: b"other") == b"12345"
    cache.get("c", lambda: b"1")
    assert ("a" in cache, "b" in cache, "c" in cache) == (True, False, True)
    assert cache.size == 6


def test_what_is_larger_than_the_cache_is_given_and_not_kept() -> None:
    cache = ByteCache(3)
    assert cache.get("a", lambda: b"1234") == b"1234"
    assert len(cache) == 0


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 12)), max_size=40), st.integers(0, 20))
def test_bounded_whatever_is_asked(asked: list[tuple[str, int]], capacity: int) -> None:
    cache = ByteCache(capacity)
    sizes: dict[str, int] = {}
    for key, drawn in asked:
        size = sizes.setdefault(key, drawn)
        assert cache.get(key, lambda size=size: bytes(size)) == bytes(size)  # type: ignore[misc]
        assert cache.size <= capacity
    assert cache.size == sum(sizes[key] for key in sizes if key in cache)
