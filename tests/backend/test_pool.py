"""Large blocks that compiled code keeps between calls."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert._backend import pool, runtime

_LARGE = 1 << pool.SMALLEST


class Asked:
    """What compiled code asks of the C library; `failing`: how often it gets none."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.freed = self.failing = 0
        library = ctypes.CDLL(None)
        library.malloc.restype = library.calloc.restype = ctypes.c_void_p
        library.malloc.argtypes = [ctypes.c_size_t]
        library.calloc.argtypes = [ctypes.c_size_t] * 2
        library.free.argtypes = [ctypes.c_void_p]

        def malloc(size: int) -> int | None:
            return self._got(size, lambda: library.malloc(size))

        def calloc(count: int, size: int) -> int | None:
            return self._got(count * size, lambda: library.calloc(count, size))

        def free(raw: int) -> None:
            self.freed += 1
            library.free(raw)

        sized, pair = [ctypes.c_size_t], [ctypes.c_size_t] * 2
        self.functions = {
            "malloc": ctypes.CFUNCTYPE(ctypes.c_void_p, *sized)(malloc),
            "calloc": ctypes.CFUNCTYPE(ctypes.c_void_p, *pair)(calloc),
            "free": ctypes.CFUNCTYPE(None, ctypes.c_void_p)(free),
        }

    def _got(self, size: int, get: Any) -> int | None:
        if size > _LARGE and self.failing:
            self.failing -= 1
            return None
        self.sizes.append(size)
        return get()

    @property
    def large(self) -> int:
        return sum(size > _LARGE for size in self.sizes)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[Asked]:
    """Counts for the programs compiled in a test, whose pool begins empty."""
    own, found = Asked(), runtime._c_function
    fresh = np.zeros_like(pool.POOL)

    def function(name: str) -> int:
        if name not in own.functions:
            return found(name)
        address = ctypes.cast(own.functions[name], ctypes.c_void_p).value
        assert address is not None
        return address

    monkeypatch.setenv("WENGERT_CACHE", "0")
    monkeypatch.setattr(runtime, "_c_function", function)
    monkeypatch.setattr(pool, "POOL", fresh)
    monkeypatch.setattr(pool, "ADDRESS", fresh.ctypes.data)
    yield own
    for raw in fresh[1:][fresh[1:] != 0]:
        own.functions["free"](int(raw))


def chain(x: Any) -> Any:
    """Needs several blocks: a product for BLAS, what is sorted, zeros written to."""
    y = np.zeros_like(x)
    y[::2] = np.sort(x @ x, axis=0)[::2]
    return np.sum(np.cumsum(y, axis=1))


X = np.random.default_rng(0).normal(size=(120, 120))  # 115 200 bytes


def test_a_second_call_asks_for_no_large_block(asked: Asked) -> None:
    compiled = wg.jit(wg.value_and_grad(chain))
    first = compiled(X)
    before = asked.large
    assert before >= 3 and asked.freed < len(asked.sizes)
    second = compiled(X)
    assert asked.large == before
    np.testing.assert_array_equal(first[0], second[0])
    np.testing.assert_array_equal(first[1], second[1])
    np.testing.assert_allclose(first[0], chain(X), rtol=1e-12)


def test_kept_blocks_are_zeros_where_zeros_are_asked(asked: Asked) -> None:
    @wg.jit
    def f(x: Any) -> Any:
        y = np.zeros((200, 200))
        y[3] = x
        return y @ np.ones(200)

    for scale in (1.0, 2.0):
        x = np.full(200, scale)
        expected = np.zeros(200)
        expected[3] = 200 * scale
        np.testing.assert_array_equal(f(x), expected)


def test_other_sizes_reuse_what_their_class_has(asked: Asked) -> None:
    compiled = wg.jit(chain)
    for n in (120, 121, 119, 123):  # one class: 112 to 128 KB
        x = X[:1, :1] * np.ones((n, n))
        np.testing.assert_allclose(compiled(x), chain(x), rtol=1e-12)
    assert max(asked.sizes) == 1 << 17
    before = asked.large
    compiled(np.ones((118, 118)))
    assert asked.large == before


def test_bytes_kept_are_counted_and_have_a_limit(asked: Asked) -> None:
    compiled = wg.jit(chain)
    compiled(X)
    kept = pool.POOL[1:][pool.POOL[1:] != 0]
    assert len(set(kept.tolist())) == len(kept) > 0
    assert pool.POOL[0] == len(kept) << 17
    pool.POOL[0] += pool.LIMIT  # as if others kept all that may be
    compiled(X)
    assert pool.POOL[0] - pool.LIMIT < len(kept) << 17
    pool.POOL[0] -= pool.LIMIT


def test_blocks_beyond_the_largest_class_are_the_systems(asked: Asked) -> None:
    largest = 1 << (pool.SMALLEST + pool.OCTAVES)

    @wg.jit
    def f(n: int) -> Any:
        y = np.zeros(n, np.uint8)
        y[n // 2] = 7
        return np.max(y)

    assert f(largest) == 7 and f(largest) == 7
    assert sum(size > largest for size in asked.sizes) == 2
    assert pool.POOL[0] == 0


def test_where_memory_ends_what_is_kept_is_given_back(asked: Asked) -> None:
    compiled = wg.jit(chain)
    compiled(X)
    kept = int(np.count_nonzero(pool.POOL[1:]))
    before, asked.failing = asked.freed, 1
    x = np.ones((300, 300))
    np.testing.assert_allclose(compiled(x), chain(x))
    assert asked.failing == 0 and asked.freed >= before + kept

    asked.failing = 2
    with pytest.raises(MemoryError):
        wg.jit(lambda x: np.sum(np.sort(x @ x, axis=0)))(np.ones((700, 700)))
    np.testing.assert_allclose(compiled(X), chain(X))


def test_threads_share_the_pool(asked: Asked) -> None:
    compiled = wg.jit(wg.grad(chain))
    inputs = [X * scale for scale in np.linspace(0.5, 2.0, 8)]
    expected = [compiled(x) for x in inputs]
    with ThreadPoolExecutor(8) as threads:
        for _ in range(20):
            for found, each in zip(
                threads.map(compiled, inputs), expected, strict=True
            ):
                np.testing.assert_array_equal(found, each)
    kept = pool.POOL[1:][pool.POOL[1:] != 0]
    assert len(set(kept.tolist())) == len(kept)
    assert pool.POOL[0] == len(kept) << 17
