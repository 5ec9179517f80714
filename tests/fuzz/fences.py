"""Memory with fences: where compiled code leaves an array, the process stops.

Arrays of compiled code (arguments, results and what it allocates) end at a page that
cannot be touched, and become such pages when they are freed. All fresh memory holds
NaN; whether that has changed beside an array (alignment leaves a few bytes between some
arrays and their fences) is looked at in the end. The generated code is the one that
users run, but for its small arrays, which are not on the stack.
"""

from __future__ import annotations

import ctypes
import mmap
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any
from unittest import mock

import numpy as np

from wengert._backend import cache, call, pool, runtime

_PAGE = mmap.PAGESIZE
_NO_ACCESS, _READ_AND_WRITE = 0, 3
_PRIVATE_ANONYMOUS = 0x22  # on Linux
_BEFORE, _OVERHEAD, _ALIGNMENT = 64, 192, 64  # as in `wengert._backend.helpers`
_NAN = b"\xff"
_KEPT = 256  # blocks that have been freed and still trap
_CALLED: list[Any] = []  # compiled functions call these as long as they live


class Fences:
    """Blocks of memory, each of which ends at a page without access."""

    def __init__(self) -> None:
        self.damaged = 0  # blocks beside which something was written
        self.used = 0
        self._blocks: dict[int, tuple[int, int, int, int]] = {}
        self._freed: deque[tuple[int, int]] = deque()
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._libc.mmap.restype = ctypes.c_void_p
        self._libc.mmap.argtypes = [
            *(ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int),
            *(ctypes.c_int, ctypes.c_long),
        ]
        self._libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
        self._libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]

    def block(self, size: int, alignment: int, before: int = 0) -> int:
        """The address of a block, with room before it that is the caller's."""
        taken = -(-size // alignment) * alignment
        pages = -(-(taken + before) // _PAGE) * _PAGE
        start = self._libc.mmap(
            None, pages + _PAGE, _READ_AND_WRITE, _PRIVATE_ANONYMOUS, -1, 0
        )
        fence = start + pages
        assert self._libc.mprotect(fence, _PAGE, _NO_ACCESS) == 0
        address = fence - taken
        ctypes.memset(start, _NAN[0], pages)
        self._blocks[address] = start, address - before, address + size, fence
        self.used += 1
        return address

    def free(self, address: int) -> None:
        start, first, end, fence = self._blocks.pop(address)
        beside = ctypes.string_at(start, first - start)
        beside += ctypes.string_at(end, fence - end)
        self.damaged += beside != _NAN * len(beside)
        assert self._libc.mprotect(start, fence - start, _NO_ACCESS) == 0
        self._freed.append((start, fence + _PAGE - start))
        if len(self._freed) > _KEPT:
            self._libc.munmap(*self._freed.popleft())

    def array(self, shape: Any, dtype: np.dtype) -> np.ndarray:
        size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
        if size == 0:
            return np.empty(shape, dtype)
        address = self.block(size, dtype.itemsize)
        buffer = (ctypes.c_char * size).from_address(address)
        weakref.finalize(buffer, self.free, address)
        return np.frombuffer(buffer, dtype).reshape(shape)

    def copy(self, x: Any) -> Any:
        if type(x) is not np.ndarray:
            return x
        out = self.array(x.shape, x.dtype)
        out[...] = x
        return out

    def malloc(self, total: int) -> int:
        """For the allocator of compiled code, which aligns what it gets."""
        return self.block(total - _OVERHEAD, _ALIGNMENT, _BEFORE) - _BEFORE

    def calloc(self, count: int, size: int) -> int:
        raw = self.malloc(count * size)
        ctypes.memset(raw + _BEFORE, 0, count * size - _OVERHEAD)
        return raw

    def free_raw(self, raw: int) -> None:
        self.free(raw + _BEFORE)


@contextmanager
def fenced() -> Iterator[Fences]:
    """Compile programs anew, and run them in memory with fences."""
    fences = Fences()
    malloc = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_size_t)(fences.malloc)
    sizes = [ctypes.c_size_t] * 2
    calloc = ctypes.CFUNCTYPE(ctypes.c_void_p, *sizes)(fences.calloc)
    free = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(fences.free_raw)
    found, run = runtime._c_function, call.Compiled._run
    own = {"malloc": malloc, "calloc": calloc, "free": free}
    _CALLED.append(own)

    def function(name: str) -> Any:
        if name not in own:
            return found(name)
        return ctypes.cast(own[name], ctypes.c_void_p).value

    def allocate(result: Any, values: list[Any]) -> np.ndarray:
        shape = [
            values[n] if at else n
            for n, at in zip(result.shape, result.positions, strict=True)
        ]
        return fences.array(shape, result.dtype)

    def fenced_run(compiled: Any, arguments: Any) -> Any:
        return run(compiled, tuple(map(fences.copy, arguments)))

    on_heap: Callable[..., Any] = partial(call.translate, stack_bytes=-1)
    with (
        mock.patch.dict("os.environ", WENGERT_CACHE="0"),
        mock.patch.object(runtime, "_c_function", function),
        mock.patch.object(pool, "ADDRESS", 0),
        mock.patch.object(call._Result, "allocate", allocate),
        mock.patch.object(call.Compiled, "_run", fenced_run),
        mock.patch.object(cache, "translate", on_heap),
    ):
        yield fences
