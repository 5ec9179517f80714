"""The run-time table: what generated code calls, an array of pointers."""

from __future__ import annotations

import ctypes
import sys
from contextlib import nullcontext
from functools import cache
from typing import Any

import numpy as np

from wengert._backend import pool
from wengert._backend.emitter import HOST_DONE, RAISED, TABLE
from wengert._backend.libraries import address
from wengert._backend.sites import HostSite
from wengert._ir.control import Effect
from wengert._ir.program import Var, substitute

HOST = ctypes.CFUNCTYPE(
    ctypes.c_int32, ctypes.c_void_p, ctypes.c_int64, ctypes.c_void_p
)


@cache
def _c_function(name: str) -> int:
    library = ctypes.pythonapi if name.startswith("Py") else ctypes.CDLL(None)
    address = ctypes.cast(getattr(library, name), ctypes.c_void_p).value
    assert address is not None
    return address


class Runtime:
    """The table of one compiled program, and the exceptions of its calls under way."""

    def __init__(self, sites: list[HostSite], entries: list[str]) -> None:
        self.errors: dict[int, BaseException] = {}  # by the address of the frame
        self._sites = sites
        self._callback = HOST(self._host)
        known = {
            "malloc": _c_function("malloc"),
            "calloc": _c_function("calloc"),
            "free": _c_function("free"),
            "lock": _c_function("PyGILState_Ensure"),
            "check_signals": _c_function("PyErr_CheckSignals"),
            "fetch": _c_function("PyErr_Fetch"),
            "unlock": _c_function("PyGILState_Release"),
            "host": ctypes.cast(self._callback, ctypes.c_void_p).value,
            # Elsewhere the system chooses the size of pages by itself.
            "advise": _c_function("madvise") if sys.platform == "linux" else 0,
            "pool": pool.ADDRESS,
        }
        first = [known[name] for name in TABLE]
        self.table = np.array([*first, *map(address, entries)], np.uintp)

    def _host(self, frame: int, number: int, words: int) -> int:
        """Run Python for native code; an exception is kept until that has returned."""
        try:
            evaluate(self._sites[number], words)
        except BaseException as error:
            place = self._sites[number].equation.site
            if place is not None:
                error.add_note(f"  at {place}, in compiled code")
            self.errors[frame] = error
            return RAISED
        return HOST_DONE


def raise_fetched(words: list[int]) -> None:
    """Raise the exception that the poll has kept: type, value and traceback."""
    restore = ctypes.pythonapi.PyErr_Restore
    restore.argtypes, restore.restype = [ctypes.c_void_p] * 3, None
    restore(*words)


class _Words:
    """Reads the words that describe operands and results."""

    def __init__(self, address: int) -> None:
        self._next = address

    def word(self) -> int:
        value = ctypes.c_int64.from_address(self._next).value
        self._next += 8
        return value

    def array(self, type_: Any) -> np.ndarray:
        address = self.word()
        shape = tuple(self.word() for _ in type_.shape)
        return memory(address, shape, type_.dtype)


def memory(address: int, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """A view of native memory, in C order."""
    size = int(np.prod(shape)) * dtype.itemsize
    if size == 0:
        return np.empty(shape, dtype)
    buffer: Any = (ctypes.c_char * size).from_address(address)
    return np.frombuffer(buffer, dtype).reshape(shape)


def evaluate(site: HostSite, address: int) -> None:
    """Evaluate an equation by NumPy, and write its results to their memory."""
    equation = site.equation
    words = _Words(address)
    operands = [_operand(words.array(a.type)) for a in equation.inputs]
    numbers: dict[Var, int] = {v: words.word() for v in site.variables}
    params = {k: substitute(v, numbers.__getitem__) for k, v in equation.params.items()}
    is_users = isinstance(equation.op, Effect)
    with nullcontext() if is_users else np.errstate(all="ignore"):
        value = equation.op.evaluate(*operands, **params)
    for var, result in zip(
        equation.outputs, value if equation.op.multiple else [value], strict=True
    ):
        target = words.array(var.type)
        if np.shape(result) != target.shape:
            raise ValueError(
                f"{equation.op.name} gave an array of shape {np.shape(result)}, "
                f"declared {target.shape}"
            )
        target[...] = result


def _operand(view: np.ndarray) -> Any:
    """An operand that nothing can write to; a NumPy scalar of shape ()."""
    view.flags.writeable = False
    return view[()] if view.shape == () else view
