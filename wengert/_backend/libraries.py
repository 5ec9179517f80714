"""Functions of other libraries for generated code: SciPy's and NumPy's, by name.

``linalg:name`` is a routine of BLAS or LAPACK, ``special:name`` a special function, as
SciPy exports them to Cython; ``sort:kind:char`` and ``argsort:kind:char`` are NumPy's
own for a dtype. None of them needs the lock of the interpreter.
"""

from __future__ import annotations

import ctypes
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np

_MODULES = {
    "linalg": ("scipy.linalg.cython_blas", "scipy.linalg.cython_lapack"),
    "special": ("scipy.special.cython_special",),
}
_SORTS = {"sort": 0, "argsort": 3}
KINDS = {None: 0, "quicksort": 0, "heapsort": 1, "mergesort": 2, "stable": 2}
# Of NumPy's C interface: the function that gives a dtype's functions, and where in
# these `sort` stands (ndarraytypes.h: behind 21 casts and 12 others).
_FUNCTIONS_OF, _FIRST_SORT = 365, 33


@cache
def address(entry: str) -> int:
    """The address of a function."""
    module, name = entry.split(":", 1)
    if module in _SORTS:
        kind, char = name.split(":")
        return _sort(module, int(kind), char)
    exported = (import_module(m).__pyx_capi__ for m in _MODULES[module])
    return _pointer(next(found[name] for found in exported if name in found))


def can_sort(function: str, kind: str | None, dtype: np.dtype) -> bool:
    """Whether NumPy has such a function of the dtype."""
    if kind not in KINDS or dtype.isbuiltin != 1:
        return False
    return bool(_sort(function, KINDS[kind], dtype.char))


def _pointer(capsule: Any) -> int:
    name_of = ctypes.pythonapi.PyCapsule_GetName
    name_of.restype, name_of.argtypes = ctypes.c_char_p, [ctypes.py_object]
    pointer = ctypes.pythonapi.PyCapsule_GetPointer
    pointer.restype = ctypes.c_void_p
    pointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
    return int(pointer(capsule, name_of(capsule)))


@cache
def _sort(function: str, kind: int, char: str) -> int:
    """``int sort(void *, intp n, void *)``; ``argsort`` takes the positions second."""
    capsule = import_module("numpy._core._multiarray_umath")._ARRAY_API
    functions_of = _word(_pointer(capsule), _FUNCTIONS_OF)
    signature = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object)
    functions = signature(functions_of)(np.dtype(char))
    return _word(functions, _FIRST_SORT + _SORTS[function] + kind)


def _word(block: int, number: int) -> int:
    """An address in a block of them; 0 for none."""
    return ctypes.c_void_p.from_address(block + 8 * number).value or 0
